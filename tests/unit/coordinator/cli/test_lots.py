"""A unit's way by commands alone, and what becomes of lots that go astray."""

import os

import pytest

from coordinator.client import Client
from wire.lifecycle import Step
from wire.messages import Request, Wish


def test_agents_are_listed_and_revoked(far, office):
    office.agent("anna")
    assert "no agent has joined" not in far("agent", "list").out
    assert "anna" in far("agent", "list").out
    assert "Núria" in far("agent", "revoke", "anna", "--why", "lost", "--json").json["revoked_by"]
    assert "revoked just now by Núria: lost" in " ".join(far("agent", "list").out.split())
    far("agent", "revoke", "anna", "--why", "lost").complains(2, "revoked already")
    far("agent", "revoke", "nobody", "--why", "lost").complains(2, "nobody")
    far("agent", "revoke", "anna").complains(2, "--why")
    assert far("invite", "--agent", "anna").out.startswith("muster1.")
    far("invite", "--agent", "nobody").complains(2, "agent list")


def test_a_unit_goes_all_the_way_to_a_signature(far, office):
    hospital = office.vetted("St Anna")
    filed = far(
        "need", "file", "--hospital", hospital, "--part", "ear-saver", "--quantity", "3", "--json"
    ).json
    need = filed["need"]["id"]
    anna = office.agent("anna")
    assert "idle" in far("printer", "list").out
    anna.is_ready()
    lot = far("attempt", "list", "--open", "--json").json[0]["id"]
    assert "3 units of ear-saver" in far("printer", "list").out
    anna.prints(lot)
    assert "to be inspected" in far("attempt", "show", lot).out
    far("attempt", "inspect", lot, "--good", "3", "--scrapped", "1").complains(
        2, "must add up to the 3 units"
    )
    assert (
        "2 units good, 1 scrapped and printed again"
        in far("attempt", "inspect", lot, "--good", "2", "--scrapped", "1").out
    )
    assert "2 good, 1 scrapped, by Núria" in far("attempt", "show", lot).out
    far("parcel", "pack", need).complains(2, "0 units of")
    assert "2 units" in far("attempt", "collect", lot).out
    far("parcel", "pack", need, "--units", "-1").complains(2, "units: ")
    parcel = far("parcel", "pack", need, "--json").json["id"]
    assert "in transit with 2 units" in far("parcel", "send", parcel).out
    with Client(os.environ["MUSTER_URL"], "") as ward:
        token = filed["tracking"].rpartition("/")[2]
        assert ward.track(token).progress.in_transit == 2
        ward.receive(token, parcel, units=2, by="Sister Ana")
    shown = far("need", "show", need).out
    assert "1 needed, 2 received, 1 scrapped" in shown
    assert "2 units received" in shown
    assert far("ledger", "--json").json["balanced"]


@pytest.mark.parametrize(
    ("command", "steps", "wish"),
    [
        ("pause", (Step.FETCH, Step.CHECK, Step.START, Step.PRINT), Wish.PAUSE),
        ("resume", (Step.FETCH, Step.CHECK, Step.START, Step.PRINT, Step.PAUSE), Wish.RESUME),
        ("cancel", (Step.FETCH,), Wish.CANCEL),
        ("cleared", (Step.FETCH, Step.CHECK, Step.START, Step.PRINT, Step.FINISH), Wish.CLEARED),
    ],
)
def test_an_agent_is_asked_and_decides(far, office, command, steps, wish):
    office.needs(3)
    anna = office.agent("anna")
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, *steps)
    said = far("attempt", command, lot)
    assert said.code == 0
    assert "anna is" in said.out
    assert "and decides" in said.out
    asked = office.posted[-1][1]
    assert isinstance(asked, Request)
    assert (asked.attempt, asked.wish, asked.by) == (lot, wish, "Núria")


def test_a_wish_that_comes_too_late_is_refused(far, office):
    office.needs(3)
    anna = office.agent("anna")
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.prints(lot)
    far("attempt", "pause", lot).complains(2, "can't be paused now")
    far("attempt", "write-off", lot, "--why", "gone").complains(2, "only a suspect lot can be written off")


def test_a_suspect_lot_is_written_off(far, office):
    need, _ = office.needs(3)
    anna = office.agent("anna")
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    anna.dies()
    office.now[0] += 3600
    office.conversation.sweep()
    assert "out of contact" in far("attempt", "list").out
    assert "its 3 units will not come" in far("attempt", "write-off", lot, "--why", "moved away").out
    assert "3 written off" in far("need", "show", need.id).out


def test_a_suspect_lot_that_turns_up_is_vouched_for(far, office):
    office.needs(3)
    anna = office.agent("anna")
    anna.is_ready()
    lot = anna.grants[-1].attempt
    far("attempt", "vouch", lot, "--why", "here").complains(2, "only a suspect lot can be vouched for")
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    anna.loses_its_disk()
    assert f"muster attempt inspect {lot}" in far("attempt", "vouch", lot, "--why", "she brought them").out


def test_a_held_need_is_shown_with_its_reasons_and_given_out_again(far, office):
    need, _ = office.needs(3)
    far("need", "release", need.id).complains(2, "is not held")
    office.is_held(need.id)
    assert "held" in far("need", "list").out
    assert "the gate refused line 7" in far("need", "show", need.id).out
    assert "given out again" in far("need", "release", need.id).out
