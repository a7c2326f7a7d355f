"""Plates are drawn the same each time, and are what the gate lets pass."""

from hashlib import sha256

import pytest

from gcode.document import decode
from gcode.draw import render
from gcode.gate import judge, within
from gcode.material import MATERIALS, UnknownMaterialError, material
from gcode.part import Part, PartError
from gcode.plate import PlateError, capacity
from gcode.profile import Profile
from gcode.script import Script, ScriptError, compose, fill
from gcode_templates import UnknownTemplateError, machine_families, machine_source, part_names, part_source

PETG = material("petg")
EAR_SAVER = decode(part_source("ear-saver"), Part, "ear-saver")
MARLIN = decode(machine_source("marlin"), Script, "marlin")


def test_a_plate_of_ear_savers_weighs_and_takes_what_the_field_says():
    plate = render(EAR_SAVER, {}, Profile(), PETG, 11)
    assert plate.count == 11
    assert plate.grams / 11 == pytest.approx(4.0, abs=0.3)
    assert 1.5 < plate.seconds / 3600 < 4.5
    assert plate.body.count(b"\n") < 200_000


def test_the_same_words_always_give_the_same_bytes():
    """The agent draws again and compares: a change here needs a new version of every part that is signed."""
    plate = render(EAR_SAVER, {}, Profile(), PETG, 2)
    assert plate == render(EAR_SAVER, {"length": 156}, Profile(), PETG, 2)
    assert plate.body != render(EAR_SAVER, {"length": 157}, Profile(), PETG, 2).body
    assert (
        sha256(plate.body).hexdigest() == "bc5f05b9ad3b7975535c68f040a5e1f4120a8df25b6a8bd06ba9bafeb2f7f294"
    )


@pytest.mark.parametrize("family", machine_families())
@pytest.mark.parametrize("name", part_names())
@pytest.mark.parametrize("plastic", sorted(MATERIALS))
def test_every_part_on_every_machine_in_every_material_passes_the_gate(family: str, name: str, plastic: str):
    part = decode(part_source(name), Part, name)
    script = decode(machine_source(family), Script, family)
    profile, chosen = Profile(family=family, width=180, depth=180), MATERIALS[plastic]
    count = min(3, capacity(part, {}, profile))
    plate = render(part, {}, profile, chosen, count)
    around = fill(script, profile, chosen)
    verdict = judge(around.start, plate.body, around.end, profile, chosen)
    assert verdict.accepted, verdict
    assert verdict.body.grams == pytest.approx(plate.grams, rel=1e-6)
    assert verdict.body.seconds == pytest.approx(plate.seconds, rel=0.02)
    assert within(verdict.body, plate.grams, plate.seconds)
    assert compose(script, profile, chosen, plate.body) == around.start + plate.body + around.end


def test_layers_reach_the_thickness_exactly():
    body = render(EAR_SAVER, {"thickness": 1.7}, Profile(), PETG, 1).body
    heights = [float(line[4:].split()[0]) for line in body.split(b"\n") if line.startswith(b"G1 Z")]
    assert len(heights) == 9
    assert heights == sorted(heights)
    assert heights[-1] == 1.7


def test_the_fan_starts_after_the_first_layer():
    body = render(EAR_SAVER, {}, Profile(), PETG, 1).body
    assert (
        body.index(b"M107\n")
        < body.index(b"G1 Z0.200")
        < body.index(b"M106 S100\n")
        < body.index(b"G1 Z0.400")
    )


def test_a_slow_printer_gets_slow_lines():
    slow = render(EAR_SAVER, {}, Profile(feed=900, flow=1.0), PETG, 1)
    feeds = {int(line.rsplit(b"F", 1)[1]) for line in slow.body.split(b"\n") if b" F" in line}
    assert max(feeds) == 900
    assert 666 in feeds  # 1 mm³/s through 0.45 × 0.2 mm
    assert slow.seconds > 3 * render(EAR_SAVER, {}, Profile(), PETG, 1).seconds


def test_what_can_not_be_made_is_told():
    with pytest.raises(PlateError, match="holds 11"):
        render(EAR_SAVER, {}, Profile(), PETG, 12)
    with pytest.raises(PlateError, match="too high"):
        render(EAR_SAVER, {}, Profile(height=5), PETG, 1)
    with pytest.raises(PlateError, match="too little"):
        render(EAR_SAVER, {}, Profile(flow=0.05), PETG, 1)
    with pytest.raises(PlateError, match="too long a file"):
        render(EAR_SAVER, {}, Profile(nozzle=0.1), PETG, 11)
    with pytest.raises(PartError, match="length"):
        render(EAR_SAVER, {"length": 500}, Profile(), PETG, 1)
    with pytest.raises(PlateError, match="petg or pla"):
        render(EAR_SAVER, {}, Profile(), decode(NYLON, type(PETG), "nylon"), 1)


NYLON = """
name = "nylon"
nozzle_least = 235
nozzle_most = 270
nozzle = 250
bed_most = 100
bed = 70
coldest_extrusion = 230
density = 1.1
fan = 0
"""


def test_scripts_are_filled_with_what_the_printer_bears():
    around = fill(MARLIN, Profile(hottest_nozzle=230, hottest_bed=70, feed=3000), PETG)
    assert b"M109 S230\n" in around.start
    assert b"M190 S70\n" in around.start
    assert b"F3000\n" in around.start
    assert b"{" not in around.start + around.end
    with pytest.raises(ScriptError, match="petg needs 215 °C, this printer's nozzle bears 214"):
        fill(MARLIN, Profile(hottest_nozzle=214), PETG)


def test_an_unknown_placeholder_is_told():
    script = decode('family = "x"\ntitle = "X"\nstart = ["M104 S{nozle}"]\nend = []\n', Script, "x")
    with pytest.raises(ScriptError, match="nozle"):
        compose(script, Profile(), PETG, b"")


def test_unknown_names_are_told_with_those_that_exist():
    with pytest.raises(UnknownTemplateError, match="there are: " + ", ".join(part_names())):
        part_source("visor")
    with pytest.raises(UnknownTemplateError, match="marlin, prusa-mk3"):
        machine_source("../parts/ear-saver")
    with pytest.raises(UnknownMaterialError, match="petg, pla"):
        material("wood")


def test_each_template_bears_the_name_of_its_file():
    assert [decode(part_source(name), Part, name).name for name in part_names()] == part_names()
    assert [decode(machine_source(f), Script, f).family for f in machine_families()] == machine_families()
