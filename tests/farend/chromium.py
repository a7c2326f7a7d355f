"""Debian's Chromium, driven by Playwright: a person in front of the pages."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PROGRAM = Path("/usr/bin/chromium")
DESK = {"width": 1180, "height": 900}
PHONE = {"width": 360, "height": 740}

_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless browser, closed again afterwards. Skips where there is none; fails in CI."""
    if not PROGRAM.exists():
        missing = "Chromium is not installed: apt install chromium"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=PROGRAM, headless=True, args=_ARGUMENTS)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def page(
    running: Browser, *, viewport: dict[str, int] = DESK, scheme: str = "light", scripts: bool = True
) -> Iterator[Page]:
    """A fresh window with a memory of its own; any error on its console fails the test."""
    context = running.new_context(
        viewport=viewport,
        color_scheme=scheme,
        java_script_enabled=scripts,
        timezone_id="Europe/Vienna",
        locale="en-GB",
    )
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.set_default_timeout(10_000)
    try:
        yield opened
    finally:
        context.close()
    assert complaints == []
