"""Manifests: who may sign, and what a signature is good for."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from wire.errors import LocalError, RemoteError
from wire.manifest import Manifest, Signed, key_id, sign, verify

KEY = Ed25519PrivateKey.generate()
KEYS = {key_id(KEY.public_key()): KEY.public_key()}


def manifest(**changes: object) -> Manifest:
    fields = {
        "attempt": "a1",
        "job": "n1",
        "agent": "anna",
        "printer": "mk3",
        "nonce": "0123456789abcdef",
        "part": "ear-saver",
        "version": "1",
        "parameters": {"length": 155.0},
        "count": 9,
        "material": "petg",
        "profile": "0" * 64,
        "url": "https://muster.example/files/x",
        "size": 10,
        "digest": "1" * 64,
        "grams": 36.0,
        "seconds": 3600.0,
    }
    return Manifest(**(fields | changes))  # pyright: ignore[reportArgumentType]


def test_a_stranger_cannot_sign():
    with pytest.raises(RemoteError) as refusal:
        verify(sign(manifest(), Ed25519PrivateKey.generate()), KEYS)
    assert refusal.value.code == "unknown-key"


def test_a_stranger_who_uses_our_keys_name_is_found_out():
    forged = sign(manifest(), Ed25519PrivateKey.generate())
    with pytest.raises(RemoteError) as refusal:
        verify(Signed(forged.body, next(iter(KEYS)), forged.signature), KEYS)
    assert refusal.value.code == "signature"


def test_a_signature_made_for_another_purpose_is_not_a_manifests():
    signed = sign(manifest(), KEY)
    bare = KEY.sign(signed.body)
    with pytest.raises(RemoteError):
        verify(Signed(signed.body, signed.key, bare), KEYS)


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "file:///etc/passwd"},
        {"count": 0},
        {"attempt": "../x"},
        {"attempt": "a1\n"},
        {"profile": "0" * 64 + "\n"},
        {"url": "https://muster.example/ü"},
        {"url": "https://muster.example/a b"},
        {"url": "https://muster.example/a\n"},
        {"size": 2**40},
        {"grams": float("nan")},
        {"digest": "short"},
        {"version": "1\n"},
        {"sequence": -1},
        {"expires": float("inf")},
    ],
)
def test_a_manifest_out_of_bounds_is_never_signed(changes):
    with pytest.raises(LocalError):
        sign(manifest(**changes), KEY)


def test_any_flipped_bit_of_manifest_or_signature_is_refused():
    good = sign(manifest(), KEY)
    for field in ("body", "signature"):
        whole: bytes = getattr(good, field)
        for position in range(len(whole) * 8):
            changed = bytearray(whole)
            changed[position // 8] ^= 1 << position % 8
            with pytest.raises(RemoteError) as refusal:
                verify(replace(good, **{field: bytes(changed)}), KEYS)
            assert refusal.value.code == "signature"


def test_a_manifest_of_an_older_version_is_read_but_valid_at_no_time():
    old = manifest()
    assert (old.release, old.not_before, old.expires, old.sequence) == (None, 0, 0, 0)
    assert verify(sign(old, KEY), KEYS) == old
