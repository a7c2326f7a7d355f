"""Records put together for one look: the queries behind the pages."""

from collections.abc import Iterator, Mapping

from coordinator.errors import Missing
from coordinator.metrics import Now
from coordinator.model import ledger_check
from coordinator.model.ledger import Account, Balance
from coordinator.model.ledger_check import Books, Difference, PostedMovement
from coordinator.model.records import Attempt, Hospital, PrinterTelemetry
from coordinator.model.views import (
    AgentView,
    LedgerReport,
    LedgerView,
    Lot,
    NeedDetail,
    NeedView,
    PrinterView,
    Tracking,
)
from coordinator.store import agents, attempts, certificates, guards, movements, needs, parcels
from coordinator.store.engine import Tx
from coordinator.work import intake
from coordinator.work.plates import PlateLibrary

SHOWN = 50
"""Differences that are told one by one."""


def needs_(tx: Tx) -> list[NeedView]:
    """Every need, newest first, and where its units stand."""
    sums = movements.by_need(tx)
    return [
        NeedView(need=need, hospital=hospital, progress=movements.as_progress(sums[need.id], need.quantity))
        for need, hospital in needs.all_needs(tx)
    ]


def need(tx: Tx, name: str) -> NeedDetail:
    """One need with its lots and parcels.

    Raises:
        Missing: no such need.
    """
    known = intake.get(tx, name)
    hospital = needs.hospitals.get(tx, known.hospital)
    assert hospital is not None  # a foreign key
    return NeedDetail(
        need=known,
        hospital=hospital,
        progress=movements.progress(tx, known.id, known.quantity),
        attempts=attempts.of_need(tx, name),
        parcels=parcels.of_need(tx, name),
        uncollected=dict(movements.by_lot(tx, name, Account.GOOD)),
    )


def hospitals(tx: Tx) -> list[Hospital]:
    """Every hospital, newest first."""
    return needs.hospitals.find(tx, newest="created")


def attempts_(tx: Tx, *, only_open: bool = False) -> list[Attempt]:
    """Attempts, newest first."""
    return attempts.open_attempts(tx) if only_open else attempts.all_attempts(tx)


def printers(tx: Tx, looks: Mapping[tuple[str, str], PrinterTelemetry], now: float) -> list[PrinterView]:
    """Every printer, what it works on, and whether it waits for work."""
    working: dict[tuple[str, str], Attempt] = {}
    for attempt in attempts.open_attempts(tx):
        working.setdefault((attempt.agent, attempt.printer), attempt)
    waiting = {(ready.agent, ready.printer) for ready in agents.waiting(tx, now)}
    return [
        PrinterView(
            printer=printer,
            looks=looks.get((printer.agent, printer.name)),
            attempt=working.get((printer.agent, printer.name)),
            waiting=(printer.agent, printer.name) in waiting,
        )
        for printer in agents.printers(tx)
    ]


def agents_(tx: Tx, now: float) -> list[AgentView]:
    """Every agent by its name, and its access."""
    ends = certificates.ends(tx, now)
    known = sorted(agents.agents.find(tx), key=lambda each: each.name)
    return [_agent(each, ends.get(each.name)) for each in known]


def agent(tx: Tx, name: str, now: float) -> AgentView:
    """One agent and its access.

    Raises:
        Missing: no such agent.
    """
    known = agents.agents.get(tx, name)
    if known is None:
        raise Missing(f"no agent is called {name[:60]!r}")
    return _agent(known, certificates.ends(tx, now).get(name))


def tracked(tx: Tx, token: str, plates: PlateLibrary, now: float) -> Tracking:
    """What a hospital's link shows; `token` is its SHA-256.

    Raises:
        Astray: it leads nowhere.
    """
    known = intake.by_link(tx, token, now)
    detail = need(tx, known.id)
    return Tracking(
        need=known.id,
        hospital=detail.hospital.name,
        part=known.part,
        title=plates.title(known.part),
        version=known.version,
        priority=known.priority,
        deadline=known.deadline,
        created=known.created,
        cancelled=known.cancelled,
        progress=detail.progress,
        parcels=detail.parcels,
        lots=[_lot(attempt) for attempt in detail.attempts],
    )


def ledger_(tx: Tx) -> LedgerView:
    """Whether every unit stands where the attempts say, in short; see `verdict`."""
    found = check_ledger(tx)
    return LedgerView(
        balanced=not found.differing,
        objections=[str(each) for each in found.differences],
        movements=found.movements,
        attempts=found.lots,
    )


def check_ledger(tx: Tx) -> LedgerReport:
    """Check the whole ledger: every figure from the movements alone; see `ledger_check`."""
    first: list[Difference] = []
    differing = movements_ = 0

    def counted() -> Iterator[PostedMovement]:
        nonlocal movements_
        for each in movements.posted(tx):
            movements_ += 1
            yield each

    try:
        books = Books(
            needs={each.id: each for each in needs.needs.find(tx)},
            lots={each.id: each for each in attempts.attempts.find(tx)},
            parcels={each.id: each for each in parcels.parcels.find(tx)},
            events=attempts.applied(tx),
        )
    except ValueError as error:
        books = Books(needs={}, lots={}, parcels={}, events={})
        first.append(Difference(figure="record", expected="one that can be read", found=str(error)))
        differing = 1
    else:
        for difference in ledger_check.differences(counted(), books):
            differing += 1
            if len(first) < SHOWN:
                first.append(difference)
    unguarded = guards.missing(tx)
    return LedgerReport(
        right=not differing and not unguarded,
        first=first[0] if first else None,
        differences=first,
        differing=differing,
        unguarded=unguarded,
        movements=movements_,
        needs=len(books.needs),
        lots=len(books.lots),
        parcels=len(books.parcels),
    )


def summary(tx: Tx) -> dict[str, int]:
    """Units by account over all needs, and how many attempts are under way."""
    return {"attempts": len(attempts.under_way(tx)), **_units(movements.totals(tx))}


def standing(tx: Tx, now: float) -> Now:
    """How things stand: open needs, printers, units."""
    sums = movements.by_need(tx)
    wanting = sum(sums[each.id][Account.RECEIVED] < each.quantity for each, _ in needs.open_needs(tx))
    return Now(
        open_needs=wanting,
        printers_online=sum(printer.online for printer in agents.printers(tx)),
        printers_waiting=len(agents.waiting(tx, now)),
        units=_units(movements.totals(tx)),
    )


def _units(sums: Balance) -> dict[str, int]:
    """By every account but demand, which is only what the others add up to."""
    return {str(account): sums[account] for account in Account if account is not Account.DEMAND}


def _lot(attempt: Attempt) -> Lot:
    return Lot(
        id=attempt.id,
        part=attempt.part,
        version=attempt.version,
        material=attempt.material,
        state=str(attempt.state),
        count=attempt.count,
        good=attempt.good,
        changed=attempt.changed,
    )


def _agent(known: agents.Agent, ends: float | None) -> AgentView:
    return AgentView(
        name=known.name,
        enrolled=known.enrolled,
        online=known.online,
        seen=known.seen,
        software=known.software,
        ends=ends,
        revoked=known.revoked,
        revoked_by=known.revoked_by,
        revoked_why=known.revoked_why,
    )
