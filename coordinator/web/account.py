"""The own account: password, second factor, the browsers that are logged in, and programs' tokens."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from coordinator import ids
from coordinator.errors import Forbidden, Invalid, Missing, Unauthorised
from coordinator.model.roles import Act
from coordinator.people import accounts, factor, passwords
from coordinator.people.authentication import IDLE, PREFIX, Porter
from coordinator.people.principal import Asker, Via
from coordinator.store import people
from coordinator.store.people import Person, Token
from coordinator.web import cookies, rendering, shapes
from coordinator.web.access import Door, Who, needs
from coordinator.web.dependencies import Entered
from coordinator.web.forms import Refused, reveal, submit
from coordinator.web.login import address, repeated
from coordinator.web.shapes import Id

router = APIRouter(include_in_schema=False)

DAYS = 86_400


@router.get("/account")
@needs(Act.SELF)
def account(request: Request, door: Door, who: Who) -> Response:
    """All that belongs to the own account."""
    return _show(request, door, who)


@router.post("/account/password")
@needs(Act.SELF)
def new_password(request: Request, door: Door, who: Who, entered: Entered) -> Response:
    """A new password; every other session ends."""

    def act() -> str:
        person = _person(who)
        password = repeated(entered)
        passwords.check(password, person)
        _proven(door, who, entered.get("old", ""), address(request))
        kept = passwords.keep(password)
        with door.store.write() as tx:
            accounts.change(tx, person, kept, session=who.session)
            door.note(tx, "person.password", person)
        return "/account?done=password"

    return _submit(request, door, who, "password", entered, act)


@router.post("/account/second")
@needs(Act.SELF)
def set_second(request: Request, door: Door, who: Who, entered: Entered) -> Response:
    """An authenticator becomes the second factor; the page shows the recovery codes, once."""

    def act() -> list[str]:
        name = _person(who)
        secret = door.seal.open(entered.get("secret", ""), _pending(who))
        if secret is None:
            raise Invalid("this picture is out of date: scan the one that is here now")
        with door.store.write() as tx:
            person = accounts.get(tx, name)
            codes = accounts.set_factor(tx, person, secret, door.seal, entered.get("code", ""), door.now())
            people.end_sessions(tx, name, but=who.session)
            door.note(tx, "factor.set", name)
        return codes

    return _reveal_codes(request, door, who, "second", entered, act)


@router.post("/account/second/remove")
@needs(Act.SELF)
def remove_second(request: Request, door: Door, who: Who, entered: Entered) -> Response:
    """No second factor any more; only by its code."""

    def act() -> str:
        name = _person(who)
        _code(door, who, entered.get("code", ""), address(request))
        with door.store.write() as tx:
            accounts.forget_factor(tx, name)
            door.note(tx, "factor.remove", name)
            if accounts.needs_factor(people.roles(tx, name), everyone=door.rules.everyone):
                people.persons.change(tx, name, factor_due=door.now())  # the grace is for beginners
        return "/account?done=removed"

    return _submit(request, door, who, "remove", entered, act)


@router.post("/account/recovery")
@needs(Act.SELF)
def new_recovery(request: Request, door: Door, who: Who, entered: Entered) -> Response:
    """New recovery codes, shown once; the old ones are void."""

    def act() -> list[str]:
        name = _person(who)
        _code(door, who, entered.get("code", ""), address(request))
        with door.store.write() as tx:
            codes = accounts.new_recovery(tx, name)
            door.note(tx, "factor.codes", name)
        return codes

    return _reveal_codes(request, door, who, "recovery", entered, act)


@router.post("/account/sessions/{session}/end")
@needs(Act.SELF)
def end_session(request: Request, door: Door, who: Who, entered: Entered, session: Id) -> Response:
    """Log one browser out."""

    def act() -> str:
        with door.store.write() as tx:
            if not people.end_session(tx, session, person=_person(who)):
                raise Missing("this browser is not logged in any more")
            door.note(tx, "session.end", who.person)
        return "/account?done=ended"

    return _submit(request, door, who, f"end-{session}", entered, act)


@router.post("/account/sessions/end")
@needs(Act.SELF)
def end_sessions(request: Request, door: Door, who: Who, entered: Entered) -> Response:  # noqa: ARG001 - its token is checked
    """Log out everywhere, here too."""
    with door.store.write() as tx:
        people.end_sessions(tx, _person(who))
        door.note(tx, "session.end-all", who.person)
    response = RedirectResponse("/login", 303)
    cookies.drop(request, response, cookies.SESSION)
    return response


@router.post("/account/tokens")
@needs(Act.SELF)
def new_token(request: Request, door: Door, who: Who, entered: Entered) -> Response:
    """A token for a program, shown once."""

    def act() -> str:
        name = _person(who)
        asked = shapes.TokenAsked.entered(entered)
        secret = PREFIX + ids.token()
        with door.store.write() as tx:
            if who.confined or not accounts.within(people.roles(tx, name), asked.cluster, asked.role):
                raise Forbidden(f"a token can't do more than you: you are no {asked.role} in {asked.cluster}")
            door.note(tx, "token.make", name)
            people.tokens.add(
                tx,
                Token(
                    token=ids.digest(secret),
                    id=ids.fresh("k"),
                    person=name,
                    label=asked.label,
                    cluster=asked.cluster,
                    role=asked.role,
                    created=door.now(),
                    expires=door.now() + asked.days * DAYS,
                ),
            )
        return secret

    return reveal(
        "token",
        entered,
        act,
        lambda refused: _show(request, door, who, refused=refused),
        lambda token: _show(request, door, who, token=token),
        "/account",
    )


@router.post("/account/tokens/{token}/revoke")
@needs(Act.SELF)
def revoke_token(request: Request, door: Door, who: Who, entered: Entered, token: Id) -> Response:
    """A token is good no more."""

    def act() -> str:
        with door.store.write() as tx:
            if not people.end_token(tx, token, person=_person(who)):
                raise Missing("this token is good no more already")
            door.note(tx, "token.revoke", who.person)
        return "/account?done=revoked"

    return _submit(request, door, who, f"revoke-{token}", entered, act)


# ── private ───────────────────────────────────────────────────────────────────────────────────────────────


def _person(who: Asker) -> str:
    if who.via is not Via.SESSION:
        raise Forbidden("this browser came by the machine's access key, and has no account of its own")
    return who.person


def _proven(door: Porter, who: Asker, password: str, where: str) -> None:
    """That it is really they who sit there: by the password they have; slowed down as at the door.

    Raises:
        Unauthorised: it is wrong.
        Slow: too many tries.
    """
    door.prove(who.person, who.session, where, lambda person: passwords.matches(person.password, password))


def _code(door: Porter, who: Asker, code: str, where: str) -> None:
    def right(person: Person) -> bool:
        try:
            with door.store.write() as tx:
                accounts.use_factor(tx, person.name, code, door.seal, door.now())
        except Unauthorised:
            return False
        return True

    door.prove(who.person, who.session, where, right)


def _token(request: Request) -> str:
    return cookies.read(request, cookies.SESSION)


def _pending(who: Asker) -> str:
    """For whom a secret is sealed that is not yet in force: this session's page only."""
    return f"{who.person} {who.session}"


