"""What all kinds of printers behind a server have in common."""

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Meta

from agent.http.address import redacted
from agent.printers.kind import PrinterSettings

Secret = Annotated[str, Meta(max_length=200)]
LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})
ABOUT: Final = MappingProxyType(
    {
        "url": "The server's address.",
        "key_file": "A file with the key that opens it, beside this one. For nobody's eyes but yours.",
    }
)
"""What setup writes beside the settings that all of them have."""


class ServedPrinter(PrinterSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A printer behind a server. What opens the server stands in a file of its own, or here."""

    url: Annotated[str, Meta(pattern="^https?://", max_length=200)]
    key: Secret = ""
    key_file: str = ""


def place(printer: ServedPrinter) -> str:
    """Where it is: its server's address."""
    return place_of(printer.url)


def place_of(url: str) -> str:
    """An address in one form: the same for all names that this machine has for itself, and for http and https."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:  # no address that anybody could answer at
        return url
    host = (parts.hostname or "").lower()
    return f"{'localhost' if host in LOCAL else host}:{port}{parts.path.rstrip('/')}"


def is_here(url: str) -> bool:
    """Whether that address is one that this machine has for itself."""
    return place_of(url).startswith("localhost:")


def resumed_there(how: str) -> Callable[[ServedPrinter], str]:
    """Where its owner takes it up again after a fault: at its server, and `how`."""
    return lambda printer: f"is driven by the server at {redacted(printer.url)}: {how} there"


def state_file(printer: ServedPrinter, state: Path) -> Path:
    """What the driver keeps of its last attempt."""
    return state / printer.driver / f"{printer.name}.json"


def word(text: str) -> str:
    """What a server tells of itself, so far as it can be shown."""
    return "".join(char for char in text if char.isprintable())[:60]
