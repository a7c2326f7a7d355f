"""A throw-away OctoPrint that drives its own bundled virtual printer: to try Muster, and to test it.

It listens on loopback only, asks nothing of the outside (no updates, no tracking, no discovery), and ends
with who started it. It is a real OctoPrint in every other way, driven by the same driver as a volunteer's.
"""

import argparse
import http.client
import json
import os
import secrets
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

ATTEMPTS_TO_BIND = 3
SECONDS_TO_START = 60.0
SECONDS_TO_END = 5.0

UNWANTED = (
    *("achievements", "action_command_notification", "action_command_prompt", "announcements", "backup"),
    *("classicwebcam", "corewizard", "customcontrolmanager", "discovery", "errortracking", "eventmanager"),
    *(
        "gcodeviewer",
        "health_check",
        "logging",
        "pluginmanager",
        "softwareupdate",
        "tracking",
        "uploadmanager",
    ),
)
"""Bundled plugins that talk to the outside, or only cost time here."""

PERMISSIONS = (
    *("STATUS", "PRINT", "CONTROL"),
    *("FILES_LIST", "FILES_UPLOAD", "FILES_SELECT", "FILES_DELETE", "FILES_DOWNLOAD"),
)
"""What a driver's key has to be allowed."""

PLUGIN = '''\
"""Runs the bundled virtual printer by a faster clock, and ends OctoPrint with the process that started it."""

import os
import threading
import time

from octoprint.plugins.virtual_printer import virtual

__plugin_name__ = "Sandbox"
__plugin_version__ = "1.0"
__plugin_pythoncompat__ = ">=3.9"
SPEED = {speed!r}


class Clock:
    """The time module, as the virtual printer sees it: heating, moves, dwells take 1/SPEED of their time."""

    def __getattr__(self, name):
        return getattr(time, name)

    def monotonic(self):
        return time.monotonic() * SPEED

    def sleep(self, seconds):
        time.sleep(seconds / SPEED)


def end_with_parent():
    while os.read(0, 4096):
        pass
    os._exit(0)


def __plugin_load__():
    virtual.time = Clock()
    threading.Thread(target=end_with_parent, name="sandbox.end_with_parent", daemon=True).start()
'''
"""OctoPrint's side of the sandbox. The virtual printer has no speed setting; it heats by 10 °C/s and takes a
tenth of a move's time (none in a negative direction), and all of that goes through its module's `time`."""


class SandboxError(Exception):
    """OctoPrint could not be started. The message says why and where its log is."""


