"""Which line numbers of a print went to commands that don't stand in its file, so that a later pump can tell."""

from collections.abc import Sequence
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """This machine's run since it was switched on: what was written in an earlier one may not be whole."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""


class Trail:
    """A file that is only added to; it outlives the process, and need not outlive the machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def clear(self) -> None:
        """A new print begins."""
        self._path.unlink(missing_ok=True)

    def extend(self, numbers: Sequence[int]) -> None:
        """Add numbers."""
        with self._path.open("a") as stream:
            stream.write("".join(f"{number}\n" for number in numbers))

    def read(self) -> list[int]:
        """All numbers."""
        try:
            return [int(line) for line in self._path.read_text().splitlines()]
        except FileNotFoundError:
            return []
