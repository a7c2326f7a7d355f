"""The gate: not one byte goes to a printer that has not passed here. Bytes in, one verdict out."""

import re
from collections.abc import Iterable
from itertools import islice
from math import isnan, sqrt
from typing import Final

from msgspec import Struct

from gcode.machine import Machine
from gcode.material import Material
from gcode.motion import ACCELERATION
from gcode.profile import Profile
from gcode.reader import LONGEST_LINE, NUMBER, Command, command
from gcode.refusal import Refused, Rule
from gcode.rules import ROUNDING, SLOWEST, Section, obey


class Limits(Struct, frozen=True, kw_only=True):
    """What holds whatever the printer: lines and bytes of a file, seconds of dwell and of all."""

    lines: int = 2_000_000
    bytes: int = 64_000_000
    dwell: float = 120.0
    seconds: float = 48 * 3600.0


class Totals(Struct, frozen=True, kw_only=True):
    """What some lines do: `filament` mm and grams laid, seconds of moves and dwells (not of heating, homing)."""

    lines: int = 0
    bytes: int = 0
    filament: float = 0.0
    grams: float = 0.0
    seconds: float = 0.0


class Verdict(Struct, frozen=True, kw_only=True):
    """What the gate says of a file. A refusal has its rule (a `Rule`), its line from 1, and a reason in words.

    `whole` counts all lines up to the end or the refusal, `body` the job's own among them; `extent` is the
    farthest X, Y, Z said.
    """

    accepted: bool
    code: str = ""
    line: int = 0
    reason: str = ""
    whole: Totals = Totals()
    body: Totals = Totals()
    extent: tuple[float, float, float] = (0.0, 0.0, 0.0)


GRAMS_OFF: Final = 0.25
SECONDS_OFF: Final = 1.3

_PIECE: Final = 32_768
_HALF: Final = 1 / (2 * ACCELERATION)
_ROOT: Final = 2 / sqrt(ACCELERATION)
_UNSIGNED: Final = NUMBER.removeprefix(b"-?")
_ROWS: Final = re.compile(
    rb"G[01] X(%b) Y(%b)(?: E(%b))?+(?: F([1-9][0-9]{1,5}+))?+\n|([^\n]*)\n" % (NUMBER, NUMBER, _UNSIGNED)
)
"""Every ended line is a row: a plain move's four numbers, or in the fifth place anything else."""
_Row = tuple[bytes, bytes, bytes, bytes, bytes]


