"""What the lines that went out have set in the machine, and what a pause must put back. Pure."""

MANY = 64


class Modes:
    """Follows the lines of one print."""

    def __init__(self) -> None:
        self._unread: list[bytes] = []
        self._lines = self._layer = 0
        self._fed = b""
        self._rose = False
        self._relative = False
        self._homed = False
        self._height = b""
        self._top = 0.0

    def follow(self, lines: list[bytes]) -> None:
        """These lines go out. So they do thousands of times a second: they are looked at many at a time."""
        self._unread += lines
        if len(self._unread) >= MANY:
            self._catch_up()

    def _catch_up(self) -> None:
        lines, self._unread = self._unread, []
        self._lines += len(lines)
        text = b"\n".join(lines)
        if not (self._rose or b"F" in text or b"Z" in text or b"G9" in text or b"G2" in text):
            return  # as with most of them
        for line in lines:
            if b"F" in line:
                self._fed = line
            elif line[:2] in (b"G9", b"G2"):
                self._relative = (self._relative and line != b"G90") or line == b"G91"
                self._homed = self._homed or line == b"G28"
            if b"Z" in line:
                self._rose, self._height = True, line
            elif self._rose and b"E" in line and b"X" in line:
                self._rose = False
                self._lay()

    def _lay(self) -> None:
        """Something is laid at a new height: a layer if it is above all before."""
        height = self._reach()
        if height is not None and height > self._top and not self._relative:
            self._top = height
            self._layer += 1

    @property
    def lines(self) -> int:
        """How many there were."""
        self._catch_up()
        return self._lines

    @property
    def layer(self) -> int:
        """Heights at which something was laid, counted from below."""
        self._catch_up()
        return self._layer

    @property
    def height(self) -> float | None:
        """The last Z in mm; None if there was none."""
        self._catch_up()
        return self._reach()

    def _reach(self) -> float | None:
        try:
            return float(self._height.partition(b"Z")[2].partition(b" ")[0])
        except ValueError:
            return None

    @property
    def is_homed(self) -> bool:
        """Whether a position means anything."""
        self._catch_up()
        return self._homed

    @property
    def is_relative(self) -> bool:
        """Whether `G1 Z` is a step and not a place."""
        self._catch_up()
        return self._relative

    @property
    def feed(self) -> bytes:
        """The last F word, empty if there was none."""
        self._catch_up()
        return next((word for word in self._fed.split() if word[:1] == b"F"), b"")
