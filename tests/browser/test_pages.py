"""The pages in a real browser: they work, live, on a desk and on a phone, and lose nothing that was entered."""

import time

import pytest
from playwright.sync_api import Page, expect

from coordinator.model.roles import HOME, Role
from coordinator.people.authentication import SESSION
from tests.browser.scene import Scene, open_scene
from tests.farend import chromium
from tests.unit.coordinator.web.house import PASSWORD
from tests.waiting import PATIENCE

pytestmark = pytest.mark.system


def test_a_need_is_filed_on_the_page_and_appears(page, scene: Scene):
    scene.office.vetted("Hospital Clínic")
    page.get_by_label("How many").fill("24")
    page.get_by_label("Priority").fill("9")
    page.get_by_role("button", name="File this need").click()
    expect(page.get_by_role("heading", name="24 × Ear saver")).to_be_visible()
    link = page.locator(".notice a").get_attribute("href")
    page.get_by_role("link", name="Needs", exact=True).first.click()
    expect(page.locator(".card.need")).to_contain_text("Hospital Clínic")
    page.goto(link)
    expect(page.get_by_role("row", name="Requested")).to_contain_text("24")


def test_a_refused_need_keeps_what_was_entered(page, scene: Scene):
    scene.office.vetted("Hospital Clínic")
    page.get_by_label("How many").fill("24")
    page.get_by_label("Needed by").fill("2001-01-01")
    page.get_by_role("button", name="File this need").click()
    expect(page.get_by_role("alert")).to_contain_text("over already")
    expect(page.get_by_label("How many")).to_have_value("24")
    scene.office.vetted("Another")
    expect(page.locator("#pulse")).to_have_text("live")
    expect(page.get_by_label("How many")).to_have_value("24")


def test_an_open_page_follows_without_being_loaded_again(page, scene: Scene):
    page.evaluate("window.loadedOnce = true")
    anna = scene.office.agent("anna")
    scene.office.needs(5)
    expect(page.locator(".card.need")).to_contain_text("5 not yet promised")
    anna.is_ready()
    expect(page.locator(".card.need")).to_contain_text("5 promised")
    scene.prints(anna)
    expect(page.locator(".card.need")).to_contain_text("5 printing")
    expect(page.locator(".card.need [role=progressbar] rect.printing")).to_have_attribute("width", "5")
    assert page.evaluate("window.loadedOnce") is True


def test_what_somebody_is_entering_survives_the_news(page, scene: Scene):
    for name in ("Hospital Clínic", "Charité"):
        scene.office.vetted(name)
    page.reload()
    hospitals = page.locator("select[name=hospital]")
    hospitals.select_option("Charité")
    page.get_by_text("Add a hospital").click()
    page.get_by_label("Name").fill("half a na")
    page.get_by_label("How many").fill("12")
    page.get_by_label("How many").press("ArrowUp")
    scene.office.needs(7, part="strap-clip")
    expect(page.locator(".card.need")).to_contain_text("7 × Strap clip")
    expect(page.get_by_label("How many")).to_have_value("13")
    expect(page.get_by_label("How many")).to_be_focused()
    expect(hospitals.locator("option:checked")).to_have_text("Charité")
    expect(page.get_by_label("Name")).to_have_value("half a na")


def test_what_somebody_is_entering_stays_in_its_section(page, scene: Scene):
    scene.office.vetted("Hospital Clínic")
    page.reload()
    filing = page.get_by_role("region", name="File a need")
    filing.get_by_label("How many").fill("24")
    scene.office.desk.add_hospital(name="Another", contact="ward 7", latitude=41.4, longitude=2.2)
    vetting = page.get_by_role("region", name="To vet")
    expect(vetting).to_contain_text("Another")
    expect(filing.get_by_label("How many")).to_have_value("24")
    expect(vetting.get_by_label("How many")).to_have_count(0)


def test_a_lot_is_inspected_packed_and_sent_on_the_page(page, scene: Scene):
    anna = scene.office.agent("anna")
    need, _ = scene.office.needs(5)
    anna.is_ready()
    page.goto(f"{scene.url}/needs/{need.id}")
    anna.prints(anna.attempt().id)
    page.get_by_label("Good").fill("4")
    page.get_by_label("Scrapped").fill("1")
    page.get_by_role("button", name="Inspected").click()
    expect(page.locator(".outcome")).to_have_text("4 good, 1 scrapped, counted by Ines")
    page.get_by_role("button", name="Brought to the hub").click()
    page.get_by_role("button", name="Pack").click()
    page.get_by_role("button", name="Send").click()
    expect(page.locator("[id^=parcel-]")).to_contain_text("in transit")


def test_a_bed_is_reported_clear_on_the_printers_page(page, scene: Scene):
    anna = scene.office.agent("anna")
    scene.office.needs(5)
    page.get_by_role("link", name="Printers").click()
    expect(page.locator(".card.printer")).to_contain_text("idle")
    anna.is_ready()
    scene.prints(anna, progress=0.43)
    expect(page.locator(".card.printer progress")).to_have_attribute("value", "0.430")
    scene.finishes(anna)
    page.get_by_role("button", name="Bed is clear").click()
    expect(page).to_have_url(f"{scene.url}/printers")
    assert scene.wishes() == ["cleared"]


def test_a_hospital_follows_its_link_and_signs(browser, scene: Scene):
    token = scene.sent(5)
    with chromium.page(browser, viewport=chromium.PHONE) as phone:
        phone.goto(f"{scene.url}/t/{token}")
        expect(phone.get_by_role("row", name="In transit")).to_contain_text("5")
        phone.get_by_label("Units arrived").fill("4")
        phone.get_by_label("Your name").fill("sister Agnes")
        phone.get_by_label("Anything to say").fill("one is bent")
        phone.get_by_role("button", name="Sign for it").click()
        expect(phone.get_by_role("row", name="Received")).to_contain_text("4")
        expect(phone.locator("[id^=signed-]")).to_contain_text("one is bent")
        assert "anna" not in phone.content()


