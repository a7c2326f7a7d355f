"""How somebody tries an operation of the API: a command line for curl."""

import json
import shlex
from typing import Any

from coordinator.web.schema_text import Json, resolved


def line(schema: Json, path: str, method: str, operation: Json, address: str, body: Json) -> str:
    """A command line for curl; what somebody has to put in stands as a variable of the shell."""
    where = path
    asked: list[str] = []
    for each in operation.get("parameters", []):
        words = resolved(schema, each["schema"]).get("enum")
        if each["in"] == "path":
            value = words[0] if words else "$" + each["name"].upper()
            where = where.replace("{" + each["name"] + "}", value)
        elif each["in"] == "query" and each.get("required"):
            asked.append(f"{each['name']}={each['name'] if each['name'] != 'on' else 'need'}")
    query = "?" + "&".join(asked) if asked else ""
    lines = [f'"{address}{where}{query}"']
    if operation.get("security") != []:
        lines.append('-H "Authorization: Bearer $MUSTER_KEY"')
    if body:
        lines.append("--json " + shlex.quote(json.dumps(_sample(schema, body), ensure_ascii=False)))
    elif method != "GET":
        lines.insert(0, f"-X {method}")
    return "curl " + " \\\n  ".join(lines)


def _sample(schema: Json, body: Json) -> dict[str, Any]:
    if "example" in body:
        return body["example"]
    needed: list[str] = body.get("required", []) or list(body.get("properties", {}))
    return {name: _value(resolved(schema, body["properties"][name])) for name in needed}


def _value(field: Json) -> Any:
    if "enum" in field:
        return field["enum"][0]
    kinds: dict[str, Any] = {"integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}}
    return kinds.get(field.get("type", ""), "…")
