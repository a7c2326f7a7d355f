"""Who may look and act: what a request shows of who sends it, and what each route asks of them.

Each route names the permission that it takes, by `needs`, or the act that it performs, by `performs`. One that names
neither is closed to everybody, whatever they are.
"""

import hmac
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from coordinator.acts.act import Act
from coordinator.acts.services import Services
from coordinator.errors import Forbidden, Invalid
from coordinator.model.roles import Permission
from coordinator.people import authorisation
from coordinator.people.authentication import Authenticator
from coordinator.people.principal import NOBODY, Principal
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
    "/api/docs",
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
_permissions: dict[object, Permission] = {}


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


def needs(permission: Permission) -> Callable[[F], F]:
    """Only who has this permission reaches this route."""

    def declared(endpoint: F) -> F:
        _permissions[endpoint] = permission
        return endpoint

    return declared


def performs(*acts: Act[Any, ..., Any]) -> Callable[[F], F]:
    """This route performs one of these acts; what it takes stands in their registration."""
    (permission,) = {each.permission for each in acts}
    return needs(permission)


def permission_of(endpoint: object) -> Permission | None:
    """What a route asks of those who want to reach it; None: it has not been said."""
    return _permissions.get(endpoint)


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
    permission = permission_of(request.scope["endpoint"])
    principal = principal_of(request)
    if principal.confined and permission is not Permission.SELF:
        raise Confined("your account needs a second factor before it can do anything else: set it up first")
    if permission is None:
        raise Forbidden(authorisation.refusal(None))
    authorisation.may_at_all(principal, permission)
    if principal.csrf and request.method not in SAFE:
        await _of_own_page(request, principal)
    await run_in_threadpool(_may_with, request, principal, permission)


async def _of_own_page(request: Request, principal: Principal) -> None:
    sent = (await request.form(max_files=0, max_fields=40)).get(CSRF, "")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), principal.csrf.encode()):
        raise Forbidden("this form is not from a page of this session: open the page again and send it again")


def principal_of(request: Request) -> Principal:
    """Who asks, as the middleware found out."""
    return getattr(request.state, "principal", NOBODY)


def again(request: Request, auth: Authenticator) -> Principal:
    """Who asks, as of now: `NOBODY` if what let them in has ended since. Not for open paths."""
    _, _, key = request.headers.get("authorization", "").partition(" ")
    if key:
        return auth.program(key.strip(), principal_of(request).name) or NOBODY
    return auth.browser(cookies.read(request, cookies.SESSION))


def _may_with(request: Request, principal: Principal, permission: Permission) -> None:
    """Acts look again, in the transaction that does them; this is for what only looks."""
    if not principal.everywhere:
        with _authenticator(request).store.read() as tx:
            authorisation.may_with(tx, principal, permission, request.path_params)


def _authenticator(request: Request) -> Authenticator:
    services: Services = request.app.state.services
    return services.authenticator


Who = Annotated[Principal, Depends(principal_of)]
"""Who asks, and what they may do: the middleware has let them in."""
Auth = Annotated[Authenticator, Depends(_authenticator)]
"""Lets people and programs in."""
