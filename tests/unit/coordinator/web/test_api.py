"""The HTTP API: the way of a unit by requests alone, and what it says to nonsense."""

from typing import Any

import msgspec
import pytest

from coordinator.web.problem import MEDIA_TYPE
from gcode.profile import Profile
from tests.unit.coordinator.web.house import House
from wire.lifecycle import Step
from wire.messages import Request, Telemetry, Wish

HOSPITAL = {"name": "St Anna", "contact": "ward 3", "latitude": 48.2, "longitude": 16.3}


def problem(response) -> dict[str, Any]:
    """The problem that a response must be."""
    assert response.headers["content-type"] == MEDIA_TYPE
    body = response.json()
    assert body["status"] == response.status_code
    assert body["type"].startswith("urn:muster:")
    assert body["title"]
    assert body["detail"]
    return body


def need(client, hospital: str, **more) -> dict[str, Any]:
    asked = {"hospital": hospital, "part": "ear-saver", "quantity": 5} | more
    answer = client.post("/api/needs", json=asked)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_need_goes_all_the_way_to_a_signature(house: House):
    anna = house.office.agent("anna")
    with house.client("Inès") as client, house.stranger() as ward:
        hospital = client.post("/api/hospitals", json=HOSPITAL).json()
        assert hospital["approved_by"] is None
        assert client.post(f"/api/hospitals/{hospital['id']}/approve").json()["approved_by"] == "Inès"
        filed = need(client, hospital["id"])
        anna.is_ready()
        lot = client.get("/api/attempts?open=true").json()[0]["id"]
        anna.prints(lot)

        inspected = client.post(f"/api/attempts/{lot}/inspect", json={"good": 4, "scrapped": 1}).json()
        assert (inspected["good"], inspected["scrapped"], inspected["inspected_by"]) == (4, 1, "Inès")
        assert client.post(f"/api/attempts/{lot}/collect").status_code == 200
        packed = client.post("/api/parcels", json={"need": filed["need"]["id"]})
        assert packed.status_code == 201
        parcel = packed.json()["id"]
        assert client.post(f"/api/parcels/{parcel}/send").json()["sent"] is not None

        signature = {"units": 4, "by": "sister Agnes", "note": "one bag was open"}
        path = f"/api/track/{filed['tracking'].removeprefix('/t/')}"
        signed = ward.post(f"{path}/parcels/{parcel}/receive", json=signature).json()
        assert (signed["received_units"], signed["note"]) == (4, "one bag was open")
        assert ward.get(path).json()["progress"]["received"] == 4

        [shown] = client.get("/api/needs").json()
        assert (shown["progress"]["received"], shown["progress"]["scrapped"]) == (4, 1)
        detail = client.get(f"/api/needs/{filed['need']['id']}").json()
        assert [parcel["received_by"] for parcel in detail["parcels"]] == ["sister Agnes"]
        assert client.get("/api/ledger").json()["balanced"] is True


def test_a_printer_is_shown_as_its_agent_described_it(house: House):
    anna = house.office.agent("anna", profile=Profile(width=180))
    anna.says(Telemetry(printer="one", condition="idle", bed_clear=True, progress=0.0, nozzle=21.5))
    with house.client() as client:
        [shown] = client.get("/api/printers").json()
    assert shown["printer"]["profile"]["width"] == 180
    assert shown["looks"]["nozzle"] == 21.5


def test_wishes_are_passed_on_to_the_agent_who_decides(house: House):
    anna = house.office.agent("anna")
    house.office.needs(3)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    with house.client("Carl") as client:
        answer = client.post(f"/api/attempts/{lot}/pause")
        assert (answer.status_code, answer.json()["state"]) == (202, "printing")
        assert problem(client.post(f"/api/attempts/{lot}/resume"))["type"] == "urn:muster:conflict"
        assert client.post(f"/api/attempts/{lot}/explode").status_code == 404
    [wish] = [message for _, message in house.office.posted if isinstance(message, Request)]
    assert (wish.attempt, wish.wish, wish.by) == (lot, Wish.PAUSE, "Carl")


