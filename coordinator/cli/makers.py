"""`muster agent link`, `muster pickup`: makers' own pages, and going to their homes."""

import time

import click
from rich.console import ConsoleRenderable

from coordinator.cli.far import Far, talks
from coordinator.cli.tables import facts, table
from coordinator.cli.words import due, example
from coordinator.client import Stop
from coordinator.model.views import PickupView


@click.command(epilog=example("muster agent link anna"))
@click.argument("name")
@talks
def link(far: Far, name: str) -> None:
    """Print a new link to a maker's own page. The one before leads nowhere from then on.

    There the maker sees what became of the own prints, says where to pick them up, and can take the own data
    along or away.
    """
    made = far.desk.link_agent(name)
    far.tell({"link": made}, lambda: f"Give {name} this link, which is shown only now:\n  {made}")


@click.group()
def pickup() -> None:
    """Pickups: what waits with its makers, and, for who goes, where."""


@pickup.command("list", epilog=example("muster pickup list"))
@talks
def list_(far: Far) -> None:
    """Where something waits. No addresses."""
    known = far.desk.pickups()
    far.tell(known, lambda: _table(known))


@pickup.command(epilog=example("muster pickup take anna"))
@click.argument("agent")
@talks
def take(far: Far, agent: str) -> None:
    """Go there: you see the address, for 48 hours or until all is collected."""
    taken = far.desk.take_pickup(agent)
    far.tell(
        taken,
        lambda: f"{taken.id} is yours, {due(taken.until, time.time())}. Where: muster pickup show {taken.id}",
    )


@pickup.command(epilog=example("muster pickup show u-k7m2p9xqrt"))
@click.argument("pickup")
@talks
def show(far: Far, pickup: str) -> None:
    """Where to go. That you looked is noted, and the maker sees it."""
    stop = far.desk.pickup(pickup)
    far.tell(stop, lambda: _stop(stop))


@pickup.command("give-back", epilog=example("muster pickup give-back u-k7m2p9xqrt"))
@click.argument("pickup")
@talks
def give_back(far: Far, pickup: str) -> None:
    """Not go after all: somebody else may."""
    given = far.desk.give_back_pickup(pickup)
    far.tell(given, lambda: f"{given.id} is anybody's again.")


def _table(known: list[PickupView]) -> ConsoleRenderable:
    return table(
        ("AGENT", "UNITS", "LOTS", "ABOUT", "ADDRESS", "WHO GOES"),
        [
            (
                view.agent,
                view.units,
                len(view.lots),
                "" if view.place is None else f"{view.place[0]:.1f}, {view.place[1]:.1f}",
                "given" if view.has_address else "not given",
                "" if view.pickup is None else f"{view.pickup.by} ({view.pickup.id})",
            )
            for view in known
        ],
        empty="nothing waits anywhere",
    )


def _stop(stop: Stop) -> str | ConsoleRenderable:
    if stop.doorstep is None:
        return f"{stop.pickup.agent} gave no address: ask for the parts to be brought."
    shown = [("address", stop.doorstep.address)]
    shown += [("reach", stop.doorstep.contact)] if stop.doorstep.contact else []
    shown += [("there", stop.doorstep.hours)] if stop.doorstep.hours else []
    return facts(shown)
