"""Makers' links, addresses and pickups, and what is left of somebody who leaves, on each database."""

import base64
import json
import re

import pytest
from sqlalchemy import text

from coordinator import data_directory, request_context
from coordinator.errors import Conflict, Forbidden, Invalid, Missing
from coordinator.model.audit_log import check_chain
from coordinator.people import links
from coordinator.people.links import Astray
from coordinator.privacy import pickups
from coordinator.privacy.address import AddressCipher, PickupAddress, Unreadable
from coordinator.store import audit_log
from coordinator.work import overview, reports
from tests.unit.coordinator.office import Office, PlayedAgent
from wire.lifecycle import State, Step
from wire.messages import Blame

DOOR = PickupAddress(address="Quittenweg 17, 1140 Wien", contact="+43 555 0142", hours="after six")


def anna_at_home(office: Office) -> tuple[PlayedAgent, str]:
    """Anna with an address, and the token of her link."""
    anna = office.agent("anna")
    token = office.desk.link_agent("anna", by="ines")
    office.desk.give_address(token, DOOR)
    return anna, token


def something_waits(office: Office, anna: PlayedAgent, units: int = 2) -> str:
    office.needs(units)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.prints(lot)
    return lot


def acts(office: Office) -> list[tuple[str, str, str]]:
    with office.store.read() as tx:
        return [(each.by, each.act, each.subject) for each in audit_log.every(tx)]


def everything(office: Office) -> str:
    """Every row of every table, as text; without nonces, which only these tests make from names."""
    with office.store.read() as tx:
        names = ["agent", "printer", "attempt", "event", "movement", "need", "parcel", "hospital", "invite"]
        names += ["audit_log", "maker", "pickup"]
        rows = [str(row) for name in names for row in tx.execute(text(f"select * from {name}"))]
    return re.sub(r"[a-z]+-a{4}-nonce-\d+", "", "\n".join(rows))


# ── links ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_links_have_192_bits_and_are_kept_as_hashes(office: Office):
    _, hospitals = office.needs(1)
    _, makers = anna_at_home(office)
    for token in (hospitals, makers):
        assert len(base64.urlsafe_b64decode(token)) == 24
        assert token not in everything(office)


def test_a_wrong_an_old_and_a_replaced_link_get_the_same_answer(office: Office):
    need, old = office.needs(1)
    new = office.desk.relink_need(need.id, by="ines")
    assert office.desk.track(new).need == need.id
    answers: set[str] = set()
    for token in ("x" * 32, old):
        with pytest.raises(Astray) as refused:
            office.desk.track(token)
        answers.add(str(refused.value))
    office.now[0] += links.HOSPITAL
    for ask in (office.desk.track, office.desk.is_tracked):
        with pytest.raises(Astray) as refused:
            ask(new)
        answers.add(str(refused.value))
    assert len(answers) == 1
    assert "new one" in answers.pop()


def test_a_makers_link_ends_and_is_replaced_in_the_same_way(office: Office):
    _, old = anna_at_home(office)
    new = office.desk.link_agent("anna", by="ines")
    assert office.desk.maker(new).agent == "anna"
    with pytest.raises(Astray):
        office.desk.maker(old)
    office.now[0] += links.MAKER
    for ask in (office.desk.maker, office.desk.withdraw_address, office.desk.export_own):
        with pytest.raises(Astray):
            ask(new)
    with pytest.raises(Missing):
        office.desk.link_agent("nobody", by="ines")


def test_nobody_signs_by_a_link_that_was_replaced(office: Office):
    need, old = office.needs(1)
    office.desk.relink_need(need.id, by="ines")
    with pytest.raises(Astray):
        office.desk.receive(old, "p-none", units=1, signed_by="somebody")


# ── the address ───────────────────────────────────────────────────────────────────────────────────────────


def test_an_address_is_sealed_and_for_its_own_maker_only(office: Office):
    anna_at_home(office)
    assert "Quitten" not in everything(office)
    safe = AddressCipher(b"k" * 32)
    sealed = safe.seal(DOOR, "anna")
    assert safe.seal(DOOR, "anna") != sealed
    assert safe.open(sealed, "anna") == DOOR
    altered = base64.b64encode(base64.b64decode(sealed)[:-1] + b"x").decode()
    for other, text_, agent in (
        (AddressCipher(b"l" * 32), sealed, "anna"),
        (safe, sealed, "bert"),
        (safe, altered, "anna"),
        (safe, "no base 64!", "anna"),
        (safe, "", "anna"),
    ):
        with pytest.raises(Unreadable, match=r"addresses\.key"):
            other.open(text_, agent)


