"""Logging in with a second factor, minding people, and what the browser itself refuses, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect
from pyotp.totp import TOTP

from coordinator.model.roles import HOME, Role
from tests.browser.scene import Scene
from tests.farend import chromium
from tests.unit.coordinator.web.house import PASSWORD

pytestmark = pytest.mark.system

NEW = "nine spools are turning"


def enters(page: Page, scene: Scene, name: str, password: str = PASSWORD) -> None:
    page.goto(f"{scene.url}/login")
    page.get_by_label("Log-in name").fill(name)
    page.get_by_label("Password").fill(password)
    with page.expect_navigation():  # a click alone does not wait for where it leads
        page.get_by_role("button", name="Log in").click()


def leaves(page: Page) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name="Log out", exact=True).click()


def authenticator(page: Page, scene: Scene) -> TOTP:
    """A phone that has scanned the account page's picture, and shown its first code."""
    page.goto(f"{scene.url}/account")
    page.get_by_text("Or enter it by hand").click()
    totp = TOTP(page.locator("#secret").inner_text())
    page.get_by_label("Six digits").fill(totp.at(int(scene.office.now[0])))
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    scene.office.now[0] += 60
    return totp


@pytest.mark.parametrize("scripts", [True, False])
def test_an_admin_sets_up_a_second_factor_and_logs_in_with_it(browser, scene: Scene, scripts):
    scene.house.person("ines", (HOME, Role.ADMIN))
    with chromium.page(browser, scripts=scripts) as page:
        enters(page, scene, "ines")
        expect(page.locator("#notices")).to_contain_text("Set up your second factor")
        totp = authenticator(page, scene)
        leaves(page)
        enters(page, scene, "ines")
        expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
        page.get_by_label("Code").fill(totp.at(int(scene.office.now[0])))
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{scene.url}/")
        expect(page.locator("footer .who")).to_have_text("ines")


def test_somebody_is_taken_in_and_comes_by_the_link(browser, scene: Scene):
    scene.house.person("ines", (HOME, Role.ADMIN))
    with chromium.page(browser) as page, chromium.page(browser, viewport=chromium.PHONE) as phone:
        enters(page, scene, "ines")
        page.get_by_role("link", name="People").click()
        page.get_by_label("Log-in name").fill("carl")
        page.get_by_label("Their name").fill("Carl")
        page.get_by_role("region", name="Take somebody in").get_by_label("Role").select_option("courier")
        page.get_by_role("button", name="Make their link").click()
        phone.goto(page.locator("#welcome-link").inner_text())
        phone.get_by_label("New password").fill(NEW)
        phone.get_by_label("Once more").fill(NEW)
        phone.get_by_role("button", name="Set the password").click()
        phone.wait_for_url(f"{scene.url}/")
        expect(phone.get_by_role("link", name="People")).to_have_count(0)
        expect(phone.get_by_role("heading", name="File a need")).to_have_count(0)
        page.reload()
        expect(page.locator("#person-carl")).to_contain_text("Courier")


def test_another_sites_form_is_refused(browser, scene: Scene):
    need, _ = scene.office.needs(3)
    scene.house.person("ines", (HOME, Role.COORDINATOR))
    with chromium.page(browser, quiet=False) as page:
        enters(page, scene, "ines")
        page.wait_for_url(f"{scene.url}/")
        elsewhere = scene.url.replace("127.0.0.1", "localhost")
        page.route(
            f"{elsewhere}/trap",
            lambda route: route.fulfill(
                content_type="text/html",
                body=f'<form method="post" action="{scene.url}/needs/{need.id}/cancel"><button>Win</button></form>',
            ),
        )
        page.goto(f"{elsewhere}/trap")
        with page.expect_response(re.compile(r"/cancel$")) as refused:
            page.get_by_role("button", name="Win").click()
        assert refused.value.status in (401, 403)
    assert scene.office.desk.need(need.id).need.cancelled is None


def test_a_form_of_a_session_that_is_over_is_refused_and_files_nothing(browser, scene: Scene):
    scene.office.vetted("Hospital Clínic")
    scene.house.person("ines", (HOME, Role.COORDINATOR))
    with chromium.page(browser, quiet=False) as page:
        page.route("**/events*", lambda route: route.abort())  # else the page may mend itself meanwhile
        enters(page, scene, "ines")
        page.locator("form#need [name=csrf]").evaluate("(field) => { field.value = '0'.repeat(64) }")
        page.get_by_label("How many").fill("24")
        page.get_by_role("button", name="File this need").click()
        expect(page.get_by_role("heading", name="This is not allowed")).to_be_visible()
    assert scene.office.desk.needs() == []


def test_a_need_is_filed_once_by_a_double_click_and_by_sending_it_again(browser, scene: Scene):
    scene.office.vetted("Hospital Clínic")
    with chromium.page(browser) as page:
        scene.log_in(page)
        page.get_by_label("How many").fill("24")
        page.get_by_role("button", name="File this need").dblclick()
        page.wait_for_url(re.compile("/needs/"))
        expect(page.get_by_role("heading", name="24 × Ear saver")).to_be_visible()
    assert len(scene.office.desk.needs()) == 1


def test_no_page_breaks_its_own_policy(browser, scene: Scene):
    need, token = scene.busy()
    scene.house.person("ines", (HOME, Role.ADMIN))
    told: list[str] = []
    with chromium.page(browser, quiet=False) as page:
        page.on("console", lambda message: told.append(message.text))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error('policy: ' + e.violatedDirective))"
        )
        page.goto(
            f"{scene.url}/login/{scene.house.authenticator.first() or scene.house.authenticator.once()}"
        )
        enters(page, scene, "ines")
        for path in (
            "/",
            f"/needs/{need}",
            "/printers",
            "/people",
            "/account",
            f"/t/{token}",
            "/login",
            "/nothing",
        ):
            page.goto(scene.url + path)
            if path not in ("/login", "/nothing", "/people", "/account"):
                page.locator("#pulse").wait_for()
        assert [text for text in told if "policy" in text.lower()] == []
        page.goto(scene.url)
        page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))"
        )
        assert page.evaluate("window.ran") is None
        assert any("policy" in text.lower() for text in told)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_doors_and_the_accounts_fit_a_phone_and_a_finger(browser, scene: Scene, scheme):
    scene.house.person("ines", (HOME, Role.ADMIN))
    scene.house.person("carl", (HOME, Role.COURIER), (HOME, Role.INSPECTOR))
    first = scene.house.authenticator.once()
    with chromium.page(browser, viewport=chromium.PHONE, scheme=scheme) as phone:
        for path in (f"/login/first-{first}", "/login"):
            phone.goto(scene.url + path)
            fits(phone, path)
        enters(phone, scene, "ines")
        for path in ("/people", "/account"):
            phone.goto(scene.url + path)
            for summary in phone.locator("summary").all():
                summary.click()
            fits(phone, path)
        authenticator(phone, scene)
        fits(phone, "/account with codes")
        leaves(phone)
        enters(phone, scene, "ines")
        expect(phone.get_by_role("heading", name="Second factor")).to_be_visible()
        fits(phone, "/login/second")


def fits(phone: Page, path: str) -> None:
    assert chromium.misfits(phone) == [], path
    assert chromium.faint_texts(phone) == [], path
    assert chromium.controls(phone), path
