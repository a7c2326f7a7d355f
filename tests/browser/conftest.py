"""One browser for all the pages, and for each test a scene of its own."""

import pytest

from tests.browser.scene import Scene, open_scene
from tests.farend import chromium


@pytest.fixture(scope="package")
def browser():
    with chromium.browser() as running:
        yield running


@pytest.fixture
def scene(tmp_path):
    with open_scene(tmp_path) as scene:
        yield scene


@pytest.fixture
def page(browser, scene: Scene):
    with chromium.page(browser) as page:
        scene.log_in(page)
        yield page
