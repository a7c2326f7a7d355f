"""The API against its own OpenAPI document, asked by everybody who may come.

Each operation gets requests that fit the document and requests that do not; each is sent by all visitors. Whatever is
sent: we never fail, answer only as documented, who may not do it hears so, and who should not read it does not.
"""

import json
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from coordinator.model.roles import WHOLE, Permission
from coordinator.rate_limit import INVITES, LINKS, WrongTries
from coordinator.web.access import is_open, permission_of
from tests.property.crossroads import ADDRESS, THEIRS, Crossroads, Visitor
from tests.unit.coordinator.web.test_routes import RULES, routes

CONFORMS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPEN = [
    ("GET", "/api/track/{token}"),
    ("POST", "/api/track/{token}/parcels/{parcel}/receive"),
    ("GET", "/api/maker/{token}"),
    ("POST", "/api/maker/{token}/address"),
    ("DELETE", "/api/maker/{token}/address"),
    ("GET", "/api/maker/{token}/export"),
    ("POST", "/api/maker/{token}/erase"),
    ("POST", "/api/enrol"),
    ("POST", "/api/renew"),
    ("GET", "/files/{attempt}/{token}"),
    ("GET", "/definitions/{digest}"),
    ("GET", "/healthz"),
]
CLOSED = [where for where in RULES if where[1].startswith("/api/")]
NASTY = [
    b"",
    b"\x00",
    b"\xff\xfe{}",
    b"null",
    b"[]",
    b"{",
    b"NaN",
    b'{"\\ud800": 1}',
    b'{"\\u0000": "\\u0000"}',
    b"[" * 9000 + b"]" * 9000,
    b"9" * 5000,
    b"1e999",
    b'{"a": ' * 500 + b"1" + b"}" * 500,
]
NASTY_VALUES: list[object] = [
    "\ud800",
    "\x00",
    "x" * 20_000,
    10**400,
    -1,
    float("nan"),
    float("inf"),
    True,
    [],
    {},
    None,
]
LONG = settings().max_examples > 100
EXAMPLES = 200 if LONG else 4
"""Of each kind, for each operation; each is sent by everybody."""

