"""Which scripts let no job pass, or not every job, and how that is told."""

from msgspec.structs import replace

from gcode.document import decode
from gcode.material import MATERIALS, material
from gcode.profile import Profile, Zone
from gcode.rehearsal import rehearse
from gcode.script import Script
from gcode_templates import machine_families, machine_source

PETG = material("petg")
MARLIN = decode(machine_source("marlin"), Script, "marlin.toml")


def fenced(zone: Zone) -> Profile:
    return Profile(zones=(zone,), home=(0, 0))


def test_the_scripts_that_are_shipped_let_jobs_pass():
    for family in machine_families():
        script = decode(machine_source(family), Script, family)
        for name in MATERIALS:
            for profile in (Profile(hottest_nozzle=280), Profile(hottest_nozzle=280, radius=90)):
                assert rehearse(script, profile, material(name)) is None, (family, name)


def test_a_zone_on_the_purge_line_lets_no_job_pass():
    found = rehearse(MARLIN, fenced(Zone(x=30, y=0, width=10, depth=10)), PETG)
    assert found
    assert found.always
    assert "line 14 of the start script (G1 X65.00 Y2 E" in found.why
    assert "the zone at X30 Y0" in found.why


def test_a_zone_on_the_way_to_where_it_parks_lets_no_job_pass():
    found = rehearse(MARLIN, fenced(Zone(x=0, y=100, width=10, depth=120)), PETG)
    assert found
    assert found.always
    assert "line 9 of the end script (G1 X0 Y215 F6000), for a plate that ends at X115 Y110" in found.why


def test_a_zone_that_is_in_the_way_of_some_plates_only_is_told_with_the_place():
    found = rehearse(MARLIN, fenced(Zone(x=0, y=150, width=6, depth=20)), PETG)
    assert found
    assert not found.always
    assert "for a plate that ends at X10 Y4" in found.why


def test_a_zone_before_the_plates_is_on_the_way_to_them():
    profile = fenced(Zone(x=60, y=4, width=20, depth=3))
    found = rehearse(MARLIN, profile, PETG)
    assert found
    assert "on the way from where the start script ends to a plate at" in found.why


def test_a_zone_that_is_in_nobodys_way_is_none():
    assert rehearse(MARLIN, fenced(Zone(x=200, y=200, width=20, depth=20)), PETG) is None


def test_a_script_that_goes_wrong_only_after_a_job_is_told_too():
    """Its nozzle would go through the part."""
    start = tuple(line for line in MARLIN.start if "{purge}" not in line)
    end = (*MARLIN.end[:-2], "G28", "M84")
    found = rehearse(replace(MARLIN, start=start, end=end), Profile(), PETG)
    assert found
    assert "(G28)" in found.why


def test_a_script_that_the_gate_refuses_is_told_without_any_zone():
    found = rehearse(replace(MARLIN, end=("M104 S0", "M84")), Profile(), PETG)
    assert found
    assert found.always
    assert "line 2 of the end script (M84)" in found.why
    assert "switching the bed off" in found.why
    found = rehearse(replace(MARLIN, start=MARLIN.start[:5]), fenced(Zone(x=200, y=200, radius=5)), PETG)
    assert found
    assert "moves before G28" in found.why
    assert found.always