def test_a_suspect_lot_is_written_off_with_a_reason(house: House):
    anna = house.office.agent("anna")
    house.office.needs(3)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    anna.dies()
    house.office.now[0] += 3600
    house.office.conversation.sweep()
    with house.client("Carl") as client:
        assert problem(client.post(f"/api/attempts/{lot}/write-off", json={"why": " "}))["status"] == 422
        written = client.post(f"/api/attempts/{lot}/write-off", json={"why": "the printer was sold"}).json()
        assert problem(client.post(f"/api/attempts/{lot}/vouch", json={"why": "no, here"}))["status"] == 409
    assert (written["state"], written["why"]) == ("failed", "Carl wrote it off: the printer was sold")


def test_a_suspect_lot_that_turns_up_is_vouched_for(house: House):
    anna = house.office.agent("anna")
    need, _ = house.office.needs(3)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    anna.loses_its_disk()
    with house.client("Carl") as client:
        vouched = client.post(f"/api/attempts/{lot}/vouch", json={"why": "she brought them"}).json()
        assert (vouched["state"], vouched["why"]) == ("cleared", "Carl vouched for it: she brought them")
        inspected = client.post(f"/api/attempts/{lot}/inspect", json={"good": 3, "scrapped": 0}).json()
    assert inspected["state"] == "inspected"
    assert house.office.desk.need(need.id).progress.good == 3


def test_a_held_need_is_given_out_again(house: House):
    need, _ = house.office.needs(3)
    with house.client() as client:
        assert problem(client.post(f"/api/needs/{need.id}/release"))["status"] == 409
        house.office.is_held(need.id)
        assert client.get(f"/api/needs/{need.id}").json()["need"]["held"] is not None
        assert client.post(f"/api/needs/{need.id}/release").json()["held"] is None


def test_a_need_is_cancelled_once(house: House):
    filed, _ = house.office.needs(3)
    with house.client() as client:
        assert client.post(f"/api/needs/{filed.id}/cancel").json()["cancelled"] is not None
        assert problem(client.post(f"/api/needs/{filed.id}/cancel"))["status"] == 409


@pytest.mark.parametrize(
    ("deadline", "seconds"),
    [
        ("2030-01-01", 1893542399),
        ("2030-01-01T12:00:00", 1893499200),
        ("2030-01-01T12:00:00+01:00", 1893495600),
    ],
)
def test_a_deadline_is_a_date_or_a_time(house: House, deadline, seconds):
    with house.client() as client:
        filed = need(client, house.office.vetted(), deadline=deadline, priority=9, parameters={"length": 160})
    assert filed["need"]["deadline"] == seconds
    assert filed["need"]["parameters"]["length"] == 160


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"quantity": 0}, 422, "quantity"),
        ({"quantity": -5}, 422, "quantity"),
        ({"quantity": 10**6}, 422, "quantity"),
        ({"quantity": 10**400}, 422, "quantity"),
        ({"quantity": 1.5}, 422, "quantity"),
        ({"quantity": "24"}, 422, "quantity"),
        ({"quantity": True}, 422, "quantity"),
        ({"quantity": None}, 422, "quantity"),
        ({"priority": 10}, 422, "priority"),
        ({"deadline": "soon"}, 422, "deadline"),
        ({"deadline": 17}, 422, "deadline"),
        ({"deadline": "0001-01-01T00:00+14:00"}, 422, None),
        ({"deadline": "2001-01-01"}, 422, None),
        ({"parameters": {"length": 1e9}}, 422, "parameters.length"),
        ({"parameters": {"length": 1000}}, 422, None),
        ({"parameters": {"wings": 2}}, 422, None),
        ({"part": "rocket"}, 404, None),
        ({"part": "../etc/passwd"}, 422, "part"),
        ({"hospital": "nobody"}, 404, None),
        ({"colour": "blue"}, 422, "colour"),
    ],
)
def test_a_need_that_makes_no_sense_says_why(quiet_house: House, changes, status, field):
    asked = {"hospital": quiet_house.office.vetted(), "part": "ear-saver", "quantity": 5} | changes
    with quiet_house.client() as client:
        answer = client.post("/api/needs", json=asked)
        assert answer.status_code == status
        found = problem(answer)
        assert field is None or [each["field"] for each in found["errors"]] == [field]
        assert client.get("/api/needs").json() == []


