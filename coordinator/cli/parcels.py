"""`muster parcel`: from the hub to the hospital."""

import click

from coordinator.cli.formatting import example, units
from coordinator.cli.remote import Remote, remote_command


@click.group()
def parcel() -> None:
    """Parcels: pack what is at the hub, and hand it over."""


@parcel.command(
    epilog=example("muster parcel pack n-k7m2p9xqrt", "muster parcel pack n-k7m2p9xqrt --units 10")
)
@click.argument("need")
@click.option(
    "--units", "count", type=int, metavar="UNITS", help="How many; default: all that are at the hub."
)
@remote_command
def pack(remote: Remote, need: str, count: int | None) -> None:
    """Put units of one need that are at the hub into a parcel."""
    known = remote.client.pack(need, units=count)
    remote.tell(
        known,
        lambda: (
            f"{known.id} holds {units(known.units)} of {known.need}."
            f" When the courier has it: muster parcel send {known.id}"
        ),
    )


@parcel.command(epilog=example("muster parcel send p-k7m2p9xqrt"))
@click.argument("parcel")
@remote_command
def send(remote: Remote, parcel: str) -> None:
    """Say that a courier has the parcel. The hospital signs for it on its own page."""
    known = remote.client.send(parcel)
    remote.tell(
        known, lambda: f"{known.id} is in transit with {units(known.units)}, until the hospital signs for it."
    )
