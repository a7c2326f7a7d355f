"""`muster parcel`: from the hub to the hospital."""

import click

from coordinator.cli.far import Far, talks
from coordinator.cli.words import example, units


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
@talks
def pack(far: Far, need: str, count: int | None) -> None:
    """Put units of one need that are at the hub into a parcel."""
    known = far.desk.pack(need, units=count)
    far.tell(
        known,
        lambda: (
            f"{known.id} holds {units(known.units)} of {known.need}."
            f" When the courier has it: muster parcel send {known.id}"
        ),
    )


@parcel.command(epilog=example("muster parcel send p-k7m2p9xqrt"))
@click.argument("parcel")
@talks
def send(far: Far, parcel: str) -> None:
    """Say that a courier has the parcel. The hospital signs for it on its own page."""
    known = far.desk.send(parcel)
    far.tell(
        known, lambda: f"{known.id} is in transit with {units(known.units)}, until the hospital signs for it."
    )
