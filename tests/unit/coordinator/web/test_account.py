"""The own account, and other people's, as a browser without scripts sees them."""

import re
from html import unescape

import pytest
from pyotp.totp import TOTP

from coordinator.model.roles import HOME, Role
from coordinator.rate_limit import PAIR
from tests.unit.coordinator.web.house import PASSWORD, House

NEW = "nine spools are turning"


def totp(page: str) -> tuple[TOTP, str]:
    """The authenticator that scanned the page, and the page's sealed secret."""
    secret = re.search(r'id="secret">([A-Z2-7]+)<', page)
    sealed = re.search(r'name="secret" value="([^"]+)"', page)
    assert secret
    assert sealed
    return TOTP(secret[1]), unescape(sealed[1])


def set_up(house: House, browser) -> tuple[TOTP, list[str]]:
    shown, sealed = totp(browser.get("/account").text)
    code = shown.at(int(house.office.now[0]))
    page = browser.post("/account/second", data={"secret": sealed, "code": code})
    assert page.status_code == 200
    house.office.now[0] += 60
    return shown, re.findall(r"<code>([2-9a-z]{4}(?:-[2-9a-z]{4}){3})</code>", page.text)


@pytest.fixture
def ines(house: House):
    house.person("ines", (HOME, Role.ADMIN))
    with house.logged_in("ines") as browser:
        yield browser


def test_a_new_password_takes_the_old_one_and_logs_the_others_out(house: House, ines):
    with house.logged_in("ines") as elsewhere:
        form = {"old": "not this one at all", "password": NEW, "again": NEW}
        assert ines.post("/account/password", data=form).status_code == 401
        differing = ines.post("/account/password", data=form | {"old": PASSWORD, "again": PASSWORD})
        assert differing.status_code == 422
        assert NEW not in differing.text
        assert ines.post("/account/password", data=form | {"old": PASSWORD}).status_code == 303
        assert ines.get("/account").status_code == 200
        assert elsewhere.get("/account").status_code == 303
    with house.visitor() as browser:
        assert browser.post("/login", data={"name": "ines", "password": PASSWORD}).status_code == 401
        assert browser.post("/login", data={"name": "ines", "password": NEW}).status_code == 303


def test_whoever_finds_an_open_browser_does_not_guess_the_password_there(ines):
    form = {"old": "not this one at all", "password": NEW, "again": NEW}
    tries = [ines.post("/account/password", data=form) for _ in range(PAIR.free + 1)]
    assert [answer.status_code for answer in tries] == [401] * PAIR.free + [429]


def test_a_second_factor_is_set_up_asked_for_and_removed(house: House, ines):
    assert "Set up your second factor" in ines.get("/").text
    shown, codes = set_up(house, ines)
    assert len(codes) == 10
    assert codes[0] not in ines.get("/account").text
    assert "Set up your second factor" not in ines.get("/").text
    with house.visitor() as browser:
        page = browser.post("/login", data={"name": "ines", "password": PASSWORD, "next": "/printers"})
        assert page.status_code == 200
        assert browser.get("/").status_code == 303
        ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)
        assert ticket
        asked = {"ticket": unescape(ticket[1]), "next": "/printers"}
        wrong = browser.post("/login/second", data=asked | {"code": "000000"})
        assert wrong.status_code == 401
        assert 'name="ticket"' in wrong.text
        code = shown.at(int(house.office.now[0]))
        entered = browser.post("/login/second", data=asked | {"code": code})
        assert (entered.status_code, entered.headers["location"]) == (303, "/printers")
        house.office.now[0] += 60
        assert browser.post("/account/second/remove", data={"code": code}).status_code == 401
        removed = browser.post("/account/second/remove", data={"code": codes[0]})
        assert removed.status_code == 303
        assert browser.get("/").status_code == 403  # an admin has the grace once only


def test_a_secret_of_another_session_is_not_taken(house: House, ines):
    house.person("carl", (HOME, Role.VIEWER))
    with house.logged_in("carl") as carl:
        shown, sealed = totp(carl.get("/account").text)
    code = shown.at(int(house.office.now[0]))
    assert ines.post("/account/second", data={"secret": sealed, "code": code}).status_code == 422
    wrong, own = totp(ines.get("/account").text)
    refused = ines.post("/account/second", data={"secret": own, "code": "000000"})
    assert refused.status_code == 422
    assert totp(refused.text)[0].secret == wrong.secret  # it is scanned already


