"""What each request needs of the application: the desk behind it, and a form's fields."""

import hmac
import json
import re
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request

from coordinator.desk import Desk
from coordinator.errors import Forbidden, Invalid
from coordinator.repeats import Repeats
from coordinator.web.access import asker_of

T = TypeVar("T")

CSRF = "csrf"
FORM = "form"
"""Fields of each of our pages' forms: that it is from our own page, and which rendering of it this is."""

_EACH_TIME = ("/login", "/logout", "/account", "/people")
"""Where a form is looked at each time: it holds secrets, or strangers send it, and it is harmless twice."""

_key = re.compile(r"[\x21-\x7e]{1,200}\Z")


class Once:
    """Does what one request asks, unless it was done already, for an earlier request with the same key."""

    def __init__(self, request: Request, key: str, asked: bytes) -> None:
        self._repeats: Repeats = request.app.state.repeats
        asker = asker_of(request)
        self._scope = f"{asker.via} {asker.by} {request.method} {request.url.path}"
        self._key = key
        self._asked = asked

    def __call__(self, shape: type[T], act: Callable[[], T]) -> T:
        """What `act` returns, which is a `shape`; or what it returned the first time."""
        return self._repeats.once(self._scope, self._key, self._asked, shape, act) if self._key else act()


class Sheet(dict[str, str]):
    """What a person entered into a page's form; what it asks for is done `once`."""

    def __init__(self, values: dict[str, str], once: Once) -> None:
        super().__init__(values)
        self.once = once


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def _fields(request: Request) -> Sheet:
    async with request.form(max_files=0, max_fields=40) as form:
        values = {name: value for name, value in form.items() if isinstance(value, str)}
    asker = asker_of(request)
    if not hmac.compare_digest(values.pop(CSRF, "").encode(), asker.csrf.encode()):
        raise Forbidden("this form is not from a page of this session: open the page again and send it again")
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


Here = Annotated[Desk, Depends(_desk)]
"""The desk."""
Entered = Annotated[Sheet, Depends(_fields)]
"""What a person entered into a page's form."""
Repeatable = Annotated[Once, Depends(_once)]
"""For programs: a request with an `Idempotency-Key` may be sent again."""
