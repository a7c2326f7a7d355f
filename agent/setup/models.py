"""Printers that people have: what M115 or a server calls them, and how large they are, after their makers' sheets."""

import re
from typing import Final

from msgspec import Struct


class Model(Struct, frozen=True):
    """How large a printer's volume is, in mm, and whose start and end scripts fit it."""

    width: float
    depth: float
    height: float
    family: str = "marlin"


UNKNOWN: Final = Model(220, 220, 250)

_MODELS: Final = (
    (r"mk3\.9|mk4s?\b", Model(250, 210, 220)),
    (r"mk3s?\+?\b|mk2\.?5s?\b", Model(250, 210, 210, "prusa-mk3")),
    (r"prusa.?mini|\bmini\b", Model(180, 180, 180)),
    (r"ender.?3.*(max|plus)", Model(300, 300, 340)),
    (r"ender.?3", Model(220, 220, 250)),
    (r"ender.?5.*plus", Model(350, 350, 400)),
    (r"ender.?5", Model(220, 220, 300)),
    (r"cr.?10", Model(300, 300, 400)),
    (r"sidewinder", Model(300, 300, 400)),
    (r"i3.?mega", Model(210, 210, 205)),
    (r"kobra\b(?!.*(max|plus))", Model(220, 220, 250)),
)


def model(name: str) -> Model:
    """What is known of a printer of this name; `UNKNOWN` where nothing is."""
    return next((found for pattern, found in _MODELS if re.search(pattern, name, re.IGNORECASE)), UNKNOWN)
