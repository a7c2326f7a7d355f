"""What each request needs of the application: the services behind it, and a form's fields."""

import json
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request

from coordinator import ids
from coordinator.acts.services import Services
from coordinator.changes import ChangeFeed
from coordinator.conversation import Conversation
from coordinator.errors import Invalid
from coordinator.idempotency import Idempotency
from coordinator.people.links import Astray
from coordinator.rate_limit import WrongTries
from coordinator.web.access import CSRF, principal_of

T = TypeVar("T")

FORM = "form"
"""A field of each of our pages' forms: which rendering of it this is."""

_EACH_TIME = ("/login", "/logout", "/account", "/people")
"""Where a form is looked at each time: it holds secrets, or strangers send it, and it is harmless twice."""

_key = re.compile(r"[\x21-\x7e]{1,200}\Z")


class Once:
    """Does what one request asks, unless it was done already, for an earlier request with the same key."""

    def __init__(self, request: Request, key: str, asked: bytes) -> None:
        self._idempotency: Idempotency = request.app.state.idempotency
        principal = principal_of(request)
        self._scope = f"{principal.via} {principal.name} {request.method} {request.url.path}"
        self._key = key
        self._asked = asked

    def __call__(self, shape: type[T], act: Callable[[], T]) -> T:
        """What `act` returns, which is a `shape`; or what it returned the first time."""
        return self._idempotency.once(self._scope, self._key, self._asked, shape, act) if self._key else act()


class Sheet(dict[str, str]):
    """What a person entered into a page's form; what it asks for is done `once`."""

    def __init__(self, values: dict[str, str], once: Once) -> None:
        super().__init__(values)
        self.once = once


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _conversation(request: Request) -> Conversation:
    conversation: Conversation = request.app.state.conversation
    return conversation


def _changes(request: Request) -> ChangeFeed:
    changes: ChangeFeed = request.app.state.changes
    return changes


async def _fields(request: Request) -> Sheet:
    async with request.form(max_files=0, max_fields=40) as form:
        values = {name: value for name, value in form.items() if isinstance(value, str)}
    values.pop(CSRF, "")
    key = values.pop(FORM, "")[:64]
    if request.url.path.startswith(_EACH_TIME):
        key = ""
    return Sheet(values, Once(request, key, json.dumps(values, sort_keys=True).encode()))


async def _once(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(description="The same request with the same key is done once, and answered alike for a day"),
    ] = None,
) -> Once:
    if idempotency_key is not None and not _key.match(idempotency_key):
        raise Invalid("an Idempotency-Key has 1 to 200 visible ASCII signs")
    return Once(request, idempotency_key or "", await request.body())


@contextmanager
def link(request: Request, token: str) -> Generator[None]:
    """Around the look-up of a link: who guesses is made to wait.

    Raises:
        Slow: too many wrong links came from this address.
    """
    guesses: WrongTries = request.app.state.links
    address = request.client.host if request.client else ""
    digest = ids.digest(token)
    guesses.enter(address, digest)
    try:
        yield
    except Astray:
        guesses.missed(address, digest)
        raise
    guesses.found(digest)


Here = Annotated[Services, Depends(_services)]
"""What acts and queries have at hand."""
Agents = Annotated[Conversation, Depends(_conversation)]
"""The conversation with agents."""
Changes = Annotated[ChangeFeed, Depends(_changes)]
"""What changes, for whoever listens."""
Entered = Annotated[Sheet, Depends(_fields)]
"""What a person entered into a page's form."""
Repeatable = Annotated[Once, Depends(_once)]
"""For programs: a request with an `Idempotency-Key` may be sent again."""
