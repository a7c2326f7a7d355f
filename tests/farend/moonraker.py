"""A real Moonraker before a stand-in for Klipper, and the hands of its owner on both."""

import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.farend.klippy import Klippy
from tests.farend.shared import Shared, missing
from tests.waiting import PATIENCE, eventually

ROOT = Path(__file__).parents[2]

CONFIG = """
[server]
host: 127.0.0.1
port: {port}
klippy_uds_address: {folder}/klippy.sock
[machine]
provider: none
validate_service: False
[authorization]
[history]
"""


def python() -> Path:
    """The Python that has Moonraker, in the checkout or where MUSTER_MOONRAKER says."""
    candidates = [
        ROOT / ".venv-moonraker/bin/python",
        Path(os.environ.get("MUSTER_MOONRAKER", "/nowhere")),
    ]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    return missing("Moonraker is missing: run `make setup-moonraker`")


@contextmanager
def moonraker(speed: float = 30) -> Generator["Moonraker"]:
    """A running Moonraker of one's own."""
    with tempfile.TemporaryDirectory(prefix="muster-moonraker-") as folder:
        far = Moonraker(python(), Path(folder), speed)
        try:
            far.rise()
            yield far
        finally:
            far.close()


SHARED = Shared("Moonraker", lambda _: moonraker())
"""This test process's, which ends with the session."""


def shared() -> "Moonraker":
    """The Moonraker of this test process, as new."""
    found = SHARED.get()
    found.refresh()
    return found


class Moonraker:
    """What its owner can do with it and with the printer."""

    def __init__(self, python: Path, folder: Path, speed: float) -> None:
        self._python, self._folder = python, folder
        for name in ("config", "gcodes", "logs"):
            (folder / name).mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self._port}"
        (folder / "config/moonraker.conf").write_text(CONFIG.format(port=self._port, folder=folder))
        self.klippy = Klippy(folder / "klippy.sock", folder / "gcodes", speed)
        self.process: subprocess.Popen[bytes] | None = None
        self.key = ""
        self._session = requests.Session()
        self._session.trust_env = False

    def rise(self) -> None:
        """Start Klipper's stand-in and Moonraker; what started is ended by `close` even if this fails."""
        self.klippy.plug()
        self.raise_server()
        self.key = self._api_key()
        self._session.headers["X-Api-Key"] = self.key
        self.until_ready()

    def raise_server(self) -> None:
        """Start Moonraker, and wait until it answers."""
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        with (self._folder / "moonraker.out").open("ab") as log:
            self.process = subprocess.Popen(
                [self._python, "-m", "moonraker", "-d", self._folder, "-n"],
                stdout=log,
                stderr=log,
                # Moonrakers that share a folder for temporary files mix up what is uploaded.
                env={**foreign, "TMPDIR": str(self._folder)},
                start_new_session=True,
            )
        self._until(self._listens)

    def end_server(self) -> None:
        """Stop Moonraker in order, as systemd does; Klipper goes on."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)

    def close(self) -> None:
        self.end_server()
        self.klippy.close()

    def refresh(self) -> None:
        """As new: no job, no files, no history, a cold printer that has just been switched on."""
        if self.process is None or self.process.poll() is not None:
            self.raise_server()
        self.unplug()
        self._until(lambda: not self.get("/server/info")["klippy_connected"])
        self._session.delete(f"{self.url}/server/history/job?all=true", timeout=PATIENCE).raise_for_status()
        self.post("/server/job_queue/pause")
        self._session.delete(f"{self.url}/server/job_queue/job?all=true", timeout=PATIENCE).raise_for_status()
        for path in (self._folder / "gcodes").rglob("*.gcode"):
            path.unlink()
        self.plug()

    def plug(self) -> None:
        self.klippy.plug()
        self.until_ready()

    def unplug(self) -> None:
        self.klippy.unplug()

    def overheat(self) -> None:
        self.klippy.overheat()

    def restart(self) -> None:
        self.klippy.restart()

    def begin(self, lines: list[str]) -> None:
        """Another hand uploads this and prints it."""
        self.upload("benchy.gcode", lines)
        self.print("benchy.gcode")

    def executed(self) -> list[str]:
        return self.klippy.executed()

    def until_ready(self) -> None:
        self._until(lambda: self.get("/server/info")["klippy_state"] == "ready")

    def get(self, path: str) -> Any:
        answer = self._session.get(f"{self.url}{path}", timeout=PATIENCE)
        answer.raise_for_status()
        return answer.json()["result"]

    def post(self, path: str) -> None:
        self._session.post(f"{self.url}{path}", timeout=PATIENCE).raise_for_status()

    def upload(self, name: str, lines: list[str]) -> None:
        """Put a file there, as its owner does."""
        content = "".join(f"{line}\n" for line in lines)
        self._session.post(
            f"{self.url}/server/files/upload", files={"file": (name, content)}, timeout=PATIENCE
        ).raise_for_status()

    def print(self, path: str) -> None:
        """Start a file by hand."""
        self.post(f"/printer/print/start?filename={path}")

    def cancel(self) -> None:
        """Cancel by hand whatever runs."""
        self.post("/printer/print/cancel")

    def files(self) -> list[str]:
        """The files in our folder."""
        return sorted(f"muster/{path.name}" for path in (self._folder / "gcodes/muster").glob("*.gcode"))

    def job(self) -> str:
        """What is printed, or was printed last."""
        return self.get("/printer/objects/query?print_stats")["status"]["print_stats"]["filename"]

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self._folder / "moonraker.out").read_text()[-2000:]
        try:
            requests.get(f"{self.url}/access/info", timeout=PATIENCE).raise_for_status()
        except requests.RequestException:
            return False
        return True

    def _api_key(self) -> str:
        """Moonraker trusts who reaches its own socket."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE)
            line.connect(str(self._folder / "comms/moonraker.sock"))
            line.sendall(b'{"jsonrpc":"2.0","method":"access.get_api_key","id":1}\x03')
            content = b""
            while piece := line.recv(4096):
                *messages, content = (content + piece).split(b"\x03")
                for message in messages:  # others tell what is new, unasked
                    if "id" in (answer := json.loads(message)):
                        return str(answer["result"])
        raise AssertionError("Moonraker hung up")

    def _until(self, reached: Callable[[], bool]) -> None:
        eventually(reached, lambda: (self._folder / "moonraker.out").read_text()[-2000:])
