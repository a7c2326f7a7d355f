"""The ledger's arithmetic, for any units and any balance."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from coordinator.model import ledger
from coordinator.model.ledger import EXPECTED, Account, Movement, balances
from coordinator.model.ledger_check import Books, PostedMovement, differences
from coordinator.model.records import Attempt, Need
from wire.lifecycle import BY_AGENT, TABLE, State, Step

units = st.integers(1, 10_000)
movements = st.builds(
    Movement,
    need=st.sampled_from(["n-1", "n-2"]),
    lot=st.sampled_from(["a-1", "a-2"]),
    source=st.sampled_from(Account),
    target=st.sampled_from(Account),
    units=units,
)
changes = st.sampled_from(
    [
        (before, step, after)
        for before, steps in TABLE.items()
        for step, after in steps.items()
        if step in BY_AGENT | {Step.DOUBT, Step.VOID}
    ]
)


@given(st.lists(movements, max_size=20))
def test_whatever_moves_the_accounts_sum_to_nothing(moved: list[Movement]):
    assert sum(sum(each.values()) for each in balances(moved).values()) == 0


@given(st.integers(0, 10_000), st.dictionaries(st.sampled_from(EXPECTED), st.integers(0, 3000)), units)
def test_after_easing_no_more_is_asked_for_than_is_lacking(
    wanted: int, expected: dict[Account, int], spare: int
):
    lacking = max(0, wanted - sum(expected.values()))
    balance = Counter(expected) + Counter({Account.NEEDED: lacking + spare})
    [eased] = ledger.eased("n-1", wanted, balance)
    assert (eased.source, eased.target, eased.units) == (Account.NEEDED, Account.DEMAND, spare)


@given(changes, units)
def test_a_step_moves_the_whole_lot_or_nothing_and_keeps_what_is_wanted(change, count: int):
    """Only a lot that was in doubt makes more than was asked for: its replacement is asked for already."""
    before, _, after = change
    sums = balances(ledger.advanced("n-1", "a-1", count, before, after))
    lot, need = sums.get(("n-1", "a-1"), Counter()), sums.get(("n-1", None), Counter())
    assert all(abs(moved) in (0, count) for moved in (*lot.values(), *need.values()))
    wanted = need[Account.NEEDED] + sum(lot[account] for account in EXPECTED)
    back = before is State.SUSPECT and after is not State.SUSPECT
    assert wanted == (count if back else 0)


def differing(moved: list[Movement], quantity: int, **lots: State) -> list[str]:
    """What the ledger check says of a need for so many, and of lots as large in these states."""
    posted = [
        PostedMovement(
            number, each.need, each.lot or "", each.source, each.target, each.units, f"cause:{number}"
        )
        for number, each in enumerate(moved, 1)
    ]
    need = Need(id="n-1", hospital="h-1", part="ear-saver", version="1", quantity=quantity, created=0)
    known = {name: lot(name, quantity, state) for name, state in lots.items()}
    books = Books(needs={"n-1": need}, lots=known, parcels={}, events={})
    return [str(each) for each in differences(posted, books)]


def lot(name: str, count: int, state: State) -> Attempt:
    return Attempt(
        id=name,
        need="n-1",
        agent="anna",
        printer="one",
        nonce=name,
        epoch="e",
        counter=1,
        part="ear-saver",
        version="1",
        material="petg",
        count=count,
        digest="",
        size=1,
        grams=1,
        seconds=1,
        state=state,
        granted=0,
        changed=0,
    )


@given(units, st.data())
def test_a_lot_that_stands_elsewhere_than_its_state_says_is_found(count: int, data):
    state = data.draw(st.sampled_from([State.PRINTING, State.PRINTED, State.SUSPECT, State.CANCELLED]))
    moved = [*ledger.filed("n-1", count), *ledger.granted("n-1", "a1", count)]
    assert differing(moved, count, a1=State.GRANTED) == []
    assert differing(moved, count, a1=state)
    assert differing(moved, count)


@given(units, units)
def test_asking_for_more_or_less_than_is_lacking_is_found(count: int, wrong: int):
    moved = ledger.filed("n-1", count)
    assert differing(moved, count) == []
    assert differing(moved, count + wrong)
    assert differing(moved, max(0, count - wrong))
