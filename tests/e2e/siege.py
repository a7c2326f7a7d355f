"""A coordinator under siege: a real one with a real broker, an honest neighbour at work, and one who means harm."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from agent.membership import enrolment as joining
from agent.membership.identity import Identity
from coordinator.client import Client
from gcode.profile import Profile
from tests.farend import mallory
from tests.farend.agent import environment
from tests.farend.mallory import Line
from tests.farend.mqtt import Speaker
from tests.waiting import PATIENCE, eventually
from wire import codec, enrolment, manifest, topics
from wire.keyset import KeySet, Use, read
from wire.lifecycle import State, Step
from wire.messages import Ack, Event, Grant, Presence, Printer, Ready, Report, Up

ROOM = 150.0
"""MB that coordinator and broker may take more than before the siege."""


class Player:
    """An agent with one printer that is played by hand, over the real broker."""

    def __init__(self, siege: "Siege", name: str) -> None:
        self.siege = siege
        self.name = name
        self.identity = siege.enrol(name)
        self.epoch = name.encode().hex().ljust(32, "0")[:32]
        self.seq = 0
        self.counter = 0
        self.connection = 0
        self.strange: list[tuple[str, bytes]] = []
        self._speaker: Speaker | None = None

    def come(self) -> None:
        self.connection += 1
        credentials = self.identity.folder / "credentials.pem"
        url = self.identity.answer.broker
        how = {"ca": self.siege.ca, "certificate": credentials} if url.startswith("mqtts:") else {}
        self._speaker = Speaker(url, self.name, **how)
        self._speaker.__enter__()
        self._speaker.listen(*topics.downs(self.name))
        self.say(self.presence())

    def go(self) -> None:
        if self._speaker is not None:
            self._speaker.__exit__(None, None, None)

    @property
    def is_there(self) -> bool:
        return self._speaker is not None and self._speaker.connected

    def presence(self) -> Presence:
        printer = Printer(name="one", driver="serial", profile=Profile(), material="petg")
        return Presence(online=True, connection=self.connection, epoch=self.epoch, printers=(printer,))

    def ready(self) -> Ready:
        self.counter += 1
        return Ready(
            printer="one",
            nonce=f"{self.name}-nonce-{self.counter:010}",
            counter=self.counter,
            lifetime=600,
            window=86_400,
            material="petg",
            epoch=self.epoch,
            seq=self.seq,
            keys=self.keys.version,
        )

    @property
    def keys(self) -> KeySet:
        return read(self.identity.answer.keys.body)

    def say(self, message: Up) -> None:
        assert self._speaker is not None
        retain = isinstance(message, Presence)
        self._speaker.say(topics.up(self.name, codec.kind(message)), codec.encode(message), retain=retain)

    def hears(self, kind: type[Ack] | type[Grant], wanted: Callable[[Ack | Grant], bool]) -> Ack | Grant:
        """The next such message; what else comes is kept as strange, but for what is said again."""
        assert self._speaker is not None
        deadline = time.monotonic() + PATIENCE
        while True:
            topic, data = self._speaker.hear(max(0.01, deadline - time.monotonic()))
            parsed = topics.parse(topic)
            if parsed.way == "up" and self.siege.kind == "embedded":
                continue  # amqtt shows who connects what is retained for others: there, nobody is kept apart
            try:
                message = codec.decode_down(data, parsed.kind)
            except Exception:
                self.strange.append((topic, data))
                raise
            if isinstance(message, kind) and wanted(message):
                return message
            if not isinstance(message, Ack | Grant) and parsed.kind not in ("recall", "keys"):
                self.strange.append((topic, data))

    def gets_work(self) -> manifest.Manifest:
        """Say ready until a plate is granted."""
        self.say(self.ready())
        found = self.hears(Grant, lambda _: True)
        assert isinstance(found, Grant)
        return manifest.verify(found.manifest, self.keys.of(Use.DISPATCH))

    def reports(self, attempt: str, *steps: Step) -> None:
        """Report, and wait until that is committed."""
        events: list[Event] = []
        for step in steps:
            self.seq += 1
            events.append(Event(seq=self.seq, attempt=attempt, step=step, at=0.0))
        self.say(Report(epoch=self.epoch, events=tuple(events)))
        self.hears(Ack, lambda ack: isinstance(ack, Ack) and ack.epoch == self.epoch and ack.seq == self.seq)


class Siege:
    """All below `directory`; inside `with`."""

    def __init__(self, kind: str, directory: Path) -> None:
        self.kind = kind
        self.directory = directory
        self._closing = contextlib.ExitStack()
        self._log = directory / "coordinator.log"

    def __enter__(self) -> "Siege":
        with contextlib.ExitStack() as closing:  # who does not get through to the end leaves nothing behind
            closing.push(self)
            self._begin()
            closing.pop_all()
        return self

    def _begin(self) -> None:
        settings = self.directory / "muster.toml"
        settings.write_text(f'data = "data"\n[web]\nport = 0\n[broker]\nkind = "{self.kind}"\n')
        log = self._closing.enter_context(self._log.open("w"))
        command = [sys.executable, "-m", "coordinator", "serve", "--config", str(settings)]
        self._child = subprocess.Popen(command, stdout=log, stderr=log, env=environment())
        self._closing.callback(self._end)
        address = self.directory / "data" / "address"
        self.until(lambda: address.exists() and self._answers(address.read_text().strip()))
        self.url = address.read_text().strip()
        key = (self.directory / "data" / "access.key").read_text().strip()
        self.desk = self._closing.enter_context(Client(self.url, key, by="carla"))
        self.ca = self.directory / "data" / "keys" / "ca.crt"
        hospital = self.desk.add_hospital(name="H", contact="ward 3", latitude=41.0, longitude=2.0).id
        self.desk.approve_hospital(hospital)
        self.need = self.desk.file_need(hospital=hospital, part="ear-saver", quantity=500).need.id
        self.ben = Player(self, "ben")
        self._closing.callback(self.ben.go)
        self.ben.come()
        self.work = self.ben.gets_work()
        self.ben.reports(self.work.attempt, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
        self.mallory = Player(self, "mallory")
        self._before = self.memory()

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def enrol(self, name: str) -> Identity:
        """As an agent joins."""
        return joining.enrol(enrolment.parse(self.desk.invite()), name, self.directory / name)

    def enrol_player(self, name: str) -> Player:
        """One more agent, connected; each test takes a name of its own."""
        player = Player(self, name)
        self._closing.callback(player.go)
        player.come()
        return player

    def line(self) -> Line:
        """Mallory's socket to the broker, with her credentials."""
        credentials = self.mallory.identity.folder / "credentials.pem"
        return Line(self.mallory.identity.answer.broker, self.mallory.identity.answer.ca, credentials)

    @contextlib.contextmanager
    def linked(self, name: str = "mallory", *, will: tuple[str, bytes] | None = None):
        """Mallory, connected as the broker wants it."""
        with self.line() as line:
            line.say(mallory.connect(name, will=will))
            heard = line.hear()
            assert heard == (mallory.CONNACK, b"\0\0"), heard
            yield line

    def heard(self, kind: str) -> int:
        """How many messages of this kind the coordinator has understood."""
        found = re.search(rf'^muster_messages_received_total{{kind="{kind}"}} (\S+)', self.metrics, re.M)
        return int(float(found[1])) if found else 0

    @property
    def flooded(self) -> float:
        """How many messages the coordinator has dropped as too much of one agent."""
        found = re.search(r"^muster_messages_flooded_total (\S+)", self.metrics, re.M)
        assert found
        return float(found[1])

    @property
    def metrics(self) -> str:
        return httpx.get(f"{self.url}/metrics", timeout=PATIENCE).text

    @property
    def log(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]

    def memory(self) -> float:
        """MB that coordinator and its children take."""
        pids = [self._child.pid, *_children(self._child.pid)]
        return sum(_rss(pid) for pid in pids)

    def holds(self) -> None:
        """The neighbour works on undisturbed, and nothing broke."""
        ben = self.ben
        assert ben.is_there
        ben.reports(self.work.attempt, Step.PAUSE)
        assert self.desk.attempt(self.work.attempt).state is State.PAUSED
        ben.reports(self.work.attempt, Step.RESUME)
        assert self.desk.attempt(self.work.attempt).state is State.PRINTING
        assert ben.strange == []
        assert [view.printer.online for view in self.desk.printers() if view.printer.agent == "ben"] == [True]
        assert [line for line in self.log if line.get("level") in ("error", "critical")] == []
        assert "Traceback" not in self._log.read_text()
        assert "muster_messages_failed_total 0.0" in self.metrics
        assert self.desk.ledger().balanced
        assert self.memory() < self._before + ROOM
        assert self._child.poll() is None

    def until(self, true: Callable[[], object]) -> None:
        eventually(true, lambda: self._log.read_text()[-3000:], every=0.05)

    def _answers(self, url: str) -> bool:
        try:
            return httpx.get(f"{url}/healthz", timeout=PATIENCE).is_success
        except httpx.TransportError:
            return False

    def _end(self) -> None:
        self._child.send_signal(signal.SIGINT)
        self._child.wait(PATIENCE)


def _children(pid: int) -> list[int]:
    found = [
        int(each)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for each in (task / "children").read_text().split()
    ]
    return found + [deeper for each in found for deeper in _children(each)]


def _rss(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0
