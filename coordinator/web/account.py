"""The own account: password, second factor, the browsers that are logged in, and programs' tokens."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from coordinator import acts
from coordinator.acts.services import Services
from coordinator.model.roles import Permission
from coordinator.people import accounts, factor, passwords
from coordinator.people.authentication import IDLE
from coordinator.people.principal import Principal, Via
from coordinator.store import people
from coordinator.web import cookies, rendering, shapes
from coordinator.web.access import Who, needs, performs
from coordinator.web.dependencies import Entered, Here
from coordinator.web.forms import RefusedForm, reveal, submit
from coordinator.web.login import address, repeated
from coordinator.web.shapes import Id

router = APIRouter(include_in_schema=False)


@router.get("/account")
@needs(Permission.SELF)
def page(request: Request, services: Here, who: Who) -> Response:
    """All that belongs to the own account."""
    return _show(request, services, who)


@router.post("/account/password")
@needs(Permission.SELF)
def new_password(request: Request, services: Here, who: Who, entered: Entered) -> Response:
    """A new password; every other session ends."""

    def act() -> str:
        acts.account.change_password(
            services, who, entered.get("old", ""), repeated(entered), address=address(request)
        )
        return "/account?done=password"

    return _submit(request, services, who, "password", entered, act)


@router.post("/account/second")
@performs(acts.account.set_factor)
def set_second(request: Request, services: Here, who: Who, entered: Entered) -> Response:
    """An authenticator becomes the second factor; the page shows the recovery codes, once."""

    def act() -> list[str]:
        return acts.account.set_factor(services, who, entered.get("secret", ""), entered.get("code", ""))

    return _reveal_codes(request, services, who, "second", entered, act)


@router.post("/account/second/remove")
@performs(acts.account.remove_factor)
def remove_second(request: Request, services: Here, who: Who, entered: Entered) -> Response:
    """No second factor any more; only by its code."""

    def act() -> str:
        acts.account.remove_factor(services, who, entered.get("code", ""), address=address(request))
        return "/account?done=removed"

    return _submit(request, services, who, "remove", entered, act)


@router.post("/account/recovery")
@performs(acts.account.renew_recovery)
def new_recovery(request: Request, services: Here, who: Who, entered: Entered) -> Response:
    """New recovery codes, shown once; the old ones are void."""

    def act() -> list[str]:
        return acts.account.renew_recovery(services, who, entered.get("code", ""), address=address(request))

    return _reveal_codes(request, services, who, "recovery", entered, act)


@router.post("/account/sessions/{session}/end")
@performs(acts.account.end_session)
def end_session(request: Request, services: Here, who: Who, entered: Entered, session: Id) -> Response:
    """Log one browser out."""

    def act() -> str:
        acts.account.end_session(services, who, session)
        return "/account?done=ended"

    return _submit(request, services, who, f"end-{session}", entered, act)


@router.post("/account/sessions/end")
@performs(acts.account.end_sessions)
def end_sessions(request: Request, services: Here, who: Who, entered: Entered) -> Response:  # noqa: ARG001 - its token is checked
    """Log out everywhere, here too."""
    acts.account.end_sessions(services, who)
    response = RedirectResponse("/login", 303)
    cookies.drop(request, response, cookies.SESSION)
    return response


@router.post("/account/tokens")
@performs(acts.account.make_token)
def new_token(request: Request, services: Here, who: Who, entered: Entered) -> Response:
    """A token for a program, shown once."""

    def act() -> str:
        asked = shapes.TokenAsked.entered(entered)
        return acts.account.make_token(
            services, who, label=asked.label, cluster=asked.cluster, role=asked.role, days=asked.days
        )

    return reveal(
        "token",
        entered,
        act,
        lambda refused: _show(request, services, who, refused=refused),
        lambda token: _show(request, services, who, token=token),
        "/account",
    )


@router.post("/account/tokens/{token}/revoke")
@performs(acts.account.revoke_token)
def revoke_token(request: Request, services: Here, who: Who, entered: Entered, token: Id) -> Response:
    """A token is good no more."""

    def act() -> str:
        acts.account.revoke_token(services, who, token)
        return "/account?done=revoked"

    return _submit(request, services, who, f"revoke-{token}", entered, act)


# ── private ───────────────────────────────────────────────────────────────────────────────────────────────


def _token(request: Request) -> str:
    return cookies.read(request, cookies.SESSION)


def _submit(
    request: Request,
    services: Services,
    who: Principal,
    form: str,
    entered: Entered,
    act: Callable[[], str],
) -> Response:
    return submit(form, entered, act, lambda refused: _show(request, services, who, refused=refused))


def _reveal_codes(
    request: Request,
    services: Services,
    who: Principal,
    form: str,
    entered: Entered,
    act: Callable[[], list[str]],
) -> Response:
    return reveal(
        form,
        entered,
        act,
        lambda refused: _show(request, services, who, refused=refused),
        # Looked at anew: the session may have had to set a second factor before anything else.
        lambda codes: _show(request, services, services.authenticator.browser(_token(request)), codes=codes),
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
    services: Services,
    who: Principal,
    *,
    refused: RefusedForm | None = None,
    codes: list[str] | None = None,
    token: str = "",
) -> Response:
    auth = services.authenticator
    status = refused.problem.status if refused else 200
    if who.via is not Via.SESSION:
        return rendering.page(request, "account.html", status=status, person=None, refused=refused)
    with services.store.read() as tx:
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
            and auth.seal.open(refused.values.get("secret", ""), acts.account.pending(who))
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
        sealed=auth.seal.close(secret, acts.account.pending(who)) if secret else "",
        qr=factor.picture(factor.address(secret, who.person, "Muster")) if secret else "",
        codes=codes or [],
        token=token,
        least=passwords.LEAST,
        done=_DONE.get(request.query_params.get("done", ""), ""),
        refused=refused,
    )
