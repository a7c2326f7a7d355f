"""Who gets in, how, and what another site's page can't make a browser do."""

import httpx
import pytest

from coordinator.web.access import ONCE, SESSION, Access
from tests.unit.coordinator.office import KEY
from tests.unit.coordinator.web.house import House, open_house

GUARDED = [
    ("GET", "/"),
    ("GET", "/needs/n1"),
    ("GET", "/printers"),
    ("GET", "/events?on=need"),
    ("GET", "/nothing"),
    ("GET", "/t"),
    ("GET", "/static/../api/needs"),
    ("GET", "/tea"),
    ("GET", "/filesystem"),
    ("GET", "/api/needs"),
    ("GET", "/api/openapi.json"),
    ("GET", "/api/tracker"),
    ("POST", "/api/needs"),
    ("POST", "/api/hospitals"),
    ("POST", "/api/invites"),
    ("POST", "/api/logins"),
    ("POST", "/needs"),
    ("POST", "/printers/a1/cancel"),
    ("POST", "/logout"),
    ("DELETE", "/api/needs"),
]


@pytest.mark.parametrize(("method", "path"), [each for each in GUARDED if each[1] != "/t"])
def test_without_the_key_nothing_is_shown_or_done(quiet_house: House, method, path):
    with quiet_house.stranger() as stranger:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}):
            answer = stranger.request(method, path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == "Bearer"
        assert stranger.request(method, path, headers={"Cookie": "muster=forged"}).status_code == 401


def test_a_person_without_a_session_is_led_to_the_door_and_back(house: House):
    with house.stranger() as browser:
        browser.headers["Accept"] = "text/html"
        answer = browser.get("/printers")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/printers")
        assert 'value="/printers"' in browser.get(answer.headers["location"]).text
        entered = browser.post(
            "/login", data={"key": KEY, "next": "/printers"}, headers={"Origin": house.url}
        )
        assert (entered.status_code, entered.headers["location"]) == (303, "/printers")
        assert browser.get("/printers").status_code == 200


def test_the_cookie_is_not_the_key_and_scripts_cannot_read_it(quiet_house: House):
    with quiet_house.stranger() as browser:
        answer = browser.post("/login", data={"key": KEY, "by": "Ines"}, headers={"Origin": quiet_house.url})
    cookie = answer.headers["set-cookie"]
    assert KEY not in cookie
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()


def test_a_wrong_key_opens_nothing_and_is_not_repeated(quiet_house: House):
    with quiet_house.stranger() as browser:
        answer = browser.post(
            "/login",
            data={"key": "guess-me", "by": "Ines"},
            headers={"Accept": "text/html", "Origin": quiet_house.url},
        )
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "guess-me" not in answer.text
    assert 'value="Ines"' in answer.text


def test_a_key_in_the_address_opens_nothing(quiet_house: House):
    with quiet_house.stranger() as browser:
        answer = browser.get(f"/login?key={KEY}", headers={"Accept": "text/html"})
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https://evil.example/", "/\\evil.example", "evil", "/\tx"]
)
def test_the_door_leads_to_our_own_pages_only(quiet_house: House, elsewhere):
    with quiet_house.stranger() as browser:
        entered = browser.post(
            "/login", data={"key": KEY, "next": elsewhere}, headers={"Origin": quiet_house.url}
        )
    assert entered.headers["location"] == "/"


def test_a_link_logs_in_once_and_looking_at_it_does_not_use_it_up(house: House):
    with house.client() as client:
        path = client.post("/api/logins").json()["path"]
    with house.stranger() as browser:
        browser.headers.update({"Accept": "text/html", "Origin": house.url})
        assert browser.get(path).status_code == 200
        assert browser.get(path).status_code == 200
        assert browser.post(path, data={"by": "Ines"}).headers["location"] == "/"
        assert "Ines" in browser.get("/").text
        assert browser.get(path).status_code == 404
    with house.stranger() as second:
        second.headers.update({"Accept": "text/html", "Origin": house.url})
        assert second.post(path, data={"by": "Mallory"}).status_code == 404
        assert second.get("/").status_code == 303


