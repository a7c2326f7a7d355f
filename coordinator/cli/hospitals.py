"""`muster hospital`: who may ask for parts."""

import click
from rich.console import ConsoleRenderable

from coordinator.cli.formatting import day, example
from coordinator.cli.remote import Remote, remote_command
from coordinator.cli.tables import table
from coordinator.model.records import Hospital


@click.group()
def hospital() -> None:
    """Hospitals: take them in, vet them, list them."""


@hospital.command(
    epilog=example(
        'muster hospital add --name "Hospital Clínic" --contact ops@clinic.example \\',
        "    --latitude 41.389 --longitude 2.153",
    )
)
@click.option("--name", required=True, help="As it is known in its town.")
@click.option("--contact", required=True, help="Whom to reach there: a mail address or a telephone number.")
@click.option("--latitude", required=True, type=float, metavar="DEGREES", help="North of the equator.")
@click.option("--longitude", required=True, type=float, metavar="DEGREES", help="East of Greenwich.")
@remote_command
def add(remote: Remote, name: str, contact: str, latitude: float, longitude: float) -> None:
    """Take a hospital in. Nothing is printed for it until somebody has approved it."""
    known = remote.client.add_hospital(name=name, contact=contact, latitude=latitude, longitude=longitude)
    remote.tell(
        known,
        lambda: (
            f"{known.name} is {known.id}. Check that it exists and that {known.contact} speaks for it, then:\n"
            f"  muster hospital approve {known.id}"
        ),
    )


@hospital.command(epilog=example("muster hospital approve h-k7m2p9xqrt"))
@click.argument("hospital")
@remote_command
def approve(remote: Remote, hospital: str) -> None:
    """Vouch for a hospital: you have checked who asks. Its needs can be filed from now on."""
    known = remote.client.approve_hospital(hospital)
    remote.tell(
        known,
        lambda: (
            f"{known.name} is approved by {known.approved_by}. To file what it needs:\n"
            f"  muster need file --hospital {known.id} --part PART --quantity UNITS"
        ),
    )


@hospital.command("list", epilog=example("muster hospital list"))
@remote_command
def list_(remote: Remote) -> None:
    """All hospitals, newest first."""
    known = remote.client.hospitals()
    remote.tell(known, lambda: _table(known))


def _table(known: list[Hospital]) -> ConsoleRenderable:
    return table(
        ("HOSPITAL", "NAME", "CONTACT", "APPROVED"),
        [
            (
                each.id,
                each.name,
                each.contact,
                f"{day(each.approved)} by {each.approved_by}" if each.approved else "not yet",
            )
            for each in known
        ],
        empty="no hospital yet: take one in with `muster hospital add`",
    )