def test_a_confined_admin_reaches_the_account_only(house: House, ines):
    house.office.now[0] += 86_401
    with house.logged_in("ines") as browser:
        assert browser.get("/").status_code == 403
        assert "second factor" in browser.get("/").text
        assert browser.get("/people").status_code == 403
        asked = {"label": "x", "role": "viewer", "days": "1"}
        assert browser.post("/account/tokens", data=asked).status_code == 403
        set_up(house, browser)
        assert browser.get("/people").status_code == 200


def test_sessions_are_listed_and_ended_one_by_one_or_all(house: House, ines):
    with house.visitor() as phone, house.logged_in("ines") as third:
        phone.headers["User-Agent"] = "Mozilla/5.0 (Android 9; Mobile; rv:1) Gecko/68.0 Firefox/68.0"
        phone.post("/login", data={"name": "ines", "password": PASSWORD})
        page = ines.get("/account").text
        assert "Firefox on Android" in page
        [session] = re.findall(r'id="session-([\w-]+)"><div><b>Firefox on Android', page)
        assert ines.post(f"/account/sessions/{session}/end").status_code == 303
        assert phone.get("/account").status_code == 303
        assert ines.post(f"/account/sessions/{session}/end").status_code == 404
        assert third.post("/account/sessions/end").status_code == 303
        assert ines.get("/account").status_code == 303
        assert third.get("/account").status_code == 303


def test_nobody_ends_another_persons_session(house: House, ines):
    house.person("carl", (HOME, Role.ADMIN))
    [session] = re.findall(r'id="session-([\w-]+)"', ines.get("/account").text)
    with house.logged_in("carl") as carl:
        assert carl.post(f"/account/sessions/{session}/end").status_code == 404
    assert ines.get("/account").status_code == 200


def test_a_token_is_shown_once_used_and_revoked(house: House, ines):
    asked = {"label": "the stock sheet", "role": "viewer", "cluster": HOME, "days": "30"}
    page = ines.post("/account/tokens", data=asked)
    shown = re.search(r'id="new-token">(muster_[\w-]{32})<', page.text)
    assert shown
    assert shown[1] not in ines.get("/account").text
    with house.stranger() as program:
        program.headers["Authorization"] = f"Bearer {shown[1]}"
        assert program.get("/api/needs").status_code == 200
        assert program.post("/api/invites").status_code == 403
        [token] = re.findall(r'id="token-(k-\w+)"', ines.get("/account").text)
        assert ines.post(f"/account/tokens/{token}/revoke").status_code == 303
        assert program.get("/api/needs").status_code == 401


def test_a_token_does_no_more_than_its_person(house: House):
    house.person("vera", (HOME, Role.VIEWER))
    with house.logged_in("vera") as browser:
        for role, cluster in (("admin", HOME), ("viewer", "west")):
            asked = {"label": "x", "role": role, "cluster": cluster, "days": "1"}
            assert browser.post("/account/tokens", data=asked).status_code == 403
        assert browser.post("/account/tokens", data=asked | {"days": "9999"}).status_code == 422


def test_a_local_browser_has_no_account(house: House):
    with house.browser("Núria") as browser:
        assert "no account of its own" in browser.get("/account").text
        assert browser.post("/account/password", data={"password": NEW, "again": NEW}).status_code == 403


# ── other people's ────────────────────────────────────────────────────────────────────────────────────────


def test_somebody_is_taken_in_comes_by_the_link_and_works(house: House, ines):
    page = ines.post("/people", data={"name": "carl", "shown": "Carl", "role": "courier"})
    link = re.search(r'id="welcome-link">(http://\S+/login/[\w-]+)<', page.text)
    assert link
    assert link[1] not in ines.get("/people").text
    path = "/login/" + link[1].rsplit("/", 1)[1]
    with house.visitor() as carl:
        assert "carl" in carl.get(path).text
        assert carl.post(path, data={"password": "short", "again": "short"}).status_code == 422
        assert carl.post(path, data={"password": NEW, "again": NEW}).status_code == 303
        assert carl.get("/").status_code == 200
        assert carl.get("/people").status_code == 403
        assert carl.get(path).status_code == 404
    assert "has not come yet" not in ines.get("/people").text


