"""`muster agent link`, `muster pickup`: makers' own pages, and going to their homes."""

import time

import click
from rich.console import ConsoleRenderable

from coordinator.cli.formatting import due, example
from coordinator.cli.remote import Remote, remote_command
from coordinator.cli.tables import facts, table
from coordinator.client import PickupDetail
from coordinator.model.views import PickupView


@click.command(epilog=example("muster agent link anna"))
@click.argument("name")
@remote_command
def link(remote: Remote, name: str) -> None:
    """Print a new link to a maker's own page. The one before leads nowhere from then on.

    There the maker sees what became of the own prints, says where to pick them up, and can take the own data
    along or away.
    """
    made = remote.client.link_agent(name)
    remote.tell({"link": made}, lambda: f"Give {name} this link, which is shown only now:\n  {made}")


@click.group()
def pickup() -> None:
    """Pickups: what waits with its makers, and, for who goes, where."""


@pickup.command("list", epilog=example("muster pickup list"))
@remote_command
def list_(remote: Remote) -> None:
    """Where something waits. No addresses."""
    known = remote.client.pickups()
    remote.tell(known, lambda: _table(known))


@pickup.command(epilog=example("muster pickup take anna"))
@click.argument("agent")
@remote_command
def take(remote: Remote, agent: str) -> None:
    """Go there: you see the address, for 48 hours or until all is collected."""
    taken = remote.client.take_pickup(agent)
    remote.tell(
        taken,
        lambda: f"{taken.id} is yours, {due(taken.until, time.time())}. Where: muster pickup show {taken.id}",
    )


@pickup.command(epilog=example("muster pickup show u-k7m2p9xqrt"))
@click.argument("pickup")
@remote_command
def show(remote: Remote, pickup: str) -> None:
    """Where to go. That you looked is noted, and the maker sees it."""
    stop = remote.client.pickup(pickup)
    remote.tell(stop, lambda: _stop(stop))


@pickup.command("give-back", epilog=example("muster pickup give-back u-k7m2p9xqrt"))
@click.argument("pickup")
@remote_command
def give_back(remote: Remote, pickup: str) -> None:
    """Not go after all: somebody else may."""
    given = remote.client.give_back_pickup(pickup)
    remote.tell(given, lambda: f"{given.id} is anybody's again.")


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


def _stop(stop: PickupDetail) -> str | ConsoleRenderable:
    if stop.address is None:
        return f"{stop.pickup.agent} gave no address: ask for the parts to be brought."
    shown = [("address", stop.address.address)]
    shown += [("reach", stop.address.contact)] if stop.address.contact else []
    shown += [("there", stop.address.hours)] if stop.address.hours else []
    return facts(shown)
