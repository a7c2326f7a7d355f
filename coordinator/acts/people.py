"""Who minds whom: what an admin may do with people's accounts, within the own clusters.

A role is given and taken by an admin of its cluster. What opens or shuts a whole account (a reset, disabling it) takes
an admin of every cluster that the person has a role in: else a small cluster's admin would hold the keys to a big one.
"""

from dataclasses import replace

from coordinator.acts.act import ActCall, act
from coordinator.acts.services import Services
from coordinator.errors import Conflict, Forbidden, Missing
from coordinator.model.roles import Permission, Role
from coordinator.people import accounts
from coordinator.people.accounts import PersonView
from coordinator.people.authorisation import cluster_for
from coordinator.people.principal import Principal
from coordinator.store.engine import Tx


@act("person.add", Permission.PEOPLE, on="person")
def add_person(
    call: ActCall[Services], *, name: str, shown: str, role: Role, cluster: str | None = None
) -> tuple[PersonView, str]:
    """Take somebody in; their view, and the code of the link by which they choose a password.

    Raises:
        Forbidden: not an admin there.
        Invalid, Conflict: a name that can't be, or is taken.
    """
    where = cluster_for(call.who, Permission.PEOPLE, cluster)
    person = accounts.add(call.tx, name=name, shown=shown, now=call.now)
    accounts.give(call.tx, person.name, where, role)
    code = accounts.welcome(call.tx, person.name, by=call.by, now=call.now)
    call.note(person.name, {"cluster": where, "role": role})
    return accounts.view(call.tx, person.name), code


@act("role.give", Permission.PEOPLE, on="person")
def give_role(call: ActCall[Services], person: str, role: Role, *, cluster: str | None = None) -> PersonView:
    """Give somebody a role in a cluster.

    Raises:
        Forbidden: not an admin there.
        Missing: no such person.
    """
    where = cluster_for(call.who, Permission.PEOPLE, cluster)
    accounts.give(call.tx, person, where, role)
    call.note(person, {"cluster": where, "role": role})
    return _shown(call.who, accounts.view(call.tx, person))


@act("role.take", Permission.PEOPLE, on="person")
def take_role(call: ActCall[Services], person: str, role: Role, *, cluster: str | None = None) -> PersonView:
    """Take a role in a cluster away from somebody, at once.

    Raises:
        Forbidden: not an admin there.
        Missing: they do not have it.
        Conflict: it is the own admin's role: somebody else must take it.
    """
    where = cluster_for(call.who, Permission.PEOPLE, cluster)
    if person == call.who.person and role is Role.ADMIN:
        raise Conflict("you can't take the admin's role from yourself: ask another admin")
    accounts.take(call.tx, person, where, role)
    call.note(person, {"cluster": where, "role": role})
    return _shown(call.who, accounts.view(call.tx, person))


@act("person.reset", Permission.PEOPLE, on="person")
def reset_person(call: ActCall[Services], person: str, *, second_factor: bool) -> tuple[PersonView, str]:
    """Shut somebody's account, and make a link to choose a new password by; errors as in `disable_person`."""
    _minds(call, person)
    code = accounts.reset(call.tx, person, by=call.by, now=call.now, second_factor=second_factor)
    call.note(person, {"second_factor": second_factor})
    return _shown(call.who, accounts.view(call.tx, person)), code


@act("person.disable", Permission.PEOPLE, on="person")
def disable_person(call: ActCall[Services], person: str) -> PersonView:
    """Shut somebody's account: they get in no more, by no way.

    Raises:
        Missing: nobody in the admin's clusters.
        Forbidden: they have roles in other clusters too.
        Conflict: it is the own account.
    """
    if person == call.who.person:
        raise Conflict("you can't disable your own account: ask another admin")
    _minds(call, person)
    accounts.disable(call.tx, person, now=call.now)
    return _shown(call.who, accounts.view(call.tx, person))


@act("person.enable", Permission.PEOPLE, on="person")
def enable_person(call: ActCall[Services], person: str) -> PersonView:
    """Let somebody log in again; errors as in `disable_person`."""
    _minds(call, person)
    accounts.enable(call.tx, person)
    return _shown(call.who, accounts.view(call.tx, person))


def everybody(tx: Tx, who: Principal) -> list[PersonView]:
    """Who has a role in one of the admin's clusters, by name; what they are elsewhere is left out."""
    return [seen for each in accounts.everybody(tx) if (seen := _seen(who, each)) is not None]


def _minds(call: ActCall[Services], person: str) -> None:
    known = accounts.view(call.tx, person)
    if _seen(call.who, known) is None:
        raise Missing(f"there is no person {person!r}")
    if not call.who.everywhere and not all(
        call.who.may(Permission.PEOPLE, each.cluster) for each in known.roles
    ):
        raise Forbidden(f"{person} has roles in other clusters: their admins, or the machine's, must do this")


def _seen(who: Principal, known: PersonView) -> PersonView | None:
    """A person as an admin may see them; None if they are nobody of theirs."""
    shown = _shown(who, known)
    return shown if who.everywhere or shown.roles else None


def _shown(who: Principal, known: PersonView) -> PersonView:
    """Without what they are in clusters that are not the admin's."""
    return replace(
        known,
        roles=[each for each in known.roles if who.everywhere or who.may(Permission.PEOPLE, each.cluster)],
    )
