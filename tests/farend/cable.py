"""A serial cable that tests own: so many baud, so many milliseconds, and bytes that are flipped or lost, by a seed.

A process between two ptys: the host's, which it makes, and the printer's, which it opens. Both ways, every byte takes
its ten bits' time on the line, one after the other, and is then under way for the latency of adapter and driver.
"""

import argparse
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import tty
from collections import deque
from pathlib import Path
from random import Random
from types import FrameType, TracebackType
from typing import Self

from msgspec import Struct

from tests.waiting import PATIENCE

FULL = 4096
"""Bytes that wait in the kernel for the line; a host that writes more has to wait."""
GRAIN = 0.001
"""Seconds between two deliveries out of one long run of bytes."""
LATE = 0.001
"""Seconds after which a delivery counts as late: then the machine is too busy for this cable to be one."""


class Quality(Struct, frozen=True, kw_only=True):
    """What a cable is like. One in so many, on average; 0 for never."""

    baud: int = 115_200
    latency: float = 0.001
    """Seconds, each way."""
    bad: int = 0
    """One in so many bytes to the printer is flipped or lost."""
    bad_back: int = 0
    """One in so many bytes from the printer is flipped or lost."""
    lost_ok: int = 0
    """Every so many-th ok is lost whole."""
    seed: int = 0


class Wear:
    """Flips and loses one in `one_in` bytes; `spoilt` counts them."""

    def __init__(self, one_in: int, random: Random) -> None:
        self.spoilt = 0
        self._one_in = one_in
        self._random = random
        self._gap = self._next()

    def carry(self, data: bytes) -> bytes:
        """What arrives of `data`."""
        if not self._one_in or len(data) <= self._gap:
            self._gap -= len(data)
            return data
        out = bytearray()
        for byte in data:
            self._gap -= 1
            if self._gap >= 0:
                out.append(byte)
                continue
            self._gap = self._next()
            self.spoilt += 1
            if self._random.random() < 0.5:
                out.append(byte ^ 1 << self._random.randrange(8))
        return bytes(out)

    def _next(self) -> int:
        return int(self._one_in * self._random.uniform(0.5, 1.5))


class OkLoss:
    """Takes every Nth ok out of what a printer says."""

    def __init__(self, every: int) -> None:
        self.lost = 0
        self._every = every
        self._count = 0
        self._held = b""

    def carry(self, data: bytes) -> bytes:
        """What arrives of `data`; a line that is not whole yet comes later."""
        if not self._every:
            return data
        *lines, self._held = (self._held + data).split(b"\n")
        kept: list[bytes] = []
        for line in lines:
            if line.startswith(b"ok"):
                self._count += 1
                if self._count % self._every == 0:
                    self.lost += 1
                    continue
            kept.append(line + b"\n")
        return b"".join(kept)


class Lane:
    """One direction: bytes in, and out again when they are due. Pure; times in seconds."""

    def __init__(self, baud: int, latency: float) -> None:
        self.waiting = 0
        """Bytes that are not delivered yet."""
        self._byte = 10 / baud
        self._latency = latency
        self._free_at = 0.0
        self._runs: deque[tuple[float, bytes]] = deque()

    def put(self, data: bytes, now: float) -> None:
        """Bytes are written at `now`."""
        if data:
            start = max(now, self._free_at)
            self._runs.append((start, data))
            self._free_at = start + len(data) * self._byte
            self.waiting += len(data)

    def take(self, now: float) -> bytes:
        """What has arrived at `now`."""
        out: list[bytes] = []
        while self._runs:
            start, data = self._runs[0]
            count = int((now - self._latency - start) / self._byte + 1e-6)
            if count <= 0:
                break
            out.append(data[:count])
            if count < len(data):
                self._runs[0] = (start + count * self._byte, data[count:])
                break
            self._runs.popleft()
        taken = b"".join(out)
        self.waiting -= len(taken)
        return taken

    def due_at(self, now: float) -> float | None:
        """When it is worth taking again: at the end of a run, or in its midst every `GRAIN`."""
        if not self._runs:
            return None
        start, data = self._runs[0]
        whole = start + len(data) * self._byte + self._latency
        return min(whole, max(now + GRAIN, start + self._byte + self._latency))


class Cable:
    """Starts a cable from `port`, a link that it makes, to a printer's port."""

    def __init__(self, printer: Path, folder: Path, quality: Quality) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = folder / "cable"
        self.spoilt = self.lost = 0
        self.late = 0.0
        """The part of its deliveries that came more than `LATE` after they were due."""
        self._command = [
            *(sys.executable, "-m", "tests.farend.cable", str(printer), str(self.port)),
            *("--quality", json.dumps({name: getattr(quality, name) for name in quality.__struct_fields__})),
        ]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("/dev/"), "the cable did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it away, and read what it has spoilt."""
        self._process.terminate()
        assert self._process.stdout is not None
        told = self._process.stdout.read()
        self._process.wait(PATIENCE)
        self._process.stdout.close()
        self.port.unlink(missing_ok=True)
        with contextlib.suppress(ValueError):
            counts = json.loads(told)
            self.spoilt, self.lost, self.late = counts["spoilt"], counts["lost"], counts["late"]


def serve(printer: Path, link: Path, quality: Quality) -> None:
    """Carry bytes until the process is ended; then tell what was spoilt."""
    far, near = os.openpty()
    tty.setraw(near)
    board = os.open(printer, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(board)
    for descriptor in (far, board):
        os.set_blocking(descriptor, False)
    random = Random(quality.seed)
    out, back = (Lane(quality.baud, quality.latency) for _ in range(2))
    wear, wear_back, oks = Wear(quality.bad, random), Wear(quality.bad_back, random), OkLoss(quality.lost_ok)
    link.unlink(missing_ok=True)
    link.symlink_to(os.ttyname(near))
    _tell(os.ttyname(near))
    deliveries = late = 0
    try:
        while True:
            now = time.monotonic()
            due = min((at for lane in (out, back) if (at := lane.due_at(now)) is not None), default=None)
            readers = [board, *([far] if out.waiting < FULL else [])]
            ready, _, _ = select.select(readers, [], [], None if due is None else max(0.0, due - now))
            now = time.monotonic()
            if due is not None and now >= due:
                deliveries += 1
                late += now > due + LATE
            if far in ready:
                out.put(wear.carry(os.read(far, FULL)), now)
            if board in ready:
                back.put(wear_back.carry(oks.carry(os.read(board, FULL))), now)
            for lane, descriptor in ((out, board), (back, far)):
                data = lane.take(now)
                if data:
                    with contextlib.suppress(BlockingIOError):
                        os.write(descriptor, data)
    except (OSError, SystemExit):
        pass  # the printer was unplugged, or the test is over
    finally:
        told = {"spoilt": wear.spoilt + wear_back.spoilt, "lost": oks.lost}
        _tell(json.dumps(told | {"late": late / max(1, deliveries)}))


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def main() -> None:
    """`python -m tests.farend.cable PRINTER LINK --quality JSON`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("printer", type=Path)
    parser.add_argument("link", type=Path)
    parser.add_argument("--quality", type=json.loads, default={})
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    serve(options.printer, options.link, Quality(**options.quality))


if __name__ == "__main__":
    main()
