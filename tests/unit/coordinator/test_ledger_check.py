"""The ledger can't be tampered with; and where somebody takes the database's guards away, the ledger check finds it."""

import secrets
import shutil
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from coordinator.errors import Conflict
from coordinator.model.ledger import Account, Movement, adopted
from coordinator.model.views import LedgerReport
from coordinator.store import guards, movements
from coordinator.work import overview
from tests.unit.coordinator.conftest import KINDS, opened
from tests.unit.coordinator.history import Told, live
from tests.unit.coordinator.office import DATABASE, Office

ONLY_POSTGRESQL = pytest.mark.parametrize("lived", KINDS[1:], indirect=True)  # SQLite has nothing of the kind


@pytest.fixture(scope="module")
def history(request, tmp_path_factory) -> Callable[[str], tuple[Path, str, Told]]:
    """A history on each kind of database, to be copied: its directory, the database's name, and what it left."""
    lived: dict[str, tuple[Path, str, Told]] = {}

    def on(kind: str) -> tuple[Path, str, Told]:
        if kind not in lived:
            directory, name = tmp_path_factory.mktemp("history"), f"lived_{secrets.token_hex(4)}"
            url = f"sqlite:///{directory}/{DATABASE}"
            if kind == "postgres":
                url = request.getfixturevalue("postgres").create(name)
            with opened(directory, url) as office:
                lived[kind] = directory, name, live(office)
        return lived[kind]

    return on


@pytest.fixture(params=KINDS)
def lived(request, history, tmp_path) -> Generator[tuple[Office, Told]]:
    """An office with a history, whose ledger need not add up in the end."""
    directory, name, told = history(request.param)
    home = tmp_path / "home"
    shutil.copytree(directory, home)
    with ExitStack() as closing:
        url = f"sqlite:///{home}/{DATABASE}"
        if request.param == "postgres":
            url = closing.enter_context(request.getfixturevalue("postgres").database(name))
        office = closing.enter_context(opened(home, url))
        office.now[0] = told.now
        yield office, told


def checked(office: Office) -> LedgerReport:
    with office.store.read() as tx:
        return overview.check_ledger(tx)


def test_a_history_of_all_kinds_is_right(lived):
    office, _ = lived
    found = checked(office)
    assert (found.right, found.first, found.unguarded) == (True, None, [])
    assert (found.needs, found.lots, found.parcels) == (3, 5, 2)
    assert found.movements > 30


# ── the guards ────────────────────────────────────────────────────────────────────────────────────────────

NEW = 'insert into movement (need, lot, source, target, units, cause, "by", at) values'
REFUSED = {
    "a movement of other units": "update movement set units = units + 1 where id = 1",
    "a movement by somebody else": "update movement set \"by\" = 'nobody'",
    "a movement that was never": "delete from movement where id = 1",
    "an event that was never": "delete from event",
    "an act that was never": "delete from audit_log where number = 2",
    "an act by somebody else": "update audit_log set \"by\" = 'nobody'",
    "an act before its time": (
        'insert into audit_log (number, at, "by", role, via, act, subject, details, hash)'
        " values (99, 1, 'x', '', 'cli', 'need.file', 'need/x', '{}', 'x')"
    ),
    "an event of another kind": "update event set step = 'finish'",
    "a movement twice": (
        'insert into movement (need, lot, source, target, units, cause, "by", at)'
        ' select need, lot, source, target, units, cause, "by", at from movement where id = 2'
    ),
    "more than stands there": f"{NEW} (:need, :lot, 'at-hub', 'packed', 2, 'x', 'x', 1)",
    "more than is needed": f"{NEW} (:need, :lot, 'needed', 'promised', 1000, 'x', 'x', 1)",
    "nothing": f"{NEW} (:need, :lot, 'at-hub', 'packed', 0, 'x', 'x', 1)",
    "less than nothing": f"{NEW} (:need, :lot, 'at-hub', 'packed', -1, 'x', 'x', 1)",
    "from here to here": f"{NEW} (:need, :lot, 'at-hub', 'at-hub', 1, 'x', 'x', 1)",
    "to an account that is none": f"{NEW} (:need, :lot, 'at-hub', 'my-cellar', 1, 'x', 'x', 1)",
    "out of thin air": f"{NEW} (:need, :lot, 'demand', 'received', 1, 'x', 'x', 1)",
    "into thin air": f"{NEW} (:need, :lot, 'at-hub', 'demand', 1, 'x', 'x', 1)",
    "of no lot": f"{NEW} (:need, '', 'at-hub', 'packed', 1, 'x', 'x', 1)",
    "of no need": f"{NEW} ('n-none', '', 'demand', 'needed', 1, 'x', 'x', 1)",
    "a need that was never": "delete from need",
    "half a count": "update attempt set good = good + 1 where good is not null",
}
REFUSED_BY_SQLITE = {
    "a movement instead of another": (
        'insert or replace into movement select id, need, lot, source, target, units + 1, cause, "by", at'
        " from movement where id = 1"
    ),
    "the same movement, larger": (
        'insert or replace into movement (need, lot, source, target, units, cause, "by", at)'
        ' select need, lot, source, target, units + 1, cause, "by", at from movement where id = 1'
    ),
    "an event instead of another": (
        "insert or replace into event select agent, epoch, seq, attempt, 'finish', at, why, heard, applied from event"
    ),
}
REFUSED_BY_POSTGRESQL = {
    "no movements at all": "truncate movement",
    "no events at all": "truncate event",
    "a movement that changes when it is there": (
        "insert into movement select * from movement where id = 1 on conflict (id) do update set units = 99"
    ),
}


