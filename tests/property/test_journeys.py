"""Requests that follow from each other: what one answer names, the next one asks for (schemathesis finds the links).

The access key goes ahead, so that most steps come to something. Whatever it was told for once only (invites, links)
stands in no later answer; and what it looks at, everybody else looks at too.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from schemathesis.core.failures import FailureGroup

from tests.property.crossroads import Crossroads
from tests.property.test_openapi import CONFORMS, LONG, fresh

ONCE = ("link", "invite")
"""Fields that tell something once."""

walk = settings(
    max_examples=100 if LONG else 4,
    stateful_step_count=20 if LONG else 8,
    derandomize=not LONG,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


class Walk:
    """What is done at each step, and remembered from the steps before."""

    roads: Crossroads
    client: Any
    rewind: Callable[[], None]
    """Has the house as it was, else what chance does would hang on what it did before."""
    followed: set[str]
    """Operations that were asked for with success, on all walks."""
    wrong: list[str]
    """What was wrong with answers. Raised at the end: hypothesis would walk again, and never just alike."""

    def setup(self) -> None:
        self.rewind()
        self.told = dict(self.roads.secrets)

    def get_call_kwargs(self, _case: Any) -> dict[str, Any]:
        fresh(self.roads)
        ahead = next(each for each in self.roads.visitors if each.name == "the access key")
        return {"session": self.client, "headers": dict(ahead.headers)}

    def validate_response(self, response: Any, case: Any, **_: Any) -> None:
        self.look(response, case)
        if response.status_code < 300:
            self.followed.add(case.operation.label)
        if case.method == "GET":
            for visitor in self.roads.visitors:
                fresh(self.roads)
                self.look(case.call(session=self.client, headers=dict(visitor.headers)), case)
        elif response.status_code < 300 and isinstance(said := response.json(), dict):
            new = {f"a new {name}": said[name].rpartition("/")[2] for name in ONCE if name in said}
            self.told |= {f"{name} {len(self.told)}": secret for name, secret in new.items()}

    def look(self, response: Any, case: Any) -> None:
        """It answers as documented, and tells no secret but what was asked with it."""
        try:
            case.validate_response(response, checks=CONFORMS)
        except FailureGroup as failures:
            self.wrong += [f"{case.operation.label}: {failure}" for failure in failures.exceptions]
        asked = f"{case.path_parameters} {case.query} {case.body!r}"
        self.wrong += [
            f"{case.operation.label} tells {what}"
            for what, secret in self.told.items()
            if secret in response.text and secret not in asked
        ]


def test_what_one_answer_names_the_next_one_asks_for(
    roads: Crossroads, client: Any, schema: Any, tmp_path: Path
):
    machine: Any = schema.exclude(path="/events").as_state_machine()  # which never ends
    followed: set[str] = set()
    kept = sqlite3.connect(tmp_path / "kept.db")
    house = sqlite3.connect(roads.database)
    house.backup(kept)
    wrong: list[str] = []
    there = {"roads": roads, "client": client, "followed": followed, "wrong": wrong}
    there["rewind"] = lambda _: kept.backup(house)
    journey: Any = type("Journey", (Walk, machine), there)
    try:
        journey.run(settings=walk)
    finally:
        kept.close()
        house.close()
    assert wrong == []
    assert len(followed) > (12 if LONG else 3), sorted(followed)
