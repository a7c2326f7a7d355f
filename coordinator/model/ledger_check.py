"""The ledger check: every figure is worked out anew from the movements alone, and held against all else that is kept.

Against the attempts' states and counts, the parcels, what was reported and what the needs ask for. Pure; it trusts
nothing of what it is given, as somebody may have had their hands in the database.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from coordinator.model.ledger import EXPECTED, OF_NEED, STANDING, Account, still_needed
from coordinator.model.records import Attempt, Need, Parcel
from wire.lifecycle import State

_WHOLE = frozenset({Account.PROMISED, Account.PRINTING, Account.SUSPECT})
"""Accounts into and out of which a lot goes as one."""
_KEPT = (
    Account.GOOD,
    Account.AT_HUB,
    Account.PACKED,
    Account.IN_TRANSIT,
    Account.RECEIVED,
    Account.WRITTEN_OFF,
)
"""Where a lot's good units can be, once it is counted."""


@dataclass(frozen=True, slots=True)
class PostedMovement:
    """A movement as the database has it; accounts are words, which may be wrong, `lot` is empty where there is none."""

    id: int
    need: str
    lot: str
    source: str
    target: str
    units: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the figures are held against, by its name; `events` are those that moved an attempt, by their cause."""

    needs: Mapping[str, Need]
    lots: Mapping[str, Attempt]
    parcels: Mapping[str, Parcel]
    events: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A figure that is not what it should be. `movement` is the one that made it so, as far as one can be named."""

    figure: str
    expected: str
    found: str
    movement: int | None = None
    need: str | None = None
    lot: str | None = None
    account: str | None = None

    def __str__(self) -> str:
        at = f"movement {self.movement}: " if self.movement is not None else ""
        of = " ".join(each for each in (self.need, self.lot, self.account) if each)
        return f"{at}{self.figure}{f' of {of}' if of else ''}: expected {self.expected}, found {self.found}"


@dataclass(slots=True)
class _Sums:
    """Units by account of each owner, and the last movement that touched them."""

    units: defaultdict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    last: dict[tuple[str, str, str], int] = field(default_factory=dict[tuple[str, str, str], int])
    causes: defaultdict[str, list[PostedMovement]] = field(default_factory=lambda: defaultdict(list))

    def take(self, each: PostedMovement) -> None:
        for account, units in ((each.source, -each.units), (each.target, each.units)):
            owner = (each.need, "" if account in OF_NEED else each.lot)
            self.units[owner][account] += units
            self.last[*owner, account] = each.id
        if each.cause.startswith(("pack:", "send:", "receive:")):
            self.causes[each.cause].append(each)


def differences(posted: Iterable[PostedMovement], books: Books) -> Iterator[Difference]:
    """All that does not add up: movements in their order, then lots, parcels, needs. None for a sound ledger."""
    sums = _Sums()
    seen: set[tuple[str, str, str, str, str]] = set()
    for each in posted:
        yield from _movement(each, books)
        key = (each.cause, each.need, each.lot, each.source, each.target)
        if key in seen:
            yield _wrong(each, f"movements by {each.cause}", 1, 2)
        seen.add(key)
        sums.take(each)
        owner = (each.need, "" if each.source in OF_NEED else each.lot)
        if each.source != Account.DEMAND and sums.units[owner][each.source] < 0:
            yield _wrong(each, "units left", "0 or more", sums.units[owner][each.source], each.source)
    for lot in sorted(books.lots.values(), key=lambda lot: (lot.granted, lot.id)):
        yield from _lot(lot, sums)
    for parcel in sorted(books.parcels.values(), key=lambda parcel: (parcel.packed, parcel.id)):
        yield from _parcel(parcel, sums)
    whole: defaultdict[str, Counter[Account]] = defaultdict(Counter)
    for (need, _), units in sums.units.items():
        whole[need].update({Account(each): count for each, count in units.items() if each in _WORDS})
    for need in sorted(books.needs.values(), key=lambda need: (need.created, need.id)):
        yield from _need(need, whole[need.id], sums)


_WORDS = frozenset(str(each) for each in Account)


def _movement(each: PostedMovement, books: Books) -> Iterator[Difference]:
    """What can be said of a movement alone."""
    for word in (each.source, each.target):
        if word not in _WORDS:
            yield _wrong(each, "account", "one that there is", word)
    if each.units <= 0:
        yield _wrong(each, "units", "1 or more", each.units)
    if each.source == each.target:
        yield _wrong(each, "accounts", "two", 1, each.source)
    need = books.needs.get(each.need)
    if need is None:
        yield _wrong(each, "need", "one that there is", each.need)
    elif each.cause == f"file:{each.need}" and each.units != need.quantity:
        yield _wrong(each, "units asked for", need.quantity, each.units, each.target)
    yield from _movement_of_lot(each, books)
    yield from _cause(each, books)


def _cause(each: PostedMovement, books: Books) -> Iterator[Difference]:
    """A movement goes back to a report that is kept, or to a parcel that there is."""
    if each.cause.startswith("event:"):
        reported = books.events.get(each.cause)
        if reported is None:
            yield _wrong(each, f"reported steps behind {each.cause}", 1, 0)
        elif each.lot and reported != each.lot:
            yield _wrong(each, f"lot that {each.cause} was of", reported, each.lot)
    kind, _, name = each.cause.partition(":")
    if kind in ("pack", "send", "receive"):
        parcel = books.parcels.get(name)
        if parcel is None:
            yield _wrong(each, f"parcels called {name}", 1, 0)
        elif parcel.need != each.need:
            yield _wrong(each, f"need that {name} is for", parcel.need, each.need)


