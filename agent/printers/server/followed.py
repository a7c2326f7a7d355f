"""One attempt, as a door to a printer's server follows it."""

from msgspec import Struct

from agent.printers.driver import Ending


class Errand(Struct, kw_only=True):
    """What is known of our last attempt there. Times are the clock's; it was last seen to run at `last_seen`."""

    attempt: str
    last_seen: float
    over_since: float | None = None
    """When it was first seen to run no more; None while it runs. Before, nobody may have looked for long."""
    progress: float = 0.0
    """0 to 1, as in `Status`."""
    sending: bool = False
    """Whether its file is still on the way: nothing was ordered."""
    cancelled: bool = False
    """Whether we have asked for its end; servers do not tell whose hand cancelled."""
    ending: Ending | None = None
    why: str = ""
    """What the owner should hear of its ending."""

    def runs(self, now: float) -> None:
        """Note that it runs."""
        self.last_seen, self.over_since = now, None

    def rests(self, now: float) -> float:
        """Note that it does not run. Gives the seconds since that was first seen."""
        if self.over_since is None:
            self.over_since = now
        return now - self.over_since
