"""`muster attempt`: plates on printers, which are the lots that people count and collect."""

import time

import click
from rich.console import ConsoleRenderable

from coordinator.cli.formatting import ago, example, length, units
from coordinator.cli.remote import Remote, remote_command
from coordinator.cli.tables import facts, table
from coordinator.model.records import Attempt
from coordinator.model.views import STATES
from wire.messages import Wish


@click.group()
def attempt() -> None:
    """Attempts: each is one plate on one printer, and one lot for traceability."""


@attempt.command("list", epilog=example("muster attempt list --open"))
@click.option("--open", "only_open", is_flag=True, help="Only those that are not over.")
@remote_command
def list_(remote: Remote, only_open: bool) -> None:
    """All attempts, newest first."""
    known = remote.client.attempts(open_only=only_open)
    remote.tell(known, lambda: _table(known, time.time()))


@attempt.command(epilog=example("muster attempt show a-k7m2p9xqrt"))
@click.argument("attempt")
@remote_command
def show(remote: Remote, attempt: str) -> None:
    """All that is known of one attempt."""
    known = remote.client.attempt(attempt)
    remote.tell(known, lambda: _facts(known, time.time()))


@attempt.command(epilog=example("muster attempt inspect a-k7m2p9xqrt --good 11 --scrapped 1"))
@click.argument("attempt")
@click.option("--good", required=True, type=int, metavar="UNITS", help="How many may go to a hospital.")
@click.option("--scrapped", default=0, type=int, metavar="UNITS", help="How many may not; default: none.")
@remote_command
def inspect(remote: Remote, attempt: str, good: int, scrapped: int) -> None:
    """Say what you counted, once, when the lot is off the bed. What is scrapped is printed again."""
    known = remote.client.inspect(attempt, good=good, scrapped=scrapped)
    again = f", {scrapped} scrapped and printed again" if scrapped else ""
    remote.tell(
        known,
        lambda: (
            f"{known.id}: {units(good)} good{again}. When they are at the hub: muster attempt collect {known.id}"
        ),
    )


@attempt.command(epilog=example("muster attempt collect a-k7m2p9xqrt"))
@click.argument("attempt")
@remote_command
def collect(remote: Remote, attempt: str) -> None:
    """Say that a lot's good units have arrived at the hub."""
    known = remote.client.collect(attempt)
    remote.tell(
        known,
        lambda: (
            f"{units(known.good or 0)} of {known.id} are at the hub. To pack them: muster parcel pack {known.need}"
        ),
    )


@attempt.command(
    "write-off", epilog=example('muster attempt write-off a-k7m2p9xqrt --why "the maker moved away"')
)
@click.argument("attempt")
@click.option("--why", required=True, help="Kept in the records with your name.")
@remote_command
def write_off(remote: Remote, attempt: str, why: str) -> None:
    """Give up a lot that is out of contact: nothing will come of it any more."""
    known = remote.client.write_off(attempt, why=why)
    remote.tell(known, lambda: f"{known.id} is written off: its {units(known.count)} will not come.")


@attempt.command(epilog=example('muster attempt vouch a-k7m2p9xqrt --why "the maker brought them"'))
@click.argument("attempt")
@click.option("--why", required=True, help="How you know. Kept in the records with your name.")
@remote_command
def vouch(remote: Remote, attempt: str, why: str) -> None:
    """Say that a lot out of contact was printed and is here: it can be inspected."""
    known = remote.client.vouch(attempt, why=why)
    remote.tell(
        known,
        lambda: (
            f"{known.id} is here. Say what is good: muster attempt inspect {known.id} --good UNITS --scrapped UNITS"
        ),
    )


@attempt.command(epilog=example("muster attempt cleared a-k7m2p9xqrt"))
@click.argument("attempt")
@remote_command
def cleared(remote: Remote, attempt: str) -> None:
    """Say that you took the parts off the bed. It counts only where the printer's owner allows that."""
    _ask(remote, attempt, Wish.CLEARED, "is told that the bed is clear")


@attempt.command(epilog=example("muster attempt cancel a-k7m2p9xqrt"))
@click.argument("attempt")
@remote_command
def cancel(remote: Remote, attempt: str) -> None:
    """Ask the printer's agent to end a print for good. Its units are printed again if they are still needed."""
    _ask(remote, attempt, Wish.CANCEL, "is asked to cancel it")


@attempt.command(epilog=example("muster attempt pause a-k7m2p9xqrt"))
@click.argument("attempt")
@remote_command
def pause(remote: Remote, attempt: str) -> None:
    """Ask the printer's agent to pause a print."""
    _ask(remote, attempt, Wish.PAUSE, "is asked to pause it")


@attempt.command(epilog=example("muster attempt resume a-k7m2p9xqrt"))
@click.argument("attempt")
@remote_command
def resume(remote: Remote, attempt: str) -> None:
    """Ask the printer's agent to go on with a paused print."""
    _ask(remote, attempt, Wish.RESUME, "is asked to go on with it")


def _ask(remote: Remote, attempt: str, wish: Wish, told: str) -> None:
    known = remote.client.ask(attempt, wish)
    remote.tell(
        known,
        lambda: (
            f"{known.id} is {STATES[known.state]}; {known.agent} {told}, and decides."
            f" To see what came of it: muster attempt show {known.id}"
        ),
    )


def _table(known: list[Attempt], now: float) -> ConsoleRenderable:
    return table(
        ("ATTEMPT", "NEED", "PRINTER", "PART", "UNITS", "STATE", "CHANGED", "WHY"),
        [
            (
                lot.id,
                lot.need,
                f"{lot.agent}/{lot.printer}",
                lot.part,
                lot.count,
                STATES[lot.state],
                ago(lot.changed, now),
                lot.why,
            )
            for lot in known
        ],
        empty="nothing here: a need and a ready printer make an attempt",
    )


def _facts(lot: Attempt, now: float) -> ConsoleRenderable:
    counted = (
        [("counted", f"{lot.good} good, {lot.scrapped} scrapped, by {lot.inspected_by}")]
        if lot.good is not None
        else []
    )
    return facts(
        [
            ("attempt", lot.id),
            ("need", lot.need),
            ("printer", f"{lot.agent}/{lot.printer}"),
            ("state", f"{STATES[lot.state]}, {ago(lot.changed, now)}"),
            *([("why", lot.why)] if lot.why else []),
            ("plate", f"{units(lot.count)} of {lot.part} {lot.version} in {lot.material}"),
            ("takes", f"{length(lot.seconds)}, {lot.grams:.0f} g"),
            ("granted", ago(lot.granted, now)),
            *counted,
            ("G-code", f"sha256 {lot.digest}"),
        ]
    )
