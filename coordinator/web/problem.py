"""What went wrong, for a program (`application/problem+json`, RFC 9457) or as a page for a person."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from coordinator.errors import Invalid, Missing, Problem, Slow
from coordinator.web import headers, rendering

MEDIA_TYPE = "application/problem+json"

_SAYS = {
    "json_invalid": "the body is not JSON",
    "missing": "is needed",
    "extra_forbidden": "is not known here",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a much smaller number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_type": "must be text",
    "string_too_short": "is needed",
    "string_too_long": "must have at most {max_length} signs",
}
"""Pydantic's findings in words for people; what is not here keeps Pydantic's own."""

_log = structlog.get_logger(__name__)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "`urn:muster:` and a stable word"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what to do instead"},
        "errors": {
            "type": "array",
            "description": "For `urn:muster:invalid`: which field, and why",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


class TooLong(Problem):
    """More bytes than any request needs."""

    kind = "too-long"
    title = "The request is too long"
    status = 413


class Ours(Problem):
    """It is our fault."""

    kind = "internal"
    title = "Something went wrong on our side"
    status = 500


class Fields(Invalid):
    """Values out of bounds; `fields` says which, and why."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" if name else why for name, why in fields.items()))
        self.fields = fields


def fields(error: ValidationError | RequestValidationError) -> Fields:
    """Pydantic's findings as a problem; what was entered is not repeated."""
    found: dict[str, str] = {}
    for each in cast(Sequence[dict[str, Any]], error.errors()):
        where = [str(step) for step in each["loc"] if step not in ("body", "query", "header")]
        if each["type"] == "json_invalid":
            where = []
        said = _SAYS.get(each["type"], str(each["msg"]).removeprefix("Value error, "))
        found[".".join(where)] = said.format_map(each.get("ctx", {})) if each["type"] in _SAYS else said
    return Fields(found)


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks, not a program."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(
        ("/api/", "/files/")
    )


def respond(request: Request, problem: Problem) -> Response:
    """A problem, in the form that who asks can read."""
    if wants_page(request):
        return rendering.page(request, "problem.html", status=problem.status, problem=problem)
    return JSONResponse(_json(problem), problem.status, headers=_headers(problem), media_type=MEDIA_TYPE)


def documented(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` for these problems."""
    return {
        each.status: {
            "description": each.title,
            "content": {
                MEDIA_TYPE: {"schema": SCHEMA, "example": _json(each((each.__doc__ or "").split("\n")[0]))}
            },
        }
        for each in problems
    }


def install(app: FastAPI) -> None:
    """Turn every error of `app` into a problem; no traceback leaves the house."""

    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return respond(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = cast(Sequence[dict[str, Any]], error.errors())
        if any(each["loc"][0] == "path" for each in found):
            return respond(request, Missing("nothing has such a name"))
        return respond(request, fields(error))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return respond(request, _of_status(error.status_code, request))

    async def ours(request: Request, error: Exception) -> Response:
        _log.error("request failed", path=headers.shown(request.url.path), error=type(error).__name__)
        response = respond(request, Ours("it was noted in our log; try again, or tell who runs this service"))
        response.headers["Connection"] = "close"  # the server closes it after an error: say so
        headers.add(
            response.headers, request.url.path, secure=request.state.secure
        )  # this answer does not pass the middleware
        return response

    app.add_exception_handler(Problem, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, ours)


def _of_status(status: int, request: Request) -> Problem:
    if status == HTTPStatus.NOT_FOUND:
        return Missing(f"there is nothing at {request.url.path}")
    if status == HTTPStatus.BAD_REQUEST:
        return Invalid(
            "the body can't be read: it is not JSON in UTF-8, or its numbers or nesting have no end"
        )
    problem = Problem(f"{request.method} {request.url.path}: {HTTPStatus(status).description}")
    problem.kind = HTTPStatus(status).phrase.lower().replace(" ", "-")
    problem.title = HTTPStatus(status).phrase
    problem.status = status
    return problem


def _json(problem: Problem) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"urn:muster:{problem.kind}",
        "title": problem.title,
        "status": problem.status,
        "detail": str(problem),
    }
    if isinstance(problem, Fields):
        body["errors"] = [{"field": name, "detail": why} for name, why in problem.fields.items()]
    return body


def _headers(problem: Problem) -> dict[str, str]:
    if isinstance(problem, Slow):
        return {"Retry-After": str(problem.wait)}
    return {"WWW-Authenticate": "Bearer"} if problem.status == HTTPStatus.UNAUTHORIZED else {}
