"""What the contract suite needs around any driver."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agent.printers.driver import Condition, Driver, Ending, Status
from tests.waiting import eventually


class FarEnd(Protocol):
    """The knobs of whatever stands at the far end of the wire."""

    def overheat(self) -> None:
        """The firmware sees a thermal runaway and stops itself for good."""
        ...

    def restart(self) -> None:
        """The board resets in the middle of what it does."""
        ...

    def unplug(self) -> None:
        """All contact is lost."""
        ...

    def plug(self) -> None:
        """Contact is possible again."""
        ...

    def begin(self, lines: list[str]) -> None:
        """Another hand begins something: prints these lines, or what it can at its display."""
        ...

    def executed(self) -> list[str] | None:
        """Every motion line that was executed, in order; None where the far end keeps no such log."""
        ...


HEAT = ["G21", "G90", "M82", "M140 S60", "M104 S200", "M190 S60", "M109 S200", "G28", "G92 E0"]
COLD = ["M104 S0", "M140 S0", "M107", "M84"]


def wait(driver: Driver, wanted: Callable[[Status], bool]) -> Status:
    """Look at a driver until `wanted` is true of its status, and give that status."""
    seen: list[Status] = []

    def is_so() -> bool:
        seen[:] = [driver.status()]
        return wanted(seen[0])

    eventually(is_so, lambda: f"last seen: {seen}")
    return seen[0]


def moves(count: int, millimetres: float, feed: int) -> list[str]:
    """A body of `count` moves to and fro, each of them unlike all others."""
    lines = [f"G1 Z0.2 F{feed}"]
    for number in range(1, count + 1):
        x = 20 if number % 2 else 20 + millimetres
        lines.append(f"G1 X{x:g} Y{20 + number / 100:g} E{number / 50:g}")
    return lines


@dataclass
class Bench:
    """One printer with its driver, ready for a test."""

    driver: Driver
    attach: Callable[[], Driver]
    """A new driver on the same printer, as after a restart of the agent."""
    far: FarEnd
    folder: Path
    short: list[str] = field(default_factory=lambda: [*HEAT, *moves(200, 10, 6000), *COLD])
    """A print of a few seconds at most."""
    long: list[str] = field(default_factory=lambda: [*HEAT, *moves(2000, 50, 3000), *COLD])
    """A print that lasts for at least 15 seconds if nobody ends it."""
    lost_ending: Ending = Ending.FAILED
    """What becomes of a print whose contact was lost and came back."""

    def plate(self, lines: list[str]) -> Path:
        """A file on disk with these lines."""
        path = self.folder / "plate.gcode"
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def wait(self, wanted: Callable[[Status], bool]) -> Status:
        """Look until `wanted` is true of the status, and give that status."""
        return wait(self.driver, wanted)

    def wait_for(self, condition: Condition) -> Status:
        """Look until the printer is in `condition`."""
        return self.wait(lambda status: status.condition is condition)

    def idle(self) -> None:
        """Wait until a print can start."""
        self.wait_for(Condition.IDLE)

    def start(self, lines: list[str], attempt: str = "attempt-1") -> None:
        """Start a print as soon as the printer is idle, and see it run."""
        self.idle()
        self.driver.start(attempt, self.plate(lines), seconds=600)
        before = {Condition.IDLE, Condition.LOADING}
        self.wait(lambda status: status.attempt == attempt and status.condition not in before)


@contextmanager
def attached(
    attach: Callable[[], Driver], far: FarEnd, folder: Path, long: list[str] | None = None
) -> Generator[Bench]:
    """A bench whose drivers are let go of in the end, however many were attached."""
    opened: list[Driver] = []

    def again() -> Driver:
        opened.append(attach())
        return opened[-1]

    bench = Bench(driver=again(), attach=again, far=far, folder=folder)
    bench.long = long or bench.long
    try:
        yield bench
    finally:
        for driver in opened:
            driver.close()


def motion(lines: list[str]) -> list[str]:
    """The lines of a print that move something or say where it is."""
    return [line for line in lines if line.split()[0] in {"G0", "G1", "G28", "G92"}]
