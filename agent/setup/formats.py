"""How a person writes a size, a nozzle, hours or a place. Pure. What can't be read is a `WrongAnswerError`."""

import re

import msgspec

from agent.consent.hours import Spans
from agent.setup.questions import WrongAnswerError

NO = frozenset({"n", "no", "none", "-", "[]"})
"""Answers that leave a question open."""


def size(answer: str) -> tuple[float, float, float]:
    """Width, depth and height in mm."""
    try:
        width, depth, height = (_number(part) for part in re.split(r"[x×*]", answer.lower()))
    except ValueError:
        raise WrongAnswerError("three lengths in mm, like 220 x 220 x 250") from None
    if not all(30 <= length <= 2000 for length in (width, depth, height)):
        raise WrongAnswerError("each from 30 to 2000 mm")
    return width, depth, height


def nozzle(answer: str) -> float:
    """A nozzle's diameter in mm."""
    try:
        nozzle = _number(answer)
    except ValueError:
        raise WrongAnswerError("a diameter in mm, like 0.4") from None
    if not 0.1 <= nozzle <= 1.2:
        raise WrongAnswerError("from 0.1 to 1.2 mm")
    return nozzle


def spans(answer: str) -> tuple[str, ...]:
    """Spans of the day, as the settings write them; none for a no."""
    if answer.lower() in NO:
        return ()
    try:
        return msgspec.convert(tuple(re.split(r"[\s,]+", answer.strip())), Spans)
    except msgspec.ValidationError:
        raise WrongAnswerError("like 22:00-07:00, or several with commas between, or none") from None


def place(answer: str) -> tuple[float, float] | None:
    """Latitude and longitude, rounded to 0.1°; None for a no, or no answer."""
    if not answer or answer.lower() in NO:
        return None
    try:
        latitude, longitude = (_number(part) for part in re.split(r"[,;\s]+", answer.strip()))
    except ValueError:
        raise WrongAnswerError("two numbers, like 40.4, -3.7") from None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise WrongAnswerError("latitude from -90 to 90, then longitude from -180 to 180")
    return round(latitude, 1), round(longitude, 1)


def _number(text: str) -> float:
    if not re.fullmatch(r"[+-]?[0-9]{1,6}(\.[0-9]{1,9})?", text.strip()):
        raise ValueError(text)
    return float(text)
