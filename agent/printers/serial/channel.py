"""What is said to one board: by its line discipline, and past it where that can't wait. Pure."""

from agent.printers.serial.board import Board
from agent.printers.serial.marlin import Marlin


class Channel:
    """The conversation with the board that is there now, and what the board told of itself."""

    def __init__(self, window: int) -> None:
        """`window` is how many bytes the board's receive buffer holds; 0 for one line at a time."""
        self._window = window
        self._raw: list[bytes] = []
        self.begin_anew()

    def begin_anew(self) -> None:
        """Another board may be there, or the same one that remembers nothing."""
        self.marlin = Marlin(self._window)
        self.board = Board()

    def send(self, *commands: bytes, tag: str = "") -> None:
        """Send commands before the rest of the print; `tag` comes back with the last one's acknowledgement."""
        self.marlin.sender.send(*commands, tag=tag)

    def urge(self, command: bytes) -> None:
        """Send a command past the window: for a firmware with an emergency parser."""
        self.marlin.sender.urge(command)

    def say_past(self, words: bytes) -> None:
        """Send bytes as they are, before everything else, and whatever the conversation waits for."""
        self._raw.append(words)

    def take_past(self) -> bytes:
        """Those bytes, once."""
        words = b"".join(self._raw)
        self._raw.clear()
        return words
