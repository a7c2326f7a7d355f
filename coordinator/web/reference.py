"""The API's reference as a page for people, made from the application's own OpenAPI document."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from markupsafe import Markup
from starlette.routing import BaseRoute

from coordinator.model.roles import HOME, PERMISSIONS, WHOLE, Permission, Role
from coordinator.web import curl, rendering
from coordinator.web.access import permission_of
from coordinator.web.schema_text import Json, bounds, kind, object_of, prose

PATH = "/api/docs"
TAGS = {
    "hospitals": "Who asks for parts, and who vouches for them.",
    "parts": "What can be asked for.",
    "needs": "So many of one part for one hospital.",
    "printers": "What the makers' printers do.",
    "attempts": "One plate on one printer each, and the lot for traceability.",
    "parcels": "From the hub to the hospital.",
    "hospital": "What a hospital's link can do: the link is the key.",
    "maker": "What a maker's link can do: the link is the key.",
    "pickups": "Who goes to which maker, and sees the address.",
    "agents": "How makers' agents join, stay and leave; and what agents themselves ask.",
    "people": "Accounts and roles.",
    "access": "Getting in from the coordinator's own machine.",
    "privacy": "What is held of somebody, and how it goes away.",
    "audit log": "Who did what.",
    "ledger": "Whether every figure is right.",
    "live": "Hearing that something changed.",
    "health": "Whether it runs.",
}
"""The groups of operations in the order of the page, and what each is about."""

_PLACES = {"path": "in the path", "query": "in the query", "header": "a header"}

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a shape; `kind` is its type, with links to shapes; `where` a parameter stands."""

    name: str
    where: str
    kind: Markup
    bounds: Markup
    required: bool
    text: Markup


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one path; `answers` are (status, what comes), `refusals` (status, title)."""

    anchor: str
    method: str
    path: str
    summary: str
    text: Markup
    who: str
    parameters: list[Field]
    body: list[Field]
    body_needed: bool
    answers: list[tuple[str, Markup]]
    refusals: list[tuple[str, str]]
    example: str


@dataclass(frozen=True, slots=True)
class Group:
    """The operations of one tag."""

    name: str
    text: str
    operations: list[Operation]


@dataclass(frozen=True, slots=True)
class BodyShape:
    """What travels: an object's fields, or the words that it may be."""

    name: str
    text: Markup
    fields: list[Field]
    words: list[str]


@dataclass(frozen=True, slots=True)
class DocumentedRefusal:
    """An error's status, title, `type`, and an example of what it says."""

    status: str
    title: str
    kind: str
    text: Markup


@dataclass(frozen=True, slots=True)
class Reference:
    """All that the page shows."""

    about: Markup
    groups: list[Group]
    shapes: list[BodyShape]
    refusals: list[DocumentedRefusal]


@router.get(PATH, include_in_schema=False)
def page(request: Request) -> Response:
    """Needs nobody to be logged in: it says what the source says."""
    return rendering.page(
        request, "reference.html", reference=read(request.app.openapi(), rendering.outside(request, ""))
    )


# ── into the document ─────────────────────────────────────────────────────────────────────────────────────


def tell_who_may(schema: dict[str, Any], routes: Iterable[BaseRoute]) -> None:
    """Add to an OpenAPI document each operation's `x-permission`, and `x-roles`, the roles that have it."""
    for route in _leaves(routes):
        permission = permission_of(route.endpoint)
        for method in route.methods or ():
            operation = schema["paths"].get(route.path, {}).get(method.lower())
            if operation is not None and permission is not None:
                operation["x-permission"] = permission.value
                operation["x-roles"] = [role.value for role in Role if permission in PERMISSIONS[role]]


def _leaves(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):  # what FastAPI keeps of a router that was included
            yield from _leaves(cast(Any, route).original_router.routes)


# ── out of the document ───────────────────────────────────────────────────────────────────────────────────


