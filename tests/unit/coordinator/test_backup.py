"""Back-ups: taken while others write, brought back into either database, and cut off at every step."""

import contextlib
import gzip
import os
import shutil
import signal
import stat
import tarfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import create_engine, inspect, text

from coordinator import premises
from coordinator.errors import StartError
from coordinator.keys.ca import Authority
from coordinator.keys.keyring import Keyring
from coordinator.model.trail import follow
from coordinator.model.views import Verdict
from coordinator.store import copies, guards, restorations, schema, trail
from coordinator.store.engine import Opening, Store
from coordinator.vault import backup, restore
from coordinator.vault.backup import BackupError, Manifest
from coordinator.work import overview
from tests.unit.coordinator.conftest import opened
from tests.unit.coordinator.history import live
from tests.unit.coordinator.office import NOON, Office

KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.system)]


@dataclass
class House:
    """A coordinator's data directory and database."""

    data: Path
    url: str

    def rows(self, name: str = "public") -> dict[str, list[Any]]:
        """All that the database holds, as it is kept; but for what a restore adds."""
        engine = create_engine(self.url)
        inside = None if self.url.startswith("sqlite") else name
        with engine.connect() as tx:
            known = set(inspect(tx).get_table_names(inside))
            found = {
                table: sorted(
                    map(tuple, tx.execute(text(f"select {columns(table)} from {place(table, inside)}")))
                )
                for table in schema.metadata.tables
                if table in known and table != "restoration"
            }
        engine.dispose()
        return found

    def verdict(self) -> Verdict:
        store = Store(self.url, Opening.AS_IT_IS)
        with contextlib.closing(store), store.read() as tx:
            return overview.verdict(tx)

    def back_up(self, target: Path, *, replace: bool = False) -> tuple[Manifest, Verdict]:
        with contextlib.closing(Store(self.url, Opening.AS_IT_IS)) as store:
            return backup.make(
                store, self.data, target, version="1.2.3", now=NOON, replace=replace, progress=quiet
            )

    def restore(self, source: Path, *, replace: bool = False) -> restore.Restored:
        return restore.put(self.url, self.data, source, now=NOON + 60, replace=replace, progress=quiet)

    def keys(self) -> dict[str, bytes]:
        return {name: path.read_bytes() for name, path in premises.keys(self.data).items()}


def quiet(_what: str, _done: int, _total: int) -> None: ...


def columns(table: str) -> str:
    return ", ".join(f'"{column.name}"' for column in schema.metadata.tables[table].columns)


def place(table: str, inside: str | None) -> str:
    return f'"{inside}"."{table}"' if inside else f'"{table}"'


@contextlib.contextmanager
def house(directory: Path, kind: str, request: pytest.FixtureRequest) -> Generator[House]:
    """An empty one."""
    data = directory / "data"
    data.mkdir(parents=True)
    with ExitStack() as closing:
        url = f"sqlite:///{data}/muster.db"
        if kind == "postgres":
            url = closing.enter_context(request.getfixturevalue("postgres").database())
        yield House(data, url)


def furnish(made: House) -> Office:
    """Keys, and a coordinator that has lived."""
    Authority(made.data / "keys", lambda: NOON)
    Keyring(made.data / "keys", lambda: NOON)
    for name in ("access", "session", "files", "addresses"):
        (made.data / f"{name}.key").write_text(name * 8)
    (made.data / "broker").mkdir()
    (made.data / "broker" / "port").write_text("8883")
    with opened(made.data, made.url) as office:
        live(office)
    return office


@pytest.fixture(params=KINDS)
def lived(request, tmp_path) -> Generator[House]:
    """A house with a history."""
    with house(tmp_path / "lived", request.param, request) as made:
        furnish(made)
        yield made


@pytest.fixture(params=KINDS)
def empty(request, tmp_path) -> Generator[House]:
    """A house where nobody has been."""
    with house(tmp_path / "empty", request.param, request) as made:
        yield made


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
            kept = trail.head(tx)[1]
        office.desk.invite(by="ines")  # and the trail goes on where it was
        with office.store.read() as tx:
            assert follow(trail.every(tx), head=kept).whole
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
    with backup._draft(tmp_path / "muster.backup"), pytest.raises(BackupError, match="under way"):
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
        premises.own(lived.data, running)
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
    assert not (other.data / premises.RESTORING).exists()


