"""What an agent believes: the newest key set of its root, over restarts too."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.membership import credentials, identity
from agent.membership.identity import Identity, IdentityError
from agent.membership.trust import Trust, TrustError
from tests.farend.authority import Authority
from tests.farend.keys import COUPON, Keys
from tests.unit.wire.test_manifest import manifest
from wire.enrolment import EnrolmentAnswer
from wire.errors import RemoteError

PEM = Authority().pem
CLOCK = [0.0]


def joined(folder: Path, keys: Keys) -> Identity:
    answer = EnrolmentAnswer("anna", PEM, PEM, "mqtts://hub.example:8883", keys.signed, "https://hub.example")
    return credentials.save(folder, answer, PEM)


def believing(folder: Path) -> Trust:
    return Trust(identity.load(folder), lambda moment: CLOCK[0] > moment)


@pytest.fixture
def keys() -> Keys:
    CLOCK[0] = 0.0
    return Keys()


def code(act, *args) -> str:
    with pytest.raises(RemoteError) as refusal:
        act(*args)
    return refusal.value.code


def test_a_manifest_is_opened_by_a_dispatch_key_that_is_good(tmp_path: Path, keys: Keys):
    joined(tmp_path, keys)
    trust = believing(tmp_path)
    assert trust.open(keys.sign(manifest())) == manifest()
    assert code(trust.open, Keys().sign(manifest())) == "unknown-key"
    keys.dispatch = keys.release
    assert code(trust.open, keys.sign(manifest())) == "unknown-key"


def test_a_rotation_has_both_keys_good_for_a_while(tmp_path: Path, keys: Keys):
    joined(tmp_path, keys)
    trust, before = believing(tmp_path), keys.sign(manifest())
    keys.rotate(until=100.0)
    assert code(trust.open, keys.sign(manifest())) == "unknown-key"
    assert trust.adopt(keys.signed)
    assert trust.open(keys.sign(manifest())) == trust.open(before)
    CLOCK[0] = 101.0
    assert code(trust.open, before) == "old-key"
    assert trust.open(keys.sign(manifest()))


def test_a_revoked_key_is_refused_at_once_and_after_a_restart(tmp_path: Path, keys: Keys):
    joined(tmp_path, keys)
    trust, stolen = believing(tmp_path), keys.sign(manifest())
    old = keys.rotate(until=100.0)
    keys.revoke(old)
    trust.adopt(keys.signed)
    for each in (trust, believing(tmp_path)):
        assert code(each.open, stolen) == "revoked-key"


def test_an_older_set_never_comes_back_not_even_after_a_restart(tmp_path: Path, keys: Keys):
    joined(tmp_path, keys)
    trust, older = believing(tmp_path), keys.signed
    keys.rotate(until=100.0)
    newer = keys.signed
    assert trust.adopt(newer)
    assert not trust.adopt(newer)
    for each in (trust, believing(tmp_path)):
        assert code(each.adopt, older) == "old-keys"
        assert each.version == keys.set.version


def test_only_our_root_and_its_heirs_are_believed(tmp_path: Path, keys: Keys):
    joined(tmp_path, keys)
    trust = believing(tmp_path)
    assert code(trust.adopt, Keys(version=99).signed) == "root"
    former = keys.root
    keys.succeed()
    keys.set = replace(keys.set, version=2)
    assert trust.adopt(keys.signed)
    keys.root, keys.set = former, replace(keys.set, version=3)
    for each in (trust, believing(tmp_path)):
        assert code(each.adopt, keys.signed) == "root"


def test_what_can_not_be_kept_is_not_believed(tmp_path: Path, keys: Keys):
    joined(tmp_path, keys)
    trust = believing(tmp_path)
    keys.rotate(until=100.0)
    (tmp_path / "keys.new").mkdir()
    with pytest.raises(TrustError, match="keep"):
        trust.adopt(keys.signed)
    assert trust.version == 1


def test_a_damaged_memory_is_told_and_nothing_starts(tmp_path: Path, keys: Keys):
    joined(tmp_path, keys)
    trust = believing(tmp_path)
    keys.rotate(until=100.0)
    trust.adopt(keys.signed)
    kept = tmp_path / "keys.json"
    for damage in (
        b"",
        kept.read_bytes()[:-9],
        kept.read_bytes().replace(b'"signature":"', b'"signature":"A'),
    ):
        kept.write_bytes(damage)
        with pytest.raises(IdentityError, match="damaged"):
            believing(tmp_path)


def test_a_part_is_approved_by_a_release_key_only(tmp_path: Path, keys: Keys):
    joined(tmp_path, keys)
    trust = believing(tmp_path)
    job = manifest(part="coupon", release=keys.approve())
    trust.approve(job, COUPON)
    assert code(trust.approve, manifest(part="coupon"), COUPON) == "unsigned"
    assert code(trust.approve, job, COUPON + b"#") == "definition"
    assert code(trust.approve, manifest(part="visor", release=keys.approve()), COUPON) == "signature"
    keys.release = keys.dispatch
    assert code(trust.approve, manifest(part="coupon", release=keys.approve()), COUPON) == "unknown-key"
