"""What every request passes first: nobody without the key beyond the open paths, no cross-site post, no flood."""

from typing import Any
from urllib.parse import quote, urlsplit

from fastapi.responses import RedirectResponse, Response
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coordinator import origin
from coordinator.errors import Forbidden, Problem, Unauthorised
from coordinator.web import headers, problem
from coordinator.web.access import BY, COOKIE, Access, name

OPEN = (
    "/api/track",
    "/api/maker",
    "/api/enrol",
    "/files",
    "/t",
    "/m",
    "/static",
    "/login",
    "/healthz",
    "/metrics",
)
"""What stands at or below these needs no access key: it carries a secret of its own, or holds none."""
LIMIT = 64 * 1024
"""Bytes of a request's body; the longest that is asked for is an agent's enrolment."""

_SAFE = ("GET", "HEAD", "OPTIONS")


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, access: Access, host: str = "") -> None:
        """`host` is what browsers call us, beside what their requests' Host says."""
        self._app = app
        self._access = access
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through to the application, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        guarded = headers.sent(send, request.url.path)
        try:
            refusal = self._judge(request)
        except Problem as found:
            refusal = problem.respond(request, found)
        if refusal is None:
            with origin.acting(via=request.state.via, role=getattr(request.state, "role", "")):
                await self._app(scope, _Bounded(receive, request), guarded)
        else:
            await refusal(scope, receive, guarded)

    def _judge(self, request: Request) -> Response | None:
        """A refusal, or None and `request.state.by` says who asks ("" where nobody needs to)."""
        request.state.by = ""
        request.state.via = _via(request)
        if int(_digits(request.headers.get("content-length", "0"))) > LIMIT:
            raise problem.TooLong(f"a request has at most {LIMIT} bytes")
        path = request.url.path
        if path == "/login" or path.startswith("/login/"):
            self._same_site(request)
        if _is_open(path):
            return None
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if key:
            if scheme.lower() != "bearer" or not self._access.check(key.strip()):
                raise Unauthorised("this is not the access key")
            request.state.by = name(_utf8(request.headers.get("muster-by", BY)))
            return None
        by = self._access.who(request.cookies.get(COOKIE, ""))
        if by is not None:
            self._same_site(request)
            request.state.by = by
            return None
        if problem.wants_page(request) and request.method in _SAFE:
            return RedirectResponse(f"/login?next={quote(path)}", 303)
        raise Unauthorised(
            "send `Authorization: Bearer KEY` with the coordinator's access key, or log in at /login"
        )

    def _same_site(self, request: Request) -> None:
        """Refuse what another site's page makes this browser send along with its cookie.

        Raises:
            Forbidden: the request changes something and does not come from our own pages.
        """
        if request.method in _SAFE:
            return
        site = request.headers.get("sec-fetch-site")
        origin = urlsplit(request.headers.get("origin", "")).netloc
        ours = site == "same-origin" if site else origin in {request.headers.get("host"), self._host} - {""}
        if not ours:
            raise Forbidden("this form was not sent from our own page: open the page here and send it again")


class _Bounded:
    """Hands a request's body on, up to `LIMIT` bytes."""

    def __init__(self, receive: Receive, request: Request) -> None:
        self._receive = receive
        self._left = LIMIT
        self._request = request

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise problem.TooLong(f"a request has at most {LIMIT} bytes")
        return message


def _is_open(path: str) -> bool:
    return any(path == each or path.startswith(each + "/") for each in OPEN)


def _via(request: Request) -> str:
    """By what way somebody acts, in general terms, for the trail."""
    path = request.url.path
    if path.startswith(("/t/", "/api/track/", "/m/", "/api/maker/")):
        return "link"
    if request.headers.get("muster-via") == "cli":
        return "cli"
    return "api" if path.startswith("/api/") else "page"


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdigit() and len(text) < 20 else "0"


def _utf8(header: str) -> str:
    """A header's text; Starlette reads it as Latin-1, people write UTF-8."""
    return header.encode("latin-1").decode("utf-8", "replace")


def describe(schema: dict[str, Any]) -> None:
    """Add to an OpenAPI schema how to get in."""
    schema["security"] = [{"key": []}]
    for path, operations in schema["paths"].items():
        for operation in operations.values() if _is_open(path) else ():
            operation["security"] = []
    schema.setdefault("components", {})["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "The coordinator's access key; `Muster-By` may name who acts.",
        }
    }
