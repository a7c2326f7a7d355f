"""Who asks: a person, a person's program, or the machine's own administrator; and what they may do where."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from coordinator.model.roles import Act

_EVERYTHING = frozenset(Act)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks. `by` stands in the records; `person` is the account's name, empty where there is none.

    `role` is their highest, for the trail. `acts` says what they may do in which cluster; `everywhere` is true for
    the machine's administrator. One that is `confined` must set up a second factor first, and reaches the own account
    only; `due` is since or until when.
    """

    by: str = ""
    via: Via = Via.NOTHING
    person: str = ""
    role: str = ""
    session: str = ""
    csrf: str = ""
    acts: Mapping[str, frozenset[Act]] = field(default_factory=dict[str, frozenset[Act]])
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

    def may(self, act: Act, *clusters: str) -> bool:
        """Whether they may do this in one of `clusters`, or, without any, in some cluster."""
        if act is Act.LOCAL:
            return self.via is Via.KEY
        if act is Act.SELF:
            return self.via in (Via.SESSION, Via.LINK)
        if self.everywhere:
            return act in _EVERYTHING
        where = clusters or tuple(self.acts)
        return any(act in self.acts.get(cluster, ()) for cluster in where)

    def within(self, act: Act) -> frozenset[str] | None:
        """The clusters in which they may do this; None for all of them."""
        if self.everywhere:
            return None
        return frozenset(cluster for cluster, acts in self.acts.items() if act in acts)

    def sees(self, clusters: Iterable[str]) -> bool:
        """Whether something that belongs to one of these clusters is theirs to see."""
        return self.everywhere or any(Act.LOOK in self.acts.get(cluster, ()) for cluster in clusters)


NOBODY = Asker()
