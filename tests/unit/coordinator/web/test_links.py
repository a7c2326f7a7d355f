"""Links that are keys, over HTTP: nobody passes them on by mistake, and guessing leads nowhere. And addresses: who
has no business there finds no word of one, wherever they look."""

import re

import httpx
import pytest
from fastapi.routing import APIRoute

from coordinator.errors import Slow
from coordinator.privacy.address import PickupAddress
from coordinator.rate_limit import LINKS, WrongTries
from tests.unit.coordinator.office import PlayedAgent
from tests.unit.coordinator.web.house import House

FREE, SPAN = LINKS
STREET = "Quittenweg"
PHONE = "5550142"
WORDS = (STREET, PHONE, "after-six")
PAGE = {"Accept": "text/html"}


def at_home(house: House) -> tuple[PlayedAgent, str]:
    anna = house.office.agent("anna")
    token = house.office.desk.link_agent("anna", by="ines")
    house.office.desk.give_address(
        token, PickupAddress(address=f"{STREET} 17", contact=PHONE, hours="after-six")
    )
    return anna, token


def waits(house: House, anna: PlayedAgent) -> tuple[str, str]:
    """(need, lot) of something that waits at Anna's."""
    need, _ = house.office.needs(2)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.prints(lot)
    return need.id, lot


# ── links ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/t/{}", "/m/{}", "/api/track/{}", "/api/maker/{}"])
def test_what_a_link_shows_is_neither_kept_nor_passed_on(house: House, path):
    _, hospitals = house.office.needs(1)
    _, makers = at_home(house)
    token = hospitals if "t" in path.split("/")[1:3] or "track" in path else makers
    with house.stranger() as client:
        for which in (token, "x" * 32):
            answer = client.get(path.format(which), headers=PAGE)
            assert answer.status_code == (200 if which == token else 404)
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("start", ["/t/", "/m/", "/api/track/", "/api/maker/"])
def test_wrong_ended_and_replaced_links_can_not_be_told_apart(house: House, start):
    need, old = house.office.needs(1)
    at_home(house)
    if "m" in start:
        old = house.office.desk.link_agent("anna", by="ines")
        new = house.office.desk.link_agent("anna", by="ines")
    else:
        new = house.office.desk.relink_need(need.id, by="ines")
    with house.stranger() as client:
        assert client.get(start + new).status_code == 200
        said = [client.get(start + each) for each in ("x" * 32, old)]
        house.office.now[0] += 400 * 86_400
        said.append(client.get(start + new))
    assert {each.status_code for each in said} == {404}
    assert len({each.text for each in said}) == 1
    assert "new one" in said[0].text


def test_who_guesses_is_made_to_wait_and_who_has_a_link_is_not(house: House):
    _, token = house.office.needs(1)
    _, other = house.office.needs(1)
    with house.stranger() as client:
        assert client.get(f"/t/{token}").status_code == 200
        answers = [client.get(f"/t/guess-{number}").status_code for number in range(FREE + 3)]
        assert answers == [404] * FREE + [429] * 3
        assert client.get("/m/guess").status_code == 429, "one count for all kinds of links"
        assert client.get(f"/t/{token}").status_code == 200, "they were here before"
        slow = client.get(f"/api/track/{other}")
        assert slow.status_code == 429
        assert int(slow.headers["Retry-After"]) > 0
        house.office.now[0] += SPAN
        assert client.get(f"/t/{other}").status_code == 200


def test_guesses_are_counted_by_network_and_forgotten_in_time():
    now = [0.0]
    guesses = WrongTries(lambda: now[0], LINKS, "wait")
    for number in range(FREE):
        guesses.enter(f"2001:db8::{number:x}", f"x{number}")
        guesses.missed(f"2001:db8::{number:x}", f"x{number}")
    with pytest.raises(Slow):
        guesses.enter("2001:db8::ffff", "y")
    guesses.enter("2001:db8:0:1::1", "y")
    guesses.enter("192.0.2.1", "y")
    guesses.enter("not an address", "y")
    now[0] += SPAN
    guesses.enter("2001:db8::1", "y")
    guesses.missed("2001:db8::1", "y")
    guesses.enter("2001:db8::1", "z")


