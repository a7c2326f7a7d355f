"""A back-up put in place of whatever a coordinator has: the database, whichever way it is kept, and the keys.

Until the back-up has been looked at as a whole nothing is changed; then a mark stands in the data directory, without
which no step is taken, and with which no coordinator starts: so what a crash cuts off is done again. What was there
is never deleted, it is laid aside.
"""

import contextlib
import os
import shutil
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from coordinator import data_directory
from coordinator.backup import archive
from coordinator.backup.archive import DATABASE, BackupError, BackupManifest, Progress
from coordinator.errors import StartError
from coordinator.ids import fresh
from coordinator.model.views import LedgerReport
from coordinator.store import copies
from coordinator.store.engine import OpenMode, Store, file_of
from coordinator.store.restorations import Restoration, restorations
from coordinator.work import overview


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was done: from which back-up, where that is which was there before, and what the ledger check says."""

    manifest: BackupManifest
    restoration: Restoration
    aside: list[str]
    verdict: LedgerReport


def put(url: str, data: Path, source: Path, *, now: float, replace: bool, progress: Progress) -> Restored:
    """Restore a back-up into this database and this data directory.

    Raises:
        BackupError: the back-up can't be used, or something is there already that is not to be replaced.
        StartError: a coordinator runs here, or the database can't be used.
        OSError: the disk is full, or can't be written.
    """
    with ExitStack() as closing:
        data_directory.own(data, closing, to_restore=True)
        file = file_of(url)
        store = None if file else closing.enter_context(contextlib.closing(Store(url, OpenMode.BARE)))
        stage = closing.enter_context(_stage((file.parent if file else data) / ".restore.part"))
        manifest = archive.unpack(source, stage, progress)
        restoration = Restoration(id=fresh("r"), taken=manifest.taken, restored=now)
        verdict = _prepare(stage / DATABASE, restoration)
        mark = data / data_directory.RESTORING
        if begins := not mark.exists():
            _refuse_to_clobber(store, file, replace=replace)
            _mark(mark, f"before-restore-{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}")
        aside = _Aside(mark.read_text().strip())
        if store:
            try:
                _fill(store, stage / DATABASE, restoration, aside, progress)
            except StartError:
                if begins:
                    mark.unlink()  # all of it was undone
                raise
        elif file:
            _place(stage / DATABASE, file, aside)
        for name in manifest.files:
            if name != DATABASE:
                _place_key(stage / name, data, name, aside)
        mark.unlink()
        data_directory.sync(data)
    return Restored(manifest=manifest, restoration=restoration, aside=aside.places, verdict=verdict)


class _Aside:
    """Where that goes which was there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: list[str] = []

    def lay(self, path: Path, below: Path) -> None:
        """Move a file that is there into a directory beside it (in `below`), over nothing that is there."""
        if not path.exists():
            return
        target = below / self.name / path.relative_to(below)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        free, number = target, 1
        while free.exists():
            number += 1
            free = target.with_name(f"{target.name}.{number}")
        path.rename(free)
        data_directory.sync(free.parent)
        data_directory.sync(path.parent)
        if (place := str(below / self.name)) not in self.places:
            self.places.append(place)


def _prepare(copy: Path, restoration: Restoration) -> LedgerReport:
    """Bring the database of the back-up to this version, and let it know what happened to it."""
    with contextlib.closing(Store(copies.sqlite(copy))) as store:
        with store.write() as tx:
            restorations.add(tx, restoration)
        with store.read() as tx:
            verdict = overview.check_ledger(tx)
    with copy.open("rb") as written:
        os.fsync(written.fileno())
    return verdict


def _refuse_to_clobber(store: Store | None, file: Path | None, *, replace: bool) -> None:
    if store:
        with copies.told():
            others, there = copies.others_on(store), copies.rows_in(store) > 0
        if others:
            raise BackupError("another coordinator uses this database: stop it first")
    else:
        assert file is not None
        there = file.exists() and _is_used(file)
    if there and not replace:
        raise BackupError("the database is not empty: say --replace; what is in it will be laid aside")


def _is_used(file: Path) -> bool:
    """Also of what can't be read: it is not ours to throw away."""
    try:
        with contextlib.closing(Store(copies.sqlite(file), OpenMode.BARE)) as store:
            return copies.rows_in(store) > 0
    except StartError:
        return True


def _mark(mark: Path, aside: str) -> None:
    draft = mark.with_name(f"{mark.name}.part")
    with draft.open("w") as file:
        file.write(aside + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(mark)
    data_directory.sync(mark.parent)


def _place(copy: Path, file: Path, aside: _Aside) -> None:
    """SQLite: the file takes the other's place, and nothing of the other's journal stays beside it."""
    for ending in ("", "-wal", "-shm", "-journal"):
        aside.lay(file.with_name(file.name + ending), file.parent)
    copy.rename(file)
    data_directory.sync(file.parent)


def _fill(store: Store, copy: Path, restoration: Restoration, aside: _Aside, progress: Progress) -> None:
    """PostgreSQL: one transaction."""
    schema = f"before_restore_{restoration.id.partition('-')[2]}"
    with copies.told(), store.write() as tx:
        if copies.fill(tx, copy, schema, lambda done, total: progress("restoring", done, total)):
            aside.places.append(f"schema {schema}")


def _place_key(copy: Path, data: Path, name: str, aside: _Aside) -> None:
    path = data / name
    if path.exists() and path.read_bytes() == copy.read_bytes():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.part")
    with copy.open("rb") as content, os.fdopen(_create(draft), "wb") as file:
        shutil.copyfileobj(content, file)
        file.flush()
        os.fsync(file.fileno())
    aside.lay(path, data)
    draft.rename(path)
    data_directory.sync(path.parent)


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)


@contextlib.contextmanager
def _stage(stage: Path) -> Generator[Path]:
    """An empty directory, ours alone; what a crash left in it is cleared away."""
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(mode=0o700, parents=True)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