def test_an_address_that_is_printed_by_mistake_shows_nothing():
    assert "Quitten" not in f"{DOOR} {DOOR!r}"


def test_the_key_of_the_addresses_is_in_the_back_up(tmp_path):
    (tmp_path / "addresses.key").write_text("00")
    assert "addresses.key" in data_directory.keys(tmp_path)


def test_an_address_must_say_something(office: Office):
    _, token = anna_at_home(office)
    with pytest.raises(Invalid):
        office.desk.give_address(token, PickupAddress(address="  "))


def test_a_place_is_never_kept_finer_than_its_cell(office: Office):
    office.agent("anna", place=(48.20849, 16.37208))
    (view,) = office.desk.printers()
    assert view.printer.place == (48.2, 16.4)
    assert "48.20849" not in everything(office)
    assert reports.cell(None) is None


# ── pickups ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_address_is_seen_by_who_goes_there_and_only_while_something_waits(office: Office):
    care = office.desk
    anna, token = anna_at_home(office)
    assert care.pickups() == []
    with pytest.raises(Conflict):
        care.take_pickup("anna", by="carl")
    lot = something_waits(office, anna)
    (view,) = care.pickups()
    assert (view.agent, view.lots, view.units, view.has_address) == ("anna", [lot], 2, True)
    taken = care.take_pickup("anna", by="carl")
    assert care.take_pickup("anna", by="carl") == taken
    assert care.look_at_address(taken.id, by="carl") == (taken, DOOR)
    with pytest.raises(Missing):
        care.look_at_address(taken.id, by="paul")
    with pytest.raises(Conflict, match="carl"):
        care.take_pickup("anna", by="paul")
    office.desk.inspect(lot, good=2, scrapped=0, by="ines")
    assert care.look_at_address(taken.id, by="carl")[1] == DOOR
    office.desk.collect(lot, by="carl")
    with pytest.raises(Missing):
        care.look_at_address(taken.id, by="carl")
    assert [who for _, who in care.maker(token).looks] == ["carl", "carl"]
    assert [act for _, act, _ in acts(office)].count("address.look") == 2


def test_a_pickup_that_nobody_finishes_is_anybodys_again(office: Office):
    care = office.desk
    anna, _ = anna_at_home(office)
    something_waits(office, anna)
    taken = care.take_pickup("anna", by="carl")
    office.now[0] += pickups.LASTS + 1
    with pytest.raises(Missing):
        care.look_at_address(taken.id, by="carl")
    paul = care.take_pickup("anna", by="paul")
    care.give_back_pickup(paul.id, by="paul")
    with pytest.raises(Missing):
        care.look_at_address(paul.id, by="paul")
    (view,) = care.pickups()
    assert view.pickup is None


def test_when_all_units_were_scrapped_there_is_nothing_to_look_for(office: Office):
    care = office.desk
    anna, _ = anna_at_home(office)
    lot = something_waits(office, anna)
    taken = care.take_pickup("anna", by="carl")
    office.desk.inspect(lot, good=0, scrapped=2, by="ines")
    with pytest.raises(Missing):
        care.look_at_address(taken.id, by="carl")


@pytest.mark.parametrize("role", ["viewer", "inspector"])
def test_who_collects_nothing_sees_no_address(office: Office, role):
    anna, _ = anna_at_home(office)
    something_waits(office, anna)
    taken = office.desk.take_pickup("anna", by="carl")
    with request_context.acting(via="api", role=role):
        with pytest.raises(Forbidden):
            office.desk.take_pickup("anna", by="carl")
        with pytest.raises(Forbidden):
            office.desk.look_at_address(taken.id, by="carl")


def test_a_maker_who_gave_no_address_is_asked_to_bring(office: Office):
    anna = office.agent("anna")
    something_waits(office, anna)
    taken = office.desk.take_pickup("anna", by="carl")
    assert office.desk.look_at_address(taken.id, by="carl")[1] is None


def test_an_address_that_is_taken_away_is_gone(office: Office):
    anna, token = anna_at_home(office)
    something_waits(office, anna)
    office.desk.withdraw_address(token)
    taken = office.desk.take_pickup("anna", by="carl")
    assert office.desk.look_at_address(taken.id, by="carl")[1] is None
    assert office.desk.maker(token).address_given is None


def test_only_an_admin_takes_a_makers_data_out_and_the_maker_sees_that(office: Office):
    _, token = anna_at_home(office)
    for role in ("viewer", "inspector", "courier", "coordinator"):
        with request_context.acting(via="api", role=role), pytest.raises(Forbidden):
            office.desk.export_agent("anna", by="ines")
    office.desk.export_own(token)
    assert office.desk.maker(token).looks == []
    with request_context.acting(via="api", role="admin"):
        assert office.desk.export_agent("anna", by="ada")["address"]["address"] == DOOR.address
    assert [who for _, who in office.desk.maker(token).looks] == ["ada"]


