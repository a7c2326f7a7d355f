"""The back-up: one file with all that a coordinator can't make again.

A gzipped tar of `manifest.json`, which says what else there is with each file's SHA-256; the database as an SQLite
file, whatever it is kept in; the keys of the data directory; and the plates that agents may still fetch. It serves
for SQLite and PostgreSQL alike, so it is also the way from one to the other. Whoever has it can pass for the
coordinator: it is as secret as the keys.
"""

import contextlib
import fcntl
import hashlib
import io
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO, Literal

import msgspec
from msgspec import Struct

from coordinator import data_directory
from coordinator.errors import StartError
from coordinator.model.records import Attempt
from coordinator.model.views import LedgerReport
from coordinator.store import attempts, copies
from coordinator.store.engine import OpenMode, Store
from coordinator.work import overview

FORMAT = 1
DATABASE = "database.sqlite"
_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 10_000_000
_MEMBER = re.compile(
    r"database\.sqlite|(keys/)?[a-z][a-z-]*\.key|keys/[a-z][a-z-]*\.(crt|json)|broker/port|plates/[0-9a-f]{64}\.gcode"
)
_CHUNK = 1 << 20
_QUICK = 3
"""How hard gzip tries: harder takes three times as long and saves a tenth."""

Progress = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and of how much."""


class BackupError(Exception):
    """The back-up can't be made or used; the message says what to do. Nothing was changed."""


