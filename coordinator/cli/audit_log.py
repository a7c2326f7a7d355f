"""`muster audit-log`: who did what, out of this machine's own database; and whether it is still what was written."""

import contextlib
import csv
import datetime as dt
import sys
from collections.abc import Generator
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

import click
import msgspec

from coordinator.cli.formatting import example, line
from coordinator.cli.options import Failed, Wrong, common_options, config_option, json_option, load
from coordinator.cli.tables import print_, table
from coordinator.errors import StartError
from coordinator.model.audit_log import BEGINNING, AuditEntry, check_chain
from coordinator.model.roles import PERMISSIONS, Role

if TYPE_CHECKING:
    from coordinator.store.engine import Tx


@click.group("audit-log")
def audit_log() -> None:
    """Who did what, and whether that record is whole."""


@audit_log.command(
    epilog=example(
        "muster audit-log export > audit-log.csv",
        "muster audit-log export --since 2020-04-01 --json > audit-log.jsonl",
    )
)
@click.option("--since", metavar="DAY", default="", help="Only from this day on (UTC), as 2020-04-01.")
@config_option
@json_option
@click.pass_context
def export(context: click.Context, since: str) -> None:
    """Print the audit log, oldest first, as CSV; with --json, one JSON object a line.

    What it ends with is told beside it, on stderr: keep that head elsewhere, on paper if need be, and let
    `muster audit-log verify --head` look for it later.
    """
    start = _day(since) if since else 0.0
    from coordinator.store import audit_log as rows  # noqa: PLC0415 - the database takes a while

    with _look(context) as tx:
        names = [each.name for each in fields(AuditEntry)]
        written = csv.writer(sys.stdout, lineterminator="\n")
        as_json = common_options(context).json
        if not as_json:
            written.writerow(names)
        for entry in rows.every(tx, since=start):
            if as_json:
                click.echo(msgspec.json.encode(entry))
            else:
                written.writerow([_cell(value) for value in asdict(entry).values()])
        number, head = rows.head(tx)
    sys.stdout.flush()
    click.echo(f"head: {head} ({number:,} entries)" if number else "the audit log is empty", err=True)


@audit_log.command("acts", epilog=example("muster audit-log acts", "muster audit-log acts --json"))
@json_option
@click.pass_context
def list_acts(context: click.Context) -> None:
    """List what the log can tell: every act, what it does, and which roles may do it."""
    from coordinator.acts import ACTS  # noqa: PLC0415 - the database takes a while

    acts = sorted(ACTS.values(), key=lambda each: each.name)
    roles = {act.name: [role.value for role in Role if act.permission in PERMISSIONS[role]] for act in acts}
    if common_options(context).json:
        listed = [
            {
                "act": act.name,
                "what": act.summary,
                "permission": act.permission.value,
                "roles": roles[act.name],
            }
            for act in acts
        ]
        click.echo(msgspec.json.encode(listed))
        return
    shown = [(act.name, act.summary, ", ".join(roles[act.name]) or act.permission.value) for act in acts]
    print_(table(["act", "what", "who may"], shown, empty=""))


@audit_log.command(epilog=example("muster audit-log verify", "muster audit-log verify --head HASH"))
@click.option(
    "--head", default="", metavar="HASH", help="A head that was kept: the audit log must come by it."
)
@config_option
@json_option
@click.pass_context
def verify(context: click.Context, head: str) -> None:
    """Follow the chain from the first entry on, and name the first broken link. Exit code 1 then.

    Finds what was altered, taken out, put in or moved. A tail that was cut off shows only against a head that was
    kept elsewhere.
    """
    kept = head.strip().lower()
    if kept and (len(kept) != len(BEGINNING) or set(kept) - set("0123456789abcdef")):
        raise Wrong("a head is 64 hex digits, as `muster audit-log export` tells it")
    from coordinator.store import audit_log as rows  # noqa: PLC0415
    from coordinator.store import guards  # noqa: PLC0415 - the database takes a while

    with _look(context) as tx:
        found = check_chain(rows.every(tx), head=kept)
        gone = [name for name in guards.missing(tx) if name.startswith("audit_log")]
    if common_options(context).json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    elif found.first:
        click.echo(f"BROKEN at {line(str(found.first))}\n  whole up to {found.entries:,} entries")
    else:
        click.echo(f"whole: {found.entries:,} entries\n  head {found.head}")
    if found.first:
        raise Failed("the audit log was tampered with: keep a copy of the database, and report this")
    if gone:
        raise Failed(
            f"the audit log's guards are gone ({', '.join(gone)}): somebody who could took them away"
        )


@contextlib.contextmanager
def _look(context: click.Context) -> Generator["Tx"]:
    from coordinator.store.engine import OpenMode, Store  # noqa: PLC0415 - the database takes a while

    try:
        url = load(common_options(context).config).database_url
        with contextlib.closing(Store(url, OpenMode.AS_IT_IS)) as store, store.read() as tx:
            yield tx
    except StartError as error:
        raise Wrong(line(str(error))) from None


def _cell(value: object) -> object:
    """A name that begins like a formula is none, whatever program opens the table."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _day(text: str) -> float:
    try:
        return dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), dt.UTC).timestamp()
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a day, as 2020-04-01", param_hint="'--since'") from None
