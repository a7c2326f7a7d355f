"""Key sets and releases: who may sign what, until when, and by whose word."""

import pytest
from msgspec.structs import replace

from tests.farend.keys import COUPON, NAME, VERSION, Keys
from wire import keyset, manifest, release
from wire.errors import LocalError, RemoteError
from wire.keyset import Key, KeySet, Use
from wire.manifest import key_id


def name_of(key) -> str:
    return key_id(key.public_key())


def never(_moment: float) -> bool:
    return False


def always(_moment: float) -> bool:
    return True


def refused(*args, **kwargs) -> str:
    with pytest.raises(RemoteError) as refusal:
        keyset.good(*args, **kwargs)
    return refusal.value.code


def test_a_set_is_believed_by_its_root_alone():
    keys = Keys()
    assert keyset.unseal(keys.signed, keys.root_id) == keys.set
    with pytest.raises(RemoteError, match="not ours"):
        keyset.unseal(keys.signed, Keys().root_id)


def test_any_flipped_bit_of_a_set_is_found_out():
    keys = Keys()
    signed = keys.signed
    for position in range(len(signed.body) * 8):
        body = bytearray(signed.body)
        body[position // 8] ^= 1 << position % 8
        with pytest.raises(RemoteError, match="signature"):
            keyset.unseal(replace(signed, body=bytes(body)), keys.root_id)


@pytest.mark.parametrize("domain", [b"", manifest.DOMAIN, release.DOMAIN, keyset.HEIR_DOMAIN])
def test_what_a_root_signed_for_another_purpose_is_no_key_set(domain: bytes):
    keys = Keys()
    signature = keys.root.sign(domain + keys.signed.body)
    with pytest.raises(RemoteError, match="signature"):
        keyset.unseal(replace(keys.signed, signature=signature), keys.root_id)


def test_a_key_is_good_for_its_own_use_only():
    keys = Keys()
    assert keyset.good(keys.set, name_of(keys.dispatch), Use.DISPATCH, never)
    assert refused(keys.set, name_of(keys.dispatch), Use.RELEASE, never) == "unknown-key"
    assert refused(keys.set, name_of(keys.root), Use.DISPATCH, never) == "unknown-key"


def test_a_rotated_key_is_good_until_its_moment():
    keys = Keys()
    old = keys.rotate(until=100.0)
    assert keyset.good(keys.set, name_of(keys.dispatch), Use.DISPATCH, always)
    assert keyset.good(keys.set, name_of(old), Use.DISPATCH, lambda moment: moment < 100)
    assert refused(keys.set, name_of(old), Use.DISPATCH, lambda moment: moment <= 100) == "old-key"


def test_a_second_rotation_gives_no_older_key_more_time():
    keys = Keys()
    first = keys.rotate(until=100.0)
    keys.rotate(until=900.0)
    [known] = [key for key in keys.set.keys if key.id == name_of(first)]
    assert known.until == 100.0


def test_a_revoked_key_is_refused_at_once_and_stays_so():
    keys = Keys()
    old = keys.rotate(until=100.0)
    keys.revoke(old)
    assert refused(keys.set, name_of(old), Use.DISPATCH, never) == "revoked-key"
    assert name_of(old) not in keys.set.of(Use.DISPATCH)
    brought_back = replace(
        keys.set, keys=(*keys.set.keys, Key(use=Use.DISPATCH, public=old.public_key().public_bytes_raw()))
    )
    assert refused(brought_back, name_of(old), Use.DISPATCH, never) == "revoked-key"


def test_many_rotations_and_revocations_still_fit_into_a_set():
    keys = Keys()
    for _ in range(80):
        keys.revoke(keys.rotate(until=1.0))
        keys.rotate(until=2.0)
    assert keyset.unseal(keys.signed, keys.root_id) == keys.set
    assert len(keys.set.of(Use.DISPATCH)) == keyset.KEPT


def test_a_new_root_is_believed_by_the_word_of_the_old_one():
    keys = Keys()
    oldest = keys.root_id
    keys.succeed()
    middle = keys.root_id
    keys.succeed()
    for root in (oldest, middle, keys.root_id):
        assert keyset.unseal(keys.signed, root) == keys.set
    usurper = Keys()
    usurper.heirs = (replace(keys.heirs[-1], heir=usurper.root.public_key().public_bytes_raw()),)
    with pytest.raises(RemoteError):
        keyset.unseal(usurper.signed, oldest)


def test_an_old_root_is_believed_no_more_once_its_heir_is():
    keys = Keys()
    before = keys.root
    keys.succeed()
    keys.root, heir = before, keys.root_id
    with pytest.raises(RemoteError, match="not ours"):
        keyset.unseal(keys.signed, heir)


def test_a_set_out_of_bounds_is_never_signed():
    with pytest.raises(LocalError):
        keyset.encode(KeySet(version=0, keys=()))
    with pytest.raises(LocalError):
        keyset.encode(KeySet(version=1, keys=(Key(use=Use.DISPATCH, public=b"short"),)))


# ── releases ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_part_version_is_what_was_signed_and_nothing_else():
    keys = Keys()
    good, known = keys.approve(), {name_of(keys.release): keys.release.public_key()}
    release.verify(good, NAME, VERSION, COUPON, known)
    for name, version, document, signed, believed in (
        ("visor", VERSION, COUPON, good, known),
        (NAME, "2", COUPON, good, known),
        (NAME, VERSION, COUPON + b"\n", good, known),
        (NAME, VERSION, COUPON + b"\n", replace(good, definition=release.definition(COUPON + b"\n")), known),
        (NAME, VERSION, COUPON, replace(good, signature=bytes(64)), known),
        (NAME, VERSION, COUPON, Keys().approve(), known),
        (NAME, VERSION, COUPON, good, {}),
    ):
        with pytest.raises(RemoteError):
            release.verify(signed, name, version, document, believed)


def test_any_flipped_bit_of_a_document_is_found_out():
    keys = Keys()
    good, known = keys.approve(), {name_of(keys.release): keys.release.public_key()}
    for position in range(0, len(COUPON) * 8, 7):
        document = bytearray(COUPON)
        document[position // 8] ^= 1 << position % 8
        changed = bytes(document)
        for signed in (good, replace(good, definition=release.definition(changed))):
            with pytest.raises(RemoteError):
                release.verify(signed, NAME, VERSION, changed, known)


def test_a_document_without_end_is_never_signed():
    for document in (b"", b"#" * (manifest.DEFINITION_LIMIT + 1)):
        with pytest.raises(LocalError):
            release.sign(NAME, VERSION, document, Keys().release)
