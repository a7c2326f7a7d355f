"""`muster need`: what hospitals ask for, and where its units stand."""

import time

import click
from rich.console import ConsoleRenderable, Group

from coordinator.cli.formatting import ago, day, due, example, units
from coordinator.cli.remote import Remote, remote_command
from coordinator.cli.tables import facts, table
from coordinator.model.records import NeedProgress, Parcel
from coordinator.model.views import STATES, NeedDetail, NeedView

STAGES = (
    "needed",
    "promised",
    "printing",
    "printed",
    "good",
    "at_hub",
    "packed",
    "in_transit",
    "received",
    "scrapped",
    "suspect",
    "written_off",
)
"""A unit's way, as far as it leads; what is lost comes last and is printed again."""


@click.group()
def need() -> None:
    """Needs: file them, follow them, cancel them."""


@need.command(
    epilog=example(
        "muster need file --hospital h-k7m2p9xqrt --part ear-saver --quantity 24",
        "muster need file --hospital h-k7m2p9xqrt --part ear-saver --quantity 300 \\",
        "    --deadline 2020-04-01 --priority 9 --set length=155",
    )
)
@click.option("--hospital", required=True, help="Who asks; see `muster hospital list`.")
@click.option("--part", required=True, help="What for; see `muster part list`.")
@click.option("--quantity", required=True, type=int, metavar="UNITS", help="How many.")
@click.option("--deadline", metavar="DAY", help="The last day it is of use, as 2020-04-01.")
@click.option("--priority", type=int, default=5, show_default=True, help="0 (routine) to 9 (now).")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="NAME=MM",
    help="Where it must differ from the part's own measures; may be repeated.",
)
@remote_command
def file(
    remote: Remote,
    hospital: str,
    part: str,
    quantity: int,
    deadline: str | None,
    priority: int,
    changes: tuple[str, ...],
) -> None:
    """Ask for parts on behalf of an approved hospital. Printing begins as soon as a fitting printer is ready."""
    filed = remote.client.file_need(
        hospital=hospital,
        part=part,
        quantity=quantity,
        priority=priority,
        deadline=deadline,
        parameters=dict(_measure(each) for each in changes) or None,
    )
    asked = filed.need
    until = "" if asked.deadline is None else f" by {due(asked.deadline, time.time())}"
    remote.tell(
        filed,
        lambda: (
            f"Filed {asked.id}: {units(asked.quantity)} of {asked.part}{until}.\n"
            f"The hospital follows it, and signs, at this link, which is shown only now:\n  {filed.tracking}"
        ),
    )


@need.command("list", epilog=example("muster need list"))
@remote_command
def list_(remote: Remote) -> None:
    """All needs, newest first, and where their units stand."""
    known = remote.client.needs()
    remote.tell(known, lambda: _table(known, time.time()))


@need.command(epilog=example("muster need show n-k7m2p9xqrt"))
@click.argument("need")
@remote_command
def show(remote: Remote, need: str) -> None:
    """One need: where its units stand, its lots and its parcels."""
    known = remote.client.need(need)
    remote.tell(known, lambda: _detail(known, time.time()))


@need.command(epilog=example("muster need cancel n-k7m2p9xqrt"))
@click.argument("need")
@remote_command
def cancel(remote: Remote, need: str) -> None:
    """Withdraw a need: what is not yet promised is not printed. What is being printed goes on."""
    known = remote.client.cancel_need(need)
    remote.tell(
        known,
        lambda: (
            f"{known.id} is cancelled: no more of its {units(known.quantity)} is promised. To stop what prints:\n"
            f"  muster need show {known.id}"
        ),
    )


@need.command(epilog=example("muster need release n-k7m2p9xqrt"))
@click.argument("need")
@remote_command
def release(remote: Remote, need: str) -> None:
    """Give a held need out again. It is held when its plates came to nothing on three printers: look why first."""
    known = remote.client.release_need(need)
    remote.tell(known, lambda: f"{known.id} is given out again.")


@need.command(epilog=example("muster need relink n-k7m2p9xqrt"))
@click.argument("need")
@remote_command
def relink(remote: Remote, need: str) -> None:
    """Print a new link for the hospital, if the old one is over, lost or in the wrong hands: that one ends now."""
    made = remote.client.relink_need(need)
    remote.tell({"link": made}, lambda: f"Give the hospital this link, which is shown only now:\n  {made}")


def _measure(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not NAME=MM, such as length=155", param_hint="'--set'"
        ) from None


def _table(known: list[NeedView], now: float) -> ConsoleRenderable:
    return table(
        ("NEED", "HOSPITAL", "PART", "UNITS", "OPEN", "UNDER WAY", "GOOD", "RECEIVED", "DUE"),
        [
            (
                view.need.id,
                view.hospital.name,
                view.need.part,
                view.need.quantity,
                view.progress.needed,
                view.progress.promised + view.progress.printing + view.progress.printed,
                view.progress.good
                + view.progress.at_hub
                + view.progress.packed
                + view.progress.in_transit
                + view.progress.received,
                view.progress.received,
                _due(view, now),
            )
            for view in known
        ],
        empty="no need yet: file one with `muster need file`",
    )


def _due(view: NeedView, now: float) -> str:
    if view.need.cancelled:
        return "cancelled"
    return "held" if view.need.held else due(view.need.deadline, now)


def _detail(known: NeedDetail, now: float) -> ConsoleRenderable:
    asked = known.need
    measures = ", ".join(f"{name} {value:g} mm" for name, value in asked.parameters.items())
    return Group(
        facts(
            [
                ("need", asked.id),
                ("hospital", f"{known.hospital.name} ({known.hospital.id})"),
                ("part", f"{asked.part} {asked.version}"),
                *([("measures", measures)] if measures else []),
                ("asked for", f"{units(asked.quantity)}, {ago(asked.created, now)}"),
                ("priority", f"{asked.priority} of 9"),
                ("due", due(asked.deadline, now)),
                *([("cancelled", ago(asked.cancelled, now))] if asked.cancelled else []),
                *([("held", f"{ago(asked.held, now)}: {asked.held_why}")] if asked.held else []),
                ("stand", _standing(known.progress)),
            ]
        ),
        "",
        table(
            ("LOT", "PRINTER", "UNITS", "STATE", "GOOD", "SCRAPPED", "CHANGED"),
            [
                (
                    lot.id,
                    f"{lot.agent}/{lot.printer}",
                    lot.count,
                    STATES[lot.state],
                    "" if lot.good is None else str(lot.good),
                    "" if lot.scrapped is None else str(lot.scrapped),
                    ago(lot.changed, now),
                )
                for lot in known.attempts
            ],
            empty="no lot yet: a fitting printer must be ready, see `muster printer list`",
        ),
        "",
        table(
            ("PARCEL", "UNITS", "WHERE"),
            [(parcel.id, parcel.units, _where(parcel)) for parcel in known.parcels],
            empty="no parcel yet",
        ),
    )


def _standing(progress: NeedProgress) -> str:
    counts = ((name, int(getattr(progress, name))) for name in STAGES)
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts if count)


def _where(parcel: Parcel) -> str:
    if parcel.received is not None:
        return f"{units(parcel.received_units or 0)} received {day(parcel.received)} by {parcel.received_by}"
    if parcel.sent is not None:
        return f"in transit since {day(parcel.sent)}"
    return f"packed {day(parcel.packed)} by {parcel.packed_by}"
