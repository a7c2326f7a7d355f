"""One attempt, as it is followed at a printer's server."""

from enum import StrEnum

from msgspec import Struct

from agent.printers.driver import Ending

GRACE = 5.0
"""Seconds that a server gets to tell how a print ended, from when it was seen to run no more."""


class AttemptStage(StrEnum):
    """How far an attempt has come."""

    SENDING = "sending"
    """Its file is on the way; nothing was ordered."""
    ORDERED = "ordered"
    """The server was told to print it, and no ending is known."""
    ENDED = "ended"


class FollowedAttempt(Struct, kw_only=True):
    """What is known of our last attempt. Times are the clock's; it was last seen to run at `last_seen`."""

    id: str
    last_seen: float
    over_since: float | None = None
    """When it was first seen to run no more; None while it runs. Before, nobody may have looked for long."""
    progress: float = 0.0
    """0 to 1, as in `Status`."""
    sending: bool = False
    """Whether its file is still on the way: nothing was ordered."""
    cancelled: bool = False
    """Whether we have asked for its end; servers do not tell whose hand cancelled."""
    hot: bool = False
    """Whether the heaters may be on by our cancellation: until they were seen off, then they are not our concern."""
    ending: Ending | None = None
    why: str = ""
    """What the owner should hear of its ending."""

    @property
    def stage(self) -> AttemptStage:
        """How far it has come."""
        if self.ending is not None:
            return AttemptStage.ENDED
        return AttemptStage.SENDING if self.sending else AttemptStage.ORDERED

    def runs(self, now: float) -> None:
        """Note that it runs."""
        self.last_seen, self.over_since = now, None

    def rests(self, now: float) -> float:
        """Note that it does not run. Gives the seconds since that was first seen."""
        if self.over_since is None:
            self.over_since = now
        return now - self.over_since
