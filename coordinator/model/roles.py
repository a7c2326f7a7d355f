"""Who may do what: one table, from a person's role to permissions. Whatever stands in no row is refused."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

HOME = "home"
"""The cluster that is there from the start; hospitals and agents belong to it unless somebody says otherwise."""


class Permission(StrEnum):
    """What a person or a program may be allowed to do. Each act and each route names one."""

    LOOK = "look"
    """See needs, lots, parcels and printers."""
    LEDGER = "ledger"
    """See whether the ledger adds up."""
    ADD = "add"
    """Take a hospital in, to be vetted."""
    APPROVE = "approve"
    """Vouch for a hospital."""
    FILE = "file"
    """Ask for parts."""
    WITHDRAW = "withdraw"
    """Withdraw a need."""
    RELEASE = "release"
    """Give out again what was held."""
    STEER = "steer"
    """Ask a printer's agent to stop, wait or go on, or say that its bed is clear."""
    INSPECT = "inspect"
    """Say how many units are good."""
    RULE = "rule"
    """Rule on a lot that nobody heard of again."""
    COLLECT = "collect"
    """Bring a lot to the hub."""
    PACK = "pack"
    """Put units into a parcel."""
    SEND = "send"
    """Hand a parcel over."""
    INVITE = "invite"
    """Let a maker's agent in."""
    REVOKE = "revoke"
    """Take an agent's access back."""
    PRIVACY = "privacy"
    """Hand out, or take away, all that is held of a maker or a hospital."""
    AUDIT_LOG = "audit-log"
    """See who did what."""
    PEOPLE = "people"
    """Take people in, give and take roles, reset and disable accounts."""
    SELF = "self"
    """Mind the own account: whoever has logged in."""
    LOCAL = "local"
    """What only the machine's own access key does."""
    ENTER = "enter"
    """Come in: whoever has a password, a code or a link."""
    HOSPITAL_LINK = "hospital-link"
    """Act for the hospital whose link somebody holds."""
    MAKER_LINK = "maker-link"
    """Act for the maker whose link somebody holds."""
    JOIN = "join"
    """Join, or stay, as an agent: by an invite or a certificate."""


class Role(StrEnum):
    """What somebody is in a cluster."""

    VIEWER = "viewer"
    INSPECTOR = "inspector"
    COURIER = "courier"
    COORDINATOR = "coordinator"
    ADMIN = "admin"


_LOOKS = frozenset({Permission.LOOK})
_COORDINATES = _LOOKS | {
    Permission.LEDGER,
    Permission.ADD,
    Permission.APPROVE,
    Permission.FILE,
    Permission.WITHDRAW,
    Permission.RELEASE,
    Permission.STEER,
    Permission.INSPECT,
    Permission.RULE,
    Permission.COLLECT,
    Permission.PACK,
    Permission.SEND,
    Permission.INVITE,
    Permission.REVOKE,
}

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _LOOKS,
    Role.INSPECTOR: _LOOKS | {Permission.INSPECT, Permission.COLLECT},
    Role.COURIER: _LOOKS | {Permission.COLLECT, Permission.PACK, Permission.SEND},
    Role.COORDINATOR: _COORDINATES,
    Role.ADMIN: _COORDINATES | {Permission.PRIVACY, Permission.AUDIT_LOG, Permission.PEOPLE},
}
"""What each role may do in its cluster. `SELF` comes with an account, `LOCAL` with the access key only."""


WHOLE = frozenset({Permission.LEDGER, Permission.AUDIT_LOG})
"""What shows something of every cluster: it takes the role in the first one."""


def permissions(roles: Iterable[tuple[str, Role]]) -> dict[str, frozenset[Permission]]:
    """What somebody with these (cluster, role) may do, by cluster: all that any of the roles may."""
    found: dict[str, frozenset[Permission]] = {}
    for cluster, role in roles:
        found[cluster] = found.get(cluster, frozenset()) | PERMISSIONS[role]
    return found
