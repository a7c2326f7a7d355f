"""A cable that the nemesis holds: a TCP proxy, with knobs for each client's name.

It can cut a connection, keep what is on the way (then let it go, or cut: half-open), delay, lose and double whole
MQTT publishes, keep a grant for a later connection, and say again what a client said before.
"""

import asyncio
import contextlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.packets import CONNECT, PUBLISH, Packet, Splitter

UP, DOWN = "up", "down"
REMEMBERED = 40
"""What a client said, kept so that it can be said again."""


@dataclass
class Knobs:
    """How the nemesis treats one client's traffic now."""

    held: set[str] = field(default_factory=set[str])
    """The ways on which nothing moves."""
    delay: float = 0.0
    """Seconds for each publish, both ways."""
    double: float = 0.0
    """The chance of a publish to come twice."""
    lose: float = 0.0
    """The chance of a publish to be lost."""
    withhold: bool = False
    """Keep grants."""
    withheld: list[Packet] = field(default_factory=list[Packet])
    said: deque[Packet] = field(default_factory=lambda: deque[Packet](maxlen=REMEMBERED))


@dataclass(eq=False)
class _Line:
    """One connection through the proxy."""

    name: str
    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    down: "asyncio.Queue[tuple[float, bytes]]" = field(default_factory=asyncio.Queue)
    up: "asyncio.Queue[tuple[float, bytes]]" = field(default_factory=asyncio.Queue)
    born: float = field(default_factory=time.monotonic)

    def cut(self) -> None:
        for writer in (self.near, self.far):
            with contextlib.suppress(Exception):
                writer.transport.abort()


class Proxy:
    """Listens on a free port of the loopback until it is closed; a thread of its own."""

    def __init__(self, target: int, *, mqtt: bool, seed: int = 0) -> None:
        self.target = target
        self.port = 0
        self._mqtt = mqtt
        self._random = random.Random(seed)
        self._knobs: dict[str, Knobs] = {}
        self._lines: set[_Line] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()
        self._ready.wait(10)

    # ── knobs, from any thread ────────────────────────────────────────────────────────────────────────────

    def cut(self, name: str) -> None:
        """Reset its connections; "*" for everybody's."""
        self._do(lambda: self._cut(name))

    def hold(self, name: str, *ways: str) -> None:
        """Nothing moves on these ways any more, and nobody is told."""
        self._do(lambda: self._of(name).held.update(ways))

    def release(self, name: str, *, cut: bool) -> None:
        """Things move again: all that waited, or nothing, as the connection is gone."""

        def act() -> None:
            self._of(name).held.clear()
            if cut:
                self._cut(name)

        self._do(act)

    def set(self, name: str, *, delay: float = 0.0, double: float = 0.0, lose: float = 0.0) -> None:
        """How publishes are treated from now on; without arguments as they should be."""

        def act() -> None:
            knobs = self._of(name)
            knobs.delay, knobs.double, knobs.lose = delay, double, lose

        self._do(act)

    def withhold(self, name: str) -> None:
        """Keep the grants that come for it."""
        self._do(lambda: setattr(self._of(name), "withhold", True))

    def deliver(self, name: str) -> None:
        """Let it have the grants that were kept, on whatever connection it has now."""

        def act() -> None:
            knobs = self._of(name)
            knobs.withhold = False
            kept, knobs.withheld = knobs.withheld, []
            for line in self._lines:
                if line.name == name:
                    for packet in kept:
                        line.down.put_nowait((0.0, packet.at_most_once()))

        self._do(act)

    def repeat(self, name: str) -> None:
        """Say to the broker what this client said lately, all over again."""

        def act() -> None:
            for line in self._lines:
                if line.name == name:
                    for packet in self._of(name).said:
                        line.up.put_nowait((0.0, packet.at_most_once()))

        self._do(act)

    def calm(self) -> None:
        """Be a cable."""

        def act() -> None:
            for name, knobs in list(self._knobs.items()):
                said = knobs.said
                self._knobs[name] = Knobs(said=said)

        self._do(act)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────

    def _do(self, act: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(act)

    def _of(self, name: str) -> Knobs:
        return self._knobs.setdefault(name, Knobs())

    def _cut(self, name: str) -> None:
        for line in list(self._lines):
            if name in ("*", line.name):
                line.cut()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._meet, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for line in list(self._lines):
                line.cut()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.close()

    async def _meet(self, near: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        line = _Line("" if self._mqtt else "web", writer, far_writer)
        self._lines.add(line)
        work = [
            asyncio.ensure_future(self._read(line, near, UP)),
            asyncio.ensure_future(self._read(line, far, DOWN)),
            asyncio.ensure_future(self._write(line, far_writer, UP)),
            asyncio.ensure_future(self._write(line, writer, DOWN)),
        ]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0.01)  # what the other way still has
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            self._lines.discard(line)
            for each in (writer, far_writer):
                each.close()

    async def _read(self, line: _Line, reader: asyncio.StreamReader, way: str) -> None:
        out = line.up if way == UP else line.down
        splitter = Splitter()
        while data := await reader.read(65536):
            if not self._mqtt:
                out.put_nowait((time.monotonic() + self._of(line.name).delay, data))
                continue
            for packet in splitter.feed(data):
                if packet.type == CONNECT:
                    line.name = packet.client
                for due, piece in self._treat(line, way, packet):
                    out.put_nowait((due, piece))
        out.put_nowait((0.0, b""))

    def _treat(self, line: _Line, way: str, packet: Packet) -> list[tuple[float, bytes]]:
        if packet.type != PUBLISH:
            return [(0.0, packet.data)]
        knobs = self._of(line.name)
        if way == UP:
            knobs.said.append(packet)
        elif knobs.withhold and packet.topic.endswith("/grant"):
            knobs.withheld.append(packet)
            return []
        if self._random.random() < knobs.lose:
            return []
        times = 2 if self._random.random() < knobs.double else 1
        return [(time.monotonic() + knobs.delay, packet.data)] * times

    async def _write(self, line: _Line, writer: asyncio.StreamWriter, way: str) -> None:
        out = line.up if way == UP else line.down
        while True:
            due, data = await out.get()
            while (left := due - time.monotonic()) > 0:
                await asyncio.sleep(left)
            while way in self._of(line.name).held:
                await asyncio.sleep(0.02)
            if not data:
                return
            writer.write(data)
            await writer.drain()
