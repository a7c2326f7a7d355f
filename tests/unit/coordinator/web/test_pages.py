"""The pages as a browser without scripts sees them."""

import re
from html import unescape

import pytest

from tests.unit.coordinator.web.house import House
from wire.lifecycle import State, Step
from wire.messages import Request, Telemetry, Wish

SCRIPT = "<script>alert(1)</script>\"'"


def arrived(house: House) -> tuple[str, str, str]:
    """(need, token, parcel) of a need of five whose parcel is in transit."""
    anna = house.office.agent("maker-anna")
    need, token = house.office.needs(5)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.prints(lot)
    desk = house.office.desk
    desk.inspect(lot, good=5, scrapped=0, by="ines")
    desk.collect(lot, by="carl")
    parcel = desk.pack(need.id, by="paul")
    desk.send(parcel.id, by="paul")
    return need.id, token, parcel.id


def test_a_need_is_filed_and_its_link_shown_once(house: House):
    hospital = house.office.vetted("Hospital Clínic")
    asked = {"hospital": hospital, "part": "ear-saver", "quantity": "24", "priority": "9", "deadline": ""}
    with house.browser("Ines") as browser:
        assert "Hospital Clínic" in browser.get("/").text
        answer = browser.post("/needs", data=asked)
        assert answer.status_code == 303
        page = browser.get(answer.headers["location"]).text
        [link] = set(re.findall(r"http://[0-9.:]+/t/[A-Za-z0-9_-]+", page))
        assert link not in browser.get(answer.headers["location"]).text
        assert "24 × Ear saver" in browser.get("/").text
    with house.stranger() as ward:
        ward.headers["Accept"] = "text/html"
        assert "24 × Ear saver" in ward.get(link).text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"quantity": "0"}, "Quantity: "),
        ({"quantity": "many"}, "Quantity: "),
        ({"quantity": ""}, "Quantity: "),
        ({"quantity": "9" * 400}, "Quantity: "),
        ({"priority": "10"}, "Priority: "),
        ({"deadline": "soon"}, "2020-04-01"),
        ({"deadline": "2001-01-01"}, "over already"),
        ({"part": "rocket"}, "no part"),
        ({"hospital": "nobody"}, "no hospital"),
    ],
)
def test_a_refused_form_comes_back_with_what_was_entered(quiet_house: House, changes, says):
    asked = {
        "hospital": quiet_house.office.vetted(),
        "part": "strap-clip",
        "quantity": "7",
        "priority": "8",
        "deadline": "2031-05-06",
    } | changes
    with quiet_house.browser() as browser:
        answer = browser.post("/needs", data=asked)
    assert answer.status_code in (404, 422)
    page = unescape(answer.text)
    assert says in page.partition("<main")[0]
    assert f'<option value="{asked["part"]}" selected>' in page or "part" in changes
    for name in ("quantity", "priority", "deadline"):
        assert (
            f'name="{name}" type="{"date" if name == "deadline" else "number"}" value="{asked[name]}"' in page
        )
    assert "data-keep" in page


def test_what_people_enter_is_never_markup(house: House):
    house.office.desk.add_hospital(name=SCRIPT, contact=SCRIPT, latitude=1, longitude=2)
    need_id, token, parcel = arrived(house)
    with house.browser(by=SCRIPT) as browser:
        bad = {"name": SCRIPT, "contact": SCRIPT, "latitude": SCRIPT, "longitude": "2"}
        pages = [browser.get("/").text, browser.post("/hospitals", data=bad).text]
        signature = {"units": "99", "by": SCRIPT, "note": SCRIPT}
        pages.append(browser.post(f"/t/{token}/parcels/{parcel}/receive", data=signature).text)
        browser.post(f"/t/{token}/parcels/{parcel}/receive", data=signature | {"units": "5"})
        pages += [browser.get(f"/t/{token}").text, browser.get(f"/needs/{need_id}").text]
    for page in pages:
        assert SCRIPT in unescape(page)
        assert "<script>" not in page
        assert not re.search(r"\s(on\w+|style)=", page)


