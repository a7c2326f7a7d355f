"""Logging in and out: with a name, a password and a second factor, or with a link that is good once."""

from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from coordinator import acts
from coordinator.acts.services import Services
from coordinator.errors import Invalid
from coordinator.people.authentication import SESSION, OneTimeLink, Opened, Ticket
from coordinator.web import cookies, rendering
from coordinator.web.access import Who, name, performs
from coordinator.web.dependencies import Entered, Here, Sheet
from coordinator.web.forms import RefusedForm, submit
from coordinator.web.shapes import Token

router = APIRouter(include_in_schema=False)

_YEAR = 365 * 86_400
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


# ── with a password ───────────────────────────────────────────────────────────────────────────────────────


@router.get("/login")
def login(request: Request, after: Annotated[str, Query(alias="next", max_length=200)] = "/") -> Response:
    """Asks for name and password."""
    return _form(request, "/login", after=_local(after))


@router.post("/login")
def enter(request: Request, services: Here, entered: Entered) -> Response:
    """Name and password open a session, or lead to the second factor."""
    after = _local(entered.get("next", "/"))
    came: list[Opened | Ticket] = []

    def act() -> str:
        came.append(
            acts.login.log_in(
                services,
                entered.get("name", ""),
                entered.get("password", ""),
                address=address(request),
                browser=browser(request),
                device=cookies.read(request, cookies.DEVICE),
            )
        )
        return after

    response = submit("login", entered, act, lambda refused: _form(request, "/login", refused, after=after))
    return _lead(request, response, came, after)


@router.post("/login/second")
def enter_second(request: Request, services: Here, entered: Entered) -> Response:
    """The code opens the session."""
    after, ticket = _local(entered.get("next", "/")), entered.get("ticket", "")
    came: list[Opened | Ticket] = []

    def act() -> str:
        came.append(
            acts.login.log_in_by_code(
                services,
                ticket,
                entered.get("code", ""),
                address=address(request),
                browser=browser(request),
                device=cookies.read(request, cookies.DEVICE),
            )
        )
        return after

    def again(refused: RefusedForm) -> Response:
        return _second(request, Ticket(ticket), after, refused)

    return _lead(request, submit("second", entered, act, again), came, after)


# ── with a link ───────────────────────────────────────────────────────────────────────────────────────────


@router.get("/login/{code}")
def login_once(request: Request, services: Here, code: Token) -> Response:
    """Asks for what the link needs. Looking at it does not use it up, a preview may."""
    what, person = services.authenticator.link(code)
    return _form(request, f"/login/{code}", what=what, person=person)


@router.post("/login/{code}")
def enter_once(request: Request, services: Here, entered: Entered, code: Token) -> Response:
    """A one-time link opens a session, or makes an account that does."""
    what, person = services.authenticator.link(code)
    came: list[Opened | Ticket] = []

    def act() -> str:
        came.append(_by_link(services, code, what, entered, browser(request)))
        return "/"

    def again(refused: RefusedForm) -> Response:
        return _form(request, f"/login/{code}", refused, what=what, person=person)

    return _lead(request, submit("login", entered, act, again), came, "/")


@router.post("/logout")
@performs(acts.account.leave)
def leave(request: Request, services: Here, who: Who, entered: Entered) -> Response:  # noqa: ARG001 - its token is checked
    """Ends this browser's session."""
    acts.account.leave(services, who)
    response = RedirectResponse("/login", 303)
    cookies.drop(request, response, cookies.SESSION)
    return response


def address(request: Request) -> str:
    """Where a request comes from; a proxy on this machine is believed (uvicorn's own way)."""
    return request.client.host if request.client else ""


def browser(request: Request) -> str:
    """What a browser calls itself, in two words: that its owner knows it again."""
    agent = request.headers.get("user-agent", "")
    program = next((shown for sign, shown in _BROWSERS if sign in agent), "A browser")
    system = next((shown for sign, shown in _SYSTEMS if sign in agent), "")
    return f"{program} on {system}" if system else program


# ── private ───────────────────────────────────────────────────────────────────────────────────────────────


def _by_link(services: Services, code: str, what: OneTimeLink, entered: Sheet, from_: str) -> Opened | Ticket:
    if what is OneTimeLink.LOCAL:
        return acts.login.log_in_locally(services, code, name(entered.get("by", "")), from_)
    password = repeated(entered)
    if what is OneTimeLink.WELCOME:
        return acts.login.choose_password(services, code, password, from_)
    return acts.login.make_first_account(
        services,
        code,
        name=entered.get("name", ""),
        shown=name(entered.get("shown", "")),
        password=password,
        browser=from_,
    )


def repeated(entered: Sheet) -> str:
    """The new password, which was entered twice.

    Raises:
        Invalid: the two differ.
    """
    if entered.get("password", "") != entered.get("again", ""):
        raise Invalid("the two passwords differ: enter the same one twice")
    return entered.get("password", "")


def _form(
    request: Request,
    action: str,
    refused: RefusedForm | None = None,
    *,
    after: str = "/",
    what: OneTimeLink | None = None,
    person: str = "",
) -> Response:
    return _refusable(
        rendering.page(
            request,
            "login.html",
            status=refused.problem.status if refused else 200,
            action=action,
            after=after,
            what=what,
            person=person,
            refused=refused,
        ),
        refused,
    )


def _second(request: Request, ticket: Ticket, after: str, refused: RefusedForm | None = None) -> Response:
    status = refused.problem.status if refused else 200
    page = rendering.page(
        request, "second.html", status=status, ticket=ticket.value, after=after, refused=refused
    )
    return _refusable(page, refused)


def _refusable(response: Response, refused: RefusedForm | None) -> Response:
    wait = getattr(refused.problem, "wait", None) if refused else None
    if wait is not None:
        response.headers["Retry-After"] = str(wait)
    return response


def _lead(request: Request, response: Response, came: list[Opened | Ticket], after: str) -> Response:
    """On from a form that was accepted: into the session, or to the second factor."""
    for each in came:
        if isinstance(each, Ticket):
            return _second(request, each, after)
        keep(request, response, each)
    return response


def keep(request: Request, response: Response, opened: Opened) -> None:
    """Have the browser keep a session."""
    cookies.put(request, response, cookies.SESSION, opened.token, seconds=SESSION)
    if opened.device:
        cookies.put(request, response, cookies.DEVICE, opened.device, seconds=_YEAR)


def _local(path: str) -> str:
    """A path on this site, whatever was asked for."""
    split = urlsplit(path)
    local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return quote(path, safe="/?=&-_.~%") if local and not split.netloc and not split.scheme else "/"
