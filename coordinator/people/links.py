"""Links that are keys: a hospital's to its need, a maker's to the own page. Kept as hashes, and not good for ever."""

from coordinator.errors import Missing

HOSPITAL = 180 * 86_400.0
"""Seconds that a hospital's link holds."""
MAKER = 90 * 86_400.0
"""Seconds that a maker's link holds."""


class Astray(Missing):
    """This link leads nowhere: wrong, over or replaced, which nobody is told apart."""

    def __init__(self) -> None:
        super().__init__(
            "this link leads nowhere: it was not copied whole, is over, or was replaced by a newer one."
            " Ask your coordinator for a new one"
        )