def test_the_way_of_a_unit_by_forms_alone(house: House):
    anna = house.office.agent("anna")
    with house.browser("Ines") as browser:
        place = {"name": "St Anna", "contact": "ward 3", "latitude": "48.2", "longitude": "16.3"}
        assert browser.post("/hospitals", data=place).status_code == 303
        [hospital] = house.office.desk.hospitals()
        assert "To vet" in browser.get("/").text
        assert browser.post(f"/hospitals/{hospital.id}/approve").status_code == 303
        asked = {"hospital": hospital.id, "part": "ear-saver", "quantity": "5"}
        page = browser.post("/needs", data=asked).headers["location"]
        anna.is_ready()
        lot = anna.grants[-1].attempt
        anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT, Step.FINISH)
        assert browser.post(f"/printers/{lot}/cleared").headers["location"] == "/printers"
        anna.reports(lot, Step.CLEAR)
        counted = {"good": "4", "scrapped": "1"}
        for path, data in (
            (f"{page}/attempts/{lot}/inspect", counted),
            (f"{page}/attempts/{lot}/collect", {}),
            (f"{page}/pack", {"units": "4"}),
        ):
            answer = browser.post(path, data=data)
            assert (answer.status_code, answer.headers["location"]) == (303, page)
        [parcel] = house.office.desk.need(page.removeprefix("/needs/")).parcels
        assert browser.post(f"{page}/parcels/{parcel.id}/send").status_code == 303
        shown = browser.get(page).text
        assert "in transit since" in shown
        assert "counted by Ines" in shown
    assert [message.wish for _, message in house.office.posted if isinstance(message, Request)] == [
        Wish.CLEARED
    ]


def test_only_what_is_still_with_its_maker_can_be_brought_to_the_hub(house: House):
    anna = house.office.agent("anna")
    need, _ = house.office.needs(13)
    for _ in range(2):
        anna.is_ready()
        anna.prints(anna.grants[-1].attempt)
        lot = anna.grants[-1]
        house.office.desk.inspect(lot.attempt, good=lot.count, scrapped=0, by="ines")
    first, second = (grant.attempt for grant in anna.grants)
    with house.browser() as browser:
        browser.post(f"/needs/{need.id}/attempts/{first}/collect")
        page = browser.get(f"/needs/{need.id}").text
        assert f"/attempts/{first}/collect" not in page
        assert f"/attempts/{second}/collect" in page


def test_what_comes_too_late_is_said_on_the_page_it_came_from(house: House):
    anna = house.office.agent("anna")
    need, _ = house.office.needs(5)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    page = f"/needs/{need.id}"
    with house.browser() as browser:
        for path, status in (
            (f"{page}/attempts/{lot}/collect", 409),
            (f"{page}/attempts/{lot}/pause", 409),
            (f"{page}/attempts/{lot}/write-off", 422),
            (f"{page}/pack", 409),
            (f"{page}/parcels/p1/send", 404),
            (f"/printers/{lot}/pause", 409),
        ):
            answer = browser.post(path, data={})
            assert answer.status_code == status, path
            assert 'role="alert"' in answer.text
            assert "5 × " in answer.text


def test_a_held_need_says_why_and_is_given_out_again(house: House):
    need, _ = house.office.needs(3)
    house.office.is_held(need.id)
    with house.client() as client:
        assert "held: look at it" in client.get("/").text
        page = client.get(f"/needs/{need.id}").text
        assert "the gate refused line 7" in page
        assert "Give it out again" in page
        assert "Give it out again" not in client.post(f"/needs/{need.id}/release", data={}).text


def test_a_lot_in_doubt_is_vouched_for_on_its_page(house: House):
    anna = house.office.agent("anna")
    need, _ = house.office.needs(3)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    anna.loses_its_disk()
    with house.client() as client:
        assert "It was printed" in client.get(f"/needs/{need.id}").text
        page = f"/needs/{need.id}/attempts/{lot}/vouch"
        assert client.post(page, data={"why": ""}).status_code == 422
        client.post(page, data={"why": "I hold them"})
    assert house.office.desk.attempt(lot).state is State.CLEARED


