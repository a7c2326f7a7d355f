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
from coordinator.model.roles import HOME, WHOLE, Act
from coordinator.people.authentication import Porter
from coordinator.people.principal import NOBODY, Asker
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
_acts: dict[object, Act] = {}


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


def needs(act: Act) -> Callable[[F], F]:
    """Only who may do `act` reaches this route."""

    def declared(endpoint: F) -> F:
        _acts[endpoint] = act
        return endpoint

    return declared


def act_of(endpoint: object) -> Act | None:
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
    asker = asker_of(request)
    if asker.confined and act is not Act.SELF:
        raise Confined("your account needs a second factor before it can do anything else: set it up first")
    if act is None or not asker.may(act, *([HOME] if act in WHOLE else [])):
        raise Forbidden(refusal(act))
    if asker.csrf and request.method not in SAFE:
        await _of_own_page(request, asker)
    if not asker.everywhere and act is not Act.SELF:
        await run_in_threadpool(_of_thing, _store(request), asker, act, dict(request.path_params))


async def _of_own_page(request: Request, asker: Asker) -> None:
    sent = (await request.form(max_files=0, max_fields=40)).get(CSRF, "")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), asker.csrf.encode()):
        raise Forbidden("this form is not from a page of this session: open the page again and send it again")


def require(store: Store, asker: Asker, act: Act, **named: str) -> None:
    """Whether somebody may do this with what they named (`hospital`, `need`, `attempt`, `parcel`, `agent`).

    Raises:
        Forbidden: they may see it, and no more.
        Missing: they may not even know of it.
    """
    if not asker.everywhere:
        _of_thing(store, asker, act, named)


def refusal(act: Act | None) -> str:
    """Why somebody is sent away."""
    if act is Act.LOCAL:
        return "only the access key of the coordinator's machine does this"
    if act is Act.SELF:
        return "this is for people who have logged in"
    return "your roles do not allow this: ask an admin of your cluster"


def asker_of(request: Request) -> Asker:
    """Who asks, as the gate found out."""
    return getattr(request.state, "asker", NOBODY)


def again(request: Request, door: Porter) -> Asker:
    """Who asks, as of now: `NOBODY` if what let them in has ended since. Not for open paths."""
    _, _, key = request.headers.get("authorization", "").partition(" ")
    if key:
        return door.program(key.strip(), asker_of(request).by) or NOBODY
    return door.browser(cookies.read(request, cookies.SESSION))


_KINDS: dict[str, Callable[[Tx, str], set[str]]] = {
    "hospital": people.clusters_of_hospital,
    "need": people.clusters_of_need,
    "attempt": people.clusters_of_attempt,
    "parcel": people.clusters_of_parcel,
    "agent": people.clusters_of_agent,
    "pickup": people.clusters_of_pickup,
}


def _of_thing(store: Store, asker: Asker, act: Act, named: dict[str, Any]) -> None:
    wanted = [(kind, str(named[kind])) for kind in _KINDS if kind in named]
    if not wanted:
        return
    with store.read() as tx:
        found = [(kind, thing, _KINDS[kind](tx, thing)) for kind, thing in wanted]
    for kind, thing, clusters in found:
        if not clusters:
            continue  # there is no such thing: its own route says so
        if not asker.sees(clusters):
            raise Missing(f"there is no {kind} {thing!r}")
        if not asker.may(act, *clusters):
            raise Forbidden(refusal(act))


def _store(request: Request) -> Store:
    porter: Porter = request.app.state.porter
    return porter.store


def _by(request: Request) -> str:
    return asker_of(request).by


def _porter(request: Request) -> Porter:
    porter: Porter = request.app.state.porter
    return porter


By = Annotated[str, Depends(_by)]
"""Who acts: the gate has let them in."""
Who = Annotated[Asker, Depends(asker_of)]
"""The same, with what they may do."""
Door = Annotated[Porter, Depends(_porter)]
"""The porter."""
