"""One attempt, as a door to a printer's server follows it."""

from msgspec import Struct

from agent.printers.driver import Ending


class Errand(Struct, kw_only=True):
    """What is known of our last attempt there; `last_seen` is the clock's time at which it was last seen to run."""

    attempt: str
    last_seen: float
    progress: float = 0.0
    """0 to 1, as in `Status`."""
    cancelled: bool = False
    """Whether we have asked for its end; servers do not tell whose hand cancelled."""
    ending: Ending | None = None
    why: str = ""
    """What the owner should hear of its ending."""
