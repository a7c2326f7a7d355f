"""What a page shows of a need adds up, whatever happened to it."""

import dataclasses
import itertools

from hypothesis import given
from hypothesis import strategies as st

from coordinator.model.records import NeedProgress
from coordinator.web import stages

NAMES = [field.name for field in dataclasses.fields(NeedProgress) if field.name != "requested"]

progresses = st.lists(st.integers(0, 1000), min_size=len(NAMES), max_size=len(NAMES)).flatmap(
    lambda units: st.builds(
        NeedProgress,
        requested=st.integers(0, 5000),
        **{name: st.just(each) for name, each in zip(NAMES, units, strict=True)},
    )
)


@given(progresses)
def test_the_stages_and_what_was_corrected_are_what_was_requested(progress):
    total = sum(stage.units for stage in stages.along(progress))
    assert total - stages.corrections(progress) == progress.requested


@given(progresses)
def test_a_bars_pieces_touch_and_stay_inside(progress):
    pieces = stages.bar(progress)
    assert pieces[0].start == 0
    for one, next_one in itertools.pairwise(pieces):
        assert one.start + one.units == next_one.start
    assert pieces[-1].start + pieces[-1].units + progress.needed <= stages.width(progress)


@given(progresses)
def test_no_unit_is_shown_twice_or_not_at_all(progress):
    shown = [*stages.along(progress), *stages.outside(progress)]
    assert sorted(stage.key.replace("-", "_") for stage in shown) == sorted(NAMES)


def test_a_bar_can_be_read_aloud():
    progress = NeedProgress(**dict.fromkeys(NAMES, 0) | {"requested": 24, "needed": 13, "printing": 11})
    assert stages.spoken(progress) == "24 requested: 11 printing, 13 not yet promised"