def test_nothing_is_printed_for_a_hospital_that_nobody_vetted(house: House):
    with house.client() as client:
        hospital = client.post("/api/hospitals", json=HOSPITAL).json()["id"]
        asked = {"hospital": hospital, "part": "ear-saver", "quantity": 5}
        found = problem(client.post("/api/needs", json=asked))
    assert found["type"] == "urn:muster:forbidden"
    assert "approved" in found["detail"]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": " "},
        {"name": "x" * 201},
        {"name": "zero\x00byte"},
        {"name": "two\nlines"},
        {"latitude": 91},
        {"longitude": -181},
        {"latitude": "NaN"},
        {"contact": None},
    ],
)
def test_a_hospital_that_makes_no_sense_is_not_taken_in(quiet_house: House, changes):
    with quiet_house.client() as client:
        before = client.get("/api/hospitals").json()
        assert problem(client.post("/api/hospitals", json=HOSPITAL | changes))["status"] == 422
        assert client.get("/api/hospitals").json() == before


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"17", b'{"name": NaN}', b"\xff", b'{"name": "\\ud800"}', b"[" * 9000]
)
def test_a_body_that_is_no_json_object_is_refused(quiet_house: House, body):
    with quiet_house.client() as client:
        answer = client.post("/api/hospitals", content=body, headers={"Content-Type": "application/json"})
    assert problem(answer)["status"] in (400, 422)


def test_a_flood_is_turned_away_before_it_is_read(quiet_house: House):
    flood = b"x" * (1 << 20)

    def unannounced():
        yield from (flood[:60_000] for _ in range(3))

    with quiet_house.stranger() as client:
        assert problem(client.post("/api/enrol", content=flood))["status"] == 413
        assert problem(client.post("/api/enrol", content=unannounced()))["status"] == 413


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/needs/n1"),
        ("GET", "/api/needs/%00"),
        ("GET", "/api/needs/" + "x" * 5000),
        ("GET", "/api/attempts/a1"),
        ("POST", "/api/attempts/a1/collect"),
        ("POST", "/api/attempts/a1/cancel"),
        ("POST", "/api/needs/n1/cancel"),
        ("POST", "/api/hospitals/h1/approve"),
        ("POST", "/api/parcels/p1/send"),
        ("GET", "/api/nothing"),
        ("GET", "/nothing"),
    ],
)
def test_what_does_not_exist_is_a_problem_that_says_so(quiet_house: House, method, path):
    with quiet_house.client() as client:
        assert problem(client.request(method, path))["type"] == "urn:muster:missing"


def test_a_wrong_method_is_a_problem_too(quiet_house: House):
    with quiet_house.client() as client:
        assert problem(client.delete("/api/needs"))["type"] == "urn:muster:method-not-allowed"


def test_counts_must_add_up_and_parcels_hold_what_there_is(house: House):
    anna = house.office.agent("anna")
    filed, token = house.office.needs(5)
    anna.is_ready()
    lot = anna.grants[-1].attempt
    with house.client() as client:
        early = client.post(f"/api/attempts/{lot}/inspect", json={"good": 5, "scrapped": 0})
        assert problem(early)["status"] == 409
        anna.prints(lot)
        for good, scrapped in ((5, 1), (-1, 6), (2, 2)):
            counted = client.post(f"/api/attempts/{lot}/inspect", json={"good": good, "scrapped": scrapped})
            assert problem(counted)["status"] == 422
        assert problem(client.post("/api/parcels", json={"need": filed.id}))["status"] == 409
        client.post(f"/api/attempts/{lot}/inspect", json={"good": 5, "scrapped": 0})
        client.post(f"/api/attempts/{lot}/collect")
        assert problem(client.post(f"/api/attempts/{lot}/collect"))["status"] == 409
        assert problem(client.post("/api/parcels", json={"need": filed.id, "units": 6}))["status"] == 409
        parcel = client.post("/api/parcels", json={"need": filed.id, "units": 3}).json()["id"]
        path = f"/api/track/{token}/parcels/{parcel}/receive"
        assert problem(client.post(path, json={"units": 3, "by": "Agnes"}))["status"] == 409
        client.post(f"/api/parcels/{parcel}/send")
        for asked in ({"units": 4, "by": "Agnes"}, {"units": 3, "by": ""}, {"units": -1, "by": "Agnes"}):
            assert problem(client.post(path, json=asked))["status"] == 422
        assert client.post(path, json={"units": 3, "by": "Agnes"}).status_code == 200
        assert problem(client.post(path, json={"units": 3, "by": "Agnes"}))["status"] == 409