def read(schema: Json, address: str) -> Reference:
    """The page's content; `address` is where the API is, for the examples."""
    found: dict[str, list[Operation]] = {tag: [] for tag in TAGS}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["more"])[0]
            found.setdefault(tag, []).append(_operation(schema, path, method.upper(), operation, address))
    shapes = schema.get("components", {}).get("schemas", {})
    answered = [
        [operation["responses"], operation.get("parameters")]
        for operations in schema["paths"].values()
        for operation in operations.values()
    ]
    used = sorted(_shapes_in(schema, answered))
    return Reference(
        about=prose(schema["info"].get("description", "")),
        groups=[Group(tag, TAGS.get(tag, ""), each) for tag, each in found.items() if each],
        shapes=[_shape(name, shapes[name]) for name in used],
        refusals=_refusals(schema),
    )


def _operation(schema: Json, path: str, method: str, operation: Json, address: str) -> Operation:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = object_of(schema, content.get("schema", {}))
    parameters: list[Json] = operation.get("parameters", [])
    answers = operation["responses"].items()
    return Operation(
        anchor=re.sub(r"[^a-z0-9]+", "-", f"{method}-{path}".lower()).strip("-"),
        method=method,
        path=path,
        summary=operation.get("summary", ""),
        text=prose(operation.get("description", "")),
        who=_who(operation),
        parameters=[
            _field(
                each["name"],
                each["schema"],
                each.get("required", False),
                each.get("description"),
                _PLACES[each["in"]],
            )
            for each in parameters
        ],
        body=_fields(body),
        body_needed=operation.get("requestBody", {}).get("required", False),
        answers=[(status, _answer(each)) for status, each in answers if status < "4"],
        refusals=sorted((status, each["description"]) for status, each in answers if status >= "4"),
        example=curl.line(schema, path, method, operation, address, body),
    )


def _who(operation: Json) -> str:
    if operation.get("security") == []:
        return "nobody needs to log in"
    act = operation.get("x-permission")
    if act == Permission.LOCAL:
        return "the access key of the coordinator's machine only"
    if act == Permission.SELF:
        return "whoever has logged in"
    roles: list[str] = operation.get("x-roles", [])
    named = "any role" if len(roles) == len(Role) else ", ".join(roles)
    return f"{named}; in the cluster {HOME}" if act in WHOLE else named


def _answer(answer: Json) -> Markup:
    for media, content in answer.get("content", {}).items():
        if media == "application/json" and content.get("schema"):
            return kind(content["schema"])
        return Markup("<code>{}</code>").format(media)
    return Markup("nothing more")


def _shape(name: str, described: Json) -> BodyShape:
    text = re.sub(r"\bNone\b", "null", described.get("description", ""))
    return BodyShape(name, prose(text), _fields(described), described.get("enum", []))


def _fields(described: Json) -> list[Field]:
    required = described.get("required", ())
    return [
        _field(name, field, name in required, field.get("description"))
        for name, field in described.get("properties", {}).items()
    ]


def _field(name: str, described: Json, required: bool, text: str | None, where: str = "") -> Field:
    return Field(name, where, kind(described), bounds(described), required, prose(text or "", blocks=False))


def _shapes_in(schema: Json, part: Any) -> set[str]:
    """The names of the shapes that are referred to, also by way of others."""
    found: set[str] = set()
    todo: list[Any] = [part]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            here = cast(dict[str, Any], each)
            name = str(here.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                todo.append(schema["components"]["schemas"][name])
            todo.extend(here.values())
        elif isinstance(each, list):
            todo.extend(cast(list[Any], each))
    return found


def _refusals(schema: Json) -> list[DocumentedRefusal]:
    found: dict[str, DocumentedRefusal] = {}
    for operations in schema["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                for content in answer.get("content", {}).values():
                    example = content.get("example")
                    if status >= "4" and example:
                        said = "" if example["detail"].rstrip(".") == example["title"] else example["detail"]
                        found[example["type"]] = DocumentedRefusal(
                            status, example["title"], example["type"], prose(said, blocks=False)
                        )
    return sorted(found.values(), key=lambda each: (each.status, each.kind))
