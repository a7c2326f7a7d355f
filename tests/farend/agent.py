"""A whole agent for tests, in a process of its own, between a real broker and a virtual printer."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent import settings
from agent.membership import credentials
from tests.farend import broker
from tests.farend.authority import Authority
from tests.farend.coordinator import Coordinator
from tests.farend.files import Server, serving
from tests.farend.keys import COUPON, LONG, SHORT, drawn
from tests.farend.virtual import VirtualPrinter, end_pumps
from tests.waiting import PATIENCE, eventually
from wire import release
from wire.enrolment import EnrolmentAnswer
from wire.manifest import Manifest
from wire.messages import Grant, Ready, Telemetry

NAME = "ana"
PRINTER = "left"
__all__ = ["LONG", "SHORT", "Bench", "benched", "environment"]


class Bench:
    """One agent with one printer, its coordinator, and its owner's hands."""

    def __init__(self, folder: Path, far: VirtualPrinter, mqtt: broker.Broker, files: Server) -> None:
        self.folder = folder
        self.far = far
        self.mqtt = mqtt
        self.files = files
        self.state = folder / "state"
        self.config = folder / "muster-agent.toml"
        self.coordinator = Coordinator(mqtt.port)
        self.child: subprocess.Popen[str] | None = None
        self._numbers = itertools.count(1)
        self.files.serve(f"{release.PATH}/{release.definition(COUPON)}", COUPON)
        self.write()
        self._join()

    def write(self, before: str = "", after: str = "", consent: str = '[consent]\ndefault = "auto"') -> None:
        """Write the owner's settings."""
        self.config.write_text(
            f'state = "{self.state}"\n{before}\n{consent}\n[[printer]]\nname = "{PRINTER}"\ndriver = "serial"\n'
            f'port = "{self.far.port}"\nmaterial = "petg"\n{after}\n'
        )

    @property
    def log(self) -> str:
        path = self.folder / "agent.log"
        return path.read_text() if path.exists() else ""

    def start(self) -> None:
        """Start the agent."""
        with (self.folder / "agent.log").open("a") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "agent", "--config", str(self.config), "run"],
                stderr=log,
                text=True,
                env=environment(),
            )

    def stop(self, how: int = signal.SIGTERM) -> int:
        """End the agent, and wait for it."""
        child, self.child = self.child, None
        assert child is not None
        child.send_signal(how)
        return child.wait(PATIENCE)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `muster-agent` with these words."""
        command = [sys.executable, "-m", "agent", "--config", str(self.config), *words]
        return subprocess.run(
            command, check=False, capture_output=True, text=True, env=environment(), timeout=PATIENCE
        )

    def clear(self) -> None:
        """The owner says that the bed is clear."""
        done = self.command("clear", PRINTER, "--yes")
        assert done.returncode == 0, done.stderr

    def ready(self) -> Ready:
        return self.coordinator.wait(Ready)

    def manifest(
        self, ready: Ready, parameters: dict[str, float] = SHORT, data: bytes | None = None, **changes: Any
    ) -> Manifest:
        """A right manifest for a coupon, but for the changes; `data` is served in the place of what it comes to."""
        profile = settings.load(self.config).printer(PRINTER).profile
        number, now = next(self._numbers), time.time()
        body = drawn(parameters, profile).body if data is None else data
        fields: dict[str, Any] = {
            "attempt": f"a-{number}",
            "job": "job-1",
            "agent": NAME,
            "printer": PRINTER,
            "nonce": ready.nonce,
            "url": self.files.serve(f"/plate-{number}", body),
            "not_before": now,
            "expires": now + 600,
            "sequence": ready.sequence + 1,
            **self.coordinator.keys.job(parameters, profile),
        }
        if data is not None:
            fields |= {"size": len(data), "digest": release.definition(data)}
        return Manifest(**{**fields, **changes})

    def grant(self, manifest: Manifest) -> str:
        """Grant it, and give the attempt's name."""
        signed = self.coordinator.keys.sign(manifest)
        self.coordinator.say(NAME, Grant(sent=time.time(), manifest=signed))
        return manifest.attempt

    def print(self, parameters: dict[str, float] = SHORT) -> str:
        """Wait until the printer is ready, and grant a good plate."""
        return self.grant(self.manifest(self.ready(), parameters))

    def telemetry(self, wanted: Callable[[Telemetry], bool]) -> Telemetry:
        return self.coordinator.wait(Telemetry, wanted)

    def until(self, true: Callable[[], object]) -> None:
        eventually(true, lambda: f"the agent's log:\n{self.log[-4000:]}")

    def close(self) -> None:
        if self.child is not None:
            self.stop()
        self.coordinator.__exit__()
        end_pumps(self.state / "pumps")

    def _join(self) -> None:
        authority, key = Authority(), ec.generate_private_key(ec.SECP256R1())
        answer = EnrolmentAnswer(
            agent=NAME,
            certificate=authority.sign(NAME, key.public_key()),
            ca=authority.pem,
            broker=f"mqtt://127.0.0.1:{self.mqtt.port}",
            keys=self.coordinator.keys.signed,
            url=self.files.url,
        )
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        credentials.save(self.state, answer, pem)


@contextmanager
def benched(folder: Path, speed: float = 60, *faults: str) -> Generator[Bench]:
    """A bench whose processes end with the block; the agent is not started yet."""
    kind = "mosquitto" if broker.MOSQUITTO else "amqtt"
    with contextlib.ExitStack() as stack:
        far = stack.enter_context(VirtualPrinter(folder / "far", speed, *faults))
        mqtt = stack.enter_context(broker.running(kind, folder))
        files = stack.enter_context(serving())
        bench = Bench(folder, far, mqtt, files)
        stack.callback(bench.close)
        yield bench


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
