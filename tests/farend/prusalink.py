"""A real PrusaLink before a stand-in for the printer's board, and the hands of its owner on both."""

import hashlib
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import requests

from tests.farend.einsy import Einsy
from tests.farend.shared import Shared, missing
from tests.waiting import PATIENCE, eventually

ROOT = Path(__file__).parents[2]
USER, PASSWORD = "maker", "Spool-and-Nozzle-1"

CONFIG = """
[daemon]
data_dir = {folder}
[http]
address = 127.0.0.1
port = {port}
[printer]
port = {folder}/printer
directory = ./gcodes
[cameras]
auto_detect = False
"""
SETTINGS = """
[printer]
type = MK3S
name = test
location = here
[service::local]
enable = 1
username = {user}
digest = {digest}
api_key = {key}
"""
TURBOJPEG = "def __getattr__(name):\n    return lambda *args, **kwargs: None\n"
"""Stands in for a wrapper whose C library only cameras need, and which PrusaLink loads without one."""


MISSING = (
    "PrusaLink is missing: run `make setup-prusalink`, after (on Debian) "
    "`sudo apt install gcc python3-dev libcap-dev libmagic1`"
)


@cache
def python() -> Path:
    """The Python that has a whole PrusaLink, in the checkout or where MUSTER_PRUSALINK says."""
    candidates = [
        ROOT / ".venv-prusalink/bin/python",
        Path(os.environ.get("MUSTER_PRUSALINK", "/nowhere")),
    ]
    for candidate in candidates:
        # What it has of C, and the libraries of the system that this needs.
        parts = [candidate, "-c", "import magic, prctl, prusa.link"]
        if candidate.is_file() and subprocess.run(parts, capture_output=True, check=False).returncode == 0:
            return candidate
    return missing(MISSING)


@contextmanager
def prusalink(speed: float = 60) -> Generator["PrusaLink"]:
    """A running PrusaLink of one's own."""
    with tempfile.TemporaryDirectory(prefix="muster-prusalink-", dir="/var/tmp") as folder:
        far = PrusaLink(python(), Path(folder), speed)
        try:
            far.until_idle()
            yield far
        finally:
            far.close()


SHARED = Shared("PrusaLink", lambda _: prusalink())
"""This test process's, which ends with the session."""


def shared() -> "PrusaLink":
    """The PrusaLink of this test process, as new."""
    found = SHARED.get()
    found.refresh()
    return found


class PrusaLink:
    """What its owner can do with it and with the printer."""

    def __init__(self, python: Path, folder: Path, speed: float) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{port}"
        self.key = secrets.token_hex(16)
        digest = hashlib.md5(f"{USER}:Administrator:{PASSWORD}".encode()).hexdigest()
        (folder / "stand-ins").mkdir()
        (folder / "stand-ins/turbojpeg.py").write_text(TURBOJPEG)
        (folder / "prusalink.ini").write_text(CONFIG.format(folder=folder, port=port))
        settings = SETTINGS.format(user=USER, digest=digest, key=self.key)
        (folder / "prusa_printer_settings.ini").write_text(settings)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["X-Api-Key"] = self.key
        self.board = Einsy(folder / "printer", speed)
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        with (folder / "prusalink.out").open("wb") as log:
            self.process = subprocess.Popen(
                [python, "-m", "prusa.link", "-f", "-c", folder / "prusalink.ini"],
                stdout=log,
                stderr=log,
                env={**foreign, "PYTHONPATH": str(folder / "stand-ins"), "HOME": str(folder)},
                cwd=folder,
                start_new_session=True,
            )

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.board.close()

    def refresh(self) -> None:
        """As new: no job, no files, a cold printer."""
        if self.state() == "ERROR" or not self.board.port.exists():
            self.unplug()
            self.plug()
        if self.state() in {"PRINTING", "PAUSED"}:
            self.board.restart()
        self.until_idle()
        self.board.forget()
        # Our folder stays: PrusaLink does not see what lies in a folder that went and came back.
        for path in sorted((self._folder / "gcodes").rglob("*"), reverse=True):
            if path.is_file():
                path.unlink()
            elif path.name != "muster":
                path.rmdir()
        self._until(lambda: not self.files())
        self._until(lambda: "target_bed" in self.get("/api/v1/status")["printer"])

    def plug(self) -> None:
        if not self.board.port.exists():
            self.board.plug()

    def unplug(self) -> None:
        self.board.unplug()

    def overheat(self) -> None:
        self.board.overheat()

    def restart(self) -> None:
        self.board.restart()

    def begin(self, lines: list[str]) -> None:
        """Another hand uploads this and prints it."""
        self.upload("benchy.gcode", lines)
        self.print("benchy.gcode")

    def executed(self) -> list[str]:
        return self.board.executed()

    def get(self, path: str) -> Any:
        answer = self._session.get(f"{self.url}{path}", timeout=PATIENCE)
        return answer.json() if answer.status_code == 200 else {}

    def state(self) -> str:
        try:
            return self.get("/api/v1/status").get("printer", {}).get("state", "")
        except requests.RequestException:
            return ""

    def upload(self, name: str, lines: list[str]) -> None:
        """Put a file there, as its owner does, and wait until it is known."""
        content = "".join(f"{line}\n" for line in lines).encode()
        place = f"/api/v1/files/local/{name}"
        headers = {"Content-Type": "text/x.gcode"}
        self._session.put(f"{self.url}{place}", content, headers=headers, timeout=PATIENCE).raise_for_status()
        self._until(lambda: bool(self.get(place)))

    def print(self, name: str) -> None:
        """Start a file by hand."""
        self._session.post(f"{self.url}/api/v1/files/local/{name}", timeout=PATIENCE).raise_for_status()

    def stop(self) -> None:
        """Stop by hand whatever runs."""
        job = self.get("/api/v1/job")["id"]
        self._session.delete(f"{self.url}/api/v1/job/{job}", timeout=PATIENCE).raise_for_status()

    def files(self) -> list[str]:
        """What lies in our folder."""
        return sorted(child["name"] for child in self.get("/api/v1/files/local/muster").get("children", []))

    def job(self) -> str:
        """What is printed."""
        return self.get("/api/v1/job").get("file", {}).get("path", "")

    def until_idle(self) -> None:
        self._until(lambda: self.state() == "IDLE")

    def _until(self, reached: Callable[[], bool]) -> None:
        def is_so() -> bool:
            assert self.process.poll() is None, self._output()
            return reached()

        eventually(is_so, self._output, every=0.05)

    def _output(self) -> str:
        return (self._folder / "prusalink.out").read_text()[-3000:]
