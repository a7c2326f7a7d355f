"""Who asks: a person, a person's program, or the machine's own administrator; and what they may do where."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from coordinator.model.roles import Permission


class Via(StrEnum):
    """How somebody showed who they are."""

    NOTHING = "nothing"
    KEY = "key"
    """The access key of the coordinator's machine: local administration, under a name that nobody checked."""
    LINK = "link"
    """A browser that a one-time link from there let in; the same."""
    SESSION = "session"
    """A person's browser."""
    TOKEN = "token"  # noqa: S105 - a word, no secret
    """A person's program."""
    HOSPITAL_LINK = "hospital-link"
    """Whoever holds a hospital's link; the act itself looks whose."""
    MAKER_LINK = "maker-link"
    """Whoever holds a maker's link, alike."""
    MACHINE = "machine"
    """An agent, which shows an invite or its certificate."""


_EVERYTHING = frozenset(Permission)
_BY_WAY = {
    Permission.HOSPITAL_LINK: Via.HOSPITAL_LINK,
    Permission.MAKER_LINK: Via.MAKER_LINK,
    Permission.JOIN: Via.MACHINE,
}
"""What comes with a way of showing who one is, and with no role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks. `name` stands in the records; `person` is the account's name, empty where there is none.

    `role` is their highest, for the audit log. `permissions` says what they may do in which cluster; `everywhere`
    is true for the machine's administrator. One that is `confined` must set up a second factor first, and reaches the
    own account only; `due` is since or until when.
    """

    name: str = ""
    via: Via = Via.NOTHING
    person: str = ""
    role: str = ""
    session: str = ""
    csrf: str = ""
    permissions: Mapping[str, frozenset[Permission]] = field(default_factory=dict[str, frozenset[Permission]])
    everywhere: bool = False
    confined: bool = False
    due: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether they have shown who they are."""
        return self.via is not Via.NOTHING

    @property
    def is_local(self) -> bool:
        """Whether it is the machine's administrator, by the access key or a link made with it."""
        return self.via in (Via.KEY, Via.LINK)

    def may(self, permission: Permission, *clusters: str) -> bool:
        """Whether they may do this in one of `clusters`, or, without any, in some cluster."""
        if permission is Permission.LOCAL:
            return self.via is Via.KEY
        if permission is Permission.SELF:
            return self.via in (Via.SESSION, Via.LINK)
        if permission in _BY_WAY:
            return self.via is _BY_WAY[permission]
        if permission is Permission.ENTER:
            return True
        if self.everywhere:
            return permission in _EVERYTHING
        where = clusters or tuple(self.permissions)
        return any(permission in self.permissions.get(cluster, ()) for cluster in where)

    def within(self, permission: Permission) -> frozenset[str] | None:
        """The clusters in which they may do this; None for all of them."""
        if self.everywhere:
            return None
        return frozenset(
            cluster for cluster, permissions in self.permissions.items() if permission in permissions
        )

    def sees(self, clusters: Iterable[str]) -> bool:
        """Whether something that belongs to one of these clusters is theirs to see."""
        return self.everywhere or any(
            Permission.LOOK in self.permissions.get(cluster, ()) for cluster in clusters
        )


NOBODY = Principal()
HOSPITAL = Principal(via=Via.HOSPITAL_LINK)
"""Whoever holds a hospital's link."""
MAKER = Principal(via=Via.MAKER_LINK)
"""Whoever holds a maker's link."""
AGENT = Principal(via=Via.MACHINE)
"""Whoever shows an invite, or a certificate."""