def _movement_of_lot(each: PostedMovement, books: Books) -> Iterator[Difference]:
    if not each.lot:
        if each.source not in OF_NEED or each.target not in OF_NEED:
            yield _wrong(each, "lot", "one that there is", "none")
        return
    lot = books.lots.get(each.lot)
    if lot is None or lot.need != each.need:
        yield _wrong(each, "lot", f"one of {each.need}", each.lot)
    elif each.units != lot.count and (each.source in _WHOLE or each.target in _WHOLE):
        yield _wrong(
            each, "units", lot.count, each.units, each.source if each.source in _WHOLE else each.target
        )


def _lot(lot: Attempt, sums: _Sums) -> Iterator[Difference]:
    """Every unit of a lot stands where its state says, and nowhere else."""
    owner = (lot.need, lot.id)
    units = sums.units[owner]
    expected: Counter[str] = Counter()
    if lot.state is State.INSPECTED:
        expected[Account.SCRAPPED] = lot.scrapped or 0
        for account in _KEPT:  # where they are of these, parcels say
            expected[account] = units[account]
        kept = sum(units[account] for account in _KEPT)
        if kept != (lot.good or 0):
            last = max((sums.last.get((*owner, account), 0) for account in _KEPT), default=0)
            yield Difference(
                figure="good units",
                expected=str(lot.good or 0),
                found=str(kept),
                movement=last or None,
                need=lot.need,
                lot=lot.id,
                account=Account.GOOD,
            )
    else:
        account = STANDING[lot.state]
        if account not in OF_NEED:
            expected[account] = lot.count
        if lot.state is State.FAILED and units[Account.WRITTEN_OFF]:  # ruled on, not reported
            expected[Account.WRITTEN_OFF] = lot.count
    for account in Account:
        if account not in OF_NEED and units[account] != expected[account]:
            yield Difference(
                figure=f"units of a lot that is {lot.state}",
                expected=str(expected[account]),
                found=str(units[account]),
                movement=sums.last.get((*owner, account)),
                need=lot.need,
                lot=lot.id,
                account=account,
            )


def _parcel(parcel: Parcel, sums: _Sums) -> Iterator[Difference]:
    """What was packed is what was sent is what came or is written off, lot by lot."""
    packed = sums.causes[f"pack:{parcel.id}"]
    yield from _carried(parcel, packed, Account.PACKED, parcel.units)
    lots = Counter({each.lot: each.units for each in packed})
    sent = sums.causes[f"send:{parcel.id}"]
    yield from _carried(parcel, sent, Account.IN_TRANSIT, 0 if parcel.sent is None else parcel.units)
    received = sums.causes[f"receive:{parcel.id}"]
    arrived = parcel.received_units or 0
    missing = 0 if parcel.received is None else parcel.units - arrived
    yield from _carried(parcel, received, Account.RECEIVED, arrived)
    yield from _carried(parcel, received, Account.WRITTEN_OFF, missing)
    left = [each for each in received if each.source == Account.IN_TRANSIT]
    for moved, account, over in (
        (sent, Account.PACKED, parcel.sent is not None),
        (left, Account.IN_TRANSIT, parcel.received is not None),
    ):
        out = Counter[str]()
        for each in moved:
            out[each.lot] += each.units
        for lot in sorted(lots | out):
            if over and out[lot] != lots[lot]:
                yield Difference(
                    figure=f"units out of {parcel.id}",
                    expected=str(lots[lot]),
                    found=str(out[lot]),
                    movement=max((each.id for each in moved if each.lot == lot), default=None),
                    need=parcel.need,
                    lot=lot,
                    account=account,
                )


def _carried(
    parcel: Parcel, moved: list[PostedMovement], target: Account, expected: int
) -> Iterator[Difference]:
    found = [each for each in moved if each.target == target]
    units = sum(each.units for each in found)
    if units != expected:
        yield Difference(
            figure=f"units in {parcel.id}",
            expected=str(expected),
            found=str(units),
            movement=max((each.id for each in found), default=None),
            need=parcel.need,
            account=target,
        )


def _need(need: Need, units: Counter[Account], sums: _Sums) -> Iterator[Difference]:
    """Exactly what is wanted and not expected is still needed."""
    wanted = 0 if need.cancelled is not None else need.quantity
    lacking = still_needed(wanted, units)
    if units[Account.NEEDED] != lacking:
        yield Difference(
            figure=f"units needed ({wanted} wanted, {sum(units[each] for each in EXPECTED)} expected)",
            expected=str(lacking),
            found=str(units[Account.NEEDED]),
            movement=sums.last.get((need.id, "", Account.NEEDED)),
            need=need.id,
            account=Account.NEEDED,
        )


def _wrong(
    each: PostedMovement, figure: str, expected: object, found: object, account: str | None = None
) -> Difference:
    return Difference(
        figure=figure,
        expected=str(expected),
        found=str(found),
        movement=each.id,
        need=each.need,
        lot=each.lot or None,
        account=account or each.source,
    )
