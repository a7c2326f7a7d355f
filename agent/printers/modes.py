"""What the lines that went out have set in the machine, and what a pause must put back."""

from collections.abc import Iterator


class Modes:
    """Follows the lines of one print."""

    def __init__(self) -> None:
        self._fed = b""
        self._relative = False
        self._homed = False

    def follow(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """The same lines."""
        for line in lines:
            if b"F" in line:
                self._fed = line
            elif line[:2] in (b"G9", b"G2"):
                self._relative = (self._relative and line != b"G90") or line == b"G91"
                self._homed = self._homed or line == b"G28"
            yield line

    @property
    def can_lift(self) -> bool:
        """Whether `G1 Z` means what it says."""
        return self._homed and not self._relative

    @property
    def feed(self) -> bytes:
        """The last F word, empty if there was none."""
        return next((word for word in self._fed.split() if word[:1] == b"F"), b"")
