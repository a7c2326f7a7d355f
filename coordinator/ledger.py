"""Units as double-entry movements: what may move where, and what a set of movements amounts to.

Every movement takes units out of one account and puts as many into another, so the sum over all accounts is
always zero; `DEMAND` is the outside world that asks, and the only account that may stand below zero. Demand
and what is still needed belong to a need; every other account belongs to a lot (an attempt) of that need.
Pure: the database only ever adds the movements that come from here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wire.lifecycle import State


class Account(StrEnum):
    """Where units stand."""

    DEMAND = "demand"
    NEEDED = "needed"
    PROMISED = "promised"
    PRINTING = "printing"
    PRINTED = "printed"
    GOOD = "good"
    SCRAPPED = "scrapped"
    AT_HUB = "at-hub"
    PACKED = "packed"
    IN_TRANSIT = "in-transit"
    RECEIVED = "received"
    SUSPECT = "suspect"
    WRITTEN_OFF = "written-off"


OF_NEED = frozenset({Account.DEMAND, Account.NEEDED})
"""Accounts that are not divided by lot."""

EXPECTED = (
    Account.PROMISED,
    Account.PRINTING,
    Account.PRINTED,
    Account.GOOD,
    Account.AT_HUB,
    Account.PACKED,
    Account.IN_TRANSIT,
    Account.RECEIVED,
)
"""What counts towards a need's fulfilment, from promise to receipt."""

_ACCOUNTS: dict[State, Account] = {
    State.GRANTED: Account.PROMISED,
    State.FETCHING: Account.PROMISED,
    State.CHECKED: Account.PROMISED,
    State.STARTING: Account.PROMISED,
    State.PRINTING: Account.PRINTING,
    State.PAUSED: Account.PRINTING,
    State.PRINTED: Account.PRINTED,
    State.CLEARED: Account.PRINTED,
    State.SUSPECT: Account.SUSPECT,
    State.REFUSED: Account.NEEDED,
    State.FAILED: Account.NEEDED,
    State.CANCELLED: Account.NEEDED,
}


@dataclass(frozen=True, slots=True)
class Movement:
    """`units` of a need, out of one account into another; `lot` wherever an account is divided by lot."""

    need: str
    lot: str | None
    source: Account
    target: Account
    units: int


Balance = Counter[Account]
"""Units by account."""


def filed(need: str, units: int) -> list[Movement]:
    """A need asks for `units`."""
    return _moves(need, None, (Account.DEMAND, Account.NEEDED, units))


def granted(need: str, lot: str, units: int) -> list[Movement]:
    """A lot is promised out of what is needed."""
    return _moves(need, lot, (Account.NEEDED, Account.PROMISED, units))


def adopted(need: str, lot: str, units: int, needed: int) -> list[Movement]:
    """A lot that was promised before the database was restored is known again; `needed` units are asked for now.

    What is asked for no more, because others were given it since, is asked for once more: it will be surplus.
    """
    return _moves(
        need,
        lot,
        (Account.DEMAND, Account.NEEDED, max(0, units - needed)),
        (Account.NEEDED, Account.PROMISED, units),
    )


def eased(need: str, wanted: int, balance: Balance) -> list[Movement]:
    """What is still asked for shrinks to what is still wanted, of `wanted` units in all (0: withdrawn).

    A suspect lot that came back makes more than was asked for; so whatever else is lost then, of that
    surplus or of a withdrawn need, is not asked for again.
    """
    asked = balance[Account.NEEDED]
    return _moves(need, None, (Account.NEEDED, Account.DEMAND, asked - _still_needed(wanted, balance)))


def advanced(need: str, lot: str, units: int, before: State, after: State) -> list[Movement]:
    """An attempt went from one state to another (`INSPECTED` and a person's ruling apart: see below).

    A suspect lot leaves the forecast and a replacement is asked for. What comes of it later may make that
    replacement too much: see `eased`.
    """
    source, target = _ACCOUNTS[before], _ACCOUNTS[after]
    if source == target:
        return []
    if after is State.SUSPECT:
        return _moves(need, lot, (source, Account.SUSPECT, units), (Account.DEMAND, Account.NEEDED, units))
    return _moves(need, lot, (source, target, units))


