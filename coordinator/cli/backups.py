"""`muster backup` and `muster restore`: all that can't be made again, in one file."""

import contextlib
import sys
import time
from collections.abc import Generator
from importlib.metadata import version
from pathlib import Path

import click
import msgspec

from coordinator.backup import archive
from coordinator.backup import restore as restoring
from coordinator.backup.archive import BackupError, BackupManifest
from coordinator.cli.formatting import ago, example, line
from coordinator.cli.ledgers import summary
from coordinator.cli.options import Failed, Wrong, common_options, config_option, json_option, load
from coordinator.errors import StartError
from coordinator.model.views import LedgerReport
from coordinator.store.engine import OpenMode, Store

_PATH = click.Path(path_type=Path, dir_okay=False)


@click.command(
    epilog=example("muster backup muster.backup", "muster backup --replace /media/stick/muster.backup")
)
@click.argument("file", type=_PATH)
@click.option(
    "--replace", is_flag=True, help="Replace the file if it is there, once the new one is complete."
)
@config_option
@json_option
@click.pass_context
def backup(context: click.Context, file: Path, *, replace: bool) -> None:
    """Write a back-up of this machine's coordinator, which may go on running.

    In FILE is the database, as of one moment, and the keys: keep it as safe as those. Whoever has it can pass
    for your coordinator. Settings are not in it.
    """
    settings = load(common_options(context).config)
    with _in_one_line(), contextlib.closing(Store(settings.database_url, OpenMode.AS_IT_IS)) as store:
        manifest, verdict = archive.make(
            store,
            settings.directory,
            file.absolute(),
            version=version("muster"),
            now=time.time(),
            replace=replace,
            progress=_BackupProgress(),
        )
    if common_options(context).json:
        click.echo(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    else:
        click.echo(
            f"{file}: {_contents(manifest)}, {file.stat().st_size / 1e6:,.1f} MB. It holds keys: keep it secret."
        )
    _warn(verdict)


@click.command(
    epilog=example("muster restore muster.backup", "muster restore --config new.toml muster.backup")
)
@click.argument("file", type=_PATH)
@click.option(
    "--replace", is_flag=True, help="Also if the database is not empty; what is in it is laid aside."
)
@config_option
@json_option
@click.pass_context
def restore(context: click.Context, file: Path, *, replace: bool) -> None:
    """Bring a back-up into this machine's data directory and database, while no coordinator runs there.

    The database may be another than the one that FILE is from: so you move from SQLite to PostgreSQL, or back.
    What was there is laid aside, never deleted. At its next start, the coordinator hears from the agents what
    happened since.
    """
    settings = load(common_options(context).config)
    now = time.time()
    with _in_one_line():
        done = restoring.put(
            settings.database_url,
            settings.directory.absolute(),
            file.absolute(),
            now=now,
            replace=replace,
            progress=_BackupProgress(),
        )
    if common_options(context).json:
        click.echo(msgspec.json.format(msgspec.json.encode(done), indent=2))
    else:
        click.echo(f"restored: {_contents(done.manifest)}, as of {ago(done.manifest.taken, now)}")
        for place in done.aside:
            click.echo(f"  what was there before is in {place}")
    _warn(done.verdict)


class _BackupProgress:
    """A line on the terminal that is written anew; nothing where nobody looks."""

    def __init__(self) -> None:
        self._shown = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        now = f"{what} {100 * done // max(1, total)} %"
        if now != self._shown and sys.stderr.isatty():
            click.echo(f"\r{now:<20}" + ("\r" if done >= total else ""), nl=False, err=True)
            self._shown = now


@contextlib.contextmanager
def _in_one_line() -> Generator[None]:
    try:
        yield
    except (BackupError, StartError) as error:
        raise Wrong(line(str(error))) from None
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise Failed(
            line(f"{error.strerror or error}{where}: make room or mend that, and try again")
        ) from None


def _contents(manifest: BackupManifest) -> str:
    rows = manifest.rows
    return f"{rows['need']:,} needs, {rows['attempt']:,} lots, {rows['movement']:,} movements"


def _warn(verdict: LedgerReport) -> None:
    if not verdict.right:
        click.echo(summary(verdict), err=True)
