"""The files that are printed, and how long they take at best."""

from math import cos, pi, sin
from pathlib import Path

from agent.printers.virtual.firmware import Firmware

SEGMENT = 0.25
"""mm. At 60 mm/s that makes 240 segments a second."""
FAST = 60
TINY = 0.1


def straight(count: int) -> list[str]:
    """Short moves for a printer that executes nothing."""
    body = [
        f"G1 X{100 + index % 7}.{index % 10} Y{100 + index % 9}.5 E{index / 1000:.4f}"
        for index in range(count)
    ]
    return ["M75", *body, "M77"]


def curve(count: int, *, length: float = SEGMENT, feed: int = FAST, precise: bool = True) -> list[str]:
    """A circle of 50 mm in `count` segments of `length` mm, at `feed` mm/s."""
    points = [(2 * pi * index * length / 314.159, index) for index in range(1, count + 1)]
    text = "G1 X{:.3f} Y{:.3f} E{:.4f}" if precise else "G1 X{:.2f} Y{:.2f}"
    body = [text.format(100 + 50 * cos(angle), 100 + 50 * sin(angle), index / 500) for angle, index in points]
    return ["M302 P1", "G1 X150 Y100 F6000", "M400", "M75", f"G1 F{feed * 60}", *body, "M400", "M77"]


def write(lines: list[str], path: Path) -> Path:
    """The file of a plate."""
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def ideal(lines: list[str]) -> float:
    """Seconds from M75 to M77 if the planner is never kept waiting."""
    marks: list[float] = []
    now = 0.0

    def note(command: str) -> None:
        if command in {"M75", "M77"}:
            marks.append(now)

    board = Firmware(log=note)
    for line in lines:
        board.receive(line.encode() + b"\n")
        while b"ok" not in board.take():
            due = board.advance(now)
            if due is not None and due > now:
                now = due
            board.advance(now)
    return marks[1] - marks[0]
