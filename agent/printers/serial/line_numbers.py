"""Which line numbers of a print went to commands that don't stand in its file, so that a later pump can tell."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """This machine's run since it was switched on: what was written in an earlier one may not be whole."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""


class LineNumbers:
    """A file that is only added to; it outlives the process, and need not outlive the machine.

    One that is not whole leads astray, so there is none as soon as it can't be written, and nothing to go on with.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_whole = True

    def clear(self) -> None:
        """A new print begins.

        Raises:
            OSError: the old one's trail can't be taken away.
        """
        self._path.unlink(missing_ok=True)
        self._is_whole = True

    def forget(self) -> None:
        """This print is not gone on with."""
        if self._is_whole:
            self._is_whole = False
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)

    def extend(self, numbers: Sequence[int]) -> None:
        """Add numbers."""
        if not self._is_whole:
            return
        try:
            with self._path.open("a") as stream:
                stream.write("".join(f"{number}\n" for number in numbers))
        except OSError:
            self.forget()

    def read(self) -> list[int]:
        """All numbers; none where there is no trail, or one that makes no sense."""
        try:
            return [int(line) for line in self._path.read_text().splitlines()]
        except (OSError, ValueError):
            return []
