"""Logging in and out: with the access key, or with a link that is good once."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from coordinator.errors import Missing, Unauthorised
from coordinator.web import look
from coordinator.web.access import COOKIE, SESSION, Access, name
from coordinator.web.forms import Refused, submit
from coordinator.web.front import Entered
from coordinator.web.shapes import Token

router = APIRouter(include_in_schema=False)


def _access(request: Request) -> Access:
    access: Access = request.app.state.access
    return access


Door = Annotated[Access, Depends(_access)]


@router.get("/login")
def login(request: Request, after: Annotated[str, Query(alias="next", max_length=200)] = "/") -> Response:
    """Asks for the key."""
    return _form(request, "/login", _local(after))


@router.post("/login")
def enter(request: Request, door: Door, entered: Entered) -> Response:
    """The key opens a session."""
    after = _local(entered.get("next", "/"))

    def act() -> str:
        if not door.check(entered.get("key", "").strip()):
            raise Unauthorised("this is not the access key; whoever runs the coordinator has it")
        return after

    return _open(
        request,
        door,
        entered,
        submit("login", entered, act, lambda refused: _form(request, "/login", after, refused)),
    )


@router.get("/login/{code}")
def login_once(request: Request, door: Door, code: Token) -> Response:
    """Asks only for a name: the link is the key. Looking at it does not use it up, a preview may."""
    if not door.knows(code):
        raise Missing(_STALE)
    return _form(request, f"/login/{code}", "/", once=True)


@router.post("/login/{code}")
def enter_once(request: Request, door: Door, entered: Entered, code: Token) -> Response:
    """A one-time link opens a session."""

    def act() -> str:
        name(entered.get("by", ""))
        if not door.redeem(code):
            raise Missing(_STALE)
        return "/"

    def again(refused: Refused) -> Response:
        return _form(request, f"/login/{code}", "/", refused, once=True)

    return _open(request, door, entered, submit("login", entered, act, again))


@router.post("/logout")
def leave() -> Response:
    """Ends this browser's session."""
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


_STALE = "this link was used already, or is older than ten minutes: ask for a new one, or log in with the key"


def _form(
    request: Request, action: str, after: str, refused: Refused | None = None, *, once: bool = False
) -> Response:
    return look.page(
        request,
        "login.html",
        status=refused.problem.status if refused else 200,
        action=action,
        after=after,
        once=once,
        refused=refused,
    )


def _open(request: Request, door: Access, entered: dict[str, str], response: Response) -> Response:
    if isinstance(response, RedirectResponse):
        response.set_cookie(
            COOKIE,
            door.session(name(entered.get("by", ""))),
            max_age=SESSION,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
    return response


def _local(path: str) -> str:
    """A path on this site, whatever was asked for."""
    split = urlsplit(path)
    local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if local and not split.netloc and not split.scheme else "/"
