"""The own account: password, second factor, the browsers that are logged in, and programs' tokens."""

from coordinator import ids
from coordinator.acts.act import ActCall, act
from coordinator.acts.services import Services
from coordinator.errors import Forbidden, Invalid, Missing
from coordinator.model.roles import Permission, Role
from coordinator.people import accounts, passwords
from coordinator.people.authentication import PREFIX
from coordinator.people.principal import Principal, Via
from coordinator.store import people
from coordinator.store.people import Token

DAY = 86_400
"""Seconds."""


def own(who: Principal) -> str:
    """The name of the account that somebody has logged in with.

    Raises:
        Forbidden: they came by the machine's access key.
    """
    if who.via is not Via.SESSION:
        raise Forbidden("this browser came by the machine's access key, and has no account of its own")
    return who.person


def pending(who: Principal) -> str:
    """For whom a second factor's secret is sealed that is not yet in force: this session's page only."""
    return f"{who.person} {who.session}"


def change_password(services: Services, who: Principal, old: str, new: str, *, address: str) -> None:
    """Choose a new password, by the old one; every other session ends. `address` is who tries.

    Passwords are worked on outside of any transaction: it takes long.

    Raises:
        Invalid: it can't be one.
        Unauthorised: the old one is wrong.
        Slow: too many tries.
    """
    name = own(who)
    passwords.check(new, name)
    kept = services.read(accounts.get, name).password
    services.authenticator.prove(who, address, lambda: passwords.matches(kept, old))
    _change_password(services, who, passwords.keep(new))


@act("person.password", Permission.SELF, on="person")
def _change_password(call: ActCall[Services], kept: str) -> None:
    """Choose a new password; every other session ends."""
    accounts.change(call.tx, own(call.who), kept, session=call.who.session)
    call.note(own(call.who))


@act("factor.set", Permission.SELF, on="person")
def set_factor(call: ActCall[Services], sealed: str, code: str) -> list[str]:
    """Take an authenticator as second factor; the recovery codes, shown only now. Every other session ends.

    Args:
        call: who, and with what.
        sealed: the secret, sealed for `pending`.
        code: what the authenticator shows.

    Raises:
        Conflict: there is one already.
        Invalid: the code is wrong, or the secret is another session's.
    """
    name, seal = own(call.who), call.services.authenticator.seal
    secret = seal.open(sealed, pending(call.who))
    if secret is None:
        raise Invalid("this picture is out of date: scan the one that is here now")
    codes = accounts.set_factor(call.tx, accounts.get(call.tx, name), secret, seal, code, call.now)
    people.end_sessions(call.tx, name, but=call.who.session)
    call.note(name)
    return codes


@act("factor.remove", Permission.SELF, on="person")
def remove_factor(call: ActCall[Services], code: str, *, address: str) -> None:
    """Have no second factor any more; by its code. Errors as in `change_password`."""
    name, authenticator = own(call.who), call.services.authenticator
    authenticator.prove_by_code(call.tx, call.who, address, code)
    accounts.forget_factor(call.tx, name)
    if accounts.needs_factor(people.roles(call.tx, name), everyone=authenticator.rules.everyone):
        people.persons.change(call.tx, name, factor_due=call.now)  # the grace is for beginners
    call.note(name)


@act("factor.codes", Permission.SELF, on="person")
def renew_recovery(call: ActCall[Services], code: str, *, address: str) -> list[str]:
    """New recovery codes, shown only now; the old ones are void. Errors as in `change_password`."""
    name = own(call.who)
    call.services.authenticator.prove_by_code(call.tx, call.who, address, code)
    call.note(name)
    return accounts.new_recovery(call.tx, name)


@act("session.end", Permission.SELF, on="person")
def end_session(call: ActCall[Services], session: str) -> None:
    """Log one browser out."""
    if not people.end_session(call.tx, session, person=own(call.who)):
        raise Missing("this browser is not logged in any more")
    call.note(own(call.who))


@act("session.end-all", Permission.SELF, on="person")
def end_sessions(call: ActCall[Services]) -> None:
    """Log out everywhere."""
    people.end_sessions(call.tx, own(call.who))
    call.note(own(call.who))


@act("session.leave", Permission.SELF, on="person")
def leave(call: ActCall[Services]) -> None:
    """Log this browser out."""
    people.end_session(call.tx, call.who.session, person=call.who.person or None)
    call.note(call.who.person, kind="" if call.who.person else "machine")


@act("token.make", Permission.SELF, on="person")
def make_token(call: ActCall[Services], *, label: str, cluster: str, role: Role, days: int) -> str:
    """A token for a program, shown only now.

    Raises:
        Forbidden: it would do more than its owner.
    """
    name = own(call.who)
    if call.who.confined or not accounts.within(people.roles(call.tx, name), cluster, role):
        raise Forbidden(f"a token can't do more than you: you are no {role} in {cluster}")
    secret = PREFIX + ids.token()
    people.tokens.add(
        call.tx,
        Token(
            token=ids.digest(secret),
            id=ids.fresh("k"),
            person=name,
            label=label,
            cluster=cluster,
            role=role,
            created=call.now,
            expires=call.now + days * DAY,
        ),
    )
    call.note(name)
    return secret


@act("token.revoke", Permission.SELF, on="person")
def revoke_token(call: ActCall[Services], token: str) -> None:
    """Have a token be good no more."""
    if not people.end_token(call.tx, token, person=own(call.who)):
        raise Missing("this token is good no more already")
    call.note(own(call.who))
