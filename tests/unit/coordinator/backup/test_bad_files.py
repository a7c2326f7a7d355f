"""A file that is no whole back-up of ours changes nothing."""

import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import create_engine, text

from coordinator.backup import archive
from coordinator.backup.archive import BackupError
from tests.unit.coordinator.backup.house import House


def repacked(file: Path, target: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """A back-up with some of its members changed, or left out."""
    with tarfile.open(file) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            content = old.extractfile(member)
            assert content is not None
            if (changed := change(member.name, content.read())) is None:
                continue
            member.name, data = changed
            member.size = len(data)
            draft = target.with_suffix(".member")
            draft.write_bytes(data)
            with draft.open("rb") as again:
                new.addfile(member, again)
    return target


def with_manifest(**changes: Any) -> Callable[[str, bytes], tuple[str, bytes]]:
    def change(name: str, data: bytes) -> tuple[str, bytes]:
        if name != "manifest.json":
            return name, data
        return name, msgspec.json.encode(msgspec.json.decode(data) | changes)

    return change


BAD: dict[str, Callable[[Path, Path], object]] = {
    "nothing": lambda _, target: target.write_bytes(b""),
    "a letter": lambda _, target: target.write_text("Dear coordinator, " * 100),
    "a gzipped letter": lambda _, target: target.write_bytes(gzip.compress(b"Dear coordinator, " * 100)),
    "its first half": lambda good, target: target.write_bytes(good.read_bytes()[: good.stat().st_size // 2]),
    "all but its end": lambda good, target: target.write_bytes(good.read_bytes()[:-2000]),
    "a flipped bit": lambda good, target: target.write_bytes(flipped(good.read_bytes())),
    "no manifest": lambda good, target: repacked(
        good, target, lambda name, data: None if name == "manifest.json" else (name, data)
    ),
    "no database": lambda good, target: repacked(
        good, target, lambda name, data: None if name == "database.sqlite" else (name, data)
    ),
    "no key": lambda good, target: repacked(
        good, target, lambda name, data: None if name == "keys/ca.key" else (name, data)
    ),
    "another key": lambda good, target: repacked(
        good, target, lambda name, data: (name, data[::-1] if name == "keys/ca.key" else data)
    ),
    "another database": lambda good, target: repacked(
        good, target, lambda name, data: (name, data[:-4096] if name == "database.sqlite" else data)
    ),
    "a file for elsewhere": lambda good, target: repacked(
        good, target, lambda name, data: ("../../passwd" if name == "access.key" else name, data)
    ),
    "a newer format": lambda good, target: repacked(good, target, with_manifest(format=2)),
    "another kind": lambda good, target: repacked(good, target, with_manifest(kind="holiday-pictures")),
    "more than we know": lambda good, target: repacked(good, target, with_manifest(colour="blue")),
    "other counts": lambda good, target: repacked(good, target, with_manifest(rows={"need": 1})),
}


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 16]) + data[middle + 1 :]


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_changes_nothing(kind, good, tmp_path):
    bad = tmp_path / "bad.backup"
    BAD[kind](good, bad)
    target = House(tmp_path / "data", f"sqlite:///{tmp_path}/data/muster.db")
    with pytest.raises(BackupError) as raised:
        target.restore(bad)
    assert "\n" not in str(raised.value)
    assert [path.name for path in target.data.iterdir()] == ["lock"]


def test_a_file_of_a_newer_version_is_refused(good, tmp_path):
    copy = tmp_path / "copy.sqlite"
    with tarfile.open(good) as packed:
        content = packed.extractfile("database.sqlite")
        assert content is not None
        copy.write_bytes(content.read())
    engine = create_engine(f"sqlite:///{copy}")
    with engine.begin() as tx:
        tx.execute(text("update alembic_version set version_num = '9999'"))
    engine.dispose()
    made = copy.read_bytes()
    member = {"size": len(made), "sha256": archive._digest(copy)}

    def change(name: str, data: bytes) -> tuple[str, bytes]:
        if name == "database.sqlite":
            return name, made
        if name == "manifest.json":
            known = msgspec.json.decode(data)
            known["files"]["database.sqlite"] = member
            return name, msgspec.json.encode(known | {"revision": "9999"})
        return name, data

    target = House(tmp_path / "data", f"sqlite:///{tmp_path}/data/muster.db")
    with pytest.raises(BackupError, match="newer version of Muster"):
        target.restore(repacked(good, tmp_path / "new.backup", change))
