"""Bytes of chance become files of G-code: noise, noise within a good file, or lines that nearly always make sense."""

from collections.abc import Callable

START = b"G21\nG90\nM83\nG28\nM109 S220\nG1 X10 Y10 Z0.2 F3000\n"
END = b"M104 S0\nM140 S0\n"
ENDS = (
    END,
    END,
    END,
    b"M140 S0\nM104 S0\nG91\nG1 Z5\nG90\nM84\n",
    b"M140 S0\nM104 S0\nM84\n",
    b"M104 S0\n",
    b"",
)
EDGES = (
    *("0", "0.00001", "9.99999", "10", "59", "60", "90", "99.99999", "120", "180", "210", "219.99999", "220"),
    *("220.00001", "235", "250", "251", "-0.00001", "-1"),
)
EACH = 6
"""Bytes of chance that a line takes: so that one more changes no other."""
BARE = (
    *(
        "G21",
        "M83",
        "M107",
        "M400",
        "G92 E0",
        "G90\nM83",
        "M82\nG92 E0",
        "G1 E-1\nG1 E1",
        "M106 S7",
        "G21",
        "M83",
        "M107",
    ),
    *("G90", "G91", "M82", "M84", "G28", "G29", "G92", "M112", "T0"),
)
HEAT = (
    "M104 S0",
    "M104 S220",
    "M104 S180",
    "M109 S0",
    "M109 S220",
    "M109 S260",
    "M140 S70",
    "M190 S111",
    "M190 S0",
)


class _Chance:
    """Numbers out of bytes; 0 when they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def one(self) -> int:
        """0 to 255."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def place(self) -> str:
        """A coordinate, mostly on a bed."""
        first = self.one()
        if first >= 250:
            return EDGES[self.one() % len(EDGES)]
        return f"{first * 0.28:.2f}" if first % 64 else f"{first - 100}"

    def rest(self) -> bytes:
        """All that is left."""
        left = self._data[self._at :]
        self._at = len(self._data)
        return left


def _plain(chance: _Chance) -> str:
    return f"G{chance.one() % 2} X{chance.place()} Y{chance.place()}"


def _laying(chance: _Chance) -> str:
    return f"G1 X{chance.place()} Y{chance.place()} E{chance.one() % 64 / 100:g}"


def _hurried(chance: _Chance) -> str:
    return f"{_laying(chance)} F{600 + chance.one() * 9}"


def _one_axis(chance: _Chance) -> str:
    return f"G1 {'XYZXYZEF'[chance.one() % 8]}{chance.place()}"


def _drawing(chance: _Chance) -> str:
    return f"G1 E-{chance.one() % 30 / 10:g} F{60 + chance.one() * 10}"


def _rising(chance: _Chance) -> str:
    return f"G1 X{chance.place()} Y{chance.place()} Z{chance.one() / 5:g}"


def _arc(chance: _Chance) -> str:
    x, y, i, j = (chance.one() - 60 for _ in range(4))
    turn = 2 + chance.one() % 2
    if i % 3:  # ends that lie on the circle: all around, or the other side of it
        return f"G1 X{x} Y{y}\nG{turn} X{x + 2 * i * (j % 2)} Y{y} I{i} J0 E{chance.one() / 100:g}"
    return f"G{turn} X{x} Y{y} I{i} J{j}"


def _waiting(chance: _Chance) -> str:
    return f"G4 P{chance.one() * 40}"


def _bare(chance: _Chance) -> str:
    return BARE[chance.one() % len(BARE)]


def _heating(chance: _Chance) -> str:
    return HEAT[chance.one() % len(HEAT)]


def _fan(chance: _Chance) -> str:
    return f"M106 S{chance.one() + chance.one() % 3}"


def _spoilt(chance: _Chance) -> str:
    """A line with one byte more; the last is decoded as it is."""
    line = LINES[chance.one() % (len(LINES) - 1)](chance)
    at = chance.one() % (len(line) + 1)
    return line[:at] + chr(chance.one()) + line[at:]


def _wild(chance: _Chance) -> str:
    letters = [
        chr(65 + chance.one() % 26) + EDGES[chance.one() % len(EDGES)] for _ in range(chance.one() % 4)
    ]
    return " ".join([f"{'GM'[chance.one() % 2]}{chance.one()}", *letters])


LINES: tuple[Callable[[_Chance], str], ...] = (
    *(_laying, _laying, _laying, _plain, _plain, _hurried, _one_axis, _drawing, _rising, _rising),
    *(_arc, _arc, _waiting, _bare, _heating, _fan, _wild, _spoilt),
)


def file(data: bytes) -> bytes:
    """A file. The first byte says of which kind; the same bytes always make the same file."""
    chance = _Chance(data)
    kind = chance.one() % 8
    if kind == 0:
        return chance.rest()
    if kind == 1:
        return START + chance.rest() + b"\n" + END
    end = ENDS[chance.one() % len(ENDS)]
    start = START
    if kind == 2:  # a start that lacks a line
        lines = START.splitlines(keepends=True)
        del lines[chance.one() % len(lines)]
        start = b"".join(lines)
    body: list[str] = []
    rest = chance.rest()
    for at in range(0, len(rest), EACH):
        one = _Chance(rest[at : at + EACH])
        body.append(LINES[one.one() % len(LINES)](one) + "\n")
    return start + "".join(body).encode("latin-1") + end
