"""The rate at which a board speaks: as its owner says, as it was known to, or found by trying. Pure; seconds."""

BAUDS = (115_200, 250_000, 230_400, 57_600, 500_000, 1_000_000, 38_400, 19_200, 9_600)
"""What boards speak, the most frequent first."""
BOOT_SECONDS = 8.0
"""The slowest boards are up by then."""
BAUD_SECONDS = 3.0


class BaudSearch:
    """One port's."""

    def __init__(self, wanted: int, known: int) -> None:
        """`wanted` by the owner, else `known` from before; 0 for neither."""
        self.baud = wanted or known or BAUDS[0]
        self._is_fixed = bool(wanted)
        self._next_at = 0.0

    def begin(self, now: float) -> None:
        """The port was opened, which may have reset its board."""
        self._next_at = now + BOOT_SECONDS

    def try_next(self, now: float) -> bool:
        """Nothing that makes sense has come: whether to go on at another rate."""
        if self._is_fixed or now < self._next_at:
            return False
        self._next_at = now + BAUD_SECONDS
        place = BAUDS.index(self.baud) + 1 if self.baud in BAUDS else 0
        self.baud = BAUDS[place % len(BAUDS)]
        return True
