"""A firmware with a log, and a clock that the test turns."""

from agent.printers.virtual.faults import Faults
from agent.printers.virtual.firmware import Firmware
from agent.printers.virtual.intake import checksum
from agent.printers.virtual.profile import PROFILES


def frame(number: int, command: bytes) -> bytes:
    """A numbered line as any host sends it."""
    numbered = b"N%d %b" % (number, command)
    return b"%b*%d\n" % (numbered, checksum(numbered))


class Board:
    """One board without a cable: what is said to it is there at once."""

    def __init__(
        self,
        *knobs: str,
        profile: str = "marlin2",
        emergency: bool | None = None,
        quiet: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.log: list[str] = []
        self.firmware = Firmware(
            Faults(knobs, seed),
            self.log.append,
            profile=PROFILES[profile],
            emergency=emergency,
            quiet=quiet,
            seed=seed,
        )
        self.number = 0
        self.now = 0.0

    def raw(self, data: bytes) -> list[str]:
        """Say bytes as they are; gives the lines of the answer."""
        self.firmware.receive(data)
        return self.firmware.take().decode("latin-1").splitlines()

    def does(self, *commands: bytes) -> list[str]:
        """Say commands, one by one, with the next numbers."""
        said: list[str] = []
        for command in commands:
            self.number += 1
            said += self.raw(frame(self.number, command))
        return said

    def waits(self, seconds: float) -> list[str]:
        """Let time pass; gives what is said meanwhile."""
        self.now += seconds
        self.firmware.advance(self.now)
        return self.firmware.take().decode("latin-1").splitlines()

    def waits_for(self, word: str, within: float = 600) -> float:
        """Let time pass until a line begins with `word`; gives how long that took."""
        began = self.now
        while self.now < began + within:
            due = self.firmware.advance(self.now)
            if any(
                line.startswith(word)
                for line in self.waits(max(0.0, min(due or 1e9, began + within) - self.now))
            ):
                return self.now - began
        raise AssertionError(f"waited {within} s for {word!r} in vain")
