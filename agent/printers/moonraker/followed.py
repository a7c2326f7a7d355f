"""One attempt in Moonraker: what becomes of it, by what Klipper shows and Moonraker's history says. Pure."""

from agent.printers.driver import Ending
from agent.printers.moonraker.answers import MoonrakerView
from agent.printers.server.followed import FollowedAttempt


class MoonrakerAttempt(FollowedAttempt, kw_only=True):
    """An attempt in Moonraker."""

    late: str = ""
    """The order that Klipper has put off, as it is called."""
    blind: bool = True
    """Whether Moonraker was out of sight since our print was last seen to run."""


def end(attempt: MoonrakerAttempt, ending: Ending | None, view: MoonrakerView) -> None:
    """Note the ending, if there is one, and what the owner should hear of it."""
    if ending is Ending.CANCELLED and not attempt.cancelled:
        ending = Ending.FAILED
        attempt.why = "The print was cancelled in Klipper, by another hand than ours."
    elif ending is Ending.FAILED:
        said = view.message if view.state in {"shutdown", "error"} else ""
        if view.holds(attempt.id):
            said = said or view.parts.print_stats.message
        attempt.why = (
            f"Klipper ended the print: {' '.join(said.split())}"
            if said
            else "Klipper stopped or restarted in the middle of the print: see klippy.log."
        )
    elif ending is Ending.UNKNOWN:
        attempt.why = (
            "The print is over and neither Klipper nor Moonraker kept a record of how: look at the bed."
        )
    attempt.ending = ending