look = settings(
    max_examples=EXAMPLES,
    derandomize=not LONG,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def test_each_operation_of_the_document_is_asked(schema):
    documented = {
        (result.ok().method.upper(), result.ok().path) for result in schema.get_all_operations()
    } - {("GET", "/events")}  # never ends; tests/unit/coordinator/web/test_stream.py
    assert documented == {*OPEN, *CLOSED}


@pytest.mark.parametrize(("method", "path"), [*OPEN, *CLOSED], ids=lambda word: word)
def test_whoever_asks_whatever(roads: Crossroads, client, schema, method, path):
    operation = schema[path][method]
    act = next(
        permission_of(route.endpoint)
        for route in routes(roads.house.app)
        if route.path == path and method in (route.methods or ())
    )

    @look
    @given(st.data())
    def ask(data):
        mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
        try:
            strategy = operation.as_strategy(generation_mode=mode)
            case = data.draw(strategy)
        except schemathesis.errors.SchemathesisError:
            return  # nothing about it can be wrong
        placed(roads, case, path, data.draw)
        nasty = data.draw(spoilt(case)) if method != "GET" else None
        for visitor in roads.visitors:
            fresh(roads)
            if nasty is None:
                response = case.call(session=client, headers=dict(visitor.headers))
                case.validate_response(response, checks=CONFORMS)
                status, said = response.status_code, response.text
            else:
                answer = client.request(
                    method,
                    f"{client.base_url}{case.formatted_path}".replace("//api", "/api"),
                    data=nasty,
                    headers={"Content-Type": "application/json"} | visitor.headers,
                )
                case.validate_response(answer, checks=CONFORMS)
                status, said = answer.status_code, answer.text
            judged(visitor, act, path, status, said)
            read(roads, visitor, act, path, said, case)

    ask()


@pytest.mark.parametrize("path", [path for method, path in [*OPEN, *CLOSED] if method == "POST"])
def test_what_no_program_would_send_is_answered_in_words(roads: Crossroads, client, schema, path):
    operation = schema[path]["POST"]
    shape = operation.definition.raw.get("requestBody", {}).get("content", {}).get("application/json", {})
    fields = _fields(roads.house.app.openapi(), shape.get("schema", {}))
    bodies = NASTY + [json.dumps({name: value}).encode() for name in fields for value in NASTY_VALUES]
    address = path
    for name in re.findall(r"{(\w+)}", path):
        kind = path.split("/")[2] if name == "token" else name
        address = address.replace(f"{{{name}}}", roads.names["left" if "erase" in path else kind][-1])
    for body in bodies:
        fresh(roads)
        headers = {"Content-Type": "application/json", "Authorization": "Bearer muster_admin"}
        answer = client.request("POST", address, data=body, headers=headers)
        assert answer.status_code < 500, (body[:60], answer.text)
        assert str(answer.status_code) in operation.definition.raw["responses"], (body[:60], answer.text)


def _fields(document: dict[str, Any], shape: dict[str, Any]) -> list[str]:
    for either in shape.get("anyOf", [shape]):
        name = either.get("$ref", "").rpartition("/")[2]
        found = document["components"]["schemas"][name] if name else either
        if "properties" in found:
            return list(found["properties"])
    return []


def spoilt(case: Any) -> st.SearchStrategy[bytes | None]:
    """Bodies that chance hardly finds; None, to leave it as it is."""
    found = st.none() | st.sampled_from(NASTY)
    if isinstance(case.body, dict) and case.body:
        one = st.tuples(st.sampled_from(sorted(case.body)), st.sampled_from(NASTY_VALUES))
        found |= one.map(lambda pair: json.dumps(case.body | {pair[0]: pair[1]}).encode())
    return found


def placed(roads: Crossroads, case: Any, path: str, draw: Any) -> None:
    """Have a request name, as often as not, things that there are."""
    for name in case.path_parameters or {}:
        real = (
            roads.names["left" if "erase" in path else path.split("/")[2]]
            if name == "token" and "/api/" in path
            else roads.names.get(name)
        )
        if name == "agent" and ("erase" in path or "revoke" in path or "cluster" in path):
            real = ["bert"]
        if name == "hospital" and "erase" in path:
            real = roads.names["hospital"][1:]
        if real and draw(st.integers(0, 3)):
            case.path_parameters[name] = draw(st.sampled_from(real))
    if isinstance(case.body, dict):
        for name in case.body:
            real = roads.names.get(name)
            if real and draw(st.booleans()):
                case.body[name] = draw(st.sampled_from(real))


def fresh(roads: Crossroads) -> None:
    """Nobody waits for what others guessed."""
    roads.house.app.state.links = WrongTries(lambda: roads.house.office.now[0], LINKS, "try again")
    roads.house.app.state.invites = WrongTries(lambda: roads.house.office.now[0], INVITES, "try again")


def judged(visitor: Visitor, act: Permission | None, path: str, status: int, said: str) -> None:
    if is_open(path):
        assert status not in (401,)
    elif not visitor.known:
        assert status == 401, visitor
    elif act not in visitor.acts or (visitor.stranger_to_home and act in WHOLE):
        # What is no JSON at all is refused as such before anybody looks who asks, and what for.
        assert status == 403 or (status == 422 and "JSON" in said), visitor
    elif not visitor.stranger_to_home:
        assert status != 401, visitor


def read(
    roads: Crossroads, visitor: Visitor, act: Permission | None, path: str, said: str, case: Any
) -> None:
    asked = f"{case.path_parameters} {case.query} {case.body!r}"
    for what, secret in roads.secrets.items():
        assert secret not in said or secret in asked, (visitor, what)
    if visitor.stranger_to_home and not is_open(path):
        for word in (THEIRS, *roads.names["attempt"], *roads.names["need"]):
            assert word not in said or word in asked, (visitor, word)
    is_own = (path.startswith("/api/maker/") and roads.names["maker"][0] in asked) or (
        act is Permission.PRIVACY and "'anna'" in asked
    )
    is_taker = path == "/api/pickups/{pickup}" and re.search(f'"by": ?"{visitor.name}"', said)
    if not is_own and not is_taker:
        for word in ADDRESS:
            assert word not in said, (visitor, word)
