"""Every act of a person is in the trail, in the transaction of the act; and nobody takes it out unseen."""

import ast
import inspect
import textwrap
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import text

from coordinator import request_context
from coordinator.care import Care
from coordinator.desk import Desk
from coordinator.errors import Problem
from coordinator.model.audit_log import Entry, follow
from coordinator.privacy.address import Doorstep
from coordinator.store import audit_log, guards
from tests.unit.coordinator.office import Office, open_office
from wire.lifecycle import Step
from wire.messages import Wish


def entries(office: Office) -> list[Entry]:
    with office.store.read() as tx:
        return list(audit_log.every(tx))


def a_lot(office: Office, units: int = 2) -> tuple[str, str, str]:
    """(need, token, lot) of a plate that is being printed."""
    need, token = office.needs(units)
    anna = office.agent("anna")
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    return need.id, token, lot


def off_the_bed(office: Office) -> tuple[str, str, str]:
    need, token = office.needs(2)
    anna = office.agent("anna")
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.prints(lot)
    return need.id, token, lot


def counted(office: Office) -> tuple[str, str, str]:
    need, token, lot = off_the_bed(office)
    office.desk.inspect(lot, good=2, scrapped=0, by="ines")
    return need, token, lot


def packed(office: Office) -> tuple[str, str]:
    need, token, lot = counted(office)
    office.desk.collect(lot, by="carl")
    return token, office.desk.pack(need, by="paul").id


def doubted(office: Office) -> str:
    lot = a_lot(office)[2]
    office.now[0] += 90_000
    with office.store.write() as tx:
        tx.execute(text("update agent set online = false, seen = 0"))
    office.conversation.sweep()
    return lot


def sent(office: Office) -> tuple[str, str]:
    token, parcel = packed(office)
    office.desk.send(parcel, by="paul")
    return token, parcel


def a_hospital(office: Office) -> str:
    return office.desk.add_hospital(name="St Anna", contact="ward 3", latitude=48.2, longitude=16.3).id


def held(office: Office) -> str:
    need, _ = office.needs(5)
    office.is_held(need.id)
    return need.id


def linked(office: Office) -> str:
    office.agent("anna")
    return office.desk.care.link_agent("anna", by="ines")


def taken(office: Office) -> str:
    off_the_bed(office)
    return office.desk.care.take_pickup("anna", by="ines").id


def at_hub(office: Office) -> str:
    need, _, lot = counted(office)
    office.desk.collect(lot, by="carl")
    return need


PERMISSIONS: dict[str, tuple[str, Callable[[Office], tuple[str, ...]], dict[str, object]]] = {
    "add_hospital": (
        "hospital.add",
        lambda office: (),
        {"name": "St Anna", "contact": "ward 3", "latitude": 48.2, "longitude": 16.3},
    ),
    "approve_hospital": ("hospital.approve", lambda office: (a_hospital(office),), {}),
    "file_need": ("need.file", lambda office: (), {"part": "ear-saver", "quantity": 3}),
    "cancel_need": ("need.cancel", lambda office: (office.needs(3)[0].id,), {}),
    "release_need": ("need.release", lambda office: (held(office),), {}),
    "ask": ("attempt.pause", lambda office: (a_lot(office)[2], Wish.PAUSE), {}),
    "inspect": ("attempt.inspect", lambda office: (off_the_bed(office)[2],), {"good": 1, "scrapped": 1}),
    "collect": ("attempt.collect", lambda office: (counted(office)[2],), {}),
    "vouch": ("attempt.vouch", lambda office: (doubted(office),), {"why": "she rang me"}),
    "write_off": ("attempt.write-off", lambda office: (doubted(office),), {"why": "she moved away"}),
    "pack": ("parcel.pack", lambda office: (at_hub(office),), {}),
    "send": ("parcel.send", lambda office: (packed(office)[1],), {}),
    "receive": ("parcel.receive", sent, {"units": 2, "by": "sister Agnes", "note": "thank you"}),
    "invite": ("agent.invite", lambda office: (), {}),
    "revoke": ("agent.revoke", lambda office: (office.agent("anna").name,), {"why": "stolen"}),
    "relink_need": ("need.relink", lambda office: (office.needs(1)[0].id,), {}),
}
"""Every method of the desk by which somebody changes something: what is noted, what is there before, and the rest."""

