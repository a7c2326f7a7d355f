"""What many tests share is started once, and its failure is told in words."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from tests.farend.shared import Shared


class Stage:
    def __init__(self) -> None:
        self.starts = self.ends = 0
        self.why: Exception | None = None

    @contextmanager
    def start(self, which: str) -> Generator[str]:
        self.starts += 1
        if self.why:
            raise self.why
        yield f"the {which}"
        self.ends += 1


def test_it_is_started_once_and_ended_once():
    stage = Stage()
    shared = Shared("Actor", stage.start)
    assert [shared.get("fool"), shared.get("fool"), shared.get("king")] == [
        "the fool",
        "the fool",
        "the king",
    ]
    shared.close()
    assert (stage.starts, stage.ends) == (2, 2)


def test_a_failed_start_is_told_each_time_and_not_tried_again():
    stage = Stage()
    stage.why = AssertionError("the curtain\nis stuck")
    shared = Shared("Actor", stage.start)
    for _ in range(3):
        with pytest.raises(
            pytest.fail.Exception, match=r"^Actor fool did not start: \w+: the curtain is stuck$"
        ) as seen:
            shared.get("fool")
        assert not seen.value.pytrace
    assert stage.starts == 1


def test_what_is_not_installed_is_skipped_each_time():
    @contextmanager
    def missing(_: str) -> Generator[None]:
        pytest.skip("not installed")
        yield

    shared = Shared("Actor", missing)
    for _ in range(2):
        with pytest.raises(pytest.skip.Exception, match="not installed"):
            shared.get()