def test_a_right_link_that_ends_is_a_guess_from_then_on():
    guesses = WrongTries(lambda: 0.0, LINKS, "wait")
    guesses.found("right")
    for number in range(FREE):
        guesses.missed("192.0.2.1", f"x{number}")
    guesses.enter("192.0.2.1", "right")
    guesses.missed("192.0.2.1", "right")
    with pytest.raises(Slow):
        guesses.enter("192.0.2.1", "right")


def test_a_new_link_is_shown_once_on_the_needs_page(house: House):
    need, old = house.office.needs(1)
    with house.browser("Ines") as browser:
        assert browser.post(f"/needs/{need.id}/relink").status_code == 303
        shown = browser.get(f"/needs/{need.id}").text
        link = re.search(r"/t/([\w-]{32})", shown)
        assert link is not None
        assert link[1] != old
        assert link[1] not in browser.get(f"/needs/{need.id}").text
    assert house.office.desk.track(link[1]).need == need.id


def test_a_makers_link_is_shown_for_handing_over(house: House):
    at_home(house)
    with house.browser("Ines") as browser:
        assert "/printers/agents/anna/link" in browser.get("/printers").text
        shown = browser.post("/printers/agents/anna/link")
    link = re.search(rf"{house.url}/m/([\w-]{{32}})", shown.text)
    assert link is not None
    assert house.office.desk.maker(link[1]).agent == "anna"


# ── the maker's own ───────────────────────────────────────────────────────────────────────────────────────


def test_a_maker_says_where_takes_the_data_along_and_leaves(house: House):
    anna = house.office.agent("anna")
    token = house.office.desk.link_agent("anna", by="ines")
    with house.stranger() as client:
        at = f"/api/maker/{token}"
        assert client.get(at).json()["address_given"] is None
        assert client.post(f"{at}/address", json={"address": f"{STREET} 17"}).status_code == 204
        shown = client.get(at)
        assert shown.json()["address_given"] is not None
        assert STREET not in shown.text
        assert client.get(f"{at}/export").json()["address"]["address"] == f"{STREET} 17"
        assert client.delete(f"{at}/address").status_code == 204
        assert client.get(f"{at}/export").json()["address"] is None
        assert client.post(f"{at}/address", json={"address": ""}).status_code == 422
        assert client.post(f"{at}/erase", json={"name": "bert"}).status_code == 422
        assert client.post(f"{at}/erase", json={"name": "anna"}).status_code == 204
        assert client.get(at).status_code == 404
    anna.is_ready()
    assert anna.grants == []


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────────────


def everywhere(house: House, names: dict[str, str]) -> list[str]:
    """Every path that can be got, with each name that could stand in it."""
    found: list[str] = []
    rooms = [getattr(each, "original_router", None) for each in house.app.routes]
    for route in [*house.app.routes, *(each for room in rooms if room for each in room.routes)]:
        if not isinstance(route, APIRoute) or "GET" not in (route.methods or ()) or "events" in route.path:
            continue
        found.append(re.sub(r"\{(\w+)\}", lambda part: names.get(part[1], "nobody"), route.path))
    assert len(found) > 20
    return [each for each in found if "/privacy/agents/" not in each]