CARES: dict[str, tuple[str, Callable[[Office], tuple[str, ...]], dict[str, object]]] = {
    "link_agent": ("maker.link", lambda office: (office.agent("anna").name,), {}),
    "give_address": (
        "address.give",
        lambda office: (linked(office),),
        {"doorstep": Doorstep(address="moved")},
    ),
    "withdraw_address": ("address.withdraw", lambda office: (linked(office),), {}),
    "export_own": ("privacy.export", lambda office: (linked(office),), {}),
    "erase_own": ("privacy.erase", lambda office: (linked(office),), {"name": "anna"}),
    "take_pickup": ("pickup.take", lambda office: (off_the_bed(office) and "anna",), {}),
    "give_back_pickup": ("pickup.give-back", lambda office: (taken(office),), {}),
    "look_at_address": ("address.look", lambda office: (taken(office),), {}),
    "export_agent": ("privacy.export", lambda office: (office.agent("anna").name,), {}),
    "erase_agent": ("privacy.erase", lambda office: (office.agent("anna").name,), {}),
    "export_hospital": ("privacy.export", lambda office: (a_hospital(office),), {}),
    "erase_hospital": ("privacy.erase", lambda office: (a_hospital(office),), {}),
}
"""The same of what cares for people's own."""
BY_LINK = ("receive", "give_address", "withdraw_address", "export_own", "erase_own")
NO_PERSONS: dict[str, str] = {
    "enrol": "an agent asks; it is noted all the same",
    "renew": "an agent asks, by itself",
}


@pytest.mark.parametrize(
    ("where", "tried"),
    [(Desk, PERMISSIONS.keys() | NO_PERSONS.keys()), (Care, CARES.keys())],
    ids=["desk", "care"],
)
def test_every_method_that_writes_is_tried_here(where, tried):
    def writes(method: str) -> bool:
        source = ast.parse(textwrap.dedent(inspect.getsource(getattr(where, method))))
        return any(
            isinstance(each, ast.Attribute)
            and (each.attr == "write" or (each.attr == "ask" and method == "ask"))
            for each in ast.walk(source)
        )

    public = [name for name in vars(where) if not name.startswith("_")]
    assert {name for name in public if writes(name)} == tried


@pytest.mark.parametrize("method", PERMISSIONS | CARES)
def test_what_somebody_does_is_noted_once_with_who_and_by_what_way(tmp_path, method):
    office = open_office(tmp_path, f"sqlite:///{tmp_path}/muster.db")
    act, prepare, asked = (PERMISSIONS | CARES)[method]
    if method not in BY_LINK:
        asked = {"by": "ines"} | asked
    if method == "file_need":
        asked |= {"hospital": office.vetted()}
    there = prepare(office)
    before = len(entries(office))
    with request_context.acting(via="page", role="admin"):
        getattr(office.desk if method in PERMISSIONS else office.desk.care, method)(*there, **asked)
    (made,) = entries(office)[before:]
    assert (made.act, made.via, made.role) == (act, "page", "admin")
    assert made.by == "ines" or (method in BY_LINK and made.by.startswith(("hospital/h-", "maker/m-")))
    said = " ".join((made.by, made.subject, made.details))
    assert not [word for word in ("Agnes", "thank", "rang", "moved", "ward", "anna", "Anna") if word in said]
    assert follow(entries(office)).whole
    office.store.close()


def test_what_was_refused_is_not_noted(office: Office):
    need, _, lot = off_the_bed(office)
    before = len(entries(office))
    for refused in (
        lambda: office.desk.inspect(lot, good=9, scrapped=9, by="ines"),
        lambda: office.desk.ask(lot, Wish.PAUSE, by="ines"),
        lambda: office.desk.pack(need, by="ines"),
        lambda: office.desk.release_need(need, by="ines"),
    ):
        with pytest.raises(Problem):
            refused()
    assert len(entries(office)) == before


def test_an_act_that_is_undone_leaves_no_note(office: Office):
    office.needs(2)
    before = entries(office)

    def fail_late() -> None:
        with office.store.write() as tx:
            audit_log.note(tx, by="ines", act="need.file", on="need/n-1", now=1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_late()
    assert entries(office) == before


def test_many_at_once_make_one_chain(office: Office):
    hospital = office.vetted()

    def work() -> None:
        for _ in range(8):
            office.desk.file_need(hospital=hospital, part="ear-saver", quantity=1, by="ines")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = entries(office)
    assert follow(made).entries == 2 + 32
    assert follow(made).whole


def test_a_row_that_a_superuser_alters_is_named(office: Office):
    for _ in range(4):
        office.needs(1)
    with office.store.write() as tx, guards.lowered(tx):
        tx.execute(text("update trail set \"by\" = 'nobody' where number = 5"))
    found = follow(entries(office))
    assert found.first is not None
    assert found.first.number == 5
    with office.store.read() as tx:
        assert guards.missing(tx) == []
    office.needs(1)  # work goes on
