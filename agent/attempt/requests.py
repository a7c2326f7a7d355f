"""What somebody at the coordinator asks for an attempt: done if its owner allows it and it still makes sense."""

import logging
import queue
from collections.abc import Callable

from agent.attempt.context import PrinterContext
from agent.attempt.monitor import Monitor
from agent.attempt.plate import PlateMaker
from agent.journal.attempts import BEFORE_MOTION, IN_MOTION, JournalAttempt
from agent.printers.driver import PrinterError
from wire.lifecycle import State, Step
from wire.messages import Request, Wish

log = logging.getLogger(__name__)


class Requests:
    """Those for one printer; any thread may `put`. `expired` is as the runner's."""

    def __init__(
        self, context: PrinterContext, monitor: Monitor, plates: PlateMaker, expired: Callable[[float], bool]
    ) -> None:
        self._context = context
        self._monitor = monitor
        self._plates = plates
        self._expired = expired
        self._waiting: queue.SimpleQueue[Request] = queue.SimpleQueue()

    def put(self, request: Request) -> None:
        """To be looked at in the next step."""
        self._waiting.put(request)

    @property
    def waiting(self) -> bool:
        """Whether there are any."""
        return not self._waiting.empty()

    def handle(self) -> None:
        """Look at all that wait.

        Raises:
            JournalError: see the journal; nothing was done that it does not hold.
        """
        while self.waiting:
            self._look_at(self._waiting.get())

    def _look_at(self, request: Request) -> None:
        name = self._context.name
        attempt = self._context.journal.attempts.named(request.attempt)
        if self._expired(request.expires):
            log.info("%s: a request to %s %s came too late", name, request.wish, request.attempt)
            return
        if attempt is None or attempt.printer != name:
            log.info("%s: no such attempt to %s: %s", name, request.wish, request.attempt)
            return
        log.info("%s: %s asks to %s %s", name, request.by, request.wish, attempt.id)
        try:
            self._act(request, attempt)
        except PrinterError as error:
            log.warning("%s: can't %s: %s", name, request.wish, error)

    def _act(self, request: Request, attempt: JournalAttempt) -> None:
        context, state = self._context, attempt.state
        match request.wish:
            case Wish.CANCEL if state in BEFORE_MOTION:
                context.record(attempt.id, Step.CANCEL, f"{request.by} asked for it")
                self._plates.tidy()
            case Wish.CANCEL if state in IN_MOTION:
                context.driver.cancel()
                self._monitor.cancelled_by = request.by
            case Wish.PAUSE if state is State.PRINTING:
                context.driver.pause()
            case Wish.RESUME if state is State.PAUSED:
                context.driver.resume()
            case Wish.CLEARED if not context.settings.clear_from_page:
                context.refuse(
                    f"{request.by} said that the bed is clear, but its owner lets nobody say so from a page"
                )
            case Wish.CLEARED if state not in IN_MOTION and self._is_latest(attempt):
                context.journal.beds.clear(context.name, context.at, f"said {request.by}")
                context.changed()
            case _:
                log.info("%s: can't %s what is %s", context.name, request.wish, state)

    def _is_latest(self, attempt: JournalAttempt) -> bool:
        latest = self._context.journal.attempts.latest(self._context.name)
        return latest is not None and latest.id == attempt.id
