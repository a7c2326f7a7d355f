"""`muster invite`, `muster login`, `muster ledger`: letting people in, and seeing that all adds up."""

import click

from coordinator.cli.far import Far, talks
from coordinator.cli.options import Failed
from coordinator.cli.words import example, line


@click.command(epilog=example("muster invite"))
@talks
def invite(far: Far) -> None:
    """Invite a maker: prints what the maker gives to `muster-agent enroll`. Good once."""
    made = far.desk.invite()
    far.tell({"invite": made}, lambda: made)


@click.command(epilog=example("muster login"))
@talks
def login(far: Far) -> None:
    """Print a link that logs one browser in, once, within ten minutes."""
    link = far.desk.login()
    far.tell({"login": link}, lambda: link)


@click.command(epilog=example("muster ledger"))
@talks
def ledger(far: Far) -> None:
    """Check that every unit stands where it should. Exit code 1 if not."""
    known = far.desk.ledger()
    verdict = "balanced" if known.balanced else "NOT balanced"
    count = f"{verdict}: {known.movements:,} movements, {known.attempts:,} attempts"
    far.tell(known, lambda: "\n".join([count, *(f"  {line(each)}" for each in known.objections)]))
    if not known.balanced:
        raise Failed("the ledger is not balanced: keep a copy of the database, and report this")
