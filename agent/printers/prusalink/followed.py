"""One attempt in PrusaLink, which keeps no history. Pure."""

from agent.printers.driver import Ending
from agent.printers.server.followed import FollowedAttempt


class PrusaLinkAttempt(FollowedAttempt, kw_only=True):
    """An attempt in PrusaLink."""

    seen: Ending | None = None
    """The ending, until the printer takes orders again: then it is told."""
    seconds: float = 0.0
    """How long the print was reckoned to last."""
    left: float | None = None
    """Seconds that PrusaLink last reckoned with."""
    witnessed: bool = False
    """Whether this driver has started it, or seen it run."""
    job: int | None = None
    stale: float | None = None
    """The progress that was shown first, which may be the last print's; -1 as soon as it has changed."""

    @property
    def remaining(self) -> float:
        """Seconds that it would have gone on when it was last seen."""
        return (1 - self.progress) * self.seconds if self.left is None else self.left

    def shows(self, progress: float) -> None:
        """Note what PrusaLink calls its progress."""
        if self.stale in {None, progress}:
            self.stale = progress
        else:
            self.stale = -1.0
            self.progress = max(self.progress, min(progress, 0.99))

    def is_over(self, state: str, trouble: str) -> None:
        """Note the ending that the printer shows."""
        if state == "FINISHED":
            self.seen = Ending.DONE
        else:
            self.seen = Ending.CANCELLED if self.cancelled and state == "STOPPED" else Ending.FAILED
        self.explain(trouble)

    def guess(self, elapsed: float) -> None:
        """Rule on a print that was over when nobody looked for so many seconds."""
        self.seen = Ending.FAILED if elapsed < self.remaining / 2 else Ending.UNKNOWN
        if self.seen is Ending.FAILED and self.cancelled:
            self.seen = Ending.CANCELLED
        self.explain()

    def explain(self, trouble: str = "") -> None:
        """Say what the owner should hear of the ending that was seen."""
        if self.seen is Ending.FAILED:
            said = f" ({trouble})" if trouble else ""
            self.why = (
                f"The print ended early{said}: it was stopped at the printer, or the printer restarted."
            )
        elif self.seen is Ending.UNKNOWN:
            self.why = "The print is over and PrusaLink kept no record of how: look at the bed."
