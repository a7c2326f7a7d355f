"""What a kind of printer's server says and does in its own way; all else is `ServerDriver`'s.

Each call is bounded by the time that the client was allowed. Any of them may raise `PrinterError`: out of reach, or
not understood.
"""

from enum import StrEnum
from typing import Protocol, TypeVar

from msgspec import Struct

from agent.printers.driver import Condition, Heat
from agent.printers.server.client import ServerClient
from agent.printers.server.followed import FollowedAttempt
from agent.printers.server.outgoing import OutgoingFile
from agent.printers.server.upload import UploadRequest


class PrintOrder(StrEnum):
    """What may be asked of a print that runs."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class ServerView(Protocol):
    """One look at a printer through its server."""

    @property
    def nozzle(self) -> Heat | None:
        """The nozzle's heater."""
        ...

    @property
    def bed(self) -> Heat | None:
        """The bed's heater."""
        ...

    @property
    def ours(self) -> str | None:
        """The attempt whose file is active: it runs, rests, or is being brought to its end."""
        ...


class StoredFile(Struct, frozen=True, kw_only=True):
    """What a server tells of a file that it took; each as far as it does."""

    size: int | None = None
    sha1: str | None = None
    path: str = ""
    """Where its bytes can be read back, if the check sum is not told."""
    permission: str = ""
    """What the owner must allow where they may not be read."""


class FileServer(Protocol):
    """What takes files."""

    client: ServerClient
    """The way there."""

    def upload(self, file: OutgoingFile) -> UploadRequest:
        """How a file is sent to be stored under its attempt's name, which is free then.

        Raises:
            PrinterError: the name is taken.
        """
        ...

    def took(self, file: OutgoingFile, content: bytes) -> None:
        """Read the good answer to an upload.

        Raises:
            PrinterError: it was stored under another name.
        """
        ...

    def stored(self, file: OutgoingFile) -> StoredFile | None:
        """What the server holds under its attempt's name; None if it does not tell yet.

        Raises:
            PrinterError: it has a record of such a print already.
        """
        ...


V = TypeVar("V", bound=ServerView)
A = TypeVar("A", bound=FollowedAttempt)


class PrinterServer(FileServer, Protocol[V, A]):
    """One printer's server, of one kind."""

    awaited: str
    """What to tell while our print is over and the server does not say how, or takes no order yet."""

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────

    def look(self) -> V:
        """Look at the printer, and follow nothing."""
        ...

    def condition(self, view: V, running: str | None) -> Condition:
        """The printer's condition, `running` being our attempt that has not ended."""
        ...

    def why(self, view: V, condition: Condition) -> str:
        """What to tell the owner of this condition; empty where there is nothing to do."""
        ...

    def lose_sight(self, attempt: A | None) -> None:
        """Note that the server is out of reach."""
        ...

    # ── our attempt ───────────────────────────────────────────────────────────────────────────────────────

    def newest(self, view: V) -> str | None:
        """The attempt that came last, by its file."""
        ...

    def begun(self, attempt: str, seconds: float) -> A:
        """An attempt that begins now; its print is reckoned to last so many seconds."""
        ...

    def found(self, attempt: str, view: V, *, cancelled: bool) -> A:
        """An attempt of which this process knows nothing, with its ending if the server tells it.

        `cancelled` is whether we had asked for its end.
        """
        ...

    def follow(self, attempt: A, view: V) -> None:
        """See whether our attempt, which was ordered, still runs, else how it ended."""
        ...

    def remark(self, attempt: A) -> str:
        """What else to tell of an attempt that goes on; empty for nothing."""
        ...

    # ── orders ────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, order: PrintOrder, attempt: A, view: V) -> None:
        """Give an order to our print, which runs. One that may have been heard is no error.

        Raises:
            ServerRefusedError: it was not taken.
        """
        ...

    def cool(self) -> None:
        """Switch off the heaters that a cancelled print has left on, where the server does not."""
        ...

    # ── a stored file's print ─────────────────────────────────────────────────────────────────────────────

    def print(self, attempt: str) -> None:
        """Order the print of a stored file."""
        ...

    def has_begun(self, attempt: str, view: V) -> bool:
        """Whether a look shows that an order was followed."""
        ...

    def withdraw(self, attempt: str) -> bool:
        """Make sure that an order comes to nothing, by deleting its file. False if it runs, or may run.

        It does not raise.
        """
        ...

    def sweep(self) -> None:
        """Delete our old files; one that another hand prints stays."""
        ...