def inspected(need: str, lot: str, good: int, scrapped: int) -> list[Movement]:
    """A person counted a lot. What is scrapped is asked for again."""
    return _moves(
        need,
        lot,
        (Account.PRINTED, Account.GOOD, good),
        (Account.PRINTED, Account.SCRAPPED, scrapped),
        (Account.DEMAND, Account.NEEDED, scrapped),
    )


def written_off(need: str, lot: str, units: int) -> list[Movement]:
    """A person ruled that a suspect lot will bring nothing; its replacement was asked for when it was doubted."""
    return _moves(need, lot, (Account.SUSPECT, Account.WRITTEN_OFF, units))


def carried(need: str, lot: str, source: Account, target: Account, units: int) -> list[Movement]:
    """Units go one step on the way: good → at hub → packed → in transit."""
    return _moves(need, lot, (source, target, units))


def received(need: str, lot: str, units: int, missing: int) -> list[Movement]:
    """A hospital signed for `units` of a lot; what is missing is written off and asked for again."""
    return _moves(
        need,
        lot,
        (Account.IN_TRANSIT, Account.RECEIVED, units),
        (Account.IN_TRANSIT, Account.WRITTEN_OFF, missing),
        (Account.DEMAND, Account.NEEDED, missing),
    )


def balances(movements: Iterable[Movement]) -> dict[tuple[str, str | None], Balance]:
    """Units by account, for each need (lot None) and each of its lots."""
    result: dict[tuple[str, str | None], Balance] = {}
    for movement in movements:
        for account, units in ((movement.source, -movement.units), (movement.target, movement.units)):
            key = (movement.need, None if account in OF_NEED else movement.lot)
            result.setdefault(key, Counter())[account] += units
    return result


def objections(
    movements: Iterable[Movement],
    lots: Iterable[tuple[str, str, int, State]],
    wanted: Mapping[str, int],
) -> list[str]:
    """What does not add up; empty for a sound ledger.

    `lots` are (need, lot, units, state) of every attempt, `wanted` the units that each need asks for in all
    (0 if it is withdrawn). Every lot's units must stand somewhere, in the account that its state says;
    nothing but demand may be below zero; and exactly what is wanted and not expected is still needed.
    """
    movements, lots = list(movements), list(lots)
    sums = balances(movements)
    found = [f"movement of {each.units} units" for each in movements if each.units <= 0]
    for (need, lot), balance in sums.items():
        found += [
            f"{need} {lot or ''}: {units} in {account}"
            for account, units in balance.items()
            if units < 0 and account is not Account.DEMAND
        ]
    known = {(need, lot) for need, lot, _, _ in lots}
    found += [f"{need} {lot}: no such lot" for need, lot in sums if lot and (need, lot) not in known]
    for need, lot, units, state in lots:
        balance = sums.get((need, lot), Counter())
        standing = sum(balance.values())
        account = None if state is State.INSPECTED else _ACCOUNTS[state]
        if account is Account.NEEDED:
            right = standing == balance[Account.WRITTEN_OFF] and standing in (0, units)
        elif account is None:
            right = standing == units and not any(balance[each] for each in set(_ACCOUNTS.values()))
        else:
            right = balance[account] == standing == units
        if not right:
            found.append(f"{need} {lot}: {units} units are {state}, but stand as {dict(balance)}")
    whole: dict[str, Balance] = defaultdict(Counter)
    for (need, _), balance in sums.items():
        whole[need].update(balance)
    for need, units in wanted.items():
        asked, lacking = whole[need][Account.NEEDED], _still_needed(units, whole[need])
        if asked != lacking:
            found.append(f"{need}: {asked} units are needed, but {lacking} are lacking")
    if total := sum(sum(balance.values()) for balance in sums.values()):
        found.append(f"the accounts sum to {total}, not 0")
    return found


def _still_needed(wanted: int, balance: Balance) -> int:
    return max(0, wanted - sum(balance[account] for account in EXPECTED))


def _moves(need: str, lot: str | None, *moves: tuple[Account, Account, int]) -> list[Movement]:
    return [Movement(need, lot, source, target, units) for source, target, units in moves if units]
