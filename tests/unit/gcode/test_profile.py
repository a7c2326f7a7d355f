"""A profile's digest names the machine, however the numbers travelled."""

import msgspec
import pytest

from gcode.profile import Profile


@pytest.mark.parametrize("profile", [Profile(), Profile(width=200, flow=10), Profile(width=200.5)])
def test_a_profile_has_the_same_digest_after_it_was_sent(profile):
    assert msgspec.json.decode(msgspec.json.encode(profile), type=Profile).digest == profile.digest


def test_every_field_makes_another_digest():
    changed = [
        Profile(family="prusa-mk3"),
        Profile(width=221),
        Profile(depth=221),
        Profile(height=251),
        Profile(nozzle=0.6),
        Profile(hottest_nozzle=251),
        Profile(hottest_bed=101),
        Profile(feed=12001),
        Profile(flow=12.5),
        Profile(filament=2.85),
    ]
    assert len({each.digest for each in [Profile(), *changed]}) == 1 + len(changed)
    assert len(changed) == len(Profile.__struct_fields__)
