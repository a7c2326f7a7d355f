"""What can be wrong with a printer, on purpose."""

from collections.abc import Iterable

EVERY = frozenset({"lose-ok", "corrupt", "resend"})
ONCE = frozenset({"runaway", "rise", "cool", "restart", "silence", "unplug"})
KNOBS = {
    "lose-ok": "every Nth ok is lost",
    "corrupt": "every Nth line arrives with a flipped byte",
    "resend": "every Nth line is asked for again although it came well",
    "runaway": "at its Nth line the firmware sees a thermal runaway and stops itself",
    "rise": "from its Nth line the nozzle heats without end, and the firmware does not care",
    "cool": "from its Nth line the nozzle cools, and the firmware does not care",
    "restart": "at its Nth line the board restarts",
    "silence": "from its Nth line nothing more is answered",
    "unplug": "at its Nth line the cable is pulled",
}


class Faults:
    """Counts lines and oks, and says when which fault is due."""

    def __init__(self, knobs: Iterable[str] = ()) -> None:
        """Take knobs such as `lose-ok:100`.

        Raises:
            ValueError: there is no such knob, or its number is not a positive integer.
        """
        self._numbers: dict[str, int] = {}
        for knob in knobs:
            name, _, number = knob.partition(":")
            if name not in KNOBS or not number.isascii() or not number.isdigit() or int(number) < 1:
                raise ValueError(f"{knob!r} is no fault; they are NAME:N with NAME one of {', '.join(KNOBS)}")
            self._numbers[name] = int(number)
        self._counts = dict.fromkeys(EVERY, 0)
        self._lines = 0
        self.any = bool(self._numbers)
        """Whether it is worth asking at all."""

    def every(self, name: str) -> bool:
        """Whether this time is the Nth."""
        if name not in self._numbers:
            return False
        self._counts[name] += 1
        return self._counts[name] % self._numbers[name] == 0

    def line(self) -> list[str]:
        """Count a line, and give the faults that begin with it."""
        self._lines += 1
        return [name for name in ONCE if self._numbers.get(name) == self._lines]
