"""Going back to a line that the firmware asks for again: once, when all that was refused has been told of. Pure.

The numbers see to it that no line is executed twice, and none left out.
"""

from itertools import takewhile

from msgspec.structs import replace

from agent.printers.serial.acknowledgements import Acknowledgements
from agent.printers.serial.events import Broken, Event, Restarted
from agent.printers.serial.line import Sent
from agent.printers.serial.replies import ResendRequest
from agent.printers.serial.resends import Resends
from agent.printers.serial.sender import Sender
from agent.printers.serial.silence import Silence

PASSED = 8
"""A firmware that has taken more lines than this and asks for line 1 has started anew."""


class Rewind:
    """One conversation's; what it can't mend is put among `events`."""

    def __init__(
        self,
        sender: Sender,
        resends: Resends,
        acknowledgements: Acknowledgements,
        silence: Silence,
        events: list[Event],
    ) -> None:
        self.last_line: int | None = None
        """What the firmware said that it took last, when it refused a line."""
        self._sender = sender
        self._window = sender.window
        self._resends = resends
        self._acknowledgements = acknowledgements
        self._silence = silence
        self._events = events

    def hear(self, asked: ResendRequest, now: float) -> None:
        """Note which line is wanted, and wait until the refusals of those behind it have come."""
        self._resends.hear(asked, now)
        if asked.is_error:
            self.last_line = asked.number - 1
        if self._has_passed_one() and self._resends.asks_for_the_first():
            self._events.append(Restarted())

    def run(self, now: float) -> None:
        """Put what is wanted, and all behind it, back to be sent again."""
        refused = self._resends.heard
        wanted = self._resends.settle()
        self._silence.heard_at = now
        if refused and self._sender.has_check:
            self._sender.doubt_count()
            return
        if self._window.is_alone:
            self._sender.greet_again()
            return
        if wanted is None or wanted == self._sender.number:
            self._sender.wants_fence = bool(self._window.lines)
        else:
            self._go_back(wanted)
        if why := self._resends.too_many():
            self._events.append(Broken(why))

    def _has_passed_one(self) -> bool:
        lines = self._window.lines
        return (lines[0].number if lines else self._sender.number) > PASSED

    def _oldest(self) -> int:
        """The oldest line that can still be sent again."""
        known = self._window.oldest()
        if known is None:
            known = self._sender.repeats[0].number if self._sender.repeats else self._sender.number
        return known

    def _go_back(self, wanted: int) -> None:
        self._resends.count(wanted)
        if not self._oldest() <= wanted < self._sender.number or (wanted == 1 and self._has_passed_one()):
            # A garbled number, most likely: the answer to a fence tells it again.
            self._sender.wants_fence = True
            return
        self._window.limit.refuse(wanted)
        back, undone = self._window.go_back(wanted)
        self._acknowledgements.executed -= undone
        repeats = self._sender.repeats
        repeats.extendleft(reversed(back))
        while repeats and repeats[0].number < wanted:
            self._skip(repeats.popleft())
        self._tell_by_the_first()

    def _tell_by_the_first(self) -> None:
        """Fences in a row prove the same, so the first ones tell it: the last would be put off by each silence."""
        repeats = self._sender.repeats
        fences = list(takewhile(lambda sent: sent.kind == "fence", repeats))
        tags = [sent.tag for sent in fences if sent.tag]
        for place, sent in enumerate(fences):
            repeats[place] = replace(sent, tag=tags[place] if place < len(tags) else "")

    def _skip(self, sent: Sent) -> None:
        """The firmware has this one after all. Its ok may have been missed, and a fence is passed by nothing else."""
        if sent.kind == "fence" and sent.tag:
            self._sender.send_first(b"M105", "fence", sent.tag)
            sent = replace(sent, tag="")
        self._acknowledgements.count(sent)
