"""The ledger's movements: added, summed, never changed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from sqlalchemy import ColumnElement, String, func, insert, or_, select, type_coerce

from coordinator.errors import Conflict
from coordinator.model.ledger import OF_NEED, Account, Balance, Movement
from coordinator.model.ledger_check import PostedMovement
from coordinator.model.records import NeedProgress
from coordinator.store import schema
from coordinator.store.engine import Tx

_m = schema.movement.c


def post(tx: Tx, movements: Iterable[Movement], *, cause: str, by: str, now: float) -> None:
    """Add movements, all for one cause; the same cause can't move the same units twice.

    Raises:
        Conflict: an account would fall below zero.
    """
    moved = list(movements)
    if not moved:
        return
    _refuse_overdrafts(tx, moved)
    rows = [
        {
            "need": each.need,
            "lot": each.lot or "",
            "source": each.source,
            "target": each.target,
            "units": each.units,
            "cause": cause,
            "by": by,
            "at": now,
        }
        for each in moved
    ]
    tx.execute(insert(schema.movement), rows)


def balance(tx: Tx, need: str, lot: str | None = None) -> Balance:
    """Units by account of one lot, or of a whole need with all its lots."""
    return _sums(tx, _m.need == need) if lot is None else _sums(tx, _m.need == need, _m.lot == lot)


def totals(tx: Tx) -> Balance:
    """Units by account over all needs."""
    return _sums(tx)


def by_need(tx: Tx) -> defaultdict[str, Balance]:
    """Units by account of every need, in one go."""
    return _grouped(tx, _m.need)


def by_lot(tx: Tx, need: str, account: Account) -> Counter[str]:
    """How many units of each of a need's lots stand in one account."""
    lots = _grouped(tx, _m.lot, _m.need == need, or_(_m.source == account, _m.target == account))
    return Counter({lot: sums[account] for lot, sums in lots.items() if sums[account]})


def standing(tx: Tx, account: Account) -> Counter[str]:
    """How many units of each lot, whatever its need, stand in one account."""
    lots = _grouped(tx, _m.lot, or_(_m.source == account, _m.target == account))
    return Counter({lot: sums[account] for lot, sums in lots.items() if sums[account] > 0})


def of_lots(tx: Tx, lots: list[str]) -> defaultdict[str, Balance]:
    """Units by account of each of these lots."""
    return _grouped(tx, _m.lot, _m.lot.in_(lots)) if lots else defaultdict(Counter)


def needed(tx: Tx) -> dict[str, int]:
    """How many units of each need nobody has promised yet; needs that lack none are left out."""
    account = Account.NEEDED
    sums = _grouped(tx, _m.need, or_(_m.source == account, _m.target == account))
    return {need: balance[account] for need, balance in sums.items() if balance[account]}


def progress(tx: Tx, need: str, requested: int) -> NeedProgress:
    """Where a need's units stand."""
    return as_progress(balance(tx, need), requested)


def as_progress(sums: Balance, requested: int) -> NeedProgress:
    """A need's balance, as pages show it."""
    fields = {account.name.lower(): sums[account] for account in Account if account is not Account.DEMAND}
    return NeedProgress(requested=requested, **fields)


def posted(tx: Tx) -> Iterator[PostedMovement]:
    """Every movement as it stands, oldest first, a part at a time; nothing in it is taken for granted."""
    words = (type_coerce(column, String).label(column.key) for column in (_m.source, _m.target))
    query = select(_m.id, _m.need, _m.lot, *words, _m.units, _m.cause).order_by(_m.id)
    for row in tx.execute(query, execution_options={"yield_per": 1000}):
        yield PostedMovement(row.id, row.need, row.lot, row.source, row.target, row.units, row.cause)


def of_cause(tx: Tx, cause: str) -> list[Movement]:
    """The movements that one cause brought about."""
    return _select(tx, _m.cause == cause)


def _select(tx: Tx, *where: ColumnElement[bool]) -> list[Movement]:
    query = select(_m.need, _m.lot, _m.source, _m.target, _m.units).where(*where).order_by(_m.id)
    return [
        Movement(row.need, row.lot or None, row.source, row.target, row.units) for row in tx.execute(query)
    ]


def _sums(tx: Tx, *where: ColumnElement[bool]) -> Balance:
    result: Balance = Counter()
    for column, sign in ((_m.source, -1), (_m.target, 1)):
        query = select(column, func.sum(_m.units)).where(*where).group_by(column)
        for account, units in tx.execute(query):
            result[account] += sign * int(units)
    return result


def _grouped(tx: Tx, key: ColumnElement[str], *where: ColumnElement[bool]) -> defaultdict[str, Balance]:
    result: defaultdict[str, Balance] = defaultdict(Counter)
    query = select(key.label("key"), _m.source, _m.target, func.sum(_m.units).label("units")).where(*where)
    for row in tx.execute(query.group_by(key, _m.source, _m.target)):
        result[row.key][row.source] -= int(row.units)
        result[row.key][row.target] += int(row.units)
    return result


def _refuse_overdrafts(tx: Tx, moved: list[Movement]) -> None:
    """The database refuses them too (`guards.py`), but not in words for people."""
    stood: dict[tuple[str, str | None], Balance] = {}
    moves: defaultdict[tuple[str, str | None], Balance] = defaultdict(Counter)
    for each in moved:
        source, target = (
            (each.need, None if at in OF_NEED else each.lot) for at in (each.source, each.target)
        )
        if each.source is not Account.DEMAND:
            if source not in stood:
                stood[source] = balance(tx, *source)
            if stood[source][each.source] + moves[source][each.source] < each.units:
                raise Conflict(
                    f"{each.need} does not need that many units any more"
                    if source[1] is None
                    else f"{source[1]} has not that many units in {each.source}"
                )
        moves[source][each.source] -= each.units
        moves[target][each.target] += each.units
