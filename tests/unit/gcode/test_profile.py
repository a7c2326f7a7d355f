"""A profile's digest names the machine, however the numbers travelled."""

import msgspec
import pytest

from gcode.profile import Profile, Zone


@pytest.mark.parametrize(
    "profile",
    [
        Profile(),
        Profile(width=200, flow=10),
        Profile(width=200.5),
        Profile(radius=100, home=(1, -2), zones=(Zone(x=1, y=2, width=3, depth=4), Zone(x=5, y=6, radius=7))),
    ],
)
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
        Profile(radius=100),
        Profile(zones=(Zone(x=0, y=0, radius=9),), home=(9, 9)),
        Profile(home=(0, 0)),
        Profile(arcs=True),
    ]
    assert len({each.digest for each in [Profile(), *changed]}) == 1 + len(changed)
    assert len(changed) == len(Profile.__struct_fields__)


def test_what_older_profiles_did_not_have_leaves_their_digest_as_it_was():
    assert Profile().digest == "65738c7daa4f2007e821f2ed524628bc121e355613e9b0ad395c0b35f1ccf8fe"


@pytest.mark.parametrize(
    "zone", [{}, {"width": 5}, {"width": 5, "radius": 5}, {"width": 5, "depth": 5, "radius": 1}]
)
def test_a_zone_is_a_rectangle_or_a_circle(zone: dict[str, float]):
    with pytest.raises(ValueError, match="or else a `radius`"):
        Zone(x=1, y=2, **zone)


def test_a_zone_needs_to_know_where_homing_ends():
    zone = Zone(x=1, y=2, radius=3)
    with pytest.raises(ValueError, match="`home`"):
        Profile(zones=(zone,))
    assert Profile(zones=(zone,), radius=100).zones == (zone,)
