"""The coordinator's keys: made at the first start, rotated, revoked, taken out, and signed for elsewhere."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from coordinator.cli import run
from coordinator.errors import Conflict, Invalid
from coordinator.keys import keyring, signing_files
from coordinator.keys.keyring import Keyring, KeyringError
from coordinator.store.engine import Store
from coordinator.store.releases import releases
from coordinator.work import catalogue
from gcode_templates import part_names
from tests.farend.keys import COUPON, Keys
from tests.unit.coordinator.office import NOON, Office
from wire import keyset, release
from wire.errors import RemoteError
from wire.keyset import Use
from wire.manifest import Release, key_id
from wire.messages import Grant, Presence
from wire.messages import Keys as Told

WORDS = "correct horse battery"


def name_of(key: Ed25519PrivateKey | None) -> str:
    assert key is not None
    return key_id(key.public_key())


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", lambda: NOON)


def rotate(ring: Keyring, use: Use = Use.DISPATCH, overlap: float = 60.0) -> None:
    root = ring.private("root")
    assert root is not None
    ring.install(ring.sign(ring.rotated(use, overlap), root))


def test_the_first_start_makes_all_keys_for_our_eyes_only_and_the_next_finds_them(
    ring: Keyring, tmp_path: Path
):
    folder = tmp_path / "keys"
    assert {path.name for path in folder.iterdir()} == {
        "root.key",
        "release.key",
        "dispatch.key",
        "keyset.json",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    again = Keyring(folder, lambda: NOON + 1)
    assert (again.signed, name_of(again.dispatch)) == (ring.signed, name_of(ring.dispatch))


def test_a_first_start_that_was_cut_off_goes_on_with_what_is_there(ring: Keyring, tmp_path: Path):
    (tmp_path / "keys" / "keyset.json").unlink()
    again = Keyring(tmp_path / "keys", lambda: NOON)
    assert (again.root, name_of(again.dispatch)) == (ring.root, name_of(ring.dispatch))


def test_a_rotation_is_seen_by_the_coordinator_that_runs(ring: Keyring, tmp_path: Path):
    running, before = Keyring(tmp_path / "keys", lambda: NOON), name_of(ring.dispatch)
    assert not running.reload()
    rotate(ring)
    assert running.reload()
    assert name_of(running.dispatch) == name_of(ring.dispatch) != before
    assert running.keys.version > NOON - 1
    assert keyset.good(running.keys, before, Use.DISPATCH, running.passed)
    with pytest.raises(RemoteError, match="over"):
        keyset.good(running.keys, before, Use.DISPATCH, lambda moment: moment < NOON + 61)


def test_a_rotation_that_was_cut_off_is_ended_by_the_next_look(ring: Keyring, tmp_path: Path):
    folder = tmp_path / "keys"
    root = ring.private("root")
    assert root is not None
    proposed = ring.rotated(Use.DISPATCH, 60.0)
    assert name_of(Keyring(folder, lambda: NOON).dispatch) == name_of(ring.dispatch)
    before = (folder / "dispatch.key").read_bytes()
    ring.install(ring.sign(proposed, root))
    # As if the power had gone between the set and the key's last step.
    (folder / "dispatch.key").rename(folder / "next-dispatch.key")
    (folder / "dispatch.key").write_bytes(before)
    again = Keyring(folder, lambda: NOON)
    assert name_of(again.dispatch) == name_of(ring.dispatch)
    assert not (folder / "next-dispatch.key").exists()


def test_a_revoked_key_in_use_is_replaced(ring: Keyring):
    stolen = name_of(ring.dispatch)
    root = ring.private("root")
    assert root is not None
    ring.install(ring.sign(ring.revoked(stolen[:16]), root))
    assert name_of(ring.dispatch) != stolen
    assert stolen in ring.keys.revoked
    with pytest.raises(KeyringError, match="no key"):
        ring.revoked("00000000")


def test_only_our_root_changes_the_set_and_only_to_a_newer_one(ring: Keyring):
    strange = Ed25519PrivateKey.generate()
    with pytest.raises(KeyringError, match="not the root"):
        ring.sign(ring.rotated(Use.DISPATCH, 0.0), strange)
    with pytest.raises(KeyringError, match="not ours"):
        ring.install(Keys(version=2**40).signed)
    with pytest.raises(KeyringError, match="not newer"):
        ring.install(ring.signed)


def test_a_new_root_is_followed_by_whoever_knew_the_old_one(ring: Keyring, tmp_path: Path):
    old, root = ring.root, ring.private("root")
    assert root is not None
    ring.succeed(root)
    assert ring.root != old
    assert keyset.unseal(ring.signed, old).version == ring.keys.version
    rotate(Keyring(tmp_path / "keys", lambda: NOON))
    with pytest.raises(KeyringError, match="not the root"):
        ring.succeed(root)


def test_keys_that_do_not_belong_together_are_told(ring: Keyring, tmp_path: Path):
    other = Keyring(tmp_path / "other", lambda: NOON)
    (tmp_path / "keys" / "dispatch.key").write_bytes(keyring.pem(other.dispatch))
    with pytest.raises(KeyringError, match="one backup"):
        Keyring(tmp_path / "keys", lambda: NOON)
    (tmp_path / "keys" / "keyset.json").write_bytes(b"{}")
    with pytest.raises(KeyringError, match="damaged"):
        Keyring(tmp_path / "keys", lambda: NOON)


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def store(tmp_path: Path):
    made = Store(f"sqlite:///{tmp_path}/muster.db")
    yield made
    made.close()


def stocked(store: Store, ring: Keyring) -> set[str]:
    with store.write() as tx:
        return {each.part.name for each in catalogue.stock(tx, ring, NOON)}


def test_shipped_parts_are_approved_where_the_release_key_lies_and_wait_where_not(
    ring: Keyring, store: Store
):
    key = ring.private(Use.RELEASE)
    assert key is not None
    ring.remove(Use.RELEASE)
    assert stocked(store, ring) == set()
    signed = release.sign("coupon", "1", COUPON, key)
    with store.write() as tx:
        catalogue.approve(tx, ring, COUPON, signed, NOON)
    assert stocked(store, ring) == {"coupon"}


def test_a_version_stays_what_was_approved(ring: Keyring, store: Store):
    altered = COUPON + b"# another\n"
    with store.write() as tx:
        catalogue.approve(tx, ring, COUPON, catalogue.sign(ring, COUPON), NOON)
        with pytest.raises(Conflict, match="new version"):
            catalogue.approve(tx, ring, altered, catalogue.sign(ring, altered), NOON)


def test_what_our_release_key_did_not_sign_is_not_taken_in(ring: Keyring, store: Store):
    good = catalogue.sign(ring, COUPON)
    for signed in (
        Keys().approve(),
        Release(good.definition, good.size, good.key, bytes(64)),
        release.sign("coupon", "2", COUPON, ring.private(Use.RELEASE) or ring.dispatch),
        release.sign("coupon", "1", COUPON, ring.dispatch),
    ):
        with store.write() as tx, pytest.raises(Invalid):
            catalogue.approve(tx, ring, COUPON, signed, NOON)


def test_a_row_that_was_changed_behind_our_back_is_not_made_any_more(ring: Keyring, store: Store):
    with store.write() as tx:
        catalogue.approve(tx, ring, COUPON, catalogue.sign(ring, COUPON), NOON)
        releases.change(tx, "coupon", "1", document=COUPON.decode().replace("side", "edge"))
    assert "coupon" not in stocked(store, ring)


def test_after_a_rotation_all_is_signed_anew_and_after_a_revocation_only_what_is_shipped(
    ring: Keyring, store: Store
):
    with store.write() as tx:
        catalogue.approve(tx, ring, COUPON, catalogue.sign(ring, COUPON), NOON)
    everything = stocked(store, ring)
    assert everything == {"coupon", *part_names()}
    rotate(ring, Use.RELEASE)
    assert stocked(store, ring) == everything
    key = name_of(ring.private(Use.RELEASE))
    with store.read() as tx:
        assert {each.key for each in releases.find(tx)} == {key}
    root = ring.private("root")
    assert root is not None
    ring.install(ring.sign(ring.revoked(key), root))
    assert stocked(store, ring) == set(part_names())


# ── what agents hear ──────────────────────────────────────────────────────────────────────────────────────


def told(office: Office, agent: str) -> list[int]:
    posted = [message for to, message in office.posted if to == agent and isinstance(message, Told)]
    return [keyset.unseal(each.keys, office.keyring.root).version for each in posted]


def test_an_agent_with_older_keys_is_told_before_it_is_given_anything(office: Office):
    office.needs(20)
    anna = office.agent("anna")
    anna.keys = office.keyring.keys.version - 1
    anna.is_ready()
    assert (told(office, "anna"), anna.grants) == ([office.keyring.keys.version], [])
    anna.keys += 1
    anna.is_ready()
    assert len(anna.grants) == 1
    anna.keys += 7
    anna.is_ready()
    assert len(told(office, "anna")) == len(anna.grants) == 1


def test_a_birth_with_older_keys_is_answered_with_the_newer(office: Office):
    office.agent("anna")
    birth = Presence(online=True, connection=2, epoch="a" * 32, keys=1)
    office.conversation.hear("anna", birth)
    assert told(office, "anna") == [office.keyring.keys.version]


def test_a_manifest_says_when_it_holds_what_was_approved_and_its_number(office: Office):
    office.needs(60)
    anna = office.agent("anna")
    anna.is_ready()
    first = anna.grants[-1]
    assert first.not_before <= office.now[0] + 1 < first.expires
    assert first.release is not None
    assert office.desk.definition(first.release.definition).startswith(b'name = "ear-saver"')
    anna.prints(first.attempt)
    anna.is_ready()
    assert anna.grants[-1].sequence > first.sequence


def test_a_coordinator_that_forgot_goes_on_above_what_its_agent_was_granted(office: Office):
    office.needs(60)
    anna = office.agent("anna")
    anna.sequence = 41
    anna.is_ready()
    assert anna.grants[-1].sequence == 42
    anna.loses_its_disk()
    anna.sequence = 0
    anna.is_ready()
    assert anna.grants[-1].sequence == 43


def test_a_rotated_key_signs_the_next_grant_and_the_old_ones_papers_are_still_read(office: Office):
    office.needs(60)
    anna = office.agent("anna")
    anna.is_ready()
    before, used = office.keyring.signed, name_of(office.keyring.dispatch)
    rotate(office.keyring)
    anna.prints(anna.grants[-1].attempt)
    anna.is_ready()
    signers = {each.manifest.key for _, each in office.posted if isinstance(each, Grant)}
    assert len(signers) == 2
    assert name_of(office.keyring.dispatch) in signers
    assert len(anna.grants) == 2
    assert used in keyset.unseal(before, office.keyring.root).of(Use.DISPATCH)


# ── the command ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_root_in_a_drawer_still_changes_keys_by_its_file_or_by_letter(
    ring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MUSTER_PASSPHRASE", WORDS)
    (tmp_path / "muster.toml").write_text(f'data = "{tmp_path}"\n')
    config, drawer = ["--config", str(tmp_path / "muster.toml")], tmp_path / "root.pem"

    def said(*words: str, code: int = 0) -> str:
        assert run(["keys", *words]) == code
        told = capsys.readouterr()
        return told.out if code == 0 else told.err

    said("take-out", "root", str(drawer), *config)
    assert not (tmp_path / "keys" / "root.key").exists()
    assert b"ENCRYPTED" in drawer.read_bytes()
    assert "--root" in said("rotate", "dispatch", *config, code=2)
    before = name_of(ring.dispatch)
    said("rotate", "dispatch", "--root", str(drawer), *config)
    ring.reload()
    assert name_of(ring.dispatch) != before

    request, signed = str(tmp_path / "change.request"), str(tmp_path / "change.signed")
    version = ring.keys.version
    said("revoke", before[:16], "--request", request, *config)
    ring.reload()
    assert ring.keys.version == version
    assert "sign" in said("import", request, *config, code=2)
    assert before[:16] in said("sign", request, "--root", str(drawer), "--to", signed)
    said("import", signed, *config)
    ring.reload()
    assert before in ring.keys.revoked
    assert "newer" in said("import", signed, *config, code=2)
    monkeypatch.setenv("MUSTER_PASSPHRASE", "another passphrase")
    assert "passphrase" in said("rotate", "release", "--root", str(drawer), *config, code=2)
    listed = said("show", *config)
    assert "elsewhere" in listed
    assert "revoked" in listed


def test_a_part_is_signed_where_the_release_key_is_and_carried_here(
    ring: Keyring,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("MUSTER_PASSPHRASE", WORDS)
    (tmp_path / "muster.toml").write_text(f'data = "{tmp_path}"\n')
    config = ["--config", str(tmp_path / "muster.toml")]
    drawer, part, signed = tmp_path / "release.pem", tmp_path / "coupon.toml", tmp_path / "coupon.signed"
    part.write_bytes(COUPON)
    assert run(["keys", "take-out", "release", str(drawer), *config]) == 0
    assert run(["keys", "sign-part", str(part), *config]) == 2
    assert "--release" in capsys.readouterr().err
    assert run(["keys", "sign-part", str(part), "--release", str(drawer), "--to", str(signed)]) == 0
    assert run(["keys", "import", str(signed), *config]) == 0
    assert stocked(store, ring) == {"coupon"}
    part.write_bytes(COUPON.replace(b"[0, 0]", b"[0, 1]"))
    assert run(["keys", "sign-part", str(part), "--release", str(drawer), *config]) == 2
    assert "new version" in capsys.readouterr().err
    content = signing_files.read(signed)
    assert isinstance(content, signing_files.SignedPart)
    signed.unlink()
    signing_files.write(signed, signing_files.SignedPart(content.document + "#", content.release))
    assert run(["keys", "import", str(signed), *config]) == 2
