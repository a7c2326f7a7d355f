"""Starts one attempt: its file goes into the server, its print is ordered, and seen to run."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic

from agent.http.deadline import Clock
from agent.printers.driver import Condition, PrinterError
from agent.printers.server.outgoing import OutgoingFile
from agent.printers.server.printer_server import A, PrinterServer, V
from agent.printers.server.sending import Sending
from agent.printers.server.state_file import StateFile, record_of

RESERVE = 1.0
"""Seconds kept back from a call's time to withdraw a start that cannot be confirmed."""
ORDERING = 2.5
"""Seconds, `RESERVE` among them, without which no start is ordered: the next look has them."""
LONGEST = 1800.0
"""Seconds for a file to come into a server and be ordered; nobody expects it to start later."""


class ServerStart(Generic[V, A]):
    """One attempt from the order to start until its print is ordered at the server."""

    def __init__(
        self,
        server: PrinterServer[V, A],
        attempt: str,
        path: Path,
        seconds: float,
        *,
        state: StateFile,
        clock: Clock,
        sleep: Callable[[float], None],
    ) -> None:
        """Open the file at `path`; nothing is sent yet. `seconds` is how long the print is reckoned to last.

        Raises:
            PrinterError: it can't be read.
        """
        self.ordered: A | None = None
        """The attempt, once its print was ordered."""
        self._server = server
        self._client = server.client
        self._attempt, self._seconds = attempt, seconds
        self._state = state
        self._clock = clock
        self._sleep = sleep
        self._since = clock()
        self._sending = Sending(server, OutgoingFile(attempt, path), clock, sleep)

    @property
    def fraction(self) -> float:
        """How much of the file has been sent, 0 to 1."""
        return self._sending.fraction

    def bring(self, view: V) -> V | None:
        """Bring the file on, and order its print when it is there (`ordered`); the look that shows it run, if one does.

        Raises:
            LateError: the server is slow.
            PrinterError: it comes to nothing.
        """
        until = self._client.until - ORDERING
        must_be_ready(self._server, view)  # else another hand was quicker: nobody waits for its print to end
        if self._clock() - self._since > LONGEST:
            raise PrinterError(
                f"{self._client.server} is too slow: it had {LONGEST / 60:.0f} min for the file"
            )
        if not self._sending.bring(until) or self._client.left() < ORDERING * 0.9:
            return None
        must_be_ready(self._server, self._server.look())  # another hand may have started something meanwhile
        attempt = self._server.begun(self._attempt, self._seconds)
        self._state.keep(record_of(attempt))
        begun = self._order()
        self.ordered = attempt
        return begun

    def close(self) -> None:
        """Let go of the file and the connections: what was not sent whole is not stored."""
        self._sending.close()

    def withdraw(self) -> None:
        """Give it up, as long as its print was not ordered. A file that stays would look like an attempt."""
        self.close()
        self._server.withdraw(self._attempt)

    def _order(self) -> V | None:
        """Order the print, then see it run.

        Raises:
            PrinterError: it does not, and will not. Where that isn't sure, it counts as running: None.
        """
        deadline = self._client.until
        self._client.until = deadline - RESERVE
        try:
            self._server.print(self._attempt)
            while self._clock() < self._client.until:
                view = self._server.look()
                if self._server.has_begun(self._attempt, view):
                    return view
                self._sleep(0.05)
            raise PrinterError("it took the order and did nothing")  # noqa: TRY301 - one way out for all that fails
        except PrinterError as error:
            self._client.until = deadline
            if self._server.withdraw(self._attempt):
                raise PrinterError(
                    f"{self._client.server} did not start the print, and nothing moves: {error}"
                ) from error
        return None


def must_be_ready(server: PrinterServer[V, A], view: V) -> None:
    """See that a print could start now.

    Raises:
        PrinterError: it could not. Says why.
    """
    condition = server.condition(view, None)
    if condition is not Condition.IDLE:
        raise PrinterError(server.why(view, condition) or f"the printer is not ready ({condition})")
