"""A model of what Marlin's line discipline does, in as few lines as that takes, and a cable that spoils it by seed.

Not the virtual printer: that is a product. This one is for thousands of short conversations with a clock of their own.
"""

import re
from collections import deque
from random import Random

NUMBERED = re.compile(rb"N(-?\d+) ?(.*)\*(\d+)\s*$", re.DOTALL)
IDENTITY = (
    b"FIRMWARE_NAME:Marlin bugfix (model) MACHINE_TYPE:Model UUID:cafebabe-1234-1234-1234-123456789abc\n"
)
HEAT = b"T:%.1f /%d B:21.0 /0"


class Board:
    """`receive` what came, `advance` the time, send what `take` gives. `executed` is every command, in order."""

    def __init__(
        self,
        *,
        buffer: int = 127,
        queue: int = 4,
        advanced: bool = False,
        resend: str = "ok",
        seconds: float = 0.01,
        capabilities: tuple[str, ...] = (),
    ) -> None:
        """`resend` is ok, bare or twice; a move takes `seconds`."""
        self.executed: list[str] = []
        self.overflowed = 0
        self.last = 0
        self.now = 0.0
        self.target = 0
        self._actual = (0.0, 21.0)
        self.killed = False
        self.place = {"X": 0.0, "Y": 0.0, "Z": 0.0, "E": 0.0}
        self._size, self._depth, self._advanced, self._resend = buffer, queue, advanced, resend
        self._seconds, self._capabilities = seconds, capabilities
        self._partial = b""
        self._lines: deque[bytes] = deque()
        self._queue: deque[tuple[int, str]] = deque()
        self._free_at = 0.0
        self._moves_end = 0.0
        self._report_at: float | None = None
        self._said_at = 0.0
        self._current: tuple[int, str] | None = None
        self._said: list[bytes] = []

    def say(self, *lines: str) -> None:
        self._said += [line.encode() + b"\n" for line in lines]

    def take(self) -> list[bytes]:
        """Whole lines."""
        said, self._said = self._said, []
        return said

    def actual(self) -> float:
        """°C; it heats by five a second, and cools by half of that."""
        then, before = self._actual
        passed = self.now - then
        goal = max(self.target, 21)
        after = min(goal, before + 5 * passed) if before < goal else max(goal, before - 2.5 * passed)
        self._actual = (self.now, after)
        return after

    def _heat(self) -> str:
        return (HEAT % (self.actual(), self.target)).decode()

    def restart(self) -> None:
        self.last, self.target = 0, 0
        self._queue.clear()
        self._lines.clear()
        self._partial, self._current, self._report_at = b"", None, None
        self.say("start", "echo: External Reset", "Marlin bugfix-2.1.x")

    def receive(self, data: bytes) -> None:
        if self.killed:
            return
        room = self._size + 1 - len(self._partial) - sum(len(line) + 1 for line in self._lines)
        self.overflowed += max(0, len(data) - room)
        data = (
            data[: max(0, room)] if len(data) <= room else data[: max(0, room)].rpartition(b"\n")[0] + b"\n"
        )
        *lines, self._partial = (self._partial + data).split(
            b"\n"
        )  # torn lines, joined, would fool XOR at times
        self._lines.extend(lines)
        if "EMERGENCY_PARSER" in self._capabilities:
            for line in lines:
                if b"M108" in line and self._current and "M109" in self._current[1]:
                    self._free_at = self.now
                elif b"M112" in line:
                    self.kill()
        self.advance(self.now)

    def kill(self) -> None:
        self.killed, self.target = True, 0
        self.say("Error:Printer halted. kill() called!")

    def advance(self, now: float) -> float | None:
        """Gives when something happens by itself."""
        self.now = now
        if self.killed:
            return None
        waits = self._current is not None and "M109" in self._current[1] and now >= self._said_at + 1
        if waits or (self._report_at is not None and now >= self._report_at):
            self._said_at = now
            self._report_at = self._report_at and now + 2
            self.say(" " + self._heat() + (" W:?" if waits else ""))
        while True:
            while self._lines and len(self._queue) < self._depth:
                self._read(self._lines.popleft())
            if self._current and now >= self._free_at:
                self._end(*self._current)
                self._current = None
            elif self._queue and not self._current:
                self._begin(*self._queue.popleft())
            else:
                break
        dues = [min(self._free_at, max(now, self._said_at) + 1)] if self._current else []
        return min([*dues, *([] if self._report_at is None else [self._report_at])], default=None)

    def _read(self, line: bytes) -> None:
        line = line.strip(b" \0\r")
        if not line:
            return
        if line[:1] != b"N":
            self._queue.append((0, line.decode("latin-1")))
            return
        found = NUMBERED.match(line)
        greets = b"M110" in line
        if found and not greets and self.last - 1 <= int(found[1]) <= self.last:
            return
        body = line.rpartition(b"*")[0]
        check = 0
        for byte in body:
            check ^= byte
        if not found or (int(found[1]) != self.last + 1 and not greets):
            self._refuse("Line Number is not Last Line Number+1")
        elif int(found[3]) != check:
            self._refuse("checksum mismatch")
        else:
            self.last = int(found[1])
            self._queue.append((self.last, found[2].decode("latin-1").strip()))

    def _refuse(self, why: str) -> None:
        self.say(f"Error:{why}, Last Line: {self.last}")
        for _ in range(2 if self._resend == "twice" else 1):
            self.say(f"Resend: {self.last + 1}")
            if self._resend != "bare":
                self.say("ok")
        self._lines.clear()
        self._partial = b""

    def _begin(self, number: int, command: str) -> None:
        self._current = (number, command)
        self._free_at = self.now
        if command.startswith(("G0", "G1")):
            self._free_at = max(self.now, self._moves_end - 16 * self._seconds)
            self._moves_end = max(self.now, self._moves_end) + self._seconds
        elif command.startswith("M109"):
            self._aim(command.split()[1:])
            self._free_at = self.now + max(0.0, self.target - self.actual()) / 5
        elif command.startswith("M400"):
            self._free_at = max(self.now, self._moves_end)

    def _aim(self, words: list[str]) -> None:
        self.actual()
        self.target = int(words[0][1:] or 0) if words and words[0][1:].isdigit() else 0

    def _end(self, number: int, command: str) -> None:
        self.executed.append(command)
        code, *words = command.split() or [""]
        more = ""
        if code in {"G0", "G1", "G92"}:
            self.place.update({word[0]: float(word[1:]) for word in words if word[0] in self.place})
        elif code in {"M104", "M109"}:
            self._aim(words)
        elif code == "M105":
            more = " " + self._heat()
        elif code == "M114":
            self.say("X:{X:.2f} Y:{Y:.2f} Z:{Z:.2f} E:{E:.2f} Count X:0 Y:0 Z:0".format(**self.place))
        elif code == "M115":
            self.say(IDENTITY.decode().strip(), *(f"Cap:{name}:1" for name in self._capabilities))
        elif code == "M155":
            self._report_at = self.now if words and float(words[0][1:]) else None
        elif code == "M410":
            self._moves_end = self.now
        elif code == "M112":
            self.kill()
            return
        if self._advanced and not more and number:
            more = f" N{number} P{min(15, 16)} B{self._depth - len(self._queue) - 1}"
        self.say("ok" + more)


