"""One attempt in OctoPrint, by what is seen of it and the trace that its print leaves. Pure."""

from agent.printers.driver import Ending
from agent.printers.octoprint.answers import OctoPrintView, PrintCounts, ending_of
from agent.printers.server.followed import GRACE, FollowedAttempt


class OctoPrintAttempt(FollowedAttempt, kw_only=True):
    """An attempt in OctoPrint, which tells a cancelled print from a failed one to nobody who asks later."""

    torn: bool = False
    """Whether OctoPrint had no printer since the attempt was last seen to run."""


def runs_on(attempt: OctoPrintAttempt, view: OctoPrintView) -> bool:
    """Whether a look shows beyond doubt that the attempt still runs; else its trace has to be read.

    With less progress than before, another hand may print our file again, or the figure was mended.
    """
    return view.runs(attempt.id) and (_fraction(view) >= attempt.progress or view.closing)


def follow(attempt: OctoPrintAttempt, view: OctoPrintView, prints: PrintCounts | None, now: float) -> None:
    """Note what a look at `now` shows; `prints` is the trace of its file, None where it was not read."""
    if view.runs(attempt.id):
        attempt.runs(now)
        attempt.torn = False
        attempt.progress = max(attempt.progress, _fraction(view))
    elif view.flags is None:
        attempt.torn, attempt.over_since = True, None
    else:
        attempt.rests(now)
    ending = ending_of(prints)
    if ending is None and attempt.over_since is not None and now - attempt.over_since >= GRACE:
        ending = Ending.UNKNOWN
    if ending is not None:
        end(attempt, ending)


def end(attempt: OctoPrintAttempt, ending: Ending) -> None:
    """Note the ending, and what the owner should hear of it."""
    if ending is Ending.FAILED and attempt.cancelled:
        ending = Ending.CANCELLED
    if ending is Ending.FAILED:
        attempt.why = (
            "OctoPrint ended the print early: it was cancelled there, or the printer failed or restarted."
        )
    elif ending is Ending.UNKNOWN and attempt.torn:
        attempt.why = (
            "OctoPrint was restarted, or lost its printer, in the middle of the print: look at the bed."
        )
    elif ending is Ending.UNKNOWN:
        attempt.why = "OctoPrint does not say how the print ended: look at the bed."
    attempt.ending = ending


def _fraction(view: OctoPrintView) -> float:
    return min(view.completion / 100.0, 0.99)
