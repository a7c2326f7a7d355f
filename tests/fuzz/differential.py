"""What must hold for any bytes: whatever the gate lets pass does no harm, on any firmware."""

from collections.abc import Iterator

from gcode.gate import Limits, Verdict
from gcode.material import Material, material
from gcode.profile import Profile, Zone
from gcode.whole import judge_whole
from tests.fuzz.lenient import DIALECTS, read
from tests.fuzz.printer import Printer, Wrong

FENCED = Profile(
    zones=(
        Zone(x=0, y=90, width=12, depth=30),
        Zone(x=205, y=205, radius=15),
        Zone(x=100, y=100, width=9, depth=9),
    ),
    home=(0, 0),
    arcs=True,
)
ROUND = Profile(radius=100, height=200, arcs=True, zones=(Zone(x=90, y=-5, width=20, depth=10),), flow=9)
MACHINES: dict[str, tuple[Profile, Material]] = {
    "plain": (Profile(), material("petg")),
    "fenced": (FENCED, material("petg")),
    "round": (ROUND, material("pla")),
}
"""The machines that files are judged for, by name; the first is the command's own default."""
LIMITS = Limits(lines=5000, bytes=200_000)


class Harm(AssertionError):
    """The gate let pass what it must not."""


def judged(data: bytes, profile: Profile, plastic: Material, limits: Limits | None = None) -> Verdict:
    """The verdict on a whole file."""
    return judge_whole(len(data), lambda at, length: data[at : at + length], profile, plastic, limits)


def hold(data: bytes, profile: Profile, plastic: Material) -> Verdict:
    """The verdict, after it was held against printers that do what the file says.

    Raises:
        Harm: it was accepted, and does harm or means different things.
    """
    verdict = judged(data, profile, plastic, LIMITS)
    if not verdict.accepted:
        if not verdict.code or not verdict.reason or not 1 <= verdict.line <= data.count(b"\n") + 1:
            raise Harm(f"a verdict that says nothing: {verdict}")
        return verdict
    whats = [read(data, dialect) for dialect in DIALECTS]
    for dialect, what in zip(DIALECTS, whats, strict=True):
        if what != whats[0]:
            raise Harm(f"{dialect.name} reads something else than {DIALECTS[0].name}")
    if len(whats[0]) != data.count(b"\n"):
        raise Harm("a line that says nothing, or two things")
    for printer in printers(profile, plastic):
        try:
            for command in whats[0]:
                printer.do(command)
            printer.end()
        except Wrong as wrong:
            raise Harm(f"accepted, but {wrong}") from None
    return verdict


def printers(profile: Profile, plastic: Material) -> Iterator[Printer]:
    """Printers that this could run on: homing elsewhere, left in another mode by whoever printed before."""
    yield Printer(profile, plastic)
    middle = (0.0, 0.0) if profile.radius else (profile.width / 2, profile.depth / 2)
    yield Printer(
        profile, plastic, couples=False, at=(*middle, profile.height), relative=True, relative_e=True
    )
