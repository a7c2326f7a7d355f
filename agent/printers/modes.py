"""What the lines that went out have set in the machine, and what a pause must put back. Pure."""

from collections.abc import Iterator


class Modes:
    """Follows the lines of one print."""

    def __init__(self) -> None:
        self.lines = 0
        """How many there were, once all were read."""
        self.layer = 0
        """Heights at which something was laid, counted from below."""
        self._fed = b""
        self._relative = False
        self._homed = False
        self._height = b""
        self._top = 0.0

    def follow(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """The same lines."""
        count = 0
        rose = False
        for line in lines:
            count += 1
            if b"F" in line:
                self._fed = line
            elif line[:2] in (b"G9", b"G2"):
                self._relative = (self._relative and line != b"G90") or line == b"G91"
                self._homed = self._homed or line == b"G28"
            if b"Z" in line:
                rose, self._height = True, line
            elif rose and b"E" in line and b"X" in line:
                rose = False
                self._lay()
            yield line
        self.lines = count

    def _lay(self) -> None:
        """Something is laid at a new height: a layer if it is above all before."""
        height = self.height
        if height is not None and height > self._top and not self._relative:
            self._top = height
            self.layer += 1

    @property
    def height(self) -> float | None:
        """The last Z in mm; None if there was none."""
        try:
            return float(self._height.partition(b"Z")[2].partition(b" ")[0])
        except ValueError:
            return None

    @property
    def is_homed(self) -> bool:
        """Whether a position means anything."""
        return self._homed

    @property
    def is_relative(self) -> bool:
        """Whether `G1 Z` is a step and not a place."""
        return self._relative

    @property
    def feed(self) -> bytes:
        """The last F word, empty if there was none."""
        return next((word for word in self._fed.split() if word[:1] == b"F"), b"")
