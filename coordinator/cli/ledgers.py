"""`muster ledger`: seeing that all adds up."""

import contextlib

import click
import msgspec

from coordinator.cli.formatting import example, line
from coordinator.cli.options import (
    Failed,
    Wrong,
    common_options,
    config_option,
    json_option,
    load,
    remote_options,
)
from coordinator.cli.remote import Remote, remote_command
from coordinator.errors import StartError
from coordinator.model.views import LedgerReport

_REPORT = "keep a copy of the database, and report this"


@click.group(invoke_without_command=True, epilog=example("muster ledger", "muster ledger verify"))
@remote_options
@click.pass_context
def ledger(context: click.Context) -> None:
    """Check that every unit stands where it should. Exit code 1 if not.

    Asks the coordinator; `muster ledger verify` looks into the database itself.
    """
    if context.invoked_subcommand is None:
        context.invoke(_ask)


@remote_command
def _ask(remote: Remote) -> None:
    known = remote.client.ledger()
    verdict = "balanced" if known.balanced else "NOT balanced"
    count = f"{verdict}: {known.movements:,} movements, {known.attempts:,} attempts"
    remote.tell(known, lambda: "\n".join([count, *(f"  {line(each)}" for each in known.objections)]))
    if not known.balanced:
        raise Failed(f"the ledger is not balanced: {_REPORT}")


@ledger.command(epilog=example("muster ledger verify", "muster ledger verify --json"))
@config_option
@json_option
@click.pass_context
def verify(context: click.Context) -> None:
    """Work out every figure anew, from the movements alone, and name the first that differs. Exit code 1 then.

    Reads this machine's database itself, whether the coordinator runs or not, and changes nothing.
    """
    found = _check(load(common_options(context).config).database_url)
    if common_options(context).json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        click.echo(summary(found))
    if found.first:
        raise Failed(f"the ledger is not right: {_REPORT}")
    if found.unguarded:
        raise Failed("the database's guards are gone: somebody who could took them away")


def summary(found: LedgerReport) -> str:
    """What the ledger check found, in some lines."""
    counts = f"{found.movements:,} movements, {found.needs:,} needs, {found.lots:,} lots, {found.parcels:,} parcels"
    if found.right:
        return f"right: every figure follows from {counts}"
    lines = [f"NOT right: {found.differing:,} figures differ, of {counts}"]
    if found.first:
        lines.append(f"  first: {line(str(found.first))}")
    if found.unguarded:
        lines.append(f"  guards that are gone: {', '.join(found.unguarded)}")
    return "\n".join(lines)


def _check(url: str) -> LedgerReport:
    from coordinator.store.engine import OpenMode, Store  # noqa: PLC0415
    from coordinator.work import overview  # noqa: PLC0415 - the database takes a while; help comes at once

    try:
        with contextlib.closing(Store(url, OpenMode.AS_IT_IS)) as store, store.read() as tx:
            return overview.check_ledger(tx)
    except StartError as error:
        raise Wrong(line(str(error))) from None