# ── the maker's page ──────────────────────────────────────────────────────────────────────────────────────


def test_a_maker_sees_what_became_of_the_own_units_and_not_for_whom(office: Office):
    anna, token = anna_at_home(office)
    bert = office.agent("bert")
    hospital = office.vetted("Sankt Elisabeth")
    need, hospitals = office.needs(4, hospital=hospital)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.prints(lot)
    office.desk.inspect(lot, good=3, scrapped=1, by="ines")
    bert.is_ready()
    office.desk.collect(lot, by="carl")
    parcel = office.desk.pack(need.id, by="paul", units=2)
    office.desk.send(parcel.id, by="paul")
    office.desk.receive(hospitals, parcel.id, units=1, signed_by="sister Agnes")
    page = office.desk.maker(token)
    (made,) = page.made
    assert made.state is State.INSPECTED
    assert made.whereabouts == {
        "at the hub": 1,
        "received by a hospital": 1,
        "not usable": 1,
        "lost on the way": 1,
    }
    assert [printer.name for printer in page.printers] == ["one"]
    for never in ("Elisabeth", "bert", "16.3", need.id, hospital, "Agnes"):
        assert never not in str(page)


def test_what_people_wrote_about_a_lot_is_not_for_its_maker(office: Office):
    anna, token = anna_at_home(office)
    office.needs(2)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START)
    anna.dies()
    office.now[0] += 90_000
    office.conversation.sweep()
    office.desk.write_off(lot, by="ines", why="anna does not pick up the phone")
    office.needs(2)
    anna.connection += 1
    anna.is_born()
    anna.is_ready()
    anna.reports(anna.grants[-1].attempt, Step.FETCH, Step.REFUSE, why="the disk is full")
    made = {each.state: each.why for each in office.desk.maker(token).made}
    assert made == {State.FAILED: "", State.REFUSED: "the disk is full"}


# ── who leaves ────────────────────────────────────────────────────────────────────────────────────────────


def a_past(office: Office) -> tuple[PlayedAgent, str, str, str]:
    """Anna with a lot behind her and one under way; (agent, token, the first lot, its need)."""
    anna, token = anna_at_home(office)
    need, _ = office.needs(3)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.prints(lot)
    office.desk.inspect(lot, good=3, scrapped=0, by="ines")
    office.needs(2)
    anna.is_ready()
    anna.reports(anna.grants[-1].attempt, Step.FETCH, Step.CHECK, Step.START, why="annas-pi says hello")
    return anna, token, lot, need.id


def test_of_a_maker_that_left_the_lots_stay_and_the_name_does_not(office: Office):
    _, token, lot, need = a_past(office)
    before = len(acts(office))
    ref = office.desk.erase_agent("anna", by="ines")
    rows = everything(office)
    for never in ("anna", "Quitten", "48.2,16.3", "[48.2"):
        assert never not in rows.replace("St Anna", "")
    known = office.desk.attempt(lot)
    assert (known.agent, known.good, known.need) == (ref, 3, need)
    assert {view.printer.agent for view in office.desk.printers()} == {ref}
    assert acts(office)[before:] == [("ines", "privacy.erase", f"maker/{ref}")]
    with office.store.read() as tx:
        assert check_chain(audit_log.every(tx)).whole
        assert overview.check_ledger(tx).right
    with pytest.raises(Astray):
        office.desk.maker(token)
    with pytest.raises(Missing):
        office.desk.link_agent("anna", by="ines")


def test_what_a_maker_that_left_had_under_way_is_printed_by_another(office: Office):
    anna, _, _, _ = a_past(office)
    running = anna.grants[-1].attempt
    office.desk.erase_agent("anna", by="ines")
    anna.reports(running, Step.PRINT)  # nobody listens
    anna.is_ready()
    office.now[0] += 90_000
    office.conversation.sweep()
    assert office.desk.attempt(running).state is State.SUSPECT
    bert = office.agent("bert")
    bert.is_ready()
    assert bert.grants[-1].count == 2


def test_the_name_of_one_that_left_is_free_and_its_new_owner_sees_nothing_of_before(office: Office):
    a_past(office)
    office.desk.erase_agent("anna", by="ines")
    office.agent("anna")
    page = office.desk.maker(office.desk.link_agent("anna", by="ines"))
    assert (page.made, page.address_given, page.looks) == ([], None, [])