def test_no_word_of_an_address_is_anywhere_but_with_who_goes_there(house: House, capsys):
    anna, _ = at_home(house)
    need, lot = waits(house, anna)
    _, hospitals = house.office.needs(1)
    taken = house.office.desk.take_pickup("anna", by="Carl")
    names = {"need": need, "attempt": lot, "agent": "anna", "pickup": taken.id, "token": hospitals}
    asked: list[httpx.Response] = []
    for client in (house.client("Paul"), house.client("Ines"), house.stranger()):
        with client:
            for path in everywhere(house, names):
                asked += [client.get(path), client.get(path, headers=PAGE)]
            asked.append(client.post("/api/agents/anna/pickup"))
            asked.append(client.post(f"/api/pickups/{taken.id}/give-back"))
            asked.append(client.post("/api/agents/anna/pickup", content=b"{"))
    assert {each.status_code for each in asked} >= {200, 401, 404, 409}
    assert not [each.status_code for each in asked if each.status_code >= 500]
    for answer in asked:
        said = answer.text + str(answer.headers)
        assert not [word for word in WORDS if word in said], answer.request.url
    logged = capsys.readouterr()
    assert not [word for word in WORDS if word in logged.out + logged.err]


def test_who_goes_there_sees_it_until_all_is_collected(house: House):
    anna, _ = at_home(house)
    _, lot = waits(house, anna)
    with house.client("Carl") as carl:
        taken = carl.post("/api/agents/anna/pickup").json()["id"]
        stop = carl.get(f"/api/pickups/{taken}").json()
        assert stop["address"]["address"] == f"{STREET} 17"
        assert STREET in carl.get(f"/pickups/{taken}", headers=PAGE).text
        carl.post(f"/api/attempts/{lot}/inspect", json={"good": 2, "scrapped": 0})
        carl.post(f"/api/attempts/{lot}/collect")
        for path in (f"/api/pickups/{taken}", f"/pickups/{taken}"):
            over = carl.get(path)
            assert over.status_code == 404
            assert STREET not in over.text
        looks = carl.get("/api/audit-log?act=address.look").json()
    assert [(each["by"], each["via"]) for each in looks] == [("Carl", "page"), ("Carl", "api")]


# ── the audit log ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_audit_log_is_shown_a_page_at_a_time_and_filtered(house: House):
    hospital = house.office.vetted()
    for number in range(5):
        house.office.desk.file_need(
            hospital=hospital, part="ear-saver", quantity=1, by="Ines" if number % 2 else "Paul"
        )
    with house.client("Ines") as client:
        first = client.get("/api/audit-log?act=need.&most=2").json()
        second = client.get(f"/api/audit-log?act=need.&most=2&before={first[-1]['number']}").json()
        assert [each["number"] for each in first + second] == [7, 6, 5, 4]
        assert [each["number"] for each in client.get("/api/audit-log?by=ines").json()] == [6, 4]
        assert [each["act"] for each in client.get(f"/api/audit-log?on=hospital/{hospital}").json()] == [
            "hospital.approve",
            "hospital.add",
        ]
        assert client.get("/api/audit-log?act=%25").json() == [], "no wildcard"
        chain = client.get("/api/audit-log/chain").json()
        assert (chain["whole"], chain["entries"]) == (True, 7)
        assert client.get("/api/audit-log/chain?head=" + "0" * 63 + "1").json()["first"]["number"] == 8
    with house.stranger() as client:
        assert client.get("/api/audit-log").status_code == 401
    with house.browser("Ines") as browser:
        page = browser.get("/audit-log", params={"by": "Paul"}).text
        assert page.count('id="entry-') == 3
        assert "need.file" in page


def test_what_is_done_is_noted_with_the_way_it_came_by(house: House):
    need, _ = house.office.needs(3)
    with house.browser("Ines") as browser:
        browser.post(f"/needs/{need.id}/cancel")
    with house.client("Paul") as client:
        client.post(f"/api/needs/{need.id}/relink", headers={"Muster-Via": "cli"})
        client.post("/api/invites")
        noted = client.get("/api/audit-log?most=3").json()
    assert [(each["by"], each["via"], each["act"]) for each in reversed(noted)] == [
        ("Ines", "page", "need.cancel"),
        ("Paul", "cli", "need.relink"),
        ("Paul", "api", "agent.invite"),
    ]
