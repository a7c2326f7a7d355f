"""`muster privacy`: what is held of a maker, or of who speaks for a hospital, when they ask."""

import click
import msgspec

from coordinator.cli.formatting import example
from coordinator.cli.remote import Remote, remote_command


@click.group()
def privacy() -> None:
    """Hand out all that is held of somebody, or take it away, when they ask."""


@privacy.group()
def export() -> None:
    """Print all that is held, as JSON. That it was taken out is in the audit log."""


@export.command("agent", epilog=example("muster privacy export agent anna > anna.json"))
@click.argument("name")
@remote_command
def export_agent(remote: Remote, name: str) -> None:
    """Of the maker behind an agent; with the address."""
    _print(remote.client.export_agent(name))


@export.command("hospital", epilog=example("muster privacy export hospital h-k7m2p9xqrt"))
@click.argument("hospital")
@remote_command
def export_hospital(remote: Remote, hospital: str) -> None:
    """Of a hospital, its contact, and who signed there."""
    _print(remote.client.export_hospital(hospital))


@privacy.group()
def erase() -> None:
    """Take away what is held. Can't be undone; back-ups made before still have it."""


@erase.command("agent", epilog=example("muster privacy erase agent anna"))
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask back.")
@remote_command
def erase_agent(remote: Remote, name: str, yes: bool) -> None:
    """A maker's address, place and name. The lots stay, under a name that says nothing, for a recall."""
    if not yes:
        click.confirm(f"Erase what is held of {name}? This can't be undone", abort=True, err=True)
    ref = remote.client.erase_agent(name)
    remote.tell({"name": ref}, lambda: f"{name} is forgotten; the lots stay under {ref}.")


@erase.command("hospital", epilog=example("muster privacy erase hospital h-k7m2p9xqrt"))
@click.argument("hospital")
@click.option("--yes", is_flag=True, help="Do not ask back.")
@remote_command
def erase_hospital(remote: Remote, hospital: str, yes: bool) -> None:
    """A hospital's contact, and who signed there; its links lead nowhere from then on."""
    if not yes:
        click.confirm(f"Forget who spoke for {hospital}? This can't be undone", abort=True, err=True)
    remote.client.erase_hospital(hospital)
    remote.tell({"hospital": hospital}, lambda: f"Who spoke and signed for {hospital} is forgotten.")


def _print(held: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(held), indent=2))
