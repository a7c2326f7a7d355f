"""Units as double-entry movements: what may move where, and what a set of movements amounts to.

Every movement takes units out of one account and puts as many into another, so the sum over all accounts is
always zero; `DEMAND` is the outside world that asks, and the only account that may stand below zero. Demand
and what is still needed belong to a need; every other account belongs to a lot (an attempt) of that need.
Pure: the database only ever adds the movements that come from here.
"""

from collections import Counter
from collections.abc import Iterable
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

STANDING: dict[State, Account] = {
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
"""Where all units of a lot stand, by the attempt's state; one that is inspected is divided."""


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
    return _moves(need, None, (Account.NEEDED, Account.DEMAND, asked - still_needed(wanted, balance)))


def advanced(need: str, lot: str, units: int, before: State, after: State) -> list[Movement]:
    """An attempt went from one state to another (`INSPECTED` and a person's ruling apart: see below).

    A suspect lot leaves the forecast and a replacement is asked for. What comes of it later may make that
    replacement too much: see `eased`.
    """
    source, target = STANDING[before], STANDING[after]
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


def still_needed(wanted: int, balance: Balance) -> int:
    """How many of `wanted` units are neither here nor expected."""
    return max(0, wanted - sum(balance[account] for account in EXPECTED))


def _moves(need: str, lot: str | None, *moves: tuple[Account, Account, int]) -> list[Movement]:
    return [Movement(need, lot, source, target, units) for source, target, units in moves if units]
