"""A crowd of light agents in one thread: each speaks the real wire over its own connection, and prints nothing."""

import asyncio
import contextlib
import itertools
import random
import ssl
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from agent.backoff import backoff
from agent.conversation.link import SPREAD, STEADY
from agent.conversation.reporter import RESEND
from gcode.profile import Profile
from wire import codec, topics
from wire.lifecycle import Step
from wire.messages import Ack, Event, Holding, Presence, Printer, Ready, Recall, Report, Up

KEEPALIVE = 30
CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PING = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90, 0xC0
PATIENCE = 15.0
"""Seconds for a connection to come up, as the real agent has it."""


@dataclass
class LightAgent:
    """One agent of the crowd. `owed` are events that the coordinator has not acknowledged."""

    name: str
    context: ssl.SSLContext | None
    epoch: str
    seq: int = 0
    acked: int = 0
    connection: int = 0
    counter: int = 0
    up: bool = False
    answered_at: float = 0.0
    _packets: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def owed(self) -> int:
        return self.seq - self.acked

    def birth(self) -> list[Up]:
        """What a real agent says when it has a new connection: who it is, what it owes, and that it waits."""
        said: list[Up] = [
            Presence(
                online=True,
                connection=self.connection,
                epoch=self.epoch,
                printers=(Printer(name="one", driver="serial", profile=Profile(), material="petg"),),
                holding=self._holding(),
            )
        ]
        if self.owed:
            said.append(self.report())
        self.counter += 1
        said.append(
            Ready(
                printer="one",
                nonce=f"{self.epoch}-{self.counter}",
                counter=self.counter,
                lifetime=60,
                window=86_400,
                material="petg",
                epoch=self.epoch,
                seq=self.seq,
            )
        )
        return said

    def report(self) -> Report:
        """All that it owes."""
        events = tuple(
            Event(seq=number, attempt=f"{self.name}-{number}", step=Step.FETCH, at=0.0)
            for number in range(self.acked + 1, self.seq + 1)
        )
        return Report(epoch=self.epoch, events=events, holding=self._holding())

    def _holding(self) -> Holding:
        return Holding(counter=self.counter, seq=self.seq, acked=self.acked)

    async def live(self, host: str, port: int, crowd: "Crowd") -> None:
        """Connect, and connect again, as `agent.conversation.link` does."""
        failures = 0
        await asyncio.sleep(random.uniform(0, crowd.entry))
        while True:
            began = time.monotonic()
            lasted = None
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError, ssl.SSLError):
                crowd.tries.append(began)
                lasted = await self._connect(host, port, crowd)
            self.up = False
            if lasted is not None:
                lasted = time.monotonic() - lasted
            failures = 0 if lasted is not None and lasted >= STEADY else failures + 1
            await asyncio.sleep(backoff(failures, random.random, base=SPREAD))

    async def _connect(self, host: str, port: int, crowd: "Crowd") -> float | None:
        """One connection until it ends; when it was up."""
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(
                host, port, ssl=self.context, server_hostname=host if self.context else None
            ),
            PATIENCE,
        )
        since = None
        try:
            self.connection += 1
            death = Presence(online=False, connection=self.connection, epoch=self.epoch)
            will = _text(topics.up(self.name, "presence")) + _text(codec.encode(death))
            writer.write(
                _packet(
                    CONNECT, b"\x00\x04MQTT\x04\x2e" + struct.pack("!H", KEEPALIVE) + _text(self.name) + will
                )
            )
            kind, body = await asyncio.wait_for(_read(reader), PATIENCE)
            if kind != CONNACK or body[1]:
                return None
            filters = b"".join(_text(each) + b"\x01" for each in topics.downs(self.name))
            writer.write(_packet(SUBSCRIBE, struct.pack("!H", next(self._packets)) + filters))
            while (await asyncio.wait_for(_read(reader), PATIENCE))[0] != SUBACK:
                pass
            for message in self.birth():
                self._say(writer, message)
            self.up, since = True, time.monotonic()
            tending = asyncio.create_task(self._tend(writer))
            try:
                while True:
                    self._hear(*await _read(reader), writer)
            finally:
                tending.cancel()
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            return since
        finally:
            writer.transport.abort()

    async def _tend(self, writer: asyncio.StreamWriter) -> None:
        """Keep the connection alive, and say again what nobody has acknowledged, as the real reporter does."""
        while True:
            await asyncio.sleep(RESEND)
            writer.write(bytes([PING, 0]))
            if self.owed:
                self._say(writer, self.report())

    def _say(self, writer: asyncio.StreamWriter, message: Up) -> None:
        flags = 0x03 if isinstance(message, Presence) else 0x02
        head = _text(topics.up(self.name, codec.kind(message))) + struct.pack(
            "!H", next(self._packets) % 65535 + 1
        )
        writer.write(_packet(PUBLISH | flags, head + codec.encode(message)))

    def _hear(self, kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if kind & 0xF0 != PUBLISH:
            return
        length = struct.unpack_from("!H", body)[0]
        topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
        if kind & 0x06:
            writer.write(_packet(PUBACK, rest[:2]))
            rest = rest[2:]
        message = codec.decode_down(rest, topics.parse(topic).kind)
        if isinstance(message, Ack) and message.epoch == self.epoch and message.seq > self.acked:
            self.acked = message.seq
            if not self.owed:
                self.answered_at = time.monotonic()
        elif isinstance(message, Recall) and self.owed:
            self._say(writer, self.report())


class Crowd:
    """Many light agents, living on a thread of their own while inside `with`."""

    def __init__(self, host: str, port: int, agents: list[LightAgent], *, entry: float = 5.0) -> None:
        """`entry`: seconds over which they come in at first."""
        self.agents = agents
        self.entry = entry
        self.tries: list[float] = []
        """When somebody tried to connect, on the monotonic clock."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(host, port), name="crowd", daemon=True)
        self._all: asyncio.Future[object] | None = None

    def __enter__(self) -> "Crowd":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        def cancel() -> None:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()

        self._loop.call_soon_threadsafe(cancel)
        self._thread.join(30)

    def owe(self) -> None:
        """Something happens at each, to be told when there is a connection."""
        for agent in self.agents:
            agent.seq += 1

    @property
    def up(self) -> int:
        return sum(agent.up for agent in self.agents)

    @property
    def owing(self) -> int:
        return sum(agent.owed > 0 for agent in self.agents)

    def busiest_second(self, since: float) -> int:
        """The most tries to connect within one second since then."""
        seconds = Counter(int(moment - since) for moment in self.tries if moment >= since)
        return max(seconds.values(), default=0)

    def _run(self, host: str, port: int) -> None:
        async def everybody() -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*(agent.live(host, port, self) for agent in self.agents))

        with contextlib.closing(self._loop):
            self._loop.run_until_complete(everybody())


def context(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """What an agent shows the broker, and whom it believes."""
    made = ssl.create_default_context(cafile=ca)
    made.load_cert_chain(certificate, key)
    return made


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return kind, await reader.readexactly(length)


def _packet(kind: int, body: bytes) -> bytes:
    head, length = bytearray([kind]), len(body)
    while True:
        length, digit = divmod(length, 128)
        head.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(head) + body


def _text(words: str | bytes) -> bytes:
    data = words.encode() if isinstance(words, str) else words
    return struct.pack("!H", len(data)) + data