def test_a_link_is_good_for_ten_minutes(house: House):
    code = house.access.once()
    house.office.now[0] += ONCE + 1
    with house.stranger() as browser:
        assert browser.get(f"/login/{code}").status_code == 404
        assert browser.post(f"/login/{code}", headers={"Origin": house.url}).status_code == 404


def test_a_session_ends_by_itself_and_by_leaving(house: House):
    with house.browser() as browser:
        assert browser.get("/").status_code == 200
        browser.post("/logout")
        assert browser.get("/").status_code == 303
    with house.browser() as browser:
        house.office.now[0] += SESSION + 1
        assert browser.get("/").status_code == 303


def test_a_session_cannot_be_made_up_or_changed():
    access = Access(lambda key: key == KEY, lambda: 0.0, b"s" * 32)
    session = access.session("Ines")
    assert access.who(session) == "Ines"
    for position in range(0, len(session), 7):
        forged = session[:position] + ("A" if session[position] != "A" else "B") + session[position + 1 :]
        assert access.who(forged) is None
    for nonsense in ("", "x", "é", "=" * 50, KEY):
        assert access.who(nonsense) is None
    assert Access(lambda key: False, lambda: 0.0, b"t" * 32).who(session) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "SELF"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {},
    ],
)
def test_another_sites_page_cannot_post_with_our_cookie(house: House, headers):
    need, _ = house.office.needs(3)
    with house.browser() as browser:
        del browser.headers["Sec-Fetch-Site"]
        browser.headers.update({name: value.replace("SELF", house.url) for name, value in headers.items()})
        assert browser.post(f"/needs/{need.id}/cancel").status_code == 403
        assert browser.post(f"/api/needs/{need.id}/cancel").status_code == 403
        assert browser.post("/login", data={"key": KEY}).status_code == 403
    assert house.office.desk.need(need.id).need.cancelled is None


def test_a_program_with_the_key_needs_no_origin(house: House):
    need, _ = house.office.needs(3)
    with house.client() as client:
        assert client.post(f"/api/needs/{need.id}/cancel").status_code == 200


@pytest.mark.parametrize("by", ["x" * 81, "two\x7fwords", "\x01"])
def test_a_name_that_is_not_plain_text_is_refused(quiet_house: House, by):
    with quiet_house.client() as client:
        try:
            answer = client.get("/api/needs", headers={"Muster-By": by.encode()})
        except httpx.LocalProtocolError:
            return
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/needs", "/login", "/healthz", "/t/wrong"])
def test_every_answer_carries_the_headers_that_keep_browsers_in_check(quiet_house: House, path):
    with quiet_house.browser() as browser:
        headers = browser.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == ("no-referrer" if path.startswith("/t/") else "same-origin")


def test_static_files_are_kept_and_asked_for_again(quiet_house: House):
    with quiet_house.stranger() as client:
        style = client.get("/static/muster.css")
        assert style.headers["cache-control"] == "no-cache"
        again = client.get("/static/muster.css", headers={"If-None-Match": style.headers["etag"]})
    assert (style.status_code, again.status_code) == (200, 304)


def test_behind_a_proxy_people_come_from_the_public_address(quiet_house: House):
    office = quiet_house.office
    asked = {"hospital": office.vetted(), "part": "ear-saver", "quantity": "3"}
    with open_house(office, public_url="https://muster.example/") as house, house.browser() as browser:
        del browser.headers["Sec-Fetch-Site"]
        assert (
            browser.post("/needs", data=asked, headers={"Origin": "https://evil.example"}).status_code == 403
        )
        filed = browser.post("/needs", data=asked, headers={"Origin": "https://muster.example"})
        assert filed.status_code == 303
        assert "https://muster.example/t/" in browser.get(filed.headers["location"]).text