def test_roles_are_given_and_taken_but_not_the_own_admins(ines):
    ines.post("/people", data={"name": "carl", "role": "courier"})
    assert ines.post("/people/carl/give", data={"role": "inspector"}).status_code == 303
    assert ines.post("/people/carl/take", data={"role": "courier", "cluster": HOME}).status_code == 303
    page = ines.get("/people").text
    assert "Inspector" in page
    assert "Courier" not in page
    assert ines.post("/people/ines/take", data={"role": "admin", "cluster": HOME}).status_code == 409
    assert ines.post("/people/ines/disable").status_code == 409
    assert ines.post("/people/nobody/give", data={"role": "viewer"}).status_code == 404
    assert ines.post("/people/carl/give", data={"role": "emperor"}).status_code == 422


def test_who_is_disabled_or_reset_is_logged_out_at_once(house: House, ines):
    house.person("carl", (HOME, Role.VIEWER))
    with house.logged_in("carl") as carl:
        assert ines.post("/people/carl/disable").status_code == 303
        assert carl.get("/").status_code == 303
        ines.post("/people/carl/enable")
    with house.logged_in("carl") as carl:
        page = ines.post("/people/carl/reset")
        assert 'id="welcome-link"' in page.text
        assert carl.get("/").status_code == 303
        assert carl.post("/login", data={"name": "carl", "password": PASSWORD}).status_code == 401


def test_an_admin_minds_the_own_clusters_people_only(house: House, ines):
    house.person("wanda", ("west", Role.ADMIN))
    house.person("both", ("west", Role.ADMIN), (HOME, Role.VIEWER))
    page = ines.get("/people").text
    assert "wanda" not in page
    assert "both" in page
    assert "west" not in page
    assert ines.post("/people/wanda/reset").status_code == 404
    assert ines.post("/people/both/reset").status_code == 403
    assert ines.post("/people/both/disable").status_code == 403
    assert ines.post("/people/both/take", data={"role": "admin", "cluster": "west"}).status_code == 403
    assert ines.post("/people/ines/give", data={"role": "viewer", "cluster": "west"}).status_code == 403
    asked = {"name": "new", "role": "viewer", "cluster": "west"}
    assert ines.post("/people", data=asked).status_code == 403
    with house.client() as administrator:
        assert administrator.post("/api/people/both/disable").status_code == 200


def test_the_first_account_is_made_by_the_link_that_the_start_prints(house: House):
    code = house.authenticator.first()
    with house.visitor() as browser:
        form = {"name": "ines", "shown": "Inès Puig", "password": NEW, "again": NEW}
        assert "The first account" in browser.get(f"/login/{code}").text
        assert browser.post(f"/login/{code}", data=form | {"again": "else"}).status_code == 422
        assert browser.post(f"/login/{code}", data=form).status_code == 303
        assert "Inès Puig" in browser.get("/people").text


# ── sent twice ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_need_that_is_sent_twice_is_filed_once_and_its_link_shown_again(house: House):
    hospital = house.office.vetted()
    with house.browser("Ines") as browser:
        number = re.search(r'name="form" value="([^"]+)"', browser.get("/").text)
        assert number
        asked = {"form": number[1], "hospital": hospital, "part": "ear-saver", "quantity": "24"}
        first, again = (browser.post("/needs", data=asked) for _ in range(2))
        assert first.headers["location"] == again.headers["location"]
        assert first.headers["set-cookie"] == again.headers["set-cookie"]
        assert "/t/" in browser.get(again.headers["location"]).text
        other = browser.post("/needs", data=asked | {"quantity": "25"})
        assert other.status_code == 409
        assert 'value="25"' in other.text
        mended = re.search(r'name="form" value="([^"]+)"', other.text)
        assert mended
        assert mended[1] != number[1]
    assert len(house.office.desk.needs()) == 1


def test_a_program_that_heard_no_answer_asks_again(house: House):
    hospital = house.office.vetted()
    asked = {"hospital": hospital, "part": "ear-saver", "quantity": 24}
    with house.client() as program:
        key = {"Idempotency-Key": "order-4711"}
        first, again = (program.post("/api/needs", json=asked, headers=key) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert program.post("/api/needs", json=asked | {"quantity": 25}, headers=key).status_code == 409
        assert program.post("/api/needs", json=asked).json()["need"] != first.json()["need"]
        for bad in ("", "x" * 201, "two words"):
            assert program.post("/api/needs", json=asked, headers={"Idempotency-Key": bad}).status_code in (
                422,
            )
    assert len(house.office.desk.needs()) == 2


def test_a_person_that_is_taken_in_twice_is_there_once(house: House, ines):
    asked = {"name": "carl", "role": "courier"}
    assert ines.post("/people", data=asked).status_code == 200
    assert ines.post("/people", data=asked).status_code == 409
