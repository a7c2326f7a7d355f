"""Draws a plate once more, in a process of its own that is over in a moment.

Geometry and its library take as much memory as the whole agent, which may have other printers to look after: so they
are loaded only in here, and gone again with it. `python -m agent.attempt.drawing` reads an order, and writes what came
of it.
"""

import contextlib
import hashlib
import os
import sys

import msgspec
from msgspec import Struct

from gcode.profile import Profile

MEMORY = 1 << 30
"""Bytes that such a process may ask for; the largest plate takes a third of it."""
SECONDS = 600
"""Of computing; some hundred times what the largest plate takes on a desktop."""
NICE = 10
"""How far it stands back: beside it, printers want their bytes in time."""


class DrawingOrder(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to draw: `count` copies of the part version that stands in `document`."""

    document: bytes
    part: str
    version: str
    parameters: dict[str, float]
    profile: Profile
    material: str
    count: int


class Drawn(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a body is: its SHA-256 and its bytes. Or why there is none, for a person."""

    digest: str = ""
    size: int = 0
    error: str = ""


def draw(order: DrawingOrder) -> Drawn:
    """Draw it. Pure: the same on every machine."""
    from gcode import document, draw, part, plate  # noqa: PLC0415  only in a process that is for this
    from gcode.material import UnknownMaterialError, material  # noqa: PLC0415

    try:
        found = document.decode(order.document, part.Part, f"{order.part}.toml")
        if (found.name, found.version) != (order.part, order.version):
            return Drawn(error=f"its document is of {found.name} {found.version}")
        plastic = material(order.material)
        body = draw.render(found, order.parameters, order.profile, plastic, order.count).body
    except (document.DocumentError, part.PartError, plate.PlateError, UnknownMaterialError) as error:
        return Drawn(error=str(error))
    return Drawn(digest=hashlib.sha256(body).hexdigest(), size=len(body))


def answer(order: bytes) -> bytes:
    """The same, from bytes to bytes."""
    return msgspec.json.encode(draw(msgspec.json.decode(order, type=DrawingOrder)))


def main() -> None:
    """Read one order, draw it, tell, and end."""
    import resource  # noqa: PLC0415  only here is there anything to bound

    with contextlib.suppress(OSError):  # a service may not be allowed to step back
        os.nice(NICE)
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS)):
        with contextlib.suppress(OSError, ValueError):  # it may be held to less already
            resource.setrlimit(what, (most, most))
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