def test_a_maker_says_on_a_phone_where_to_pick_up_and_a_courier_goes_there(browser, page, scene: Scene):
    scene.busy()
    own = f"{scene.url}/m/{scene.own_page()}"
    with chromium.page(browser, viewport=chromium.PHONE) as phone:
        phone.goto(own)
        expect(phone.get_by_role("heading", name="carl")).to_be_visible()
        expect(phone.locator("[id^=lot-]").first).to_contain_text("Ear saver")
        phone.get_by_label("Address").fill("Quittenweg 17, 1140 Wien")
        phone.get_by_label("How to reach you").fill("ring twice")
        phone.get_by_role("button", name="Keep it").click()
        expect(phone.locator("#pickup-place")).to_contain_text("We have an address of yours")
        assert "Quittenweg" not in phone.content()
        page.goto(f"{scene.url}/pickups")
        page.locator("#pickup-carl").get_by_role("button", name="I pick it up").click()
        expect(page.locator("#stop")).to_contain_text("Quittenweg 17, 1140 Wien")
        expect(page.locator("#stop")).to_contain_text("ring twice")
        page.goto(f"{scene.url}/pickups")
        assert "Quittenweg" not in page.content()
        phone.goto(own)
        expect(phone.locator("#looks")).to_contain_text("Ines")
        with phone.expect_download() as taken:
            phone.get_by_role("button", name="Download").click()
        assert "Quittenweg" in taken.value.path().read_text()
        phone.get_by_text("Leave, and be forgotten").click()
        phone.get_by_label("Type carl to be sure").fill("karl")
        phone.get_by_role("button", name="Erase my data").click()
        expect(phone.get_by_role("alert")).to_contain_text("by mistake")
        phone.get_by_label("Type carl to be sure").fill("carl")
        phone.get_by_role("button", name="Erase my data").click()
        expect(phone.get_by_role("heading", name="You are forgotten")).to_be_visible()
    page.goto(f"{scene.url}/printers")
    assert "carl" not in page.content()


def test_every_page_fits_a_phone_and_a_finger(browser, scene: Scene):
    need, token = scene.busy()
    ours = ("/", f"/needs/{need}", "/printers", "/pickups", scene.stop(), "/audit-log")
    with chromium.page(browser, viewport=chromium.PHONE) as phone:
        scene.log_in(phone)
        for path in (*ours, f"/t/{token}", f"/m/{scene.own_page()}", "/api/docs", "/nothing"):
            phone.goto(scene.url + path)
            assert chromium.misfits(phone) == [], path
            assert chromium.controls(phone) or path == "/nothing", path
        phone.goto(scene.url)
        restyle(phone, "body { min-width: 380px } button { min-height: 0; height: 43px }")
        assert len(chromium.misfits(phone)) > 1


def test_text_stands_out_from_its_ground(browser, scene: Scene):
    need, token = scene.busy()
    for scheme in ("light", "dark"):
        with chromium.page(browser, scheme=scheme) as page:
            scene.log_in(page)
            own = f"/m/{scene.own_page()}"
            for path in (
                "/",
                f"/needs/{need}",
                "/printers",
                f"/t/{token}",
                own,
                "/pickups",
                "/audit-log",
                "/api/docs",
            ):
                page.goto(scene.url + path)
                assert chromium.faint_texts(page) == [], (scheme, path)
            restyle(page, "h1 { color: gray; background: gray }")
            assert len(chromium.faint_texts(page)) == 1


def restyle(page: Page, style: str) -> None:
    page.evaluate(
        """(style) => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(style);
            document.adoptedStyleSheets = [sheet];
        }""",
        style,
    )


def test_pages_work_without_scripts(browser, scene: Scene):
    scene.office.vetted("Hospital Clínic")
    with chromium.page(browser, scripts=False) as page:
        scene.log_in(page)
        page.get_by_label("How many").fill("24")
        page.get_by_role("button", name="File this need").click()
        expect(page.get_by_role("heading", name="24 × Ear saver")).to_be_visible()


def test_a_page_finds_its_way_back_after_the_server_was_gone(browser, tmp_path):
    with open_scene(tmp_path) as scene, chromium.page(browser, quiet=False) as page:
        scene.log_in(page)
        page.evaluate("window.loadedOnce = true")
        expect(page.locator("#pulse")).to_have_text("live")
        with scene.restarted():
            expect(page.locator("#pulse")).to_have_text("reconnecting")
            scene.office.needs(5)
        expect(page.locator(".card.need")).to_contain_text("5 not yet promised")
        assert page.evaluate("window.loadedOnce") is True


def test_a_session_that_ended_leads_to_the_door_and_back(browser, scene: Scene):
    with chromium.page(browser, quiet=False) as page:
        scene.house.person("ines", (HOME, Role.COORDINATOR))
        scene.log_in(page)
        page.get_by_role("link", name="Printers").click()
        expect(page.locator("#pulse")).to_have_text("live")
        scene.office.now[0] += SESSION + 1
        scene.office.agent("anna")
        page.wait_for_url(f"{scene.url}/login?next=/printers")
        page.get_by_label("Log-in name").fill("ines")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator(".card.printer")).to_contain_text("anna")


def test_news_shows_within_a_second(page, scene: Scene):
    scene.office.needs(5)
    expect(page.locator(".card.need")).to_have_count(1)
    before = time.monotonic()
    scene.office.needs(6)
    expect(page.locator(".card.need")).to_have_count(2)
    assert time.monotonic() - before < PATIENCE
