"""Who gets in, how, and what another site's page can't make a browser do."""

import re

import httpx
import pytest

from coordinator.model.roles import HOME, Role
from coordinator.people.authentication import IDLE, ONCE, SESSION
from tests.unit.coordinator.office import KEY
from tests.unit.coordinator.web.house import PASSWORD, House, open_house

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
    ("GET", "/account"),
    ("POST", "/account/tokens"),
    ("GET", "/people"),
    ("GET", "/api/people"),
    ("POST", "/api/people"),
    ("DELETE", "/api/needs"),
]


@pytest.mark.parametrize(("method", "path"), [each for each in GUARDED if each[1] != "/t"])
def test_without_a_key_nothing_is_shown_or_done(quiet_house: House, method, path):
    with quiet_house.stranger() as stranger:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}):
            answer = stranger.request(method, path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == "Bearer"
        for headers in ({"Cookie": "muster=forged"}, {"Authorization": "Bearer muster_forged"}):
            assert stranger.request(method, path, headers=headers).status_code == 401


def test_a_person_without_a_session_is_led_to_the_door_and_back(house: House):
    house.person("ines", (HOME, Role.VIEWER))
    with house.visitor() as browser:
        answer = browser.get("/printers")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/printers")
        assert 'value="/printers"' in browser.get(answer.headers["location"]).text
        entered = browser.post("/login", data={"name": "ines", "password": PASSWORD, "next": "/printers"})
        assert (entered.status_code, entered.headers["location"]) == (303, "/printers")
        assert browser.get("/printers").status_code == 200


def test_scripts_and_other_sites_do_not_get_the_cookie(house: House):
    house.person("ines", (HOME, Role.VIEWER))
    with house.visitor() as browser:
        cookies = browser.post("/login", data={"name": "ines", "password": PASSWORD}).headers.get_list(
            "set-cookie"
        )
    assert len(cookies) == 2
    for cookie in cookies:
        assert PASSWORD not in cookie
        assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.lower().split("; "))


def test_over_https_cookies_are_bound_to_the_host(quiet_house: House):
    with (
        open_house(quiet_house.office, public_url="https://muster.example") as house,
        house.visitor() as browser,
    ):
        browser.headers["Host"] = "muster.example"
        answer = browser.post(f"/login/{house.authenticator.once()}", data={"by": "Ines"})
        assert answer.headers["set-cookie"].startswith("__Host-muster=")
        assert "; secure" in answer.headers["set-cookie"].lower()
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        plain = browser.get("/healthz", headers={"Host": "127.0.0.1"})
        assert "strict-transport-security" not in plain.headers


def test_a_wrong_password_opens_nothing_and_is_not_repeated(house: House):
    house.person("ines", (HOME, Role.VIEWER))
    told = set()
    with house.visitor() as browser:
        for name in ("ines", "nobody-we-know"):
            answer = browser.post("/login", data={"name": name, "password": "guess-me-if-you-can"})
            assert answer.status_code == 401
            assert "set-cookie" not in answer.headers
            assert "guess-me" not in answer.text
            assert f'value="{name}"' in answer.text
            told.add(answer.text.replace(name, "…"))
    assert len(told) == 1


def test_the_access_key_is_for_programs_and_opens_no_page(house: House):
    with house.visitor() as browser:
        assert browser.post("/login", data={"name": "", "password": KEY}).status_code == 401
        assert "set-cookie" not in browser.get(f"/login?key={KEY}").headers


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https://evil.example/", "/\\evil.example", "evil", "/\tx"]
)
def test_the_door_leads_to_our_own_pages_only(house: House, elsewhere):
    house.person("ines", (HOME, Role.VIEWER))
    with house.visitor() as browser:
        entered = browser.post("/login", data={"name": "ines", "password": PASSWORD, "next": elsewhere})
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
    code = house.authenticator.once()
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
        house.office.now[0] += IDLE + 1
        assert browser.get("/").status_code == 303
    with house.browser() as browser:
        for _ in range(SESSION // (IDLE - 60)):
            house.office.now[0] += IDLE - 60
            assert browser.get("/").status_code == 200
        house.office.now[0] += IDLE - 60
        assert browser.get("/").status_code == 303


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
        assert httpx.Client.post(browser, f"/needs/{need.id}/cancel").status_code == 403
        assert browser.post(f"/api/needs/{need.id}/cancel").status_code == 403
        assert browser.post("/login", data={"name": "ines", "password": PASSWORD}).status_code == 403
    assert house.office.desk.need(need.id).need.cancelled is None


def test_a_form_without_the_sessions_own_token_does_nothing(house: House):
    need, _ = house.office.needs(3)
    with house.browser() as browser, house.browser() as other:
        theirs = re.search(r'name="csrf" value="([0-9a-f]+)"', other.get("/").text)
        assert theirs
        for csrf in (theirs[1], "", "0" * 64):
            refused = browser.post(f"/needs/{need.id}/cancel", data={"csrf": csrf})
            assert refused.status_code == 403
            assert "open the page again" in refused.text
        assert house.office.desk.need(need.id).need.cancelled is None
        assert browser.post(f"/needs/{need.id}/cancel").status_code == 303


def test_a_browser_that_tells_no_origin_is_known_by_its_forms_token(house: House):
    need, _ = house.office.needs(3)
    with house.browser() as browser:
        del browser.headers["Sec-Fetch-Site"]
        browser.headers["Origin"] = "null"
        assert httpx.Client.post(browser, f"/needs/{need.id}/cancel").status_code == 403
        assert browser.post(f"/needs/{need.id}/cancel").status_code == 303


def test_a_browsers_session_does_not_change_things_as_a_program(house: House):
    need, _ = house.office.needs(3)
    with house.browser() as browser:
        assert browser.get("/api/needs").status_code == 200
        assert browser.post(f"/api/needs/{need.id}/cancel").status_code == 403


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
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["referrer-policy"] == ("same-origin" if path == "/login" else "no-referrer")


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
        browser.headers["Origin"] = "https://muster.example"
        filed = browser.post("/needs", data=asked)
        assert filed.status_code == 303
        assert "https://muster.example/t/" in browser.get(filed.headers["location"]).text


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-7", "undefined", "utf-8"])
def test_a_form_in_a_charset_of_its_own_choice_is_refused_in_words(quiet_house: House, charset):
    body = '--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\\ud800+2AA-\r\n--x--\r\n'
    headers = {"Content-Type": f"Multipart/form-data; boundary=x; charset={charset}"}
    with quiet_house.visitor() as stranger:
        answer = httpx.Client.request(stranger, "POST", "/login", content=body, headers=headers)
    assert answer.status_code == 422
    assert "x-www-form-urlencoded" in answer.text