class Cable:
    """Spoils a part of what passes, by the whole line, never two in a row: what a bad USB cable does."""

    def __init__(self, seed: int, rate: float) -> None:
        self._random = Random(seed)
        self._rate = rate
        self._was_bad = False
        self.spoilt = 0

    def out(self, data: bytes) -> bytes:
        """To the board: bytes flip and are lost, lines are lost and doubled. XOR must be able to notice."""
        return b"".join(self._line(line) for line in data.splitlines(keepends=True))

    def home(self, lines: list[bytes]) -> list[tuple[float, bytes]]:
        """From the board: the same, and they are late; each with its delay in seconds."""
        return [
            (self._random.choice([0, 0, 0.002, 0.02]) if self._rate else 0.0, self._line(line))
            for line in lines
        ]

    def _line(self, line: bytes) -> bytes:
        bad = not self._was_bad and self._random.random() < self._rate
        self._was_bad = bad
        if not bad:
            return line
        self.spoilt += 1
        place = self._random.randrange(max(1, len(line) - 1))
        kind = self._random.choice(["flip", "drop", "lose", "double"])
        if kind == "flip":
            flipped = line[place] ^ self._random.choice([1, 2, 4, 8, 16, 32, 64])
            return line[:place] + bytes([flipped if flipped not in {10, 13} else 63]) + line[place + 1 :]
        if kind == "drop":
            return line[:place] + line[place + 1 :]
        return b"" if kind == "lose" else line * 2
