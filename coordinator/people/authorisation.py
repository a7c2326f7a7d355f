"""Whether somebody may do something with the things that they name: by the clusters that those belong to."""

from collections.abc import Callable, Mapping

from coordinator.errors import Forbidden, Missing
from coordinator.model.roles import HOME, WHOLE, Permission
from coordinator.people import accounts
from coordinator.people.principal import Principal
from coordinator.store import people
from coordinator.store.engine import Tx

_CLUSTERS_OF: Mapping[str, Callable[[Tx, str], set[str]]] = {
    "hospital": people.clusters_of_hospital,
    "need": people.clusters_of_need,
    "attempt": people.clusters_of_attempt,
    "parcel": people.clusters_of_parcel,
    "agent": people.clusters_of_agent,
    "pickup": people.clusters_of_pickup,
}
"""Of each kind of thing that a path or an act may name: where it belongs."""


def may_at_all(principal: Principal, permission: Permission) -> None:
    """That they may do this with something, somewhere.

    Raises:
        Forbidden: nowhere.
    """
    if not principal.may(permission, *([HOME] if permission in WHOLE else [])):
        raise Forbidden(refusal(permission))


def may_with(tx: Tx, principal: Principal, permission: Permission, named: Mapping[str, object]) -> None:
    """That they may do this with what they name: `hospital`, `need`, `attempt`, `parcel`, `agent`, `pickup`.

    What does not exist is left to whoever looks for it.

    Raises:
        Forbidden: they may see it, and no more.
        Missing: they may not even know of it.
    """
    if principal.everywhere or permission in UNBOUND:
        return
    for kind, clusters_of in _CLUSTERS_OF.items():
        thing = named.get(kind)
        if not isinstance(thing, str) or not (clusters := clusters_of(tx, thing)):
            continue
        if not principal.sees(clusters):
            raise Missing(f"there is no {kind} {thing!r}")
        if not principal.may(permission, *clusters):
            raise Forbidden(refusal(permission))


def cluster_for(principal: Principal, permission: Permission, wanted: str | None) -> str:
    """The cluster in which somebody does something: the one that they name, else the one that they have, else home.

    Raises:
        Forbidden: they may not do that there.
        Invalid: this can't be a cluster's name.
    """
    own = principal.within(permission)
    if wanted is None:
        wanted = HOME if own is None or HOME in own else next(iter(sorted(own)), HOME)
    if not principal.may(permission, accounts.cluster_name(wanted)):
        raise Forbidden(refusal(permission))
    return wanted


def refusal(permission: Permission | None) -> str:
    """Why somebody is sent away."""
    if permission is Permission.LOCAL:
        return "only the access key of the coordinator's machine does this"
    if permission is Permission.SELF:
        return "this is for people who have logged in"
    return "your roles do not allow this: ask an admin of your cluster"


UNBOUND = frozenset(
    {
        Permission.SELF,
        Permission.LOCAL,
        Permission.ENTER,
        Permission.HOSPITAL_LINK,
        Permission.MAKER_LINK,
        Permission.JOIN,
    }
)
"""What no role gives: it comes with an account, a key, a link or an invite, and that says with what, too."""
