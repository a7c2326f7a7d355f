"""How the command line speaks: days, lengths of time, counts. Pure."""

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def example(*commands: str) -> str:
    """A help text's last part, that click leaves as it is."""
    return "\n".join(["\b", "Example:" if len(commands) == 1 else "Examples:", *(f"  {c}" for c in commands)])


def line(text: str) -> str:
    """One line without terminal codes, whatever others put into it."""
    return plain(" ".join(text.split()))


def plain(text: str) -> str:
    """Text of one or more lines without terminal codes."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text)


def units(count: int) -> str:
    """`1 unit`, `24 units`."""
    return f"{count:,} unit" if count == 1 else f"{count:,} units"


def day(seconds: float) -> str:
    """A moment's day, UTC, as the pages show it."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.day} {moment:%b %Y}"


def due(deadline: float | None, now: float) -> str:
    """A deadline and how far off it is; `deadline` and `now` in seconds since 1970."""
    if deadline is None:
        return "no deadline"
    left = deadline - now
    if left < 0:
        return f"{day(deadline)}, {length(-left)} late"
    return f"{day(deadline)}, in {length(left)}"


def ago(moment: float, now: float) -> str:
    """How long since a moment."""
    return "just now" if now - moment < _MINUTE else f"{length(now - moment)} ago"


def length(seconds: float) -> str:
    """Roughly how long, in its largest fitting measure."""
    for measure, name in ((_DAY, "day"), (_HOUR, "hour")):
        if seconds >= 2 * measure:
            return f"{int(seconds // measure)} {name}s"
    return f"{max(1, round(seconds / _MINUTE))} min"
