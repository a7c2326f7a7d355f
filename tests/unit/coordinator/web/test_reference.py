"""The API's reference, as a person reads it."""

import re
import shlex
from html.parser import HTMLParser
from typing import Any

import pytest

from coordinator.model.roles import PERMISSIONS, Role
from coordinator.web import reference, schema_text
from coordinator.web.access import permission_of
from tests.unit.coordinator.web.house import House
from tests.unit.coordinator.web.test_routes import routes


class Ids(HTMLParser):
    """What a page's links within it point to, and what there is to point to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.there: list[str] = []
        self.wanted: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, given in attrs:
            value = given or ""
            if name == "id":
                self.there.append(value)
            elif name in ("aria-labelledby", "aria-describedby"):
                self.wanted.add(value)
            elif name == "href" and value.startswith("#"):
                self.wanted.add(value[1:])
            elif name in ("src", "href") and tag in ("script", "link", "img"):
                self.loaded.add(value)


@pytest.fixture(scope="module")
def page(quiet_house: House) -> str:
    with quiet_house.stranger() as client:
        answer = client.get("/api/docs", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


@pytest.fixture(scope="module")
def document(quiet_house: House) -> dict[str, Any]:
    with quiet_house.client() as client:
        return client.get("/api/openapi.json").json()


@pytest.fixture(scope="module")
def operations(document) -> dict[str, reference.Operation]:
    found = reference.read(document, "https://muster.example")
    return {f"{each.method} {each.path}": each for group in found.groups for each in group.operations}


def test_every_operation_of_the_document_stands_on_the_page(page, document, operations):
    named = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert named == set(operations)
    assert len(named) > 40
    assert [each.path for each in operations.values() if f"<code>{each.path}</code>" not in page] == []


def test_every_link_within_the_page_leads_somewhere_and_nothing_comes_from_elsewhere(page):
    ids = Ids(page)
    assert ids.wanted - set(ids.there) == set()
    assert [each for each in ids.there if ids.there.count(each) > 1] == []
    assert all(each.startswith("/static/") for each in ids.loaded)


def test_every_group_is_explained(document):
    tags = {
        each for methods in document["paths"].values() for one in methods.values() for each in one["tags"]
    }
    assert tags == set(reference.TAGS)


def test_every_field_and_parameter_says_what_it_means(document):
    shapes = {
        name: shape
        for name, shape in document["components"]["schemas"].items()
        if name not in ("HTTPValidationError", "ValidationError")  # FastAPI's own: ours replace them
    }
    silent = [
        f"{name}.{field}"
        for name, shape in shapes.items()
        for field, described in shape.get("properties", {}).items()
        if not described.get("description")
    ]
    silent += [
        f"{path}: {parameter['name']}"
        for path, methods in document["paths"].items()
        for operation in methods.values()
        for parameter in operation.get("parameters", ())
        if not parameter.get("description")
    ]
    assert silent == []


def test_who_may_is_what_the_route_asks_for(quiet_house: House, operations):
    told = 0
    for route in routes(quiet_house.app):
        act = permission_of(route.endpoint)
        for method in route.methods or ():
            shown = operations.get(f"{method} {route.path}")
            if shown is None or act is None:
                continue
            told += 1
            may = [role.value for role in Role if act in PERMISSIONS[role]]
            assert shown.who.startswith("any role" if len(may) == len(Role) else ", ".join(may)), route.path
    assert told > 30
    assert "access key" in operations["POST /api/logins"].who
    assert operations["GET /api/track/{token}"].who == "nobody needs to log in"
    assert operations["GET /api/ledger"].who == "coordinator, admin; in the cluster home"


def test_an_example_is_a_command_line_that_asks_for_just_that(operations):
    for named, operation in operations.items():
        words = shlex.split(operation.example.replace("\\\n", " "))
        assert words[0] == "curl", named
        address = next(word for word in words if word.startswith("https://muster.example/"))
        assert "{" not in address, named
        assert ("-X" in words or "--json" in words) == (operation.method != "GET"), named
        opened = operation.who == "nobody needs to log in"
        assert ("Authorization: Bearer $MUSTER_KEY" in words) != opened, named
    example = operations["POST /api/attempts/{attempt}/{wish}"].example
    assert 'curl -X POST \\\n  "https://muster.example/api/attempts/$ATTEMPT/cancel"' in example


def test_an_example_of_a_body_is_taken_as_it_stands(house: House, document):
    operation = next(
        each
        for group in reference.read(document, house.url).groups
        for each in group.operations
        if (each.method, each.path) == ("POST", "/api/hospitals")
    )
    words = shlex.split(operation.example.replace("\\\n", " "))
    body = words[words.index("--json") + 1]
    with house.client() as client:
        answer = client.post(
            "/api/hospitals", content=body, headers={"Content-Type": "application/json", "Accept": "*/*"}
        )
    assert answer.status_code == 201


def test_a_types_words(document):
    fields = {each.name: each for each in reference.read(document, "").shapes[0].fields}
    assert fields["ends"].kind == "number or null"
    assert schema_text.kind({"type": "array", "items": {"$ref": "#/components/schemas/Need"}}) == (
        'list of <a href="#shape-Need">Need</a>'
    )
    assert schema_text.kind({"type": "object", "additionalProperties": {"type": "integer"}}) == (
        "object of integer"
    )
    assert schema_text.bounds({"type": "integer", "minimum": 1, "maximum": 100000}) == "1 to 100,000"
    assert schema_text.bounds({"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]}) == (
        "at most 9 characters"
    )


def test_what_a_docstring_says_is_shown_and_nothing_of_it_is_markup():
    assert schema_text.prose("a `b` *c* **d**\n\n<i>&") == (
        "<p>a <code>b</code> <em>c</em> <strong>d</strong></p><p>&lt;i&gt;&amp;</p>"
    )


def test_the_page_holds_no_secret_of_this_house(page, quiet_house: House):
    from tests.unit.coordinator.office import KEY

    assert KEY not in page
    assert re.search(r"muster_[A-Za-z0-9]", page) is None