# ── bad files ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """A back-up."""
    directory = tmp_path_factory.mktemp("good")
    made = House(directory / "data", f"sqlite:///{directory}/data/muster.db")
    made.data.mkdir()
    furnish(made)
    made.back_up(directory / "muster.backup")
    return directory / "muster.backup"


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
    copy = tmp_path / "copy"
    with tarfile.open(good) as archive:
        archive.extract("database.sqlite", copy, filter="data")
    engine = create_engine(f"sqlite:///{copy}/database.sqlite")
    with engine.begin() as tx:
        tx.execute(text("update alembic_version set version_num = '9999'"))
    engine.dispose()
    made = (copy / "database.sqlite").read_bytes()
    member = {"size": len(made), "sha256": backup._digest(copy / "database.sqlite")}

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


# ── cut off ───────────────────────────────────────────────────────────────────────────────────────────────


def cut_off(act: Callable[[], object], step: int) -> bool:
    """Do it in a process that is killed before its `step`th fsync; False if it had come to its end by then."""
    child = os.fork()
    if child == 0:
        calls = 0
        real = os.fsync

        def fsync(handle: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == step:
                os.kill(os.getpid(), signal.SIGKILL)
            real(handle)

        os.fsync = fsync
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_a_backup_that_is_killed_anywhere_leaves_none_or_all_of_it(lived: House, tmp_path):
    file, step = tmp_path / "muster.backup", 0
    while cut_off(lambda: lived.back_up(file), step := step + 1):
        if file.exists():
            House(tmp_path / f"{step}", f"sqlite:///{tmp_path}/{step}.db").restore(file)
            file.unlink()
        lived.back_up(file)
        file.unlink()
    assert step > 2
    assert file.exists()


def test_a_restore_that_is_killed_anywhere_is_done_again_and_loses_nothing(good, request, tmp_path):
    old = House(tmp_path / "old" / "data", f"sqlite:///{tmp_path}/old/data/muster.db")
    old.data.mkdir(parents=True)
    furnish(old)
    before, old_keys, step = old.rows(), old.keys(), 0
    fresh = House(tmp_path / "fresh", f"sqlite:///{tmp_path}/fresh/muster.db")
    fresh.restore(good)
    wanted, wanted_keys = fresh.rows(), fresh.keys()
    begun = 0
    while True:
        step += 1
        here = House(tmp_path / f"{step}", f"sqlite:///{tmp_path}/{step}/muster.db")
        shutil.copytree(old.data, here.data)
        if not cut_off(lambda here=here: here.restore(good, replace=True), step):
            break
        if (here.data / premises.RESTORING).exists():
            begun += 1
            with ExitStack() as closing, pytest.raises(StartError, match="cut off"):
                premises.own(here.data, closing)
            here.restore(good)
        else:
            assert here.rows() in (before, wanted)
            here.restore(good, replace=True)
        assert (here.rows(), here.keys()) == (wanted, wanted_keys)
        asides = sorted(here.data.glob("before-restore-*/muster.db*"))
        assert before in [
            House(here.data, f"sqlite:///{path}").rows() for path in asides if "-" not in path.name
        ]
        kept = {path.read_bytes() for path in here.data.glob("before-restore-*/**/*.key*")}
        assert {old_keys["keys/ca.key"], old_keys["keys/dispatch.key"]} <= kept
        shutil.rmtree(here.data)
    assert begun > 5
    assert here.rows() == wanted


@pytest.mark.system
def test_a_restore_into_postgresql_that_is_killed_anywhere_is_done_again(good, postgres_url, tmp_path):
    fresh = House(tmp_path / "fresh", f"sqlite:///{tmp_path}/fresh.db")
    fresh.restore(good)
    here = House(tmp_path / "data", postgres_url)
    here.data.mkdir()
    with opened(here.data, here.url) as office:
        live(office)
    before, step, begun = here.rows(), 0, 0
    while cut_off(lambda: here.restore(good, replace=True), step := step + 1):
        alone(here)
        if (here.data / premises.RESTORING).exists():
            begun += 1
            here.restore(good)
            assert (here.rows(), here.keys()) == (fresh.rows(), fresh.keys())
            (here.data / "keys" / "ca.key").write_text(f"of step {step}")  # that there is something to do
        else:
            assert here.rows() == before
        before = here.rows()
    assert begun > 3
    assert (here.rows(), here.keys()) == (fresh.rows(), fresh.keys())
    assert here.verdict().right


def alone(here: House) -> None:
    """Wait until PostgreSQL has seen that who was killed is gone."""
    store = Store(here.url, Opening.BARE)
    deadline = time.monotonic() + 20
    while copies.others_on(store) and time.monotonic() < deadline:
        time.sleep(0.02)
    store.close()
