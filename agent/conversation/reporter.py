"""Sending the journal's events until the coordinator itself says that it has them."""

from collections.abc import Callable

import msgspec

from agent.journal import Journal
from wire.codec import LIMIT
from wire.manifest import Signed
from wire.messages import Event, Holding, Report, Up

RESEND = 10.0
"""Seconds without an acknowledgement after which all is sent again."""
BATCH = 100
WINDOW = 400
"""Events on the way at most, so that a long silence does not end in a flood."""
HEAD = 1024
"""Bytes of a report besides its events, papers and what is held."""


class EventReporter:
    """Decides which events to send now. What MQTT acknowledges counts for nothing here."""

    def __init__(
        self, journal: Journal, publish: Callable[[Up], bool], holding: Callable[[], Holding]
    ) -> None:
        """`publish` sends a message, or says that it can't; `holding` tells what the agent holds now."""
        self._journal = journal
        self._publish = publish
        self._holding = holding
        self._sent = 0
        self._first = 0
        self._since = 0.0
        """When the first event that is not acknowledged, number `_first`, began to wait for that."""

    def again(self) -> None:
        """A new connection, or a recall: nothing that was sent before is known to have arrived."""
        self._sent = 0

    def step(self, now: float) -> None:
        """Send what is due at `now` (monotonic seconds).

        Raises:
            JournalError: the journal can't be read.
        """
        first = self._journal.events.untold(limit=1)
        if not first:
            return
        # By the oldest: new events, however often they come, must not put off what got lost.
        if first[0].seq != self._first or self._sent < self._first:
            self._first, self._since = first[0].seq, now
        elif now - self._since >= RESEND:
            self._sent, self._since = 0, now
        # A report starts where the last one ended, or at the first event that is not acknowledged.
        while (self._sent - first[0].seq) < WINDOW and (
            events := self._journal.events.untold(self._sent, BATCH)
        ):
            holding = self._holding()
            events, papers = self._fitting(events, LIMIT - HEAD - len(msgspec.json.encode(holding)))
            report = Report(
                epoch=self._journal.epoch,
                events=events,
                since=self._journal.events.since(),
                papers=papers,
                holding=holding,
            )
            if not self._publish(report):
                return
            self._sent = events[-1].seq

    def _fitting(self, events: tuple[Event, ...], room: int) -> tuple[tuple[Event, ...], tuple[Signed, ...]]:
        """As many of the first `events` as fit into `room` bytes, with the papers of those that are recalled.

        At least one, which always does.
        """
        told = self._journal.events.told()
        papers: dict[str, Signed] = {}
        for count, event in enumerate(events):
            room -= len(msgspec.json.encode(event)) + 1
            if event.seq <= told and event.attempt not in papers:
                attempt = self._journal.attempts.named(event.attempt)
                if attempt is not None:
                    papers[event.attempt] = attempt.signed
                    room -= len(msgspec.json.encode(attempt.signed)) + 1
            if room < 0 and count:
                kept = {each.attempt for each in events[:count]}
                return events[:count], tuple(each for name, each in papers.items() if name in kept)
        return events, tuple(papers.values())