def _submit(
    request: Request,
    door: Porter,
    who: Asker,
    form: str,
    entered: Entered,
    act: Callable[[], str],
) -> Response:
    return submit(form, entered, act, lambda refused: _show(request, door, who, refused=refused))


def _reveal_codes(
    request: Request,
    door: Porter,
    who: Asker,
    form: str,
    entered: Entered,
    act: Callable[[], list[str]],
) -> Response:
    return reveal(
        form,
        entered,
        act,
        lambda refused: _show(request, door, who, refused=refused),
        # Looked at anew: the session may have had to set a second factor before anything else.
        lambda codes: _show(request, door, door.browser(_token(request)), codes=codes),
        "/account",
    )


_DONE = {
    "password": "The password is changed; every other browser was logged out.",
    "removed": "The second factor is removed.",
    "ended": "That browser is logged out.",
    "revoked": "That token is good no more.",
}


def _show(
    request: Request,
    door: Porter,
    who: Asker,
    *,
    refused: Refused | None = None,
    codes: list[str] | None = None,
    token: str = "",
) -> Response:
    status = refused.problem.status if refused else 200
    if who.via is not Via.SESSION:
        return rendering.page(request, "account.html", status=status, person=None, refused=refused)
    with door.store.read() as tx:
        person = accounts.get(tx, who.person)
        roles = people.roles(tx, who.person)
        sessions = [each for each in people.sessions_of(tx, who.person) if door.now() < each.ends]
        tokens = people.tokens_of(tx, who.person)
        left = people.recovery_left(tx, who.person)
    secret = ""
    if person.factor_since is None:
        opened = (
            refused
            and refused.form == "second"
            and door.seal.open(refused.values.get("secret", ""), _pending(who))
        )
        secret = opened or factor.fresh()
    return rendering.page(
        request,
        "account.html",
        status=status,
        person=person,
        roles=roles,
        sessions=[each for each in sessions if door.now() < each.seen + IDLE],
        tokens=[each for each in tokens if door.now() < each.expires],
        recovery_left=left,
        required=accounts.needs_factor(roles, everyone=door.rules.everyone),
        secret=secret,
        sealed=door.seal.close(secret, _pending(who)) if secret else "",
        qr=factor.picture(factor.address(secret, who.person, "Muster")) if secret else "",
        codes=codes or [],
        token=token,
        least=passwords.LEAST,
        done=_DONE.get(request.query_params.get("done", ""), ""),
        refused=refused,
    )
