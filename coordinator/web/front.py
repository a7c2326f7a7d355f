"""What each request needs of the application: the desk behind it, and a form's fields."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends, Request

from coordinator import ids
from coordinator.desk import Desk
from coordinator.guesses import Guesses
from coordinator.links import Astray


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def _fields(request: Request) -> dict[str, str]:
    async with request.form(max_files=0, max_fields=40) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


@contextmanager
def link(request: Request, token: str) -> Generator[None]:
    """Around the look-up of a link: who guesses is made to wait.

    Raises:
        Guessing: too many wrong links came from this address.
    """
    guesses: Guesses = request.app.state.guesses
    address = request.client.host if request.client else ""
    digest = ids.digest(token)
    guesses.enter(address, digest)
    try:
        yield
    except Astray:
        guesses.missed(address, digest)
        raise
    guesses.found(digest)


Here = Annotated[Desk, Depends(_desk)]
"""The desk."""
Entered = Annotated[dict[str, str], Depends(_fields)]
"""What a person entered into a page's form."""
