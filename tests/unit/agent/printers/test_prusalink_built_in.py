"""PrusaLink as newer printers have it built in: no registry has that one, so its published answers stand in."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.printers.driver import Condition, Ending, PrinterError
from agent.printers.prusalink import SETTLED, PrusaLinkDriver


class Buddy:
    """An MK4 with a USB stick: short names beside long ones, and a finished print that stays on its screen."""

    def __init__(self) -> None:
        self.url = ""
        self.state = "IDLE"
        self.progress = 0.0
        self.job = 0
        self.files: dict[str, int] = {}
        self.folders: list[str] = []
        self.stick = True

    def answer(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        name = path.rpartition("/")[2]
        if path == "/api/v1/storage":
            stick = {
                "path": "/usb/",
                "name": "usb",
                "type": "USB",
                "available": self.stick,
                "read_only": False,
            }
            return 200, {"storage_list": [stick]}
        if path == "/api/v1/status":
            printer = {"state": self.state, "temp_nozzle": 25.1, "target_nozzle": 0.0, "temp_bed": 24.0}
            return 200, {"printer": printer, "storage": {"path": "/usb/", "name": "usb", "read_only": False}}
        if path == "/api/v1/job":
            return (200, self.shown_job()) if self.job else (204, None)
        if path.startswith("/api/v1/job/"):
            self.state = {"pause": "PAUSED", "resume": "PRINTING"}.get(name, "STOPPED")
            return 204, None
        if path == "/api/v1/files/usb/muster":
            return 200, {"name": "MUSTER", "type": "FOLDER", "children": self.children()}
        if method == "PUT" and headers["Create-Folder"] == "?1":
            self.folders.append(name)
            return 201, None
        if method == "PUT":
            assert headers["Print-After-Upload"] == "?0"
            self.files[name] = len(body)
            return 201, None
        if name not in self.files:
            return 404, {"message": "File not found"}
        if method == "GET":
            return 200, {
                "name": "A1~1.GCO",
                "display_name": name,
                "type": "PRINT_FILE",
                "size": self.files[name],
            }
        if method == "DELETE":
            del self.files[name]
        else:
            self.state, self.job = "PRINTING", self.job + 1
        return 204, None

    def shown_job(self) -> dict[str, Any]:
        file = {"name": "A1~1.GCO", "display_name": "a1.gcode", "path": "/usb/MUSTER", "size": 100}
        return {"id": self.job, "state": self.state, "progress": self.progress, "file": file}

    def children(self) -> list[dict[str, Any]]:
        files = [{"name": "X~1.GCO", "display_name": name, "type": "PRINT_FILE"} for name in self.files]
        folders = [{"name": name, "display_name": name, "type": "FOLDER"} for name in self.folders]
        return [*files, *folders]


@pytest.fixture
def far() -> Iterator[Buddy]:
    buddy = Buddy()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = buddy.answer(self.command, self.path, body, self.headers)
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_PUT(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            self.do_GET()

        def do_DELETE(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        buddy.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield buddy
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    path = tmp_path / "plate.gcode"
    path.write_text("G21\nG28\n")
    return path


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_print_is_known_by_its_long_name_and_its_end_by_the_state(far: Buddy, plate: Path):
    clock = Clock()
    driver = PrusaLinkDriver("mk4", far.url, "key", clock=clock)
    driver.start("a1", plate, 600)
    assert driver.status().condition is Condition.PRINTING
    far.progress = 40.0
    assert driver.status().progress == 0.4
    driver.pause()
    assert driver.status().condition is Condition.PAUSED
    driver.resume()
    far.state = "FINISHED"
    assert driver.status().ending is None
    clock.now += SETTLED
    status = driver.status()
    assert (status.condition, status.ending, status.progress) == (Condition.IDLE, Ending.DONE, 1.0)
    later = PrusaLinkDriver("mk4", far.url, "key").status()
    assert (later.attempt, later.ending) == ("a1", Ending.DONE)


@pytest.mark.parametrize(
    ("gap", "ending"), [(10, Ending.FAILED), (400, Ending.UNKNOWN)], ids=["too soon", "it may have ended"]
)
def test_a_print_that_ended_unseen_is_nobodys_guess(far: Buddy, plate: Path, gap: float, ending: Ending):
    clock = Clock()
    driver = PrusaLinkDriver("mk4", far.url, "key", clock=clock)
    driver.start("a1", plate, 600)
    driver.status()
    far.state, far.job = "IDLE", 0
    clock.now += gap
    status = driver.status()
    assert (status.condition, status.ending) == (Condition.IDLE, ending)
    assert status.why


def test_a_printer_that_wants_somebody_pauses_our_print_and_says_so(far: Buddy, plate: Path):
    driver = PrusaLinkDriver("mk4", far.url, "key")
    driver.start("a1", plate, 600)
    far.state = "ATTENTION"
    status = driver.status()
    assert (status.condition, status.ending) == (Condition.PAUSED, None)
    assert "waits for somebody" in status.why


def test_a_printer_that_stopped_for_safety_fails_our_print(far: Buddy, plate: Path):
    driver = PrusaLinkDriver("mk4", far.url, "key")
    driver.start("a1", plate, 600)
    far.state = "ERROR"
    status = driver.status()
    assert (status.condition, status.ending) == (Condition.FAULT, Ending.FAILED)


def test_without_a_stick_nothing_starts(far: Buddy, plate: Path):
    far.stick = False
    driver = PrusaLinkDriver("mk4", far.url, "key")
    status = driver.status()
    assert status.condition is Condition.UNREACHABLE
    assert "USB stick" in status.why
    with pytest.raises(PrinterError, match="USB stick"):
        driver.start("a1", plate, 600)


def test_old_files_and_marks_go_at_the_next_start(far: Buddy, plate: Path):
    clock = Clock()
    driver = PrusaLinkDriver("mk4", far.url, "key", clock=clock)
    driver.start("a1", plate, 600)
    driver.status()
    far.state, far.job = "STOPPED", 0
    driver.status()
    assert far.folders == ["a1-failed"]
    clock.now += SETTLED
    assert driver.status().ending is Ending.FAILED
    driver._sweep()
    assert far.files == {}
