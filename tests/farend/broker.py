"""Real brokers for tests, each a child process on the loopback: amqtt, and Debian's Mosquitto.

`python -m tests.farend.broker PORT` is the child: it prints the port that it listens on, and ends with its
standard input.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.farend.shared import missing
from tests.waiting import PATIENCE

MOSQUITTO = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


@dataclass
class Broker:
    """A broker that can be ended and started again on its port. `tls` are a CA, a certificate and its key."""

    kind: str
    folder: Path
    port: int = 0
    tls: tuple[Path, Path, Path] | None = None
    _child: "subprocess.Popen[str] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://localhost:{self.port}"

    def start(self) -> None:
        for _ in range(5):
            self.port = self.port or free_port()
            self._child = self._amqtt() if self.kind == "amqtt" else self._mosquitto()
            if self._wait():
                return
            self.stop()
            self.port = 0
        raise AssertionError(f"{self.kind} does not start: see {self.folder}/broker.log")

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it; SIGKILL for the sudden way."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.poll() is None:
            child.send_signal(how)
        if child.stdin is not None:
            child.stdin.close()
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _amqtt(self) -> "subprocess.Popen[str]":
        return self._spawn([sys.executable, "-m", "tests.farend.broker", str(self.port)])

    def _mosquitto(self) -> "subprocess.Popen[str]":
        assert MOSQUITTO is not None
        lines = [f"listener {self.port} 127.0.0.1", "persistence false", "set_tcp_nodelay true"]
        if self.tls is None:
            lines.append("allow_anonymous true")
        else:
            ca, certificate, key = self.tls
            lines += [f"cafile {ca}", f"certfile {certificate}", f"keyfile {key}"]
            lines += ["require_certificate true", "use_identity_as_username true", "allow_anonymous false"]
        if os.geteuid() == 0:
            lines.append("user root")
        configuration = self.folder / "mosquitto.conf"
        configuration.write_text("\n".join(lines) + "\n")
        return self._spawn([MOSQUITTO, "-c", str(configuration)])

    def _spawn(self, command: list[str]) -> "subprocess.Popen[str]":
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with (self.folder / "broker.log").open("a") as log:
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True, env=environment
            )

    def _wait(self) -> bool:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self._child is not None
            if self._child.poll() is not None:
                return False
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return True
            time.sleep(0.02)
        return False


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def need_mosquitto() -> None:
    if MOSQUITTO is None:
        missing("Mosquitto is not installed: sudo apt install mosquitto")


@contextmanager
def running(kind: str, folder: Path, **settings: Any) -> Generator[Broker]:
    """A broker of this kind ("amqtt" or "mosquitto"), which ends with the block."""
    if kind == "mosquitto":
        need_mosquitto()
    broker = Broker(kind, folder, **settings)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


KINDS = ["amqtt", pytest.param("mosquitto", marks=pytest.mark.system)]
"""For `pytest.mark.parametrize`: every broker that the link is tested with."""


async def _serve(port: int) -> None:
    from amqtt.broker import Broker as Server

    server = Server(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await server.start()
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    loop.add_reader(sys.stdin.fileno(), over.set)
    await over.wait()
    await server.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_serve(int(sys.argv[1])))
