"""What the journal tells of this agent, for its owner, whether the agent runs or not."""

import msgspec
from msgspec import Struct

from agent.journal import Journal
from agent.membership.identity import IdentityError, load
from agent.membership.lifetime import lifetime
from agent.settings import Loaded
from agent.state_directory import journal_path, runs
from wire.lifecycle import State


class Bed(Struct, frozen=True, kw_only=True):
    """One printer: its bed, and the attempt that is not over, with its state; why the last one was refused."""

    printer: str
    bed_clear: bool
    attempt: str | None = None
    state: str | None = None
    refused: str = ""


class Overview(Struct, frozen=True, kw_only=True):
    """The agent as its journal knows it. `unheard` are events that the coordinator has not acknowledged.

    `until` is the day on which its certificate ends (it renews it well before), in ISO 8601.
    """

    agent: str | None
    coordinator: str | None
    until: str | None = None
    running: bool
    unheard: int
    printers: tuple[Bed, ...]


def look(loaded: Loaded) -> Overview:
    """Read the journal.

    Raises:
        JournalError: it can't be read.
    """
    known, until = None, None
    try:
        identity = load(loaded.state)
        known = identity.answer
        until = lifetime(identity)[1].date().isoformat()
    except IdentityError:
        pass  # the agent itself says so when it starts
    names = [printer.name for printer in loaded.settings.printer]
    beds, unheard = tuple(Bed(printer=name, bed_clear=False) for name in names), 0
    if journal_path(loaded.state).exists():
        journal = Journal(journal_path(loaded.state))
        try:
            beds = tuple(_bed(journal, name) for name in names)
            unheard = journal.events.unheard()
        finally:
            journal.close()
    return Overview(
        agent=known.agent if known else None,
        coordinator=known.url if known else None,
        until=until,
        running=runs(loaded.state),
        unheard=unheard,
        printers=beds,
    )


def as_json(overview: Overview) -> str:
    """One JSON object."""
    return msgspec.json.encode(overview).decode()


def as_text(overview: Overview) -> str:
    """Some lines for a person."""
    who = (
        f"{overview.agent} of {overview.coordinator}"
        if overview.agent
        else "has not joined a coordinator yet"
    )
    if overview.until:
        who += f" (certificate until {overview.until})"
    width = max(len("agent"), *(len(bed.printer) for bed in overview.printers)) + 1
    lines = [f"{'agent':<{width}} {who}, {'running' if overview.running else 'not running'}"]
    for bed in overview.printers:
        work = f"{bed.state}: {bed.attempt}" if bed.attempt else "no print"
        lines.append(f"{bed.printer:<{width}} bed {'clear' if bed.bed_clear else 'not clear'}, {work}")
        if bed.refused:
            lines.append(f"{'':<{width}} the last job was refused: {bed.refused}")
    if overview.unheard:
        lines.append(f"{overview.unheard} events that the coordinator does not know yet")
    return "\n".join(lines)


def _bed(journal: Journal, name: str) -> Bed:
    attempt = journal.attempts.current(name)
    return Bed(
        printer=name,
        bed_clear=journal.beds.is_clear(name),
        attempt=attempt.id if attempt else None,
        state=attempt.state if attempt else None,
        refused=refusal(journal, name),
    )


def refusal(journal: Journal, printer: str) -> str:
    """Why this printer's latest job was refused; empty if it was not."""
    latest = journal.attempts.latest(printer)
    return journal.attempts.why(latest.id) if latest and latest.state is State.REFUSED else ""
