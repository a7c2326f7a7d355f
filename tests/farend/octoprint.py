"""A real OctoPrint with its bundled virtual printer, and the hands of its owner on it."""

import os
import resource
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from agent.printers.octoprint.sandbox import PERMISSIONS, Sandbox
from tests.farend.shared import Shared, missing
from tests.waiting import PATIENCE, eventually

ROOT = Path(__file__).parents[2]


GENERATIONS = {
    "1.11": (".venv-octoprint", "MUSTER_OCTOPRINT"),
    "2.0": (".venv-octoprint-next", "MUSTER_OCTOPRINT_NEXT"),
}
"""The environment of each in the checkout, and the variable that says where else its command is."""


def executable(generation: str = "1.11") -> Path:
    """OctoPrint's command in the checkout, or where the environment says."""
    folder, variable = GENERATIONS[generation]
    candidates = [ROOT / folder / "bin/octoprint", Path(os.environ.get(variable, "/nowhere"))]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    return missing(f"OctoPrint {generation} is missing: run `make setup-octoprint`")


@contextmanager
def octoprint(speed: float = 20, generation: str = "1.11") -> Generator["OctoPrint"]:
    """A running OctoPrint of one's own."""
    with tempfile.TemporaryDirectory(prefix="muster-octoprint-") as folder:
        sandbox = Sandbox(executable(generation), Path(folder), speed=speed)
        try:
            yield OctoPrint(sandbox)
        finally:
            sandbox.close()


SHARED = Shared("OctoPrint", lambda generation: octoprint(generation=generation))
"""This test process's, by generation; they end with the session."""


def shared(generation: str = "1.11") -> "OctoPrint":
    """This generation's OctoPrint of this test process, as new."""
    found = SHARED.get(generation)
    found.refresh()
    return found


class OctoPrint:
    """What its owner can do with it, in a browser or at the printer."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.url = sandbox.url
        self.key = sandbox.key
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["X-Api-Key"] = sandbox.owner_key

    def get(self, path: str) -> Any:
        answer = self._session.get(f"{self.url}{path}", timeout=PATIENCE)
        return answer.json() if answer.ok else {}

    def post(self, path: str, **json: Any) -> None:
        self._session.post(f"{self.url}{path}", json=json, timeout=PATIENCE).raise_for_status()

    def refresh(self) -> None:
        """As new: no job, no files, a cold printer that has just been switched on."""
        if self._flag("printing") or self._flag("paused"):
            path = self.job()
            with suppress(requests.HTTPError):  # it ended in this moment
                self.cancel()
            self._until(lambda: self._flag("ready"))
            # Its record is written a moment later: were the file deleted first, the record would outlive it.
            self._until(lambda: "prints" in self.get(f"/api/files/local/{path}"))
        self.unplug()
        self._until(lambda: not self.get("/api/printer"))
        self._until(lambda: self.job() is None)
        # One by one: a folder's records outlive it in OctoPrint's memory, and return with a new file's name.
        for entry in self.get("/api/files/local?recursive=true")["files"]:
            for file in entry.get("children", [entry]):
                self.delete(file["path"])
        self.plug()

    def plug(self) -> None:
        """Switch the printer on and connect it."""
        self.post("/api/connection", command="connect", port="VIRTUAL", baudrate=115200)
        self._until(lambda: self._flag("ready"))
        self.post("/api/printer/command", command="M105")
        self._until(lambda: "tool0" in self.get("/api/printer").get("temperature", {}))

    def unplug(self) -> None:
        """Disconnect the printer."""
        self.post("/api/connection", command="disconnect")

    def overheat(self) -> None:
        self.firmware("trigger_fatal_error_marlin")

    def restart(self) -> None:
        self.firmware("reset")

    def begin(self, lines: list[str]) -> None:
        """Another hand uploads this and prints it."""
        self.upload("benchy.gcode", lines)
        self.print("benchy.gcode")

    def executed(self) -> list[str] | None:
        return None

    def firmware(self, order: str) -> None:
        """Tell the virtual printer what to do wrong."""
        self.post("/api/printer/command", command=f"!!DEBUG:{order}")

    def upload(self, name: str, lines: list[str]) -> None:
        """Put a file there, as its owner does."""
        content = "".join(f"{line}\n" for line in lines)
        self._session.post(
            f"{self.url}/api/files/local", files={"file": (name, content)}, timeout=PATIENCE
        ).raise_for_status()

    def print(self, path: str) -> None:
        """Start a file by hand."""
        self.post(f"/api/files/local/{path}", command="select", print=True)

    def load(self, path: str) -> None:
        """Load a file by hand, and no more."""
        self.post(f"/api/files/local/{path}", command="select", print=False)

    def cancel(self) -> None:
        """Cancel by hand whatever runs."""
        self.post("/api/job", command="cancel")

    def delete(self, path: str) -> None:
        self._session.delete(f"{self.url}/api/files/local/{path}", timeout=PATIENCE).raise_for_status()

    def revoke(self) -> None:
        """Take our key away."""
        self._session.delete(
            f"{self.url}/api/access/users/muster/apikey", timeout=PATIENCE
        ).raise_for_status()

    def forbid(self, permission: str) -> None:
        """Allow our key's account all that a driver needs but this."""
        allowed = [name for name in PERMISSIONS if name != permission]
        path = f"{self.url}/api/access/users/muster"
        json = {"active": True, "groups": [], "permissions": allowed, "admin": False}
        self._session.put(path, json=json, timeout=PATIENCE).raise_for_status()

    def fill_disk(self) -> None:
        """Let no file grow beyond 1 MB, as on a disk that is full there."""
        resource.prlimit(self.sandbox.pid, resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))

    def pending_keys(self) -> dict[str, Any]:
        """The requests for a key that wait for their owner, by token."""
        return self.get("/api/plugin/appkeys").get("pending", {})

    def decide(self, token: str, *, yes: bool) -> None:
        """Confirm or refuse a key."""
        self.post(f"/plugin/appkeys/decision/{token}", decision=yes)

    def files(self) -> list[str]:
        """The files in our folder."""
        return [file["path"] for file in self.get("/api/files/local/muster").get("children", [])]

    def job(self) -> str | None:
        """What is selected."""
        return self.get("/api/job")["job"]["file"]["path"]

    def _flag(self, name: str) -> bool:
        printer = self.get("/api/printer")
        return bool(printer) and printer["state"]["flags"][name]

    def _until(self, reached: Callable[[], bool]) -> None:
        eventually(reached, every=0.05)
