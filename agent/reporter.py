"""Sending the journal's events until the coordinator itself says that it has them."""

from collections.abc import Callable

import msgspec

from agent.journal import Journal
from wire.codec import LIMIT
from wire.messages import Event, Report, Up

RESEND = 10.0
"""Seconds without an acknowledgement after which all is sent again."""
BATCH = 100
WINDOW = 400
"""Events on the way at most, so that a long silence does not end in a flood."""


class Reporter:
    """Decides which events to send now. What MQTT acknowledges counts for nothing here."""

    def __init__(self, journal: Journal, publish: Callable[[Up], bool]) -> None:
        self._journal = journal
        self._publish = publish
        self._sent = 0
        self._first = 0
        self._since = 0.0
        """When the first event that is not acknowledged, number `_first`, began to wait for that."""

    def again(self) -> None:
        """A new connection: nothing that an older one was handed is known to have arrived."""
        self._sent = 0

    def step(self, now: float) -> None:
        """Send what is due at `now` (monotonic seconds).

        Raises:
            JournalError: the journal can't be read.
        """
        first = self._journal.events(limit=1)
        if not first:
            return
        # By the oldest: new events, however often they come, must not put off what got lost.
        if first[0].seq != self._first or self._sent < self._first:
            self._first, self._since = first[0].seq, now
        elif now - self._since >= RESEND:
            self._sent, self._since = 0, now
        # A report starts where the last one ended, or at the first event that is not acknowledged.
        while (self._sent - first[0].seq) < WINDOW and (events := self._journal.events(self._sent, BATCH)):
            events = fitting(events)
            if not self._publish(Report(epoch=self._journal.epoch, events=events)):
                return
            self._sent = events[-1].seq


def fitting(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """As many of the first `events` as fit into one message; at least one, which always does."""
    room = LIMIT - 1024
    for count, event in enumerate(events):
        room -= len(msgspec.json.encode(event)) + 1
        if room < 0:
            return events[: max(count, 1)]
    return events