class Sandbox:
    """One running OctoPrint, with keys of two people.

    `url` and `key` are what a driver needs; `key` may do what a driver does and no more; `owner_key`, all.
    """

    def __init__(self, executable: Path, state: Path, *, port: int = 0, speed: float = 1.0) -> None:
        """Start OctoPrint with its files in `state`, and wait until its virtual printer is operational.

        Args:
            executable: the `octoprint` command of an environment that has it.
            state: a folder of its own; made if missing.
            port: on 127.0.0.1; 0 takes a free one.
            speed: how many times faster than usual the virtual printer runs.

        Raises:
            SandboxError: the command is missing, ended, or did not answer in time.
        """
        if not executable.is_file():
            raise SandboxError(f"there is no OctoPrint at {executable}; `make setup-octoprint` sets one up")
        self.key = secrets.token_hex(16)
        self.owner_key = secrets.token_hex(16)
        self._executable = executable
        self._state = state
        self._log = state / "octoprint.out"
        _furnish(state, self.key, self.owner_key, speed)
        for _ in range(1 if port else ATTEMPTS_TO_BIND):
            self._port = port or _free_port()
            self.url = f"http://127.0.0.1:{self._port}"
            self._process = self._launch()
            if self._answers():
                return
            self.close()
        raise SandboxError(f"OctoPrint did not start; its output is in {self._log}")

    @property
    def pid(self) -> int:
        """The process number of OctoPrint."""
        return self._process.pid

    def _launch(self) -> subprocess.Popen[bytes]:
        foreign = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
        environment = {name: value for name, value in os.environ.items() if name not in foreign}
        command = [
            self._executable,
            "serve",
            "--basedir",
            self._state,
            "--host",
            "127.0.0.1",
            "--port",
            str(self._port),
        ]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [*command, "--iknowwhatimdoing"],  # its words for running as root, as containers do
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C goes to us, and we end it in order
            )

    def _answers(self) -> bool:
        """Wait until the printer is operational; False if OctoPrint ended, as when its port is taken."""
        patience = time.monotonic() + SECONDS_TO_START
        while self._process.poll() is None:
            if time.monotonic() > patience:
                self.close()
                raise SandboxError(f"OctoPrint did not answer in {SECONDS_TO_START:.0f} s; see {self._log}")
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)
            try:
                connection.request("GET", "/api/printer", headers={"X-Api-Key": self.key})
                if connection.getresponse().status == HTTPStatus.OK:
                    return True
            except (http.client.HTTPException, OSError):
                pass  # not listening yet, or the garbled 404 that OctoPrint gives while it starts
            finally:
                connection.close()
            time.sleep(0.1)
        return False

    def ended(self) -> bool:
        """Whether OctoPrint has ended."""
        return self._process.poll() is not None

    def restart(self, *, gently: bool = True) -> None:
        """End OctoPrint, by a signal or (not `gently`) as a power cut does, and start it again on its port.

        Raises:
            SandboxError: it did not come back.
        """
        if not gently:
            self._process.kill()
        self.close()
        self._process = self._launch()
        if not self._answers():
            raise SandboxError(f"OctoPrint did not start again; its output is in {self._log}")

    def close(self) -> None:
        """End OctoPrint. May be called again."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sandbox until SIGTERM, SIGINT or, where standard input is a pipe, its end.

    Prints one line of JSON when it is ready: `{"url": …, "key": …, "pid": …}`.
    """
    parser = argparse.ArgumentParser(
        prog="muster-agent octoprint-sandbox",
        description="Run a throw-away OctoPrint with its bundled virtual printer, on loopback.",
    )
    parser.add_argument("--executable", type=Path, required=True, help="the octoprint command")
    parser.add_argument("--state", type=Path, required=True, help="a folder for its files")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one (default)")
    parser.add_argument("--speed", type=float, default=1.0, help="how many times faster the printer runs")
    options = parser.parse_args(argv)
    if options.speed <= 0:
        parser.error("--speed must be above 0")

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    sandbox = None
    try:
        sandbox = Sandbox(options.executable, options.state, port=options.port, speed=options.speed)
        sys.stdout.write(json.dumps({"url": sandbox.url, "key": sandbox.key, "pid": sandbox.pid}) + "\n")
        sys.stdout.flush()
        _stay(sandbox)
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        if sandbox is not None:
            sandbox.close()
    return 0


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _stay(sandbox: Sandbox) -> None:
    piped = stat.S_ISFIFO(os.fstat(0).st_mode)
    while not sandbox.ended():
        readable, _, _ = select.select([0] if piped else [], [], [], 0.5)
        if readable and not os.read(0, 4096):
            return
    raise SandboxError("OctoPrint ended by itself")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _furnish(state: Path, key: str, owner_key: str, speed: float) -> None:
    """Write OctoPrint's files. JSON is YAML that quotes: an all-digit key, read as a number, breaks all."""
    config: dict[str, Any] = {
        "server": {
            "firstRun": False,
            "seenWizards": {"corewizard": 4},
            "onlineCheck": {"enabled": False},
            "pluginBlacklist": {"enabled": False},
            "pythonEolCheck": {"enabled": False},
            "ipCheck": {"enabled": False},
        },
        "accessControl": {"salt": secrets.token_hex(16), "trustRemoteUser": False, "autologinLocal": False},
        "gcodeAnalysis": {"runAt": "never"},
        "temperature": {"sendAutomatically": False},
        "webcam": {"timelapseEnabled": False, "webcamEnabled": False},
        "feature": {"sdSupport": False, "modelSizeDetection": False},
        "serial": {
            "port": "VIRTUAL",
            "baudrate": 115200,
            "autoconnect": True,
            "timeout": {"temperatureAutoreport": 1, "positionLogWait": 2},
        },
        "plugins": {
            "_disabled": list(UNWANTED),
            "virtual_printer": {
                "enabled": True,
                "simulated_errors": [],
                "rxBuffer": 128,
                "commandBuffer": 16,
            },
        },
    }
    users: dict[str, Any] = {
        "_version": 2,
        "muster": _user(key, groups=[], permissions=PERMISSIONS),
        # Without an administrator OctoPrint would hold its first-run set-up open.
        "owner": _user(owner_key, groups=["admins", "users"], permissions=()),
    }
    plugins = state / "plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    _private(state / "config.yaml", json.dumps(config))
    _private(state / "users.yaml", json.dumps(users))
    _private(plugins / "sandbox.py", PLUGIN.replace("{speed!r}", repr(float(speed))))


def _user(key: str, groups: Sequence[str], permissions: Sequence[str]) -> dict[str, Any]:
    return {
        "password": "none",  # no password has this hash: nobody logs in, the key is the only way
        "active": True,
        "groups": list(groups),
        "permissions": list(permissions),
        "apikey": key,
        "settings": {},
    }


def _private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


if __name__ == "__main__":
    raise SystemExit(main())
