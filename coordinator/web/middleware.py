"""What every request passes first: who sends it, no cross-site post, no flood. What they may do, `access` says."""

from typing import Any
from urllib.parse import quote, urlsplit

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coordinator import request_context
from coordinator.errors import Conflict, Forbidden, Invalid, Missing, Problem, Unauthorised
from coordinator.people.authentication import Authenticator
from coordinator.people.principal import NOBODY
from coordinator.web import cookies, headers, problem
from coordinator.web.access import BY, SAFE, is_open, name

LIMIT = 64 * 1024
"""Bytes of a request's body; the longest that is asked for is an agent's enrolment."""


class AuthenticationMiddleware:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator, public_url: str = "") -> None:
        """`public_url` is what browsers call us, beside what their requests' Host says."""
        self._app = app
        self._authenticator = authenticator
        self._host = urlsplit(public_url).netloc
        self._encrypted = public_url.startswith("https:")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through to the application, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.principal = NOBODY
        request.state.secure = self._is_secure(request)
        guarded = headers.sent(send, request.url.path, secure=request.state.secure)
        try:
            refusal = await self._judge(request)
        except Problem as found:
            refusal = problem.respond(request, found)
        if refusal is None:
            with request_context.acting(via=_via(request), role=request.state.principal.role):
                await self._app(scope, _Bounded(receive, request), guarded)
        else:
            await refusal(scope, receive, guarded)

    async def _judge(self, request: Request) -> Response | None:
        """A refusal, or None and `request.state.principal` says who asks (nobody, where nobody needs to)."""
        if int(_digits(request.headers.get("content-length", "0"))) > LIMIT:
            raise problem.TooLong(f"a request has at most {LIMIT} bytes")
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            # It names its own charset, and Python knows some that make text which can't be written again.
            raise Invalid("send a form as application/x-www-form-urlencoded")
        path = request.url.path
        if path == "/login" or path.startswith("/login/"):
            self._same_site(request)
        if is_open(path):
            return None
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if key:
            by = name(_utf8(request.headers.get("muster-by", BY)))
            found = None
            if scheme.lower() == "bearer":
                found = await run_in_threadpool(self._authenticator.program, key.strip(), by)
            if found is None:
                raise Unauthorised("this is not the access key, nor a token that is good")
            request.state.principal = found
            return None
        principal = await run_in_threadpool(
            self._authenticator.browser, cookies.read(request, cookies.SESSION)
        )
        if principal.is_known:
            self._same_site(request)
            if path.startswith("/api/") and request.method not in SAFE:
                raise Forbidden(
                    "a browser's session changes things by the pages' forms only; programs use a token"
                )
            request.state.principal = principal
            return None
        if problem.wants_page(request) and request.method in SAFE:
            return RedirectResponse(f"/login?next={quote(path)}", 303)
        raise Unauthorised(
            "send `Authorization: Bearer KEY` with a token of yours or the access key, or log in at /login"
        )

    def _same_site(self, request: Request) -> None:
        """Refuse what another site's page makes this browser send along with its cookie.

        Raises:
            Forbidden: the request changes something and does not come from our own pages.
        """
        if request.method in SAFE:
            return
        site = request.headers.get("sec-fetch-site")
        come_from = request.headers.get("origin", "")
        hosts = {request.headers.get("host"), self._host} - {""}
        # Browsers that tell no site say only that there is an origin: the form's own token must do then.
        vague = not site and come_from == "null" and not request.url.path.startswith("/login")
        ours = site == "same-origin" if site else urlsplit(come_from).netloc in hosts
        if not ours and not vague:
            raise Forbidden("this form was not sent from our own page: open the page here and send it again")

    def _is_secure(self, request: Request) -> bool:
        """Whether the browser reached us over HTTPS, perhaps by a proxy that does not say so."""
        proxied = self._encrypted and request.headers.get("host") == self._host
        return request.url.scheme == "https" or proxied


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


def _via(request: Request) -> str:
    """By what way somebody acts, in general terms, for the audit log."""
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
    """Add to an OpenAPI schema how to get in, and the refusals that any request may meet."""
    schema["security"] = [{"key": []}]
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            met: list[type[Problem]] = [] if is_open(path) else [Unauthorised, Forbidden]
            if is_open(path):
                operation["security"] = []
            if "{" in path:
                met.append(Missing)
            if "requestBody" in operation or "parameters" in operation:
                met.append(Invalid)
            if "requestBody" in operation:
                met.append(problem.TooLong)
            if any(each["name"] == "idempotency-key" for each in operation.get("parameters", ())):
                met.append(Conflict)
            answers = problem.documented(*met)
            operation["responses"] |= {
                str(status): says
                for status, says in answers.items()
                if str(status) not in operation["responses"]
            }
    schema.setdefault("components", {})["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of yours, or the access key of the coordinator's machine; with the latter"
            " `Muster-By` may name who acts.",
        }
    }
