"""Debian's Chromium, driven by Playwright: a person in front of the pages."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, expect, sync_playwright

from tests.farend.shared import missing, told
from tests.waiting import PATIENCE

PROGRAM = Path("/usr/bin/chromium")
DESK: ViewportSize = {"width": 1180, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}
FINGER = 44
"""Pixels that a control must be high to be pressed."""

expect.set_options(timeout=1000 * PATIENCE)

Scheme = Literal["light", "dark"]

_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")


@contextmanager
def browser() -> Generator[Browser]:
    """A headless browser, closed again afterwards. Skips where there is none; fails in CI."""
    if not PROGRAM.exists():
        missing("Chromium is not installed: apt install chromium")
    with ExitStack() as stack:
        with told("Chromium"):
            playwright = stack.enter_context(sync_playwright())
            running = playwright.chromium.launch(executable_path=PROGRAM, headless=True, args=_ARGUMENTS)
            stack.callback(running.close)
        yield running


@contextmanager
def page(
    running: Browser,
    *,
    viewport: ViewportSize = DESK,
    scheme: Scheme = "light",
    scripts: bool = True,
    quiet: bool = True,
) -> Generator[Page]:
    """A fresh window with a memory of its own; any error of its scripts fails the test.

    `quiet` also forbids what the browser itself complains of on the console: policies, connections.
    """
    context = running.new_context(
        viewport=viewport,
        color_scheme=scheme,
        java_script_enabled=scripts,
        timezone_id="Europe/Vienna",
        locale="en-GB",
    )
    opened = context.new_page()
    complaints: list[str] = []

    def console(said: ConsoleMessage) -> None:
        of_page = said.location["url"] == opened.url  # that a page is refused is the test's to judge
        if quiet and said.type == "error" and not of_page:
            complaints.append(said.text)

    opened.on("console", console)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.set_default_timeout(1000 * PATIENCE)
    try:
        yield opened
    finally:
        context.close()
    assert complaints == []


def controls(page: Page) -> list[tuple[str, float]]:
    """Each control that a finger may press: its words, and its height in pixels. One that stands aside has none."""
    page.wait_for_load_state()
    return [(words, height) for words, height in page.evaluate(_CONTROLS)]


_CONTROLS = """() => [...document.querySelectorAll("button, input, select, summary")]
  .filter((each) => each.checkVisibility({ visibilityProperty: true }))
  .map((each) => [each.innerText || each.name, each.getBoundingClientRect()])
  .filter(([words, box]) => box.width && box.height && box.x >= 0)
  .map(([words, box]) => [words, box.height])"""


def misfits(page: Page) -> list[str]:
    """What does not fit a phone: a page that is wider, controls that are too low for a finger."""
    page.wait_for_load_state()
    wide = page.evaluate("document.documentElement.scrollWidth") - PHONE["width"]
    low = [f"{words!r} is {height:g} pixels high" for words, height in controls(page) if height < FINGER]
    return [*([f"{wide} pixels too wide"] if wide > 0 else []), *low]


def faint_texts(page: Page) -> list[str]:
    """Texts whose contrast with their ground is below WCAG's 4.5 (3 for large ones), as `ratio text`."""
    page.wait_for_load_state()  # a page that came by a click may be without its colours yet
    return page.evaluate(_CONTRAST)


_CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((each) => each / 255).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility() || element.closest("option, .skip")) continue;
    const grounds = [];
    for (let each = element; each; each = each.parentElement) grounds.unshift(getComputedStyle(each).backgroundColor);
    const style = getComputedStyle(element);
    const a = light(over(grounds)), b = light(over([...grounds, style.color]));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(ratio.toFixed(2) + " " + text);
  }
  return found;
}"""
