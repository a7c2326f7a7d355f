"""`muster invite`, `muster login`: letting people in."""

import sys
from pathlib import Path

import click

from coordinator.agents import qr
from coordinator.cli.formatting import example
from coordinator.cli.options import Failed, Wrong
from coordinator.cli.remote import Remote, remote_command


@click.command(epilog=example("muster invite", "muster invite --agent anna", "muster invite --qr invite.png"))
@click.option("--agent", metavar="NAME", help="For this agent, which joined once, to join again.")
@click.option(
    "--qr", "picture", metavar="FILE", type=click.Path(path_type=Path), help="Also as a picture (.svg, .png)."
)
@remote_command
def invite(remote: Remote, agent: str | None, picture: Path | None) -> None:
    """Invite a maker: prints what the maker gives to `muster-agent enroll`.

    Good once, for 15 minutes. On a terminal it is shown as a QR code, too. Whoever has it first can use it: hand it
    over yourself. With --agent, the agent whose disk died or whose certificate ended gets a new certificate under
    its name; the old one is revoked.
    """
    if picture is not None and picture.suffix.lower() not in qr.KINDS:
        raise Wrong(f"{picture}: name a file that ends in {' or '.join(qr.KINDS)}")
    made = remote.client.invite(agent)
    remote.tell({"invite": made}, lambda: made)
    if picture is not None:
        try:
            qr.save(made, picture)
        except OSError as error:
            raise Failed(f"can't write {picture}: {error.strerror}") from None
    elif not remote.as_json and sys.stdout.isatty():
        click.echo(qr.terminal(made))


@click.command(epilog=example("muster login"))
@remote_command
def login(remote: Remote) -> None:
    """Print a link that lets one browser in as this machine's administrator, once, within ten minutes.

    It needs the access key. People with accounts log in on the page, with their names.
    """
    link = remote.client.login()
    remote.tell({"login": link}, lambda: link)
