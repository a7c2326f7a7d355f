"""What somebody at the coordinator wishes for an attempt: done if its owner allows it and it still makes sense."""

import logging
import queue
from collections.abc import Callable

from agent.attempt.context import Station
from agent.attempt.monitor import Course
from agent.attempt.plate import Plates
from agent.journal.attempts import BEFORE_MOTION, IN_MOTION, Attempt
from agent.printers.driver import PrinterError
from wire.lifecycle import State, Step
from wire.messages import Request, Wish

log = logging.getLogger(__name__)


class Wishes:
    """Those for one printer; any thread may `put`. `expired` is as the runner's."""

    def __init__(
        self, station: Station, course: Course, plates: Plates, expired: Callable[[float], bool]
    ) -> None:
        self._station = station
        self._course = course
        self._plates = plates
        self._expired = expired
        self._waiting: queue.SimpleQueue[Request] = queue.SimpleQueue()

    def put(self, request: Request) -> None:
        """To be looked at in the next step."""
        self._waiting.put(request)

    @property
    def wait(self) -> bool:
        """Whether there are any."""
        return not self._waiting.empty()

    def grant(self) -> None:
        """Look at all that wait.

        Raises:
            JournalError: see the journal; nothing was done that it does not hold.
        """
        while self.wait:
            self._look_at(self._waiting.get())

    def _look_at(self, request: Request) -> None:
        name = self._station.name
        attempt = self._station.journal.attempts.named(request.attempt)
        if self._expired(request.expires):
            log.info("%s: a wish to %s %s came too late", name, request.wish, request.attempt)
            return
        if attempt is None or attempt.printer != name:
            log.info("%s: no such attempt to %s: %s", name, request.wish, request.attempt)
            return
        log.info("%s: %s wishes to %s %s", name, request.by, request.wish, attempt.id)
        try:
            self._act(request, attempt)
        except PrinterError as error:
            log.warning("%s: can't %s: %s", name, request.wish, error)

    def _act(self, request: Request, attempt: Attempt) -> None:
        station, state = self._station, attempt.state
        match request.wish:
            case Wish.CANCEL if state in BEFORE_MOTION:
                station.record(attempt.id, Step.CANCEL, f"{request.by} asked for it")
                self._plates.tidy()
            case Wish.CANCEL if state in IN_MOTION:
                station.driver.cancel()
                self._course.cancelled_by = request.by
            case Wish.PAUSE if state is State.PRINTING:
                station.driver.pause()
            case Wish.RESUME if state is State.PAUSED:
                station.driver.resume()
            case Wish.CLEARED if not station.setup.clear_from_page:
                station.refuse(
                    f"{request.by} said that the bed is clear, but its owner lets nobody say so from a page"
                )
            case Wish.CLEARED if state not in IN_MOTION and self._is_latest(attempt):
                station.journal.beds.clear(station.name, station.at, f"said {request.by}")
                station.changed()
            case _:
                log.info("%s: can't %s what is %s", station.name, request.wish, state)

    def _is_latest(self, attempt: Attempt) -> bool:
        latest = self._station.journal.attempts.latest(self._station.name)
        return latest is not None and latest.id == attempt.id
