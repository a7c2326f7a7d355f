"""Back-ups and databases of an older version, whose tables had other names."""

from pathlib import Path

import msgspec
import pytest

from coordinator.backup import archive
from coordinator.backup.archive import BackupError
from coordinator.model.audit_log import check_chain
from coordinator.store import audit_log, copies
from coordinator.store.engine import Store
from tests.unit.coordinator.backup.house import House
from tests.unit.coordinator.backup.test_bad_files import repacked
from tests.unit.coordinator.older import with_private_names


@pytest.fixture
def old_backup(good: Path, tmp_path: Path) -> tuple[Path, str]:
    """A back-up that version 0010 of the tables made, and the head of its audit log."""
    copy = tmp_path / "old.sqlite"
    head = with_private_names(f"sqlite:///{copy}")
    revision, rows = copies.check(copy)
    assert (revision, rows["trail"]) == ("0010", 3)
    member = {"size": copy.stat().st_size, "sha256": archive._digest(copy)}

    def change(name: str, data: bytes) -> tuple[str, bytes]:
        if name == "database.sqlite":
            return name, copy.read_bytes()
        if name == "manifest.json":
            known = msgspec.json.decode(data)
            known["files"]["database.sqlite"] = member
            return name, msgspec.json.encode(known | {"revision": revision, "rows": rows})
        return name, data

    return repacked(good, tmp_path / "old.backup", change), head


def test_a_back_up_of_an_older_version_comes_back_whole(old_backup: tuple[Path, str], empty: House):
    file, head = old_backup
    done = empty.restore(file)
    assert done.verdict.right
    store = Store(empty.url)
    with store.read() as tx:
        chain = check_chain(audit_log.every(tx), head=head)
        assert (chain.whole, chain.entries) == (True, 3)
    store.close()


def test_an_older_versions_database_is_laid_aside_whole(good: Path, empty: House):
    with_private_names(empty.url)
    with pytest.raises(BackupError, match="not empty"):
        empty.restore(good)
    done = empty.restore(good, replace=True)
    assert done.aside
    assert empty.verdict().right
