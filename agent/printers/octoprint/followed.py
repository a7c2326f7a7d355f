"""The course of one attempt in OctoPrint, from looks at it and the traces that it leaves. Pure."""

from enum import StrEnum

import msgspec
from msgspec import Struct

from agent.printers.driver import Condition, Ending
from agent.printers.octoprint.answers import Look, Prints, ending_of

GRACE = 5.0
"""Seconds that OctoPrint gets to write its record of a print after the print was seen to be over."""


class Stage(StrEnum):
    """How far an attempt has come."""

    SENDING = "sending"
    """Its file is on the way; nothing was ordered."""
    ORDERED = "ordered"
    """OctoPrint was told to print it, and it has no ending yet."""
    ENDED = "ended"


class Course(Struct, frozen=True, kw_only=True):
    """One attempt. `seen` is the clock's time at which it was last seen to run; `progress` 0 to 1.

    `cancelled` once we have asked for that: OctoPrint itself tells a cancelled print from a failed one to
    nobody who asks later.
    """

    attempt: str
    stage: Stage
    seen: float
    progress: float = 0.0
    cancelled: bool = False
    torn: bool = False
    """Whether OctoPrint was out of reach, or had no printer, since the attempt last ran."""
    over: float | None = None
    """The clock's time at which it was first seen to run no more: before, nobody may have looked for long."""
    ending: Ending | None = None
    why: str = ""

    @property
    def ordered(self) -> bool:
        """Whether it runs, as far as is known."""
        return self.stage is Stage.ORDERED

    def condition(self, look: Look) -> Condition:
        """The printer's condition, in the light of this attempt."""
        if self.stage is Stage.SENDING and look.ready:
            return Condition.LOADING
        condition = look.condition(self.attempt if self.ordered else None)
        if self.ordered and not look.runs(self.attempt) and condition in {Condition.IDLE, Condition.BUSY}:
            return Condition.PRINTING  # its record is awaited
        return condition


class Note(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a course can't read from OctoPrint, to be kept where a restart of the agent doesn't forget it.

    `hot` from our order to cancel until the heaters were seen off: then they are no longer our concern.
    """

    attempt: str = ""
    stage: Stage = Stage.ORDERED
    cancelled: bool = False
    hot: bool = False
    ending: Ending | None = None
    why: str = ""


def recall(note: Note, trace: Ending | None, now: float) -> Course:
    """The course of a noted attempt, taken up again at `now`; `trace` is how OctoPrint says that it ended."""
    course = Course(attempt=note.attempt, stage=note.stage, seen=now, cancelled=note.cancelled)
    if note.ending:
        return msgspec.structs.replace(course, stage=Stage.ENDED, ending=note.ending, why=note.why)
    if note.stage is Stage.SENDING:
        return end(
            course, Ending.FAILED, "The agent was restarted while it sent the file: nothing was printed."
        )
    return end(course, trace) if trace else course


def runs_on(course: Course, look: Look) -> bool:
    """Whether a look shows beyond doubt that the attempt still runs; else its trace has to be read.

    With less progress than before, another hand may print our file again, or the figure was mended.
    """
    return look.runs(course.attempt) and (_fraction(look) >= course.progress or look.closing)


def follow(course: Course, look: Look, prints: Prints | None, now: float) -> Course:
    """The course after a look at `now`; `prints` is the trace of its file, None where it was not read."""
    running = look.runs(course.attempt)
    if running:
        course = msgspec.structs.replace(
            course, seen=now, torn=False, over=None, progress=max(course.progress, _fraction(look))
        )
    elif look.flags is None:
        course = msgspec.structs.replace(course, torn=True, over=None)
    elif course.over is None:
        course = msgspec.structs.replace(course, over=now)
    ending = ending_of(prints)
    if ending is None and course.over is not None and now - course.over >= GRACE:
        ending = Ending.UNKNOWN
    return course if ending is None else end(course, ending)


def end(course: Course, ending: Ending, why: str = "") -> Course:
    """The course with its ending, and what the owner should hear of it."""
    if ending is Ending.FAILED and course.cancelled:
        ending = Ending.CANCELLED
    if ending is Ending.FAILED:
        why = (
            why
            or "OctoPrint ended the print early: it was cancelled there, or the printer failed or restarted."
        )
    elif ending is Ending.UNKNOWN and course.torn:
        why = "OctoPrint was restarted, or lost its printer, in the middle of the print: look at the bed."
    elif ending is Ending.UNKNOWN:
        why = "OctoPrint does not say how the print ended: look at the bed."
    return msgspec.structs.replace(course, stage=Stage.ENDED, ending=ending, why=why)


def _fraction(look: Look) -> float:
    return min(look.completion / 100.0, 0.99)