def test_a_wrong_link_leads_nowhere(house: House):
    house.office.needs(5)
    with house.stranger() as ward:
        assert problem(ward.get("/api/track/wrong"))["status"] == 404
        asked = {"units": 1, "by": "Agnes"}
        assert problem(ward.post("/api/track/wrong/parcels/p1/receive", json=asked))["status"] == 404


def test_the_parts_and_the_ledger_can_be_asked_for(quiet_house: House):
    with quiet_house.client() as client:
        assert "ear-saver" in [part["name"] for part in client.get("/api/parts").json()]
        assert client.get("/api/ledger").json()["objections"] == []


def test_our_own_failure_shows_nobody_a_traceback(house: House):
    with house.office.store.write() as tx:
        tx.exec_driver_sql("ALTER TABLE hospital RENAME TO elsewhere")
    with house.client() as client:
        answer = client.get("/api/hospitals")
        page = client.get("/", headers={"Accept": "text/html"})
    with house.office.store.write() as tx:
        tx.exec_driver_sql("ALTER TABLE elsewhere RENAME TO hospital")
    assert problem(answer)["status"] == 500
    assert page.status_code == 500
    for text in (answer.text, page.text):
        assert "elsewhere" not in text
        assert "Traceback" not in text
        assert "sqlite" not in text.lower()
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_openapi_description_teaches(quiet_house: House):
    with quiet_house.client() as client:
        schema = client.get("/api/openapi.json").json()
    assert schema["info"]["version"] == "1.2.3"
    assert schema["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert schema["security"] == [{"key": []}]
    assert schema["paths"]["/api/track/{token}"]["get"]["security"] == []
    assert "security" not in schema["paths"]["/api/needs"]["get"]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            if path.startswith("/api/"):
                refusals = [each for status, each in operation["responses"].items() if status >= "4"]
                assert refusals, (method, path)
                assert all(MEDIA_TYPE in each["content"] for each in refusals), (method, path)


def test_health_and_metrics_need_no_key(quiet_house: House):
    with quiet_house.stranger() as client:
        assert client.get("/healthz").json() == {"status": "ok", "version": "1.2.3"}
        assert client.get("/metrics").text == "muster_up 1\n"
        assert client.get("/metrics").headers["content-type"].startswith("text/plain")


def test_every_invite_is_another_one(house: House):
    with house.client() as client:
        invites = [client.post("/api/invites").json()["invite"] for _ in range(2)]
    assert invites[0] != invites[1]
    assert all(invite.startswith("muster1.") for invite in invites)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"\xff\xfe",
        b"[" * 16_000,
        msgspec.json.encode({"code": "x" * 22, "name": "UPPER", "csr": "-----BEGIN"}),
    ],
)
def test_an_enrolment_that_makes_no_sense_is_refused(quiet_house: House, body):
    with quiet_house.stranger() as client:
        assert problem(client.post("/api/enrol", content=body))["status"] == 422


def test_an_enrolment_is_bounded(quiet_house: House):
    with quiet_house.stranger() as client:
        assert problem(client.post("/api/enrol", content=b" " * 20_000))["status"] == 413
