"""The own account: password, second factor, the browsers that are logged in, and programs' tokens."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from coordinator import ids
from coordinator.errors import Forbidden, Invalid, Missing, Unauthorised
from coordinator.model.roles import Permission
from coordinator.people import accounts, factor, passwords
from coordinator.people.authentication import IDLE, PREFIX, Authenticator
from coordinator.people.principal import Principal, Via
from coordinator.store import people
from coordinator.store.people import Person, Token
from coordinator.web import cookies, rendering, shapes
from coordinator.web.access import Auth, Who, needs
from coordinator.web.dependencies import Entered
from coordinator.web.forms import Refused, reveal, submit
from coordinator.web.login import address, repeated
from coordinator.web.shapes import Id

router = APIRouter(include_in_schema=False)

DAYS = 86_400


@router.get("/account")
@needs(Permission.SELF)
def account(request: Request, auth: Auth, who: Who) -> Response:
    """All that belongs to the own account."""
    return _show(request, auth, who)


@router.post("/account/password")
@needs(Permission.SELF)
def new_password(request: Request, auth: Auth, who: Who, entered: Entered) -> Response:
    """A new password; every other session ends."""

    def act() -> str:
        person = _person(who)
        password = repeated(entered)
        passwords.check(password, person)
        _proven(auth, who, entered.get("old", ""), address(request))
        kept = passwords.keep(password)
        with auth.store.write() as tx:
            accounts.change(tx, person, kept, session=who.session)
            auth.note(tx, "person.password", person)
        return "/account?done=password"

    return _submit(request, auth, who, "password", entered, act)


@router.post("/account/second")
@needs(Permission.SELF)
def set_second(request: Request, auth: Auth, who: Who, entered: Entered) -> Response:
    """An authenticator becomes the second factor; the page shows the recovery codes, once."""

    def act() -> list[str]:
        name = _person(who)
        secret = auth.seal.open(entered.get("secret", ""), _pending(who))
        if secret is None:
            raise Invalid("this picture is out of date: scan the one that is here now")
        with auth.store.write() as tx:
            person = accounts.get(tx, name)
            codes = accounts.set_factor(tx, person, secret, auth.seal, entered.get("code", ""), auth.now())
            people.end_sessions(tx, name, but=who.session)
            auth.note(tx, "factor.set", name)
        return codes

    return _reveal_codes(request, auth, who, "second", entered, act)


@router.post("/account/second/remove")
@needs(Permission.SELF)
def remove_second(request: Request, auth: Auth, who: Who, entered: Entered) -> Response:
    """No second factor any more; only by its code."""

    def act() -> str:
        name = _person(who)
        _code(auth, who, entered.get("code", ""), address(request))
        with auth.store.write() as tx:
            accounts.forget_factor(tx, name)
            auth.note(tx, "factor.remove", name)
            if accounts.needs_factor(people.roles(tx, name), everyone=auth.rules.everyone):
                people.persons.change(tx, name, factor_due=auth.now())  # the grace is for beginners
        return "/account?done=removed"

    return _submit(request, auth, who, "remove", entered, act)


@router.post("/account/recovery")
@needs(Permission.SELF)
def new_recovery(request: Request, auth: Auth, who: Who, entered: Entered) -> Response:
    """New recovery codes, shown once; the old ones are void."""

    def act() -> list[str]:
        name = _person(who)
        _code(auth, who, entered.get("code", ""), address(request))
        with auth.store.write() as tx:
            codes = accounts.new_recovery(tx, name)
            auth.note(tx, "factor.codes", name)
        return codes

    return _reveal_codes(request, auth, who, "recovery", entered, act)


@router.post("/account/sessions/{session}/end")
@needs(Permission.SELF)
def end_session(request: Request, auth: Auth, who: Who, entered: Entered, session: Id) -> Response:
    """Log one browser out."""

    def act() -> str:
        with auth.store.write() as tx:
            if not people.end_session(tx, session, person=_person(who)):
                raise Missing("this browser is not logged in any more")
            auth.note(tx, "session.end", who.person)
        return "/account?done=ended"

    return _submit(request, auth, who, f"end-{session}", entered, act)


@router.post("/account/sessions/end")
@needs(Permission.SELF)
def end_sessions(request: Request, auth: Auth, who: Who, entered: Entered) -> Response:  # noqa: ARG001 - its token is checked
    """Log out everywhere, here too."""
    with auth.store.write() as tx:
        people.end_sessions(tx, _person(who))
        auth.note(tx, "session.end-all", who.person)
    response = RedirectResponse("/login", 303)
    cookies.drop(request, response, cookies.SESSION)
    return response


@router.post("/account/tokens")
@needs(Permission.SELF)
def new_token(request: Request, auth: Auth, who: Who, entered: Entered) -> Response:
    """A token for a program, shown once."""

    def act() -> str:
        name = _person(who)
        asked = shapes.TokenAsked.entered(entered)
        secret = PREFIX + ids.token()
        with auth.store.write() as tx:
            if who.confined or not accounts.within(people.roles(tx, name), asked.cluster, asked.role):
                raise Forbidden(f"a token can't do more than you: you are no {asked.role} in {asked.cluster}")
            auth.note(tx, "token.make", name)
            people.tokens.add(
                tx,
                Token(
                    token=ids.digest(secret),
                    id=ids.fresh("k"),
                    person=name,
                    label=asked.label,
                    cluster=asked.cluster,
                    role=asked.role,
                    created=auth.now(),
                    expires=auth.now() + asked.days * DAYS,
                ),
            )
        return secret

    return reveal(
        "token",
        entered,
        act,
        lambda refused: _show(request, auth, who, refused=refused),
        lambda token: _show(request, auth, who, token=token),
        "/account",
    )


@router.post("/account/tokens/{token}/revoke")
@needs(Permission.SELF)
def revoke_token(request: Request, auth: Auth, who: Who, entered: Entered, token: Id) -> Response:
    """A token is good no more."""

    def act() -> str:
        with auth.store.write() as tx:
            if not people.end_token(tx, token, person=_person(who)):
                raise Missing("this token is good no more already")
            auth.note(tx, "token.revoke", who.person)
        return "/account?done=revoked"

    return _submit(request, auth, who, f"revoke-{token}", entered, act)


# ── private ───────────────────────────────────────────────────────────────────────────────────────────────


def _person(who: Principal) -> str:
    if who.via is not Via.SESSION:
        raise Forbidden("this browser came by the machine's access key, and has no account of its own")
    return who.person


def _proven(auth: Authenticator, who: Principal, password: str, where: str) -> None:
    """That it is really they who sit there: by the password they have; slowed down as at the auth.

    Raises:
        Unauthorised: it is wrong.
        Slow: too many tries.
    """
    auth.prove(who.person, who.session, where, lambda person: passwords.matches(person.password, password))


def _code(auth: Authenticator, who: Principal, code: str, where: str) -> None:
    def right(person: Person) -> bool:
        try:
            with auth.store.write() as tx:
                accounts.use_factor(tx, person.name, code, auth.seal, auth.now())
        except Unauthorised:
            return False
        return True

    auth.prove(who.person, who.session, where, right)


def _token(request: Request) -> str:
    return cookies.read(request, cookies.SESSION)


def _pending(who: Principal) -> str:
    """For whom a secret is sealed that is not yet in force: this session's page only."""
    return f"{who.person} {who.session}"


