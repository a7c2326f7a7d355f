"""`muster invite`, `muster login`: letting people in."""

import click

from coordinator.cli.far import Far, talks
from coordinator.cli.words import example


@click.command(epilog=example("muster invite"))
@talks
def invite(far: Far) -> None:
    """Invite a maker: prints what the maker gives to `muster-agent enroll`. Good once."""
    made = far.desk.invite()
    far.tell({"invite": made}, lambda: made)


@click.command(epilog=example("muster login"))
@talks
def login(far: Far) -> None:
    """Print a link that lets one browser in as this machine's administrator, once, within ten minutes.

    It needs the access key. People with accounts log in on the page, with their names.
    """
    link = far.desk.login()
    far.tell({"login": link}, lambda: link)
