"""Any plate of any part for any printer is drawn alike each time, lies on the bed, and passes the gate."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gcode.document import decode
from gcode.draw import render
from gcode.gate import judge, within
from gcode.material import MATERIALS, Material
from gcode.part import Part, outline
from gcode.plate import SPACING, PlateError, capacity, layout
from gcode.polygon import bounds
from gcode.profile import Profile
from gcode.reach import MARGIN
from gcode.script import Script, compose, fill
from gcode_templates import machine_families, machine_source, part_names, part_source

PARTS = {name: decode(part_source(name), Part, name) for name in part_names()}
SCRIPTS = {family: decode(machine_source(family), Script, family) for family in machine_families()}

parts = st.sampled_from(sorted(PARTS)).map(PARTS.__getitem__)
materials = st.sampled_from(sorted(MATERIALS)).map(MATERIALS.__getitem__)
profiles = st.builds(
    Profile,
    family=st.sampled_from(sorted(SCRIPTS)),
    width=st.floats(20, 500),
    depth=st.floats(20, 500),
    height=st.floats(10, 400),
    nozzle=st.sampled_from([0.35, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2]),
    hottest_nozzle=st.integers(215, 300),
    hottest_bed=st.integers(0, 120),
    feed=st.integers(600, 30_000),
    flow=st.floats(1, 40),
    filament=st.sampled_from([1.75, 2.85]),
)


@st.composite
def parameters(draw: st.DrawFn, part: Part) -> dict[str, float]:
    return {
        name: draw(st.floats(parameter.least, parameter.most))
        for name, parameter in part.parameters.items()
        if draw(st.booleans())
    }


@given(st.data(), parts, profiles)
def test_copies_never_leave_the_bed_nor_touch(data: st.DataObject, part: Part, profile: Profile):
    chosen = data.draw(parameters(part))
    most = capacity(part, chosen, profile)
    with pytest.raises(PlateError):
        layout(part, chosen, profile, most + 1)
    assume(most > 0)
    plan = layout(part, chosen, profile, data.draw(st.integers(1, most)))
    _, _, wide, deep = bounds(outline(part, chosen))
    if plan.turned:
        wide, deep = deep, wide
    margin = MARGIN * 1000
    for n, (x, y) in enumerate(plan.spots):
        assert x >= margin - 10
        assert y >= margin - 10
        assert x + wide <= profile.width * 1000 - margin
        assert y + deep <= profile.depth * 1000 - margin
        for a, b in plan.spots[:n]:
            assert abs(a - x) >= wide + SPACING or abs(b - y) >= deep + SPACING


@settings(deadline=None, max_examples=30)
@given(st.data(), parts, profiles, materials)
def test_what_is_drawn_passes_the_gate(data: st.DataObject, part: Part, profile: Profile, plastic: Material):
    chosen = data.draw(parameters(part))
    most = capacity(part, chosen, profile)
    assume(most > 0)
    count = data.draw(st.integers(1, min(most, 2)))
    plate = render(part, chosen, profile, plastic, count)
    assert plate == render(part, dict(reversed(chosen.items())), profile, plastic, count)
    script = SCRIPTS[profile.family]
    around = fill(script, profile, plastic)
    verdict = judge(around.start, plate.body, around.end, profile, plastic)
    assert verdict.accepted, verdict
    assert within(verdict.body, plate.grams, plate.seconds)
    assert compose(script, profile, plastic, plate.body) == around.start + plate.body + around.end