def refuses(office: Office, statement: str, told: Told) -> None:
    with pytest.raises(IntegrityError), office.store.write() as tx:
        tx.execute(text(statement), {"need": told.need, "lot": told.lot})


def test_the_database_refuses_whoever_asks(lived):
    office, told = lived
    own = REFUSED_BY_SQLITE if office.store.is_sqlite else REFUSED_BY_POSTGRESQL
    for statement in [*REFUSED.values(), *own.values()]:
        refuses(office, statement, told)
    assert checked(office).right


@ONLY_POSTGRESQL
def test_even_a_superuser_who_plays_replica_is_refused(lived):
    office, _ = lived
    engine = create_engine(office.store.url)
    with engine.connect() as tx:
        tx.execute(text("set session_replication_role = replica"))
        with pytest.raises(IntegrityError):
            tx.execute(text("delete from movement"))
    engine.dispose()


def test_two_writers_who_take_no_turns_cannot_draw_the_same_units(lived):
    """One unit is at the hub; two connections that know nothing of our lock want it."""
    office, told = lived
    with office.store.write() as tx:
        scrapped = movements.balance(tx, told.need, told.lot)[Account.SCRAPPED]
    assert scrapped == 2
    engine = create_engine(office.store.url)
    start, came, failed = threading.Barrier(2), list[str](), list[str]()

    def draw(cause: str) -> None:
        start.wait()
        try:
            with engine.begin() as tx:
                tx.execute(
                    text(f"{NEW} (:need, :lot, 'scrapped', 'good', 2, :cause, 'x', 1)"),
                    {"need": told.need, "lot": told.lot, "cause": cause},
                )
        except DBAPIError:
            failed.append(cause)
        else:
            came.append(cause)

    threads = [threading.Thread(target=draw, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    engine.dispose()
    assert (len(came), len(failed)) == (1, 1)


@ONLY_POSTGRESQL
def test_a_writer_who_looks_at_an_old_state_is_refused(lived):
    office, told = lived
    engine = create_engine(office.store.url, isolation_level="REPEATABLE READ")
    with pytest.raises(IntegrityError, match="read committed"), engine.begin() as tx:
        tx.execute(
            text(f"{NEW} (:need, :lot, 'scrapped', 'good', 1, 'x', 'x', 1)"),
            {"need": told.need, "lot": told.lot},
        )
    engine.dispose()


# ── without the guards ────────────────────────────────────────────────────────────────────────────────────


def unguard(tx: Connection) -> None:
    """What a superuser with bad intent would do."""
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        tx.exec_driver_sql("PRAGMA foreign_keys = OFF")
        for (name,) in tx.exec_driver_sql("select name from sqlite_master where type = 'trigger'").all():
            tx.exec_driver_sql(f"drop trigger {name}")
        return
    for table in ("movement", "event", "audit_log"):
        tx.exec_driver_sql(f"alter table {table} disable trigger all")
    constraints = (
        "select conname, conrelid::regclass from pg_constraint"
        " where contype = 'c' and connamespace = 'public'::regnamespace"
    )
    for name, table in tx.exec_driver_sql(constraints).all():
        tx.exec_driver_sql(f'alter table {table} drop constraint "{name}"')


TAMPERED = {
    "a grant of more": (
        "update movement set units = units + 1 where lot = :lot and target = 'promised'",
        ("units", "promised"),
    ),
    "a need that asks for more": (
        "update need set quantity = 41 where id = :need",
        ("units asked for", "needed"),
    ),
    "a need that is withdrawn": (
        "update need set cancelled = 1 where id = :need",
        ("units needed", "needed"),
    ),
    "a filing that was never": (
        "delete from movement where need = :need and cause like 'file:%'",
        ("units left", "needed"),
    ),
    "a count that was never": (
        "delete from movement where lot = :lot and target = 'scrapped'",
        ("units of a lot that is inspected", "printed"),
    ),
    "a count of more good": (
        "update attempt set good = good + 1, scrapped = scrapped - 1 where id = :lot",
        ("good units", "good"),
    ),
    "good units from nowhere": (
        f"{NEW} (:need, :lot, 'printed', 'good', 1, 'x', 'x', 1)",
        ("units left", "printed"),
    ),
    "an account that is none": (
        "update movement set target = 'my-cellar' where lot = :lot and target = 'scrapped'",
        ("account", "printed"),
    ),
    "units backwards": (
        "update movement set units = -units where lot = :lot and target = 'scrapped'",
        ("units", "printed"),
    ),
    "a lot that never was": (
        "update movement set lot = 'a-other' where lot = :lot and target = 'scrapped'",
        ("lot", "printed"),
    ),
    "a lot of another size": ("update attempt set count = count + 1 where id = :lot", ("units", "promised")),
    "a lot in another state": (
        "update attempt set state = 'failed', good = null, scrapped = null where id = :lot",
        ("units of a lot that is failed", "scrapped"),
    ),
    "a state that is none": ("update attempt set state = 'lovely' where id = :lot", ("record", None)),
    "a lot that is gone": ("delete from attempt where id = :lot", ("lot", "needed")),
    "a report that is gone": (
        "delete from event where attempt = :lot and step = 'print'",
        ("reported steps behind event:anna", "promised"),
    ),
    "a report of another lot": (
        "update event set attempt = 'a-other' where attempt = :lot and step = 'print'",
        ("lot that event:anna", "promised"),
    ),
    "a parcel of more": ("update parcel set units = units + 1 where id = :parcel", ("units in", "packed")),
    "a parcel that came whole": (
        "update parcel set received_units = units where id = :parcel",
        ("units in", "received"),
    ),
    "a parcel that is gone": ("delete from parcel where id = :parcel", ("parcels called", "at-hub")),
    "a receipt of more": (
        "update movement set units = units + 1 where target = 'received' and lot = :lot",
        ("units left", "in-transit"),
    ),
    "a loss that was kept quiet": (
        "delete from movement where target = 'written-off' and lot = :lot",
        ("units in", "written-off"),
    ),
    "a need for it once more": (
        f"{NEW} (:need, '', 'demand', 'needed', 1, 'x', 'x', 1)",
        ("units needed", "needed"),
    ),
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_what_was_tampered_with_is_named(lived, kind):
    office, told = lived
    statement, (figure, account) = TAMPERED[kind]
    names = {"need": told.need, "lot": told.lot, "parcel": told.parcel}
    engine = create_engine(office.store.url)
    with engine.begin() as tx:
        unguard(tx)
        changed = tx.execute(
            text(statement), {name: value for name, value in names.items() if f":{name}" in statement}
        )
        assert changed.rowcount == 1
    engine.dispose()
    found = checked(office)
    assert not found.right
    assert found.unguarded
    assert found.first is not None
    assert found.first.figure.startswith(figure), found.first
    assert found.first.account == account, found.first


def test_a_unit_that_goes_astray_is_named_with_its_movement(lived):
    office, told = lived
    with office.store.write() as tx, guards.lowered(tx):
        packed = {"cause": f"pack:{told.parcel}"}
        row = tx.execute(text("select id, units from movement where cause = :cause"), packed).one()
        tx.execute(text("update movement set units = units - 1 where cause = :cause"), packed)
    found = checked(office)
    # It still stands at the hub, as far as anyone can tell; but more left the parcel than was in it.
    assert found.first is not None
    assert (found.first.lot, found.first.account, found.first.found) == (told.lot, "packed", "-1")
    assert found.first.movement is not None
    assert found.first.movement > row.id
    assert found.unguarded == []


def test_movements_that_lead_below_zero_are_told_in_words(lived):
    office, told = lived
    moved = [Movement(told.need, told.lot, Account.SCRAPPED, Account.GOOD, 2)] * 2

    def draw() -> None:
        with office.store.write() as tx:
            movements.post(tx, moved, cause="x", by="x", now=1)

    with pytest.raises(Conflict, match="has not that many units in scrapped"):
        draw()
    assert checked(office).right


def test_what_one_movement_brings_the_next_of_the_same_cause_may_take(lived):
    """As where an attempt is adopted, of which nothing is asked for any more since a back-up was restored."""
    office, told = lived
    with office.store.write() as tx:
        asked = movements.needed(tx).get(told.need, 0)
        moved = adopted(told.need, "a-adopted", asked + 3, asked)
        movements.post(tx, moved, cause="adopt:a-adopted", by="coordinator", now=1)
        assert movements.balance(tx, told.need, "a-adopted")[Account.PROMISED] == asked + 3
        assert movements.needed(tx).get(told.need, 0) == 0
