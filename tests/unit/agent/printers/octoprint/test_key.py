"""The hand-shake for an application key, with the real OctoPrint and its owner."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from agent.printers.driver import Condition, PrinterError
from agent.printers.octoprint.driver import OctoPrintDriver
from agent.printers.octoprint.key import KeyRefusedError, ask
from tests.farend.octoprint import GENERATIONS, OctoPrint, octoprint
from tests.waiting import PATIENCE


@pytest.fixture(params=GENERATIONS)
def far(request: pytest.FixtureRequest) -> Iterator[OctoPrint]:
    """One of its own for each test: OctoPrint allows three requests a minute."""
    with octoprint(generation=request.param) as made:
        yield made


@pytest.fixture
def owner(far: OctoPrint) -> Iterator[Callable[[bool], None]]:
    """Somebody who answers the next question, yes or no."""
    threads: list[threading.Thread] = []

    def answer(yes: bool) -> None:
        deadline = time.monotonic() + PATIENCE
        while not (pending := far.pending_keys()):
            if time.monotonic() > deadline:
                return
            time.sleep(0.05)
        far.decide(next(iter(pending)), yes=yes)

    def begin(yes: bool) -> None:
        threads.append(threading.Thread(target=answer, args=(yes,)))
        threads[-1].start()

    yield begin
    for thread in threads:
        thread.join()


@pytest.mark.octoprint
def test_a_key_that_its_owner_confirms_drives_the_printer(far: OctoPrint, owner: Callable[[bool], None]):
    owner(True)
    pages: list[str] = []
    key = ask(far.url, "Muster", "owner", show=pages.append, sleep=lambda _: time.sleep(0.05))
    driver = OctoPrintDriver("mk3", far.url, key)
    assert driver.status().condition is Condition.IDLE
    driver.close()
    assert pages[0].startswith(f"{far.url}/plugin/appkeys/auth/")
    owner(True)
    assert ask(far.url, "Muster", sleep=lambda _: time.sleep(0.05)) == key


@pytest.mark.octoprint
def test_a_key_that_its_owner_refuses_is_told(far: OctoPrint, owner: Callable[[bool], None]):
    owner(False)
    with pytest.raises(KeyRefusedError, match="refused"):
        ask(far.url, "Muster", sleep=lambda _: time.sleep(0.05))


@pytest.mark.octoprint
def test_a_question_that_nobody_answers_ends_and_too_many_are_told(far: OctoPrint):
    late = 0.0

    def sleep(_: float) -> None:
        nonlocal late
        late += 60

    for _ in range(3):
        with pytest.raises(KeyRefusedError, match="nobody confirmed"):
            ask(far.url, "Muster", wait=60, sleep=sleep, clock=lambda: time.monotonic() + late)
    with pytest.raises(PrinterError, match="too often"):
        ask(far.url, "Muster")


@pytest.mark.octoprint
def test_without_the_plugin_the_owner_is_sent_to_the_settings(far: OctoPrint):
    with pytest.raises(PrinterError, match="by hand"):
        ask(f"{far.url}/elsewhere", "Muster")


def test_a_server_that_is_not_there_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(PrinterError, match="out of reach"):
            ask(f"http://127.0.0.1:{taken.getsockname()[1]}", "Muster")