def test_a_hospital_signs_and_a_mistake_loses_nothing(house: House):
    _, token, parcel = arrived(house)
    sign = f"/t/{token}/parcels/{parcel}/receive"
    with house.stranger() as ward:
        ward.headers["Accept"] = "text/html"
        mistake = ward.post(sign, data={"units": "6", "by": "sister Agnes", "note": "one bag open"})
        assert mistake.status_code == 422
        assert 'value="sister Agnes"' in mistake.text
        assert 'value="one bag open"' in mistake.text
        signed = ward.post(sign, data={"units": "5", "by": "sister Agnes", "note": "one bag open"})
        assert (signed.status_code, signed.headers["location"]) == (303, f"/t/{token}")
        page = ward.get(f"/t/{token}").text
    assert "5 of 5 units" in page
    assert "sister Agnes" in page


def test_a_hospitals_page_never_says_who_printed_or_where(house: House):
    need, token, _ = arrived(house)
    bert = house.office.agent("maker-bert", place=(41.3, 2.1))
    filed, second = house.office.needs(3)
    bert.is_ready()
    bert.reports(bert.grants[-1].attempt, Step.REFUSE, why="maker-bert is asleep")
    with house.stranger() as ward:
        for link in (token, second):
            page = ward.get(f"/t/{link}", headers={"Accept": "text/html"})
            answer = ward.get(f"/api/track/{link}")
            for response in (page, answer):
                assert response.status_code == 200
                for told in ("maker-anna", "maker-bert", "asleep", "41.3", "48.2"):
                    assert told not in response.text
    assert filed.id != need


def test_a_hospitals_table_adds_up(house: House):
    _, token, _ = arrived(house)
    with house.stranger() as ward:
        page = ward.get(f"/t/{token}", headers={"Accept": "text/html"}).text
    rows = re.findall(r"</i>([^<]+)</th><td>(−?\d+)</td>", page)
    units = {label: int(number.replace("−", "-")) for label, number in rows}
    requested = units.pop("Requested")
    assert sum(units.values()) == requested == 5
    assert units["In transit"] == 5


def test_a_withdrawn_need_still_adds_up(house: House):
    need, token = house.office.needs(5)
    house.office.desk.cancel_need(need.id, by="carl")
    with house.stranger() as ward:
        page = ward.get(f"/t/{token}", headers={"Accept": "text/html"}).text
    assert "<td>5</td>" in page.partition("Withdrawn</th>")[2][:20]


def test_the_printers_page_shows_what_each_does(house: House):
    anna = house.office.agent("anna")
    bert = house.office.agent("bert")
    house.office.needs(3)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    anna.says(
        Telemetry(
            printer="one",
            condition="printing",
            bed_clear=False,
            attempt=lot,
            progress=0.4,
            nozzle=241,
            bed=80,
        )
    )
    bert.dies()
    with house.browser() as browser:
        page = browser.get("/printers").text
    [annas, berts] = re.split(r"(?=<li class=\"card printer\")", page)[1:]
    for shown in ("printing", "40 %", "241 °C", "80 °C", "not clear", "Pause", "Cancel"):
        assert shown in annas
    assert "offline" in berts
    assert "<button" not in berts.partition("</ul>")[0]


def test_a_failed_plate_can_be_cleared_too(house: House):
    anna = house.office.agent("anna")
    house.office.needs(3)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT, Step.FAIL, why="filament ran out")
    anna.says(Telemetry(printer="one", condition="idle", bed_clear=False, attempt=lot))
    with house.browser() as browser:
        assert f'action="/printers/{lot}/cleared"' in browser.get("/printers").text
        assert browser.post(f"/printers/{lot}/cleared").status_code == 303


def test_an_empty_house_says_what_to_do(quiet_house: House):
    with quiet_house.browser() as browser:
        assert "No printer has said hello yet" in browser.get("/printers").text


@pytest.mark.parametrize("path", ["/needs/n1", "/nothing", "/t/wrong", "/login/wrong", "/needs/%00"])
def test_what_does_not_exist_is_a_page_that_says_so(quiet_house: House, path):
    with quiet_house.browser() as browser:
        answer = browser.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "There is no such thing" in answer.text