class Gate:
    """Judges one file as it comes: `feed` the start script, `enter` the body, `feed` it, … and ask the `verdict`.

    Nothing here raises for what the bytes hold. After a refusal the rest is not looked at.
    """

    def __init__(self, profile: Profile, material: Material, limits: Limits | None = None) -> None:
        self._machine = Machine(profile, material)
        self._limits = limits or Limits()
        self._section = Section.START
        self._rest = b""
        self._line = 0
        self._bytes = 0
        self._before = Totals()
        self._body = Totals()
        self._refused: Refused | None = None

    def enter(self, section: Section) -> None:
        """What is fed from here on is of this section; the one before it must have ended its last line."""
        if self._rest:
            self._refuse(Refused(Rule.FORM, self._line + 1, "the last line is not ended"))
        self._close()
        self._section = section
        machine = self._machine
        if (
            section is Section.BODY
            and machine.homed
            and machine.reach.is_fenced
            and isnan(machine.x + machine.y)
        ):
            self._refuse(
                Refused(
                    Rule.STATE,
                    self._line + 1,
                    "the start script leaves the head where it is not known: no way past a zone can be judged",
                )
            )

    def feed(self, chunk: bytes) -> bool:
        """Judge some more bytes, cut anywhere. False once the file is refused: no more need come."""
        if self._refused:
            return False
        left = self._limits.bytes - self._bytes
        self._bytes += len(chunk)
        try:
            self._read(self._rest + chunk[:left])
        except Refused as refused:
            self._refuse(refused)
        if len(chunk) > left:
            self._refuse(
                Refused(Rule.SIZE, self._line + 1, f"the file has more than {self._limits.bytes} bytes")
            )
        return self._refused is None

    def verdict(self) -> Verdict:
        """The file has ended: may it be printed?"""
        self.enter(self._section)
        if not self._refused:
            self._refused = self._unfit_end()
        machine, refused = self._machine, self._refused
        whole = self._totals()
        if refused:
            return Verdict(
                accepted=False,
                code=refused.rule,
                line=refused.line,
                reason=refused.reason,
                whole=whole,
                body=self._body,
                extent=machine.extent,
            )
        return Verdict(accepted=True, whole=whole, body=self._body, extent=machine.extent)

    def _unfit_end(self) -> Refused | None:
        machine = self._machine
        if self._line == 0:
            return Refused(Rule.FORM, 1, "the file is empty")
        if machine.nozzle != 0 or machine.bed != 0:
            hot = "nozzle" if machine.nozzle != 0 else "bed"
            return Refused(Rule.ENDING, self._line, f"ends without switching the {hot} off")
        if machine.absolute is False:
            return Refused(Rule.ENDING, self._line, "ends in relative mode (say G90)")
        if machine.pace.seconds > self._limits.seconds:
            return Refused(
                Rule.DURATION, self._line, f"runs longer than {self._limits.seconds / 3600:g} hours"
            )
        return None

    def _read(self, data: bytes) -> None:
        """Judge the ended lines of `data` piece by piece, which bounds memory, and keep what is not ended."""
        at = 0
        while (cut := data.rfind(b"\n", at, at + _PIECE) + 1) or (cut := data.find(b"\n", at) + 1):
            self._judge(_ROWS.findall(data, at, cut))
            at = cut
        self._rest = data[at:]
        if len(self._rest) > LONGEST_LINE:
            command(self._rest, self._line + 1)

    def _judge(self, rows: list[_Row]) -> None:
        allowed = self._limits.lines - self._line
        at = 0
        while at < min(len(rows), allowed):
            at = self._glide(rows, at, min(len(rows), allowed))
            if at < min(len(rows), allowed):
                self._step(rows[at])
                at += 1
        if len(rows) > allowed:
            raise Refused(Rule.SIZE, self._line + 1, f"the file has more than {self._limits.lines} lines")

    def _step(self, row: _Row) -> None:
        """Judge one line with all the rules."""
        self._line += 1
        *plain, other = row
        if plain[0]:
            fields = tuple(
                (letter, float(value)) for letter, value in zip("XYEF", plain, strict=True) if value
            )
            read = Command(self._line, "G1", fields)
        else:
            read = command(other, self._line)
        obey(self._machine, read, self._section)
        if self._machine.dwell > self._limits.dwell:
            raise Refused(Rule.DWELL, self._line, f"waits longer than {self._limits.dwell:g} s in all")

    def _glide(self, rows: list[_Row], at: int, end: int) -> int:  # noqa: C901, PLR0915  flat for speed
        """Take the plain moves from `at` on that obviously keep every rule; the index of the first that may not.

        Nearly all lines go here: the rules and sums of `rules.obey` and `Pace.move`, written out flat for speed.
        """
        machine = self._machine
        if not machine.flowing:
            return at
        pace, fastest = machine.pace, machine.profile.feed
        reach, absolute, at_e = machine.reach, machine.relative_e is False, machine.e
        west, south, east, north = reach.room
        x, y, feed, vx, vy = machine.x, machine.y, machine.feed, pace.vx, pace.vy
        roomy = west <= x <= east and south <= y <= north
        right, back, _ = machine.extent
        speed, densest = feed / 60, machine.densest(feed)
        abrupt = speed * speed / ACCELERATION
        seconds = filament = 0.0
        count = 0
        for to_x, to_y, e, f, _ in islice(rows, at, end):
            if not to_x:
                break
            if f:
                if not SLOWEST <= int(f) <= fastest:
                    break
                feed = int(f)  # should this line fail below, the rules set the same
                speed, densest = feed / 60, machine.densest(feed)
                abrupt = speed * speed / ACCELERATION
            new_x, new_y = float(to_x), float(to_y)
            dx, dy = new_x - x, new_y - y
            length = sqrt(dx * dx + dy * dy)
            inner = west <= new_x <= east and south <= new_y <= north
            if not (length and ((inner and roomy) or reach.clear(x, y, new_x, new_y))):
                break
            if e:
                pushed = float(e) - at_e if absolute else float(e)
                if pushed > densest * length + ROUNDING or pushed < 0:
                    break
                filament += pushed
                if absolute:
                    at_e = float(e)
            share = speed / length
            new_vx, new_vy = dx * share, dy * share
            ax, ay = new_vx - vx, new_vy - vy
            cost = length / speed + sqrt(ax * ax + ay * ay) * _HALF
            if length < abrupt and cost > (bound := _ROOT * sqrt(length)):
                cost = bound
            seconds += cost
            x, y, vx, vy, roomy = new_x, new_y, new_vx, new_vy, inner
            if x > right:  # noqa: PLR1730  a call of max() takes twice as long
                right = x
            if y > back:  # noqa: PLR1730
                back = y
            count += 1
        machine.x, machine.y, machine.feed, pace.vx, pace.vy = x, y, feed, vx, vy
        machine.extent = (right, back, machine.extent[2])
        machine.filament += filament
        machine.e = at_e if absolute else at_e + filament
        machine.extruded = machine.extruded or filament > 0
        pace.seconds += seconds
        self._line += count
        return at + count

    def _totals(self) -> Totals:
        machine = self._machine
        return Totals(
            lines=self._line,
            bytes=self._bytes,
            filament=machine.filament,
            grams=machine.filament * machine.area * machine.material.density / 1000,
            seconds=machine.pace.seconds,
        )

    def _close(self) -> None:
        """Settle what the section that ends here has done."""
        now, before = self._totals(), self._before
        if self._section is Section.BODY:
            self._body = Totals(
                lines=self._body.lines + now.lines - before.lines,
                bytes=self._body.bytes + now.bytes - before.bytes,
                filament=self._body.filament + now.filament - before.filament,
                grams=self._body.grams + now.grams - before.grams,
                seconds=self._body.seconds + now.seconds - before.seconds,
            )
        self._before = now

    def _refuse(self, refused: Refused) -> None:
        if not self._refused:
            self._refused = refused


def judge(
    start: bytes,
    body: bytes | Iterable[bytes],
    end: bytes,
    profile: Profile,
    material: Material,
    limits: Limits | None = None,
) -> Verdict:
    """The gate's verdict on a whole file, of which the body may come in pieces."""
    gate = Gate(profile, material, limits)
    gate.feed(start)
    gate.enter(Section.BODY)
    for chunk in (body,) if isinstance(body, bytes) else body:
        if not gate.feed(chunk):
            break
    gate.enter(Section.END)
    gate.feed(end)
    return gate.verdict()


def within(totals: Totals, grams: float, seconds: float) -> bool:
    """Whether what was counted (`Verdict.body`) is what a manifest promised: grams ± 25 %, time within 1.3 ×."""
    return abs(totals.grams - grams) <= GRAMS_OFF * grams and (
        seconds / SECONDS_OFF <= totals.seconds <= seconds * SECONDS_OFF
    )
