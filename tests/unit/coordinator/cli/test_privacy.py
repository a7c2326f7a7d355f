"""Links, pickups, and what people may have told and forgotten, by command."""

from coordinator.privacy.address import PickupAddress


def test_a_hospitals_link_is_replaced(far, office):
    need, old = office.needs(3)
    made = far("need", "relink", need.id, "--json").json["link"]
    token = made.rpartition("/")[2]
    assert office.desk.track(token).need == need.id
    assert token != old
    far("need", "relink", "n-none").complains(2, "n-none")


def test_a_maker_gets_a_link_a_courier_an_address_and_who_leaves_is_forgotten(far, office):
    anna = office.agent("anna")
    link = far("agent", "link", "anna", "--json").json["link"]
    office.desk.give_address(
        link.rpartition("/")[2], PickupAddress(address="Quittenweg 17", hours="after six")
    )
    office.needs(2)
    anna.is_ready()
    anna.prints(anna.grants[-1].attempt)
    assert "given" in far("pickup", "list").out
    taken = far("pickup", "take", "anna", "--json").json["id"]
    assert "Quittenweg 17" in far("pickup", "show", taken).out
    far("pickup", "show", taken, "--as", "Paul").complains(2, "no such pickup")
    assert far("pickup", "give-back", taken).code == 0
    held = far("privacy", "export", "agent", "anna").json
    assert held["address"]["hours"] == "after six"
    ref = far("privacy", "erase", "agent", "anna", "--yes", "--json").json["name"]
    assert [view.printer.agent for view in office.desk.printers()] == [ref]
    far("privacy", "export", "agent", "anna").complains(2, "anna")


def test_who_spoke_for_a_hospital_is_forgotten(far, office):
    hospital = office.vetted()
    assert far("privacy", "export", "hospital", hospital).json["held"]["hospital"][0]["contact"] == "ward 3"
    assert "forgotten" in far("privacy", "erase", "hospital", hospital, "--yes").out
    assert office.desk.hospitals()[0].contact == "(erased)"
