"""Which lines an ok acknowledges. Pure.

An `ok` belongs to the oldest line in flight, but for two that are told apart: one that follows a refusal acknowledges
nothing, and one with temperatures answers an M105. That makes M105 a *fence*: its answer proves that all before it was
taken, whatever was lost on the way.
"""

from msgspec.structs import replace

from agent.printers.serial.events import Acknowledged, Event
from agent.printers.serial.line import Sent
from agent.printers.serial.replies import Ok
from agent.printers.serial.resends import Resends
from agent.printers.serial.sender import Sender
from agent.printers.serial.silence import Silence


class Acknowledgements:
    """One conversation's; those of lines with a tag are put among `events`."""

    def __init__(self, sender: Sender, resends: Resends, silence: Silence, events: list[Event]) -> None:
        self.executed = 0
        """Lines of the source that were acknowledged."""
        self._sender = sender
        self._window = sender.window
        self._resends = resends
        self._silence = silence
        self._events = events
        self._surplus = 0
        """Plain oks since a fence became the oldest in flight."""

    def take_plain(self, now: float) -> None:
        """A plain ok: the oldest line is done. A fence is passed by its own kind of ok only, a refused line by none."""
        lines = self._window.lines
        if not lines or lines[0].kind == "check":
            return
        if lines[0].kind == "fence":
            self._take_behind_fence(now)
            return
        wanted = self._resends.wanted
        if wanted is None or lines[0].number < wanted:
            self._pop(now)

    def take_many(self, oks: int, now: float) -> bool:
        """So many plain oks at once, and quicker; false, and nothing is done, if they are not the source's lines'."""
        window = self._window
        if not window.land(oks):
            return False
        silence = self._silence
        silence.heard_at, silence.fences, self._surplus = now, 0, 0
        self.executed += oks
        self._resends.passed(window.history[-1].number)
        return True

    def take(self, ok: Ok, now: float) -> None:
        """An ok that tells more, be it temperatures or the number of its line, or one that may be a refusal's."""
        if ok.warm:
            self._pass_fence(now)
        elif self._resends.owed:
            self._resends.owed -= 1
        elif ok.number is None:
            self.take_plain(now)
        elif self._window.holds(ok.number):
            while self._pop(now).number != ok.number:
                pass
            if ok.places and self._resends.settled_at is None:
                self._window.grant(ok.number, ok.places)

    def count(self, sent: Sent) -> None:
        """The firmware has this line."""
        if sent.kind == "line":
            self.executed += 1
        elif sent.tag:
            self._events.append(Acknowledged(sent.tag))
        if sent.kind not in {"alone", "raw"}:
            self._window.keep(sent)
        self._resends.passed(sent.number)

    def _take_behind_fence(self, now: float) -> None:
        """A plain ok, and a fence is the oldest: one may be doubled; with two, the fence's own was lost on the way."""
        self._surplus += 1
        lines = self._window.lines
        behind = sum(sent.kind != "fence" for sent in lines)
        proves = any(sent.kind == "fence" and sent.tag for sent in lines)
        if self._surplus < 2 or behind < 2 or proves or self._resends.wanted is not None:
            return
        for _ in range(2):
            while self._pop(now).kind == "fence":
                pass

    def _pass_fence(self, now: float) -> None:
        if self._window.is_alone:
            if self._window.lines[0].kind == "check":
                self._pop(now)
        elif self._window.has("fence"):
            while self._pop(now).kind != "fence":
                pass

    def _pop(self, now: float) -> Sent:
        sent = self._window.pop()
        self._silence.end(now)
        self._surplus = 0
        if sent.kind == "alone":
            # The ok does not tell whether it was heard as it was meant: only a line 1 that is executed does.
            self._sender.number = 1
            self._silence.end_greeting()
            self._resends.rest(now)
            self._sender.send_first(b"M105", "check", sent.tag)
            sent = replace(sent, tag="")
        self.count(sent)
        return sent
