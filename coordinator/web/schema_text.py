"""An OpenAPI document's schemas and docstrings in words for people."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup, escape

Json = Mapping[str, Any]
"""An object of an OpenAPI document."""

_mark = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*")
_TAGS = (Markup("<code>{}</code>"), Markup("<strong>{}</strong>"), Markup("<em>{}</em>"))


def kind(described: Json) -> Markup:
    """A field's type in JSON's words; a shape is a link to it."""
    if "$ref" in described:
        name = described["$ref"].rpartition("/")[2]
        return Markup('<a href="#shape-{0}">{0}</a>').format(name)
    if "anyOf" in described:
        return Markup(" or ").join(kind(each) for each in described["anyOf"])
    if described.get("type") == "array":
        if "prefixItems" in described:
            inner = Markup(", ").join(kind(each) for each in described["prefixItems"])
            return Markup("[{}]").format(inner)
        return Markup("list of {}").format(kind(described.get("items", {})))
    if described.get("type") == "object":
        values: Iterable[Json | bool] = described.get("patternProperties", {}).values()
        within = described.get("additionalProperties") or next(iter(values), False)
        return Markup("object") if isinstance(within, bool) else Markup("object of {}").format(kind(within))
    return escape(described.get("type", "anything"))


def bounds(described: Json) -> Markup:
    """What else a value must be, in words."""
    for each in described.get("anyOf", ()):
        if each.get("type") != "null":
            described = {**each, **described}
    said: list[Markup | str] = []
    least, most = described.get("minimum"), described.get("maximum")
    if least is not None and most is not None:
        said.append(f"{least:,.0f} to {most:,.0f}")
    elif least is not None:
        said.append(f"at least {least:,g}")
    if "maxLength" in described:
        said.append(f"at most {described['maxLength']} characters")
    if "maxItems" in described:
        said.append(f"at most {described['maxItems']}")
    if "pattern" in described:
        said.append(Markup("as <code>{}</code>").format(described["pattern"]))
    if described.get("default") not in (None, ""):
        said.append(Markup("default <code>{}</code>").format(json.dumps(described["default"])))
    return Markup(", ").join(said)


def object_of(schema: Json, described: Json) -> Json:
    """The object that a body is, where it may also be null; empty: it is none."""
    for each in described.get("anyOf", [described]):
        found = resolved(schema, each)
        if found.get("type") == "object":
            return found
    return {}


def resolved(schema: Json, described: Json) -> Json:
    """What a reference refers to."""
    if "$ref" in described:
        return schema["components"]["schemas"][described["$ref"].rpartition("/")[2]]
    return described


def prose(text: str, *, blocks: bool = True) -> Markup:
    """Markdown as far as our docstrings use it: paragraphs, code, bold and emphasis."""
    paragraphs = [_marked(each) for each in re.split(r"\n\s*\n", text.strip()) if each]
    if not blocks:
        return Markup(" ").join(paragraphs)
    return Markup("").join(Markup("<p>{}</p>").format(each) for each in paragraphs)


def _marked(paragraph: str) -> Markup:
    said, done = Markup(""), 0
    for found in _mark.finditer(paragraph):
        tag = (found.lastindex or 1) - 1
        said += escape(paragraph[done : found.start()]) + _TAGS[tag].format(found[tag + 1])
        done = found.end()
    return said + escape(paragraph[done:])