class BackupMember(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file in the back-up."""

    size: int
    sha256: str


class BackupManifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is in a back-up, and from when (seconds since 1970 UTC); `rows` by table."""

    kind: Literal["muster-backup"] = "muster-backup"
    format: int = FORMAT
    muster: str
    revision: str
    taken: float
    database: str
    rows: dict[str, int]
    files: dict[str, BackupMember]


def make(
    store: Store,
    data: Path,
    target: Path,
    *,
    version: str,
    now: float,
    replace: bool,
    progress: Progress,
) -> tuple[BackupManifest, LedgerReport]:
    """Write a back-up of a coordinator that may be running; what the ledger check says of it comes along.

    Raises:
        BackupError: the file is there already and is not to be replaced, or another back-up is writing it.
        StartError: the database can't be read.
        OSError: the disk is full, or the place can't be written.
    """
    _refuse_to_clobber(target, replace=replace)
    with _draft(target) as draft:
        copy = draft / DATABASE
        copies.save(store, copy, lambda done, total: progress("database", done, total))
        revision, rows = copies.check(copy)
        with contextlib.closing(Store(copies.sqlite(copy), OpenMode.AS_IT_IS)) as made, made.read() as tx:
            verdict = overview.check_ledger(tx)
            plates = _plates(attempts.open_attempts(tx), data)
        files = {DATABASE: copy, **data_directory.keys(data), **plates}
        manifest = BackupManifest(
            muster=version,
            revision=revision,
            taken=now,
            database=store.url.get_backend_name(),
            rows=rows,
            files={
                name: BackupMember(size=path.stat().st_size, sha256=_digest(path))
                for name, path in files.items()
            },
        )
        packed = draft / "packed"
        _pack(packed, manifest, files, progress)
        _publish(packed, target, replace=replace)
    return manifest, verdict


def unpack(source: Path, into: Path, progress: Progress) -> BackupManifest:
    """Lay out a back-up's files below a directory, once all of it has been found sound.

    Raises:
        BackupError: it is not a back-up, it is damaged or cut off, or a newer version's.
    """
    try:
        with source.open("rb") as file:
            return _unpack(file, source, into, progress)
    except (tarfile.TarError, zlib.error, EOFError):
        raise BackupError(f"{source} is damaged, cut off, or no back-up of Muster: use another one") from None
    except OSError as error:
        if error.errno is None:  # gzip's own
            raise BackupError(f"{source} is damaged, or no back-up of Muster: use another one") from None
        raise BackupError(f"can't read {source}: {error.strerror}") from None


def _unpack(file: IO[bytes], source: Path, into: Path, progress: Progress) -> BackupManifest:
    with tarfile.open(fileobj=file, mode="r|gz") as archive:
        first = archive.next()
        if first is None or first.name != _MANIFEST or first.size > _LARGEST_MANIFEST:
            raise BackupError(f"{source} is no back-up of Muster")
        manifest = _manifest(_content(archive, first).read(), source)
        left = dict(manifest.files)
        total = sum(each.size for each in left.values())
        done = 0
        while member := archive.next():
            wanted = left.pop(member.name, None)
            if wanted is None or not member.isreg() or not _MEMBER.fullmatch(member.name):
                raise BackupError(f"{source} holds {member.name!r}, which its manifest does not know")
            path = into / member.name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if member.size != wanted.size or _lay_out(_content(archive, member), path) != wanted.sha256:
                raise BackupError(f"{source} is damaged: {member.name} is not what its manifest says")
            done += wanted.size
            progress("unpacking", done, total)
    if left or DATABASE not in manifest.files:
        raise BackupError(f"{source} is cut off: it lacks {', '.join(sorted(left)) or DATABASE}")
    try:
        revision, rows = copies.check(into / DATABASE)
    except StartError as error:
        raise BackupError(f"{source} can't be restored: {error}") from None
    if (revision, rows) != (manifest.revision, manifest.rows):
        raise BackupError(f"{source} is damaged: the database in it is not what its manifest says")
    return manifest


def _manifest(text: bytes, source: Path) -> BackupManifest:
    class Kind(Struct):
        kind: str
        format: int

    try:
        if (kind := msgspec.json.decode(text, type=Kind)).format != FORMAT or kind.kind != "muster-backup":
            raise BackupError(
                f"{source} is of format {kind.format}, of a newer version of Muster: install that"
            )
        return msgspec.json.decode(text, type=BackupManifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BackupError(f"{source} is damaged: its manifest can't be read") from None


def _plates(granted: list[Attempt], data: Path) -> dict[str, Path]:
    """The files of plates that may not have been fetched yet: of these, only the digests are known."""
    names = sorted({f"plates/{attempt.digest}.gcode" for attempt in granted})
    return {name: data / name for name in names if (data / name).is_file()}


def _pack(packed: Path, manifest: BackupManifest, files: dict[str, Path], progress: Progress) -> None:
    total, done = sum(each.size for each in manifest.files.values()), 0
    with packed.open("xb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_QUICK) as archive:
            said = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
            archive.addfile(_entry(_MANIFEST, len(said), manifest.taken), io.BytesIO(said))
            for name, member in manifest.files.items():
                with files[name].open("rb") as content:
                    archive.addfile(_entry(name, member.size, manifest.taken), content)
                done += member.size
                progress("packing", done, total)
        file.flush()
        os.fsync(file.fileno())


def _entry(name: str, size: int, taken: float) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(taken)
    return entry


@contextlib.contextmanager
def _draft(target: Path) -> Generator[Path]:
    """A directory beside the target, ours alone while the block lasts. What a crash left in it is cleared away."""
    draft = target.with_name(f".{target.name}.part")
    draft.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BackupError(f"another back-up to {target} is under way") from None
        try:
            for old in draft.iterdir():
                old.unlink()
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    finally:
        os.close(handle)


def _refuse_to_clobber(target: Path, *, replace: bool) -> None:
    if target.exists() and (not replace or not target.is_file()):
        raise BackupError(f"{target} is there already: name another file, or say --replace")


def _publish(packed: Path, target: Path, *, replace: bool) -> None:
    """Give the finished file its name, all at once; never over another, unless that is wanted."""
    packed.chmod(0o600)
    if replace:
        packed.replace(target)
    else:
        try:
            os.link(packed, target)
        except FileExistsError:
            _refuse_to_clobber(target, replace=False)
        except OSError:  # a file system without links, such as a memory stick's
            _refuse_to_clobber(target, replace=False)
            packed.rename(target)
    data_directory.sync(target.parent)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(member)
    if content is None:
        raise tarfile.ReadError
    return content


def _lay_out(content: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while part := content.read(_CHUNK):
            digest.update(part)
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