def test_why_a_need_is_held_names_nobody_that_left(office: Office):
    need, _ = office.needs(5)
    office.is_held(need.id)
    ref = office.desk.erase_agent("yves", by="ines")
    assert f"printer-1 of {ref}: the gate refused line 7" in office.desk.need(need.id).need.held_why
    assert "yves" not in everything(office)


def test_a_printer_that_is_called_like_a_number_stays_another(office: Office):
    anna = office.agent("anna")
    with office.store.write() as tx:
        tx.execute(
            text(
                "insert into printer (agent, name, driver, profile, material, counter)"
                " select agent, 'printer-1', driver, profile, material, 0 from printer"
            )
        )
    something_waits(office, anna)
    ref = office.desk.erase_agent("anna", by="ines")
    names = [(view.printer.agent, view.printer.name) for view in office.desk.printers()]
    assert names == [(ref, "printer-1"), (ref, "printer-2")]


def test_to_erase_twice_changes_nothing_more(office: Office):
    a_past(office)
    ref = office.desk.erase_agent("anna", by="ines")
    assert office.desk.erase_agent(ref, by="ines") == ref


def test_a_maker_leaves_by_the_own_link_after_typing_the_name(office: Office):
    _, token = anna_at_home(office)
    with pytest.raises(Invalid):
        office.desk.erase_own(token, name="bert")
    office.desk.erase_own(token, name="anna")
    assert "anna" not in everything(office)


def test_what_is_handed_out_is_all_that_is_held_and_no_secret(office: Office):
    _, token, lot, _ = a_past(office)
    held = office.desk.export_own(token)
    assert held["address"] == {
        "address": DOOR.address,
        "contact": DOOR.contact,
        "hours": DOOR.hours,
    }
    rows = held["held"]
    assert {"agent", "printer", "attempt", "event", "maker", "pickup", "ready"} <= rows.keys()
    assert [each["id"] for each in rows["attempt"]].count(lot) == 1
    assert len(rows["event"]) == 9
    assert list(rows["agent"][0]["place"]) == [48.2, 16.3]
    said = json.dumps(held)
    assert token not in said
    assert '"token"' not in said
    by_ines = office.desk.export_agent("anna", by="ines")
    assert by_ines["held"] == held["held"]
    exports = [each["act"] for each in by_ines["audit_log"] if each["act"].startswith("privacy.export")]
    assert exports == ["privacy.export", "privacy.export-own"]


def test_of_a_hospital_that_asks_who_spoke_and_signed_is_forgotten(office: Office):
    anna = office.agent("anna")
    hospital = office.vetted()
    need, token = office.needs(2, hospital=hospital)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.prints(lot)
    office.desk.inspect(lot, good=2, scrapped=0, by="ines")
    office.desk.collect(lot, by="carl")
    parcel = office.desk.pack(need.id, by="paul")
    office.desk.send(parcel.id, by="paul")
    office.desk.receive(token, parcel.id, units=1, signed_by="sister Agnes", remark="Dr Huber wants more")
    held = office.desk.export_hospital(hospital, by="ines")
    assert held["held"]["hospital"][0]["contact"] == "ward 3"
    assert held["held"]["parcel"][0]["received_by"] == "sister Agnes"
    office.desk.erase_hospital(hospital, by="ines")
    rows = everything(office)
    assert not [never for never in ("Agnes", "Huber", "ward 3") if never in rows]
    with pytest.raises(Astray):
        office.desk.track(token)
    assert office.desk.need(need.id).progress.received == 1
    with office.store.read() as tx:
        assert overview.check_ledger(tx).right
    for ask in (office.desk.export_hospital, office.desk.erase_hospital):
        with pytest.raises(Missing):
            ask("h-none", by="ines")


def test_who_signed_under_an_older_version_is_forgotten_too(office: Office):
    from coordinator.store import guards

    hospital = office.vetted()
    need, _ = office.needs(2, hospital=hospital)
    with office.store.write() as tx, guards.lowered(tx):
        tx.execute(text("update movement set cause = 'receive:p-1', \"by\" = 'sister Agnes'"))
    office.desk.erase_hospital(hospital, by="ines")
    assert "Agnes" not in everything(office)
    with office.store.write() as tx, guards.lowered(tx):
        tx.execute(text("update movement set cause = :cause"), {"cause": f"file:{need.id}"})


def test_a_fault_of_a_part_is_nobodys_secret(office: Office):
    """What a printer refused stays on record for the part's sake, without the words of the maker's own machine."""
    anna = office.agent("anna")
    office.needs(2)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.REFUSE, why="/home/anna/x is full", blame=Blame.NOBODY)
    office.desk.erase_agent("anna", by="ines")
    known = office.desk.attempt(lot)
    assert (known.state, known.why) == (State.REFUSED, "")
