"""What went wrong, as a sentence that its owner understands: what happened, and what to look at. Pure."""

import re

HEATER = re.compile(r"Heater_ID:\s*(bed|-?\d|E\d)", re.IGNORECASE)
CAUSES = (
    (("runaway",), "heats out of control: is its thermistor loose?"),
    (("heating failed",), "does not get hot: is its heater or its thermistor loose?"),
    (("mintemp",), "has a thermistor that reads far too cold: is its cable broken?"),
    (("maxtemp",), "has a thermistor that reads far too hot: is it shorted?"),
)
STOPPED = (
    (("homing failed",), "it could not home: is something in the way, or an end stop loose?"),
    (("probing failed",), "its probe found no bed: look at the probe and at the bed"),
    (("m112", "emergency"), "it got an emergency stop"),
)


def heater(told: str) -> str:
    """Which heater a firmware's line means."""
    found = HEATER.search(told)
    name = found[1].lower() if found else ("bed" if "bed" in told.lower() else "")
    return "the bed" if name in {"bed", "-1"} else "the nozzle"


def killed(told: str) -> str:
    """Why a firmware stopped itself."""
    lower = told.lower()
    for signs, cause in CAUSES:
        if any(sign in lower for sign in signs):
            return f"The printer stopped itself: {heater(told)} {cause} (it said: {told})"
    for signs, cause in STOPPED:
        if any(sign in lower for sign in signs):
            return f"The printer stopped itself: {cause} (it said: {told}). Look at it, then reset it"
    return f"The printer stopped itself: {told}. Look at it, then reset it"


def at(layer: int) -> str:
    """Where in the print it was."""
    return f"at layer {layer}" if layer else "before the first layer"


def restarted(layer: int) -> str:
    """The board came up anew in the middle of a print."""
    return (
        f"The printer restarted itself {at(layer)}: is its power supply loose, or did somebody press reset?"
    )


def lost(layer: int) -> str:
    """The cable, the adapter, or the whole board is gone."""
    return (
        f"The connection to the printer was lost {at(layer)}: is the USB cable loose?"
        " The heaters may still be on: look at the printer now"
    )


def stopped(why: str) -> str:
    """The watchdog barked."""
    return f"Stopped for safety: {why}. Look at the printer, then reset it"


def refused(what: str, layer: int) -> str:
    """The firmware left out what it was told."""
    if "cold" in what.lower():
        return f"The printer refused to push plastic {at(layer)}, as its nozzle is too cold: did somebody turn it off?"
    return f"The printer refused to move {at(layer)} (it said: {what}): has it lost its home?"


def unread(layer: int) -> str:
    """The disk gave nothing of the file for too long."""
    return f"The disk stopped giving the file {at(layer)}, and the heaters are off: is its SD card failing?"


DIED = "The process that drives the printer died in the middle of the print; the heaters are switched off"
ENDED = (
    "The process that drives the printer was ended in the middle of the print; the heaters were switched off"
)
CUT_SHORT = "The file could not be read to its end: is the disk full or failing?"
STAYS_HOT = "its heaters don't switch off"
SLOW_CANCEL = "it did not stop when the print was cancelled"
NO_ANSWER = "The printer does not answer: is it switched on, and is its baud rate right?"
HEATS = "heating up"
UNINTERRUPTED = "The printer can't be interrupted while it heats up; it stops as soon as it is hot"
WAITS_FOR_USER = "The printer waits for somebody to press its button"
REVIVING = "The process that drives the printer died; its board is asked whether it can go on"
