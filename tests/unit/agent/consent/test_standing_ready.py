from msgspec.structs import replace

from agent.consent.standing_ready import StandingReady, objection
from gcode.profile import Profile
from tests.unit.agent.test_journal import grant

READY = StandingReady(
    nonce="0123456789abcdef", counter=1, until=60, window=3600, material="petg", profile=Profile()
)
MANIFEST = replace(grant("a-1")[0], profile=Profile().digest)


def test_what_was_asked_for_is_taken():
    assert objection(MANIFEST, READY) == ""


def test_another_plastic_another_profile_or_too_long_a_job_is_not():
    assert "petg is loaded" in objection(replace(MANIFEST, material="pla"), READY)
    assert "profile" in objection(replace(MANIFEST, profile=Profile(width=221).digest), READY)
    assert "hours leave" in objection(replace(MANIFEST, seconds=3601), READY)
