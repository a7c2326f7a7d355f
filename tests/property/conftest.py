"""What the tests of the API share: one house of each module's own, its requests, and its document."""

import copy
from collections.abc import Iterator
from typing import Any, cast

import pytest
import schemathesis
from schemathesis.python import asgi

from tests.property.crossroads import Crossroads, build


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crossroads]:
    found = build(tmp_path_factory.mktemp("crossroads"))
    yield found
    found.house.office.store.close()


@pytest.fixture(scope="module")
def client(roads: Crossroads) -> Iterator[Any]:
    with asgi.get_client(cast(Any, roads.house.app)) as found:
        yield found


@pytest.fixture(scope="module")
def schema(roads: Crossroads) -> Any:
    """The document, but for how to get in: that is for the visitors, not for chance."""
    document = copy.deepcopy(roads.house.app.openapi())
    del document["security"], document["components"]["securitySchemes"]
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
    found = schemathesis.openapi.from_dict(document)
    found.app = roads.house.app
    return found
