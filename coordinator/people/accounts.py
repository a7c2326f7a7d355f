"""People's accounts: who is taken in, with which roles, and how passwords and second factors come about."""

import re
from dataclasses import dataclass, replace

import structlog

from coordinator import ids
from coordinator.errors import Conflict, Forbidden, Invalid, Missing, Unauthorised
from coordinator.model.roles import HOME, PERMISSIONS, Role
from coordinator.people import factor
from coordinator.people.factor import Seal
from coordinator.store import people
from coordinator.store.engine import Tx
from coordinator.store.people import PasswordLink, Person

WELCOME = 3 * 86_400
"""Seconds that a link to choose a password is good for."""

_name = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\Z")
_cluster = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?\Z")

log = structlog.get_logger("accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What somebody is in a cluster."""

    cluster: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """Somebody with an account, as others see it: no secrets. `ready` is whether they have chosen a password."""

    name: str
    shown: str
    created: float
    disabled: float | None
    ready: bool
    second_factor: bool
    roles: list[Membership]


def add(tx: Tx, *, name: str, shown: str, now: float) -> Person:
    """Take a person in, without a password and without roles yet.

    Raises:
        Invalid: the name can't be one.
        Conflict: somebody has it.
    """
    name = name.strip().lower()
    if not _name.match(name):
        raise Invalid("a log-in name has at most 32 letters (a to z), digits and hyphens, such as ines-p")
    if people.persons.get(tx, name) is not None:
        raise Conflict(f"there is a {name} already: take another log-in name")
    person = Person(name=name, shown=" ".join(shown.split())[:80] or name, created=now)
    people.persons.add(tx, person)
    return person


def first(tx: Tx, *, name: str, shown: str, password: str, now: float) -> Person:
    """The first person, who is admin of the cluster that is there; `password` as it is kept.

    Raises:
        Conflict: there is somebody already.
    """
    if people.anybody(tx):
        raise Conflict("there are accounts already: ask one of the admins, or use `muster person add`")
    person = add(tx, name=name, shown=shown, now=now)
    people.give_role(tx, person.name, HOME, Role.ADMIN)
    people.persons.change(tx, person.name, password=password)
    log.info("first account made", person=person.name)
    return replace(person, password=password)


def get(tx: Tx, name: str) -> Person:
    """A person by the log-in name.

    Raises:
        Missing: there is no such person.
    """
    person = people.persons.get(tx, name)
    if person is None:
        raise Missing(f"there is no person {name!r}")
    return person


def view(tx: Tx, name: str) -> PersonView:
    """A person as others see it; errors as in `get`."""
    return _view(get(tx, name), people.roles(tx, name))


def everybody(tx: Tx) -> list[PersonView]:
    """Everybody, by name."""
    roles = people.all_roles(tx)
    found = [_view(person, roles.get(person.name, [])) for person in people.persons.find(tx)]
    return sorted(found, key=lambda each: each.name)


def give(tx: Tx, name: str, cluster: str, role: Role) -> None:
    """Somebody has a role in a cluster from now on.

    Raises:
        Missing: there is no such person.
        Invalid: this can't be a cluster's name.
    """
    get(tx, name)
    people.give_role(tx, name, cluster_name(cluster), role)


def take(tx: Tx, name: str, cluster: str, role: Role) -> None:
    """Somebody has a role no more. Programs whose tokens stood on it can do nothing from now on.

    Raises:
        Missing: they do not have it.
    """
    if not people.take_role(tx, name, cluster, role):
        raise Missing(f"{name} is no {role} in {cluster}")


def cluster_name(text: str) -> str:
    """A cluster's name.

    Raises:
        Invalid: it can't be one.
    """
    if not _cluster.match(text):
        raise Invalid("a cluster's name has at most 48 letters (a to z), digits and hyphens")
    return text


def disable(tx: Tx, name: str, *, now: float) -> None:
    """Somebody gets in no more, by no way; at once."""
    get(tx, name)
    people.persons.change(tx, name, disabled=now)
    _shut(tx, name)


def enable(tx: Tx, name: str) -> None:
    """Somebody may log in again, with the password and second factor they had."""
    get(tx, name)
    people.persons.change(tx, name, disabled=None)


# ── passwords ─────────────────────────────────────────────────────────────────────────────────────────────


def welcome(tx: Tx, name: str, *, by: str, now: float) -> str:
    """The code of a link by which somebody chooses a password, once; older links are void.

    Raises:
        Missing: there is no such person.
        Forbidden: the account is disabled.
    """
    if get(tx, name).disabled is not None:
        raise Forbidden(f"{name} is disabled: enable the account first")
    code = ids.token()
    people.forget_password_links(tx, name)
    people.password_links.add(
        tx, PasswordLink(code=ids.digest(code), person=name, expires=now + WELCOME, by=by)
    )
    return code


def reset(tx: Tx, name: str, *, by: str, now: float, second_factor: bool) -> str:
    """Somebody has forgotten the password (and lost the second factor): all is shut, and a new link made."""
    code = welcome(tx, name, by=by, now=now)
    people.persons.change(tx, name, password=None)
    if second_factor:
        forget_factor(tx, name)
    _shut(tx, name, links=False)
    return code


def welcomed(tx: Tx, code: str, now: float) -> Person | None:
    """Whom a link is for; None if it was used, is too old, or never was."""
    entry = people.password_links.get(tx, ids.digest(code))
    if entry is None or entry.expires <= now:
        return None
    person = get(tx, entry.person)
    return None if person.disabled is not None else person


def choose(tx: Tx, code: str, password: str, now: float) -> Person:
    """Somebody chooses a password by a link; `password` as it is kept. All other ways in are shut.

    Raises:
        Missing: the link is good no more.
    """
    person = welcomed(tx, code, now)
    if person is None:
        raise Missing("this link was used already, or is too old: ask for a new one")
    change(tx, person.name, password)
    return get(tx, person.name)


def change(tx: Tx, name: str, password: str, *, session: str = "") -> None:
    """Somebody has a new password; every session but this one ends, and links are void. Tokens stay."""
    people.persons.change(tx, name, password=password)
    people.forget_password_links(tx, name)
    people.end_sessions(tx, name, but=session)


# ── second factor ─────────────────────────────────────────────────────────────────────────────────────────


def set_factor(tx: Tx, person: Person, secret: str, seal: Seal, code: str, now: float) -> list[str]:
    """An authenticator is taken as second factor, as it shows the right code; the recovery codes, shown only now.

    Raises:
        Conflict: there is one already.
        Invalid: the code is wrong.
    """
    if person.factor_since is not None:
        raise Conflict("there is a second factor already: remove it first")
    step = factor.step_of(secret, code, now, 0)
    if step is None:
        raise Invalid(
            "this is not the code that it shows now: look again, and check that both clocks are right"
        )
    people.persons.change(
        tx,
        person.name,
        factor=seal.close(secret, person.name),
        factor_since=now,
        factor_step=step,
        factor_due=None,
    )
    return new_recovery(tx, person.name)


def new_recovery(tx: Tx, name: str) -> list[str]:
    """New recovery codes; the old ones are void."""
    codes = factor.recovery_codes()
    people.keep_recovery(tx, name, [factor.recovery_digest(code) for code in codes])
    return codes


def use_factor(tx: Tx, name: str, code: str, seal: Seal, now: float) -> None:
    """Spend a code of the second factor, or a recovery code.

    Raises:
        Unauthorised: it is wrong, or was used already.
    """
    person = get(tx, name)
    secret = seal.open(person.factor or "", name)
    step = factor.step_of(secret, code, now, person.factor_step) if secret else None
    if step is not None:
        people.persons.change(tx, name, factor_step=step)
        return
    if not people.use_recovery(tx, name, factor.recovery_digest(code)):
        raise Unauthorised("this code is not right, or was used already: wait for the next one")


def forget_factor(tx: Tx, name: str) -> None:
    """There is no second factor any more."""
    people.persons.change(tx, name, factor=None, factor_since=None, factor_step=0, factor_due=None)
    people.keep_recovery(tx, name, [])


def needs_factor(roles: list[tuple[str, Role]], *, everyone: bool) -> bool:
    """Whether somebody with these roles must have a second factor: all, or who can give roles away."""
    return everyone or any(role is Role.ADMIN for _, role in roles)


def within(roles: list[tuple[str, Role]], cluster: str, role: Role) -> bool:
    """Whether all that `role` may do in a cluster, these roles may."""
    mine = frozenset(act for where, each in roles if where == cluster for act in PERMISSIONS[each])
    return PERMISSIONS[role] <= mine


def _shut(tx: Tx, name: str, *, links: bool = True) -> None:
    people.end_sessions(tx, name)
    people.end_tokens(tx, name)
    if links:
        people.forget_password_links(tx, name)


def _view(person: Person, roles: list[tuple[str, Role]]) -> PersonView:
    return PersonView(
        name=person.name,
        shown=person.shown,
        created=person.created,
        disabled=person.disabled,
        ready=person.password is not None,
        second_factor=person.factor_since is not None,
        roles=[Membership(cluster=cluster, role=role) for cluster, role in roles],
    )
