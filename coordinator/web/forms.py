"""A page's forms: done and back to the page, or the same page again with what was entered and what is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from coordinator.errors import Problem
from coordinator.web import problem
from coordinator.web.dependencies import Sheet


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """A form that was not accepted: which one, what was entered, and why."""

    form: str
    values: Mapping[str, str]
    problem: Problem
    fields: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Filed:
    """Where to go after a need was filed, and its hospital's link, which is shown there, once."""

    page: str
    link: str


T = TypeVar("T")


def reveal(
    form: str,
    values: Sheet,
    act: Callable[[], T],
    again: Callable[[RefusedForm], Response],
    show: Callable[[T], Response],
    back: str,
) -> Response:
    """As `submit`, for what is shown only once: the page follows at once. Sent again, the form leads `back`."""
    made: list[T] = []

    def go() -> str:
        made.append(act())
        return back

    response = submit(form, values, go, again)
    return show(made[0]) if made else response


def submit(
    form: str,
    values: Sheet,
    act: Callable[[], str | Filed],
    again: Callable[[RefusedForm], Response],
    carry: Callable[[Response, Filed], None] | None = None,
) -> Response:
    """Do what a form asks, once; `act` returns where to go then, `again` shows the page with what was refused.

    `carry` takes what was filed along to that page.
    """
    try:
        went: str | Filed = values.once(str | Filed, act)  # pyright: ignore[reportArgumentType]  # msgspec reads it
    except ValidationError as error:
        found = problem.fields(error)
        return again(RefusedForm(form, values, found, found.fields))
    except Problem as error:
        return again(RefusedForm(form, values, error))
    response = RedirectResponse(went if isinstance(went, str) else went.page, 303)
    if carry and isinstance(went, Filed):
        carry(response, went)
    return response
