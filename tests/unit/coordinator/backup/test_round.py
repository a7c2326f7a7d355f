"""Back-ups, taken while others write, and brought back into either database."""

import contextlib
import stat
import tarfile
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from coordinator import data_directory
from coordinator.backup import archive
from coordinator.backup.archive import BackupError
from coordinator.errors import StartError
from coordinator.model.audit_log import check_chain
from coordinator.store import audit_log, guards, restorations
from coordinator.store.engine import Store
from tests.unit.coordinator.backup.house import House
from tests.unit.coordinator.conftest import opened
from tests.unit.coordinator.history import live
from tests.unit.coordinator.office import NOON


def test_all_rows_and_keys_come_back_in_either_database(lived: House, empty: House, tmp_path):
    file = tmp_path / "muster.backup"
    manifest, verdict = lived.back_up(file)
    assert verdict.right
    assert (manifest.muster, manifest.taken, manifest.rows["need"]) == ("1.2.3", NOON, 3)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    done = empty.restore(file)
    assert done.verdict.right
    assert done.aside == []
    assert empty.rows() == lived.rows()
    assert empty.keys() == lived.keys()
    assert empty.verdict().right
    with opened(empty.data, empty.url) as office:
        dora = office.agent("dora")
        office.now[0] += 61  # agents have their say first
        dora.is_ready()
        dora.prints(dora.grants[-1].attempt)  # nothing collides with what was numbered before
        with office.store.read() as tx:
            latest = restorations.latest(tx)
            assert latest is not None
            assert (latest.id, latest.taken, latest.restored) == (done.restoration.id, NOON, NOON + 60)
            assert latest.settled is not None
            assert latest.settled >= NOON + 61
        with office.store.read() as tx:
            kept = audit_log.head(tx)[1]
        office.desk.invite(by="ines")  # and the audit log goes on where it was
        with office.store.read() as tx:
            assert check_chain(audit_log.every(tx), head=kept).whole
            assert guards.missing(tx) == []
    assert empty.verdict().right


def test_a_database_that_was_never_restored_knows_of_none(lived: House):
    with contextlib.closing(Store(lived.url)) as store, store.read() as tx:
        assert restorations.latest(tx) is None


def test_plates_that_are_still_to_be_fetched_come_along(lived: House, tmp_path):
    with opened(lived.data, lived.url) as office:
        anna = office.agent("dora")
        office.needs(7)
        anna.is_ready()
        digest = anna.attempt().digest
    drawn = {path.name for path in (lived.data / "plates").glob("*.gcode")}
    assert len(drawn) > 1
    manifest, _ = lived.back_up(tmp_path / "muster.backup")
    carried = [name for name in manifest.files if name.startswith("plates/")]
    assert f"plates/{digest}.gcode" in carried
    fresh = House(tmp_path / "fresh", f"sqlite:///{tmp_path}/fresh.db")
    fresh.restore(tmp_path / "muster.backup")
    path = Path("plates") / f"{digest}.gcode"
    assert (fresh.data / path).read_bytes() == (lived.data / path).read_bytes()


def test_a_backup_that_is_taken_while_others_write_adds_up(lived: House, tmp_path):
    stop, filed = threading.Event(), list[str]()
    with opened(lived.data, lived.url) as office:
        hospital = office.vetted()

        def file() -> None:
            while not stop.is_set():
                filed.append(office.needs(5, hospital=hospital)[0].id)

        writers = [threading.Thread(target=file) for _ in range(3)]
        for writer in writers:
            writer.start()
        try:
            needs: list[int] = []
            for number in range(4):
                before = len(filed)
                while len(filed) < before + 5:
                    stop.wait(0.005)
                manifest, verdict = lived.back_up(tmp_path / f"{number}.backup")
                assert verdict.first is None
                assert verdict.movements == manifest.rows["movement"]
                needs.append(manifest.rows["need"])
        finally:
            stop.set()
            for writer in writers:
                writer.join(60)
    assert needs == sorted(set(needs))
    target = House(tmp_path / "other", f"sqlite:///{tmp_path}/other.db")
    target.restore(tmp_path / "3.backup")
    assert target.verdict().right


def test_a_backup_goes_over_another_only_if_that_is_wanted(lived: House, tmp_path):
    file = tmp_path / "muster.backup"
    file.write_text("my diary")
    with pytest.raises(BackupError, match="--replace"):
        lived.back_up(file)
    assert file.read_text() == "my diary"
    lived.back_up(file, replace=True)
    assert tarfile.is_tarfile(file)


def test_two_backups_to_one_file_do_not_mix(lived: House, tmp_path):
    with archive._draft(tmp_path / "muster.backup"), pytest.raises(BackupError, match="under way"):
        lived.back_up(tmp_path / "muster.backup")
    lived.back_up(tmp_path / "muster.backup")


def test_what_was_there_is_laid_aside_and_only_if_that_is_wanted(lived: House, tmp_path):
    file = tmp_path / "muster.backup"
    lived.back_up(file)
    with opened(lived.data, lived.url) as office:
        office.needs(77)
    (lived.data / "access.key").write_text("another key")
    later, keys = lived.rows(), lived.keys()
    with pytest.raises(BackupError, match="not empty: say --replace"):
        lived.restore(file)
    assert (lived.rows(), lived.keys()) == (later, keys)
    done = lived.restore(file, replace=True)
    assert len(lived.rows()["need"]) == len(later["need"]) - 1
    assert lived.verdict().right
    if lived.url.startswith("sqlite"):
        [place] = done.aside
        assert House(lived.data, f"sqlite:///{place}/muster.db").rows() == later
    else:
        [within, place] = done.aside
        assert lived.rows(within.removeprefix("schema ")) == later
    assert (Path(place) / "access.key").read_text() == "another key"


def test_nothing_is_restored_where_a_coordinator_runs(lived: House, tmp_path):
    lived.back_up(tmp_path / "muster.backup")
    with ExitStack() as running:
        data_directory.own(lived.data, running)
        with pytest.raises(StartError, match="another coordinator runs"):
            lived.restore(tmp_path / "muster.backup", replace=True)


@pytest.mark.system
def test_nothing_is_restored_into_a_postgresql_that_a_coordinator_elsewhere_uses(postgres_url, tmp_path):
    used = House(tmp_path / "used", postgres_url)
    used.data.mkdir()
    with opened(used.data, used.url) as office:
        live(office)
        used.back_up(tmp_path / "muster.backup")
        other = House(tmp_path / "other", postgres_url)
        with pytest.raises(BackupError, match="another coordinator uses this database"):
            other.restore(tmp_path / "muster.backup", replace=True)
    assert not (other.data / data_directory.RESTORING).exists()