def _submit(
    request: Request,
    auth: Authenticator,
    who: Principal,
    form: str,
    entered: Entered,
    act: Callable[[], str],
) -> Response:
    return submit(form, entered, act, lambda refused: _show(request, auth, who, refused=refused))


def _reveal_codes(
    request: Request,
    auth: Authenticator,
    who: Principal,
    form: str,
    entered: Entered,
    act: Callable[[], list[str]],
) -> Response:
    return reveal(
        form,
        entered,
        act,
        lambda refused: _show(request, auth, who, refused=refused),
        # Looked at anew: the session may have had to set a second factor before anything else.
        lambda codes: _show(request, auth, auth.browser(_token(request)), codes=codes),
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
    auth: Authenticator,
    who: Principal,
    *,
    refused: Refused | None = None,
    codes: list[str] | None = None,
    token: str = "",
) -> Response:
    status = refused.problem.status if refused else 200
    if who.via is not Via.SESSION:
        return rendering.page(request, "account.html", status=status, person=None, refused=refused)
    with auth.store.read() as tx:
        person = accounts.get(tx, who.person)
        roles = people.roles(tx, who.person)
        sessions = [each for each in people.sessions_of(tx, who.person) if auth.now() < each.ends]
        tokens = people.tokens_of(tx, who.person)
        left = people.recovery_left(tx, who.person)
    secret = ""
    if person.factor_since is None:
        opened = (
            refused
            and refused.form == "second"
            and auth.seal.open(refused.values.get("secret", ""), _pending(who))
        )
        secret = opened or factor.fresh()
    return rendering.page(
        request,
        "account.html",
        status=status,
        person=person,
        roles=roles,
        sessions=[each for each in sessions if auth.now() < each.seen + IDLE],
        tokens=[each for each in tokens if auth.now() < each.expires],
        recovery_left=left,
        required=accounts.needs_factor(roles, everyone=auth.rules.everyone),
        secret=secret,
        sealed=auth.seal.close(secret, _pending(who)) if secret else "",
        qr=factor.picture(factor.address(secret, who.person, "Muster")) if secret else "",
        codes=codes or [],
        token=token,
        least=passwords.LEAST,
        done=_DONE.get(request.query_params.get("done", ""), ""),
        refused=refused,
    )
