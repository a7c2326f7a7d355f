"""Who may look and act: what a request shows of who sends it, and what each route asks of them.

Each route names its act, by `needs`. One that names none is closed to everybody, whatever they are.
"""

import hmac
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from coordinator.errors import Forbidden, Invalid, Missing
from coordinator.model.roles import HOME, WHOLE, Permission
from coordinator.people.authentication import Authenticator
from coordinator.people.principal import NOBODY, Principal
from coordinator.store import people
from coordinator.store.engine import Store, Tx
from coordinator.web import cookies

BY = "coordinator"
"""Who acts, where nobody gave a name."""
CSRF = "csrf"
"""A field of each of our pages' forms: that it is from a page of this session."""
OPEN = (
    "/api/track",
    "/api/maker",
    "/api/enrol",
    "/api/renew",
    "/files",
    "/definitions",
    "/t",
    "/m",
    "/static",
    "/login",
    "/healthz",
    "/metrics",
)
"""What stands at or below these needs nobody to be logged in: it carries a secret of its own, or holds none."""

SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""

F = TypeVar("F", bound=Callable[..., Any])

_name = re.compile(r"\S(.{0,78}\S)?\Z")
_acts: dict[object, Permission] = {}


class Confined(Forbidden):
    """Who asks must set up a second factor first."""

    kind = "second-factor"
    title = "A second factor is needed"


def name(text: str) -> str:
    """The name of who acts, as it will stand in the records.

    Raises:
        Invalid: longer than 80 signs, or not plain text.
    """
    text = text.strip()
    if not text:
        return BY
    if not text.isprintable() or not _name.match(text):
        raise Invalid("a name is one line of at most 80 signs")
    return text


def needs(act: Permission) -> Callable[[F], F]:
    """Only who may do `act` reaches this route."""

    def declared(endpoint: F) -> F:
        _acts[endpoint] = act
        return endpoint

    return declared


def act_of(endpoint: object) -> Permission | None:
    """What a route asks of those who want to reach it; None: it has not been said."""
    return _acts.get(endpoint)


def is_open(path: str) -> bool:
    """Whether a path needs nobody to be logged in."""
    return any(path == each or path.startswith(each + "/") for each in OPEN)


async def judge(request: Request) -> None:
    """Before each route of ours: whether who asks may do this, with the thing that the path names.

    Raises:
        Forbidden: they may not.
        Missing: they may not even know of it.
    """
    if is_open(request.url.path):
        return
    act = act_of(request.scope["endpoint"])
    principal = principal_of(request)
    if principal.confined and act is not Permission.SELF:
        raise Confined("your account needs a second factor before it can do anything else: set it up first")
    if act is None or not principal.may(act, *([HOME] if act in WHOLE else [])):
        raise Forbidden(refusal(act))
    if principal.csrf and request.method not in SAFE:
        await _of_own_page(request, principal)
    if not principal.everywhere and act is not Permission.SELF:
        await run_in_threadpool(_of_thing, _store(request), principal, act, dict(request.path_params))


async def _of_own_page(request: Request, principal: Principal) -> None:
    sent = (await request.form(max_files=0, max_fields=40)).get(CSRF, "")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), principal.csrf.encode()):
        raise Forbidden("this form is not from a page of this session: open the page again and send it again")


def require(store: Store, principal: Principal, act: Permission, **named: str) -> None:
    """Whether somebody may do this with what they named (`hospital`, `need`, `attempt`, `parcel`, `agent`).

    Raises:
        Forbidden: they may see it, and no more.
        Missing: they may not even know of it.
    """
    if not principal.everywhere:
        _of_thing(store, principal, act, named)


def refusal(act: Permission | None) -> str:
    """Why somebody is sent away."""
    if act is Permission.LOCAL:
        return "only the access key of the coordinator's machine does this"
    if act is Permission.SELF:
        return "this is for people who have logged in"
    return "your roles do not allow this: ask an admin of your cluster"


def principal_of(request: Request) -> Principal:
    """Who asks, as the gate found out."""
    return getattr(request.state, "principal", NOBODY)


def again(request: Request, auth: Authenticator) -> Principal:
    """Who asks, as of now: `NOBODY` if what let them in has ended since. Not for open paths."""
    _, _, key = request.headers.get("authorization", "").partition(" ")
    if key:
        return auth.program(key.strip(), principal_of(request).name) or NOBODY
    return auth.browser(cookies.read(request, cookies.SESSION))


_KINDS: dict[str, Callable[[Tx, str], set[str]]] = {
    "hospital": people.clusters_of_hospital,
    "need": people.clusters_of_need,
    "attempt": people.clusters_of_attempt,
    "parcel": people.clusters_of_parcel,
    "agent": people.clusters_of_agent,
    "pickup": people.clusters_of_pickup,
}


def _of_thing(store: Store, principal: Principal, act: Permission, named: dict[str, Any]) -> None:
    wanted = [(kind, str(named[kind])) for kind in _KINDS if kind in named]
    if not wanted:
        return
    with store.read() as tx:
        found = [(kind, thing, _KINDS[kind](tx, thing)) for kind, thing in wanted]
    for kind, thing, clusters in found:
        if not clusters:
            continue  # there is no such thing: its own route says so
        if not principal.sees(clusters):
            raise Missing(f"there is no {kind} {thing!r}")
        if not principal.may(act, *clusters):
            raise Forbidden(refusal(act))


def _store(request: Request) -> Store:
    authenticator: Authenticator = request.app.state.authenticator
    return authenticator.store


def _by(request: Request) -> str:
    return principal_of(request).name


def _authenticator(request: Request) -> Authenticator:
    authenticator: Authenticator = request.app.state.authenticator
    return authenticator


By = Annotated[str, Depends(_by)]
"""Who acts: the gate has let them in."""
Who = Annotated[Principal, Depends(principal_of)]
"""The same, with what they may do."""
Auth = Annotated[Authenticator, Depends(_authenticator)]
"""The authenticator."""
