"""A page's forms: done and back to the page, or the same page again with what was entered and what is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from coordinator.errors import Problem
from coordinator.web import problem


@dataclass(frozen=True, slots=True)
class Refused:
    """A form that was not accepted: which one, what was entered, and why."""

    form: str
    values: Mapping[str, str]
    problem: Problem
    fields: Mapping[str, str] = field(default_factory=dict[str, str])


def submit(
    form: str,
    values: Mapping[str, str],
    act: Callable[[], str],
    again: Callable[[Refused], Response],
) -> Response:
    """Do what a form asks; `act` returns where to go then, `again` shows the page with what was refused."""
    try:
        return RedirectResponse(act(), 303)
    except ValidationError as error:
        found = problem.fields(error)
        return again(Refused(form, values, found, found.fields))
    except Problem as error:
        return again(Refused(form, values, error))
