"""Printers on a serial port, from the agent's side. What opens the port and moves the bytes is a pump (`pump.py`)."""

import time
from pathlib import Path

import msgspec

from agent.printers.driver import Condition, PrinterError, Status
from agent.printers.serial.options import WINDOW, Dtr, PortOptions
from agent.printers.serial.pump_client import PumpClient
from agent.printers.serial.pump_protocol import CALL_SECONDS, PumpAnswer, PumpOrder, place
from agent.printers.serial.record import decode
from agent.printers.serial.replies import BoardIdentity


class SerialDriver:
    """A printer on a serial port, driven by its pump. Starts the pump where none answers."""

    def __init__(
        self,
        name: str,
        port: str,
        baud: int,
        state: Path,
        *,
        top: float = 0.0,
        park: tuple[float, float] | None = None,
        window: int = WINDOW,
        dtr: Dtr = "stop",
        goes_on: bool = False,
    ) -> None:
        """Make no contact yet.

        Args:
            name: the printer's.
            port: a device, best by its link in /dev/serial/by-id.
            baud: 0 to find it by trying.
            state: a folder for all printers' pumps.
            top: how high a pause may lift the nozzle, in mm; 0 for never.
            park: where X and Y rest after a cancel, in mm.
            window: bytes of the board's receive buffer; 0 for one line at a time.
            dtr: when the board may be reset by DTR; see `PortOptions`.
            goes_on: whether a print goes on after its pump died, where the board proves that it did not reset.
        """
        self._name = name
        self._top = top
        self._folder = place(state, name)
        self._pump = PumpClient(
            self._folder,
            PortOptions(port=port, baud=baud, window=window, dtr=dtr, park=park, goes_on=goes_on),
        )

    def status(self) -> Status:
        """Look at the printer."""
        try:
            return self._ask(PumpOrder("status")).status
        except PrinterError as error:
            return self._remembered(str(error))

    def start(self, attempt: str, path: Path, seconds: float) -> None:
        """Begin printing."""
        self._order(PumpOrder("start", attempt, str(path.absolute()), seconds, self._top))

    def pause(self) -> None:
        """Ask for a pause."""
        self._order(PumpOrder("pause"))

    def resume(self) -> None:
        """Go on."""
        self._order(PumpOrder("resume"))

    def cancel(self) -> None:
        """Motion stops, heaters go off."""
        self._order(PumpOrder("cancel"))

    def reset(self) -> None:
        """Its owner has looked at the printer: a fault is over.

        Raises:
            PrinterError: a print runs, or the pump does not answer.
        """
        self._order(PumpOrder("reset"))

    def ask(self, question: str) -> None:
        """Ask at the display whether the bed is clear."""
        self._order(PumpOrder("ask", question))

    def hush(self) -> None:
        """Ask no more."""
        self._order(PumpOrder("hush"))

    def identity(self) -> BoardIdentity | None:
        """What the board said of itself; None while it has not."""
        return self._ask(PumpOrder("status")).identity

    def close(self) -> None:
        """Let go: a pump that prints goes on without us, an idle one ends."""
        deadline = time.monotonic() + 1.0
        prints = False
        try:
            if self._pump.is_open or self._pump.connect(deadline):
                status = self._pump.exchange(PumpOrder("close"), deadline).status
                prints = status.attempt is not None and status.ending is None
        except (OSError, msgspec.MsgspecError):
            pass  # it is gone already, or it ends by itself when it is left alone
        self._pump.hang_up()
        if not prints:
            self._pump.outlive()
        self._pump.forget()

    def _order(self, order: PumpOrder) -> None:
        answer = self._ask(order)
        if answer.error:
            raise PrinterError(answer.error)

    def _ask(self, order: PumpOrder) -> PumpAnswer:
        """Say `order` to the pump, which is started if it is not there.

        Raises:
            PrinterError: there is no pump and none can be started, or it does not answer.
        """
        deadline = time.monotonic() + CALL_SECONDS
        fresh = not self._pump.is_open
        try:
            if fresh:
                self._pump.meet(deadline)
            return self._pump.ask(order, deadline)
        except (OSError, msgspec.MsgspecError) as error:
            self._pump.hang_up()
            if fresh or order.do != "status":
                raise self._silent(error) from error
        try:
            self._pump.meet(deadline)
            return self._pump.ask(order, deadline)
        except (OSError, msgspec.MsgspecError) as error:
            self._pump.hang_up()
            raise self._silent(error) from error

    def _silent(self, error: Exception) -> PrinterError:
        return PrinterError(f"the process that drives {self._name} does not answer: {error}")

    def _remembered(self, why: str) -> Status:
        """What the pump has left on disk, where none can be asked."""
        try:
            record = decode((self._folder / "record.json").read_bytes())
        except (OSError, msgspec.MsgspecError):
            return Status(condition=Condition.UNREACHABLE, why=why)
        return Status(
            condition=Condition.UNREACHABLE,
            attempt=record.attempt,
            ending=record.ending,
            why=record.fault or record.why or why,
            progress=record.progress,
        )
