"""Who announces a printer server in the home network (mDNS, DNS-SD). The only file that knows zeroconf.

OctoPrint announces itself by default. Moonraker does where its `[zeroconf]` is on, PrusaLink on a Raspberry Pi
does, and under OctoPrint's name too; so what is announced is a place to ask, not an answer.
"""

import socket
import time
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from msgspec import Struct
from zeroconf import (
    DNSQuestionType,
    InterfaceChoice,
    IPVersion,
    ServiceBrowser,
    ServiceInfo,
    ServiceListener,
    Zeroconf,
)

RESOLVE_SECONDS = 0.5
ALOUD = DNSQuestionType.QM
"""All are asked to answer to all. Of several that listen at this machine's mDNS port, as Avahi does, only one hears
an answer that is meant for the one who asked (RFC 6762, 15.1), and it need not be us."""


class Announced(Struct, frozen=True, kw_only=True):
    """One announcement. `host` is a number, or a name if no number was told; `path` may lead behind a proxy."""

    name: str
    host: str
    port: int
    path: str = ""
    version: str = ""
    here: bool = False
    """Whether that is this machine."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Where to ask: first over the loop-back if it is here, where no router gives another number tomorrow."""
        port = "" if self.port == 80 else f":{self.port}"
        hosts = ("127.0.0.1", self.host) if self.here else (self.host,)
        return tuple(f"http://{host}{port}{quote(self.path.rstrip('/'))}" for host in hosts)


def browse(
    seconds: float, services: Iterable[str], interfaces: Sequence[str] | None = None
) -> list[Announced]:
    """Listen and ask for this long; `interfaces` are addresses of this machine, all of them if None.

    `services` are types like `_octoprint._tcp.local.`.

    Raises:
        OSError: there is no network to ask.
    """
    ear = _Ear()
    choice = InterfaceChoice.All if interfaces is None else list(interfaces)
    with Zeroconf(interfaces=choice, ip_version=IPVersion.V4Only) as network:
        browser = ServiceBrowser(network, list(services), listener=ear, question_type=ALOUD)
        time.sleep(seconds)
        browser.cancel()
        return ear.announced(network)


class _Ear(ServiceListener):
    """Collects what is announced, on the browser's thread."""

    def __init__(self) -> None:
        self._types: dict[str, str] = {}

    def announced(self, zc: Zeroconf) -> list[Announced]:
        """All that was told of those that were heard; a host whose number nobody told may be this machine."""
        found: set[Announced] = set()
        for name, type_ in list(self._types.items()):
            info = ServiceInfo(type_, name)
            info.load_from_cache(zc)
            if info.port and info.server:
                found.add(_announced(info, name.removesuffix(f".{type_}")))
        return sorted(found, key=lambda each: (each.name, each.host, each.port))

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self._types[name] = type_
        info = ServiceInfo(type_, name)
        info.load_from_cache(zc)
        if not info.port:
            info.request(zc, RESOLVE_SECONDS * 1000, question_type=ALOUD)

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:  # noqa: ARG002 - the protocol's
        self._types[name] = type_

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:  # noqa: ARG002 - the protocol's
        self._types.pop(name, None)


def _announced(info: ServiceInfo, name: str) -> Announced:
    numbers = info.parsed_addresses(IPVersion.V4Only)
    server = (info.server or "").rstrip(".")
    own = socket.gethostname().partition(".")[0].lower()
    return Announced(
        name=_word(name),
        host=numbers[0] if numbers else server,
        port=info.port or 80,
        path=_word(_property(info, "path")),
        version=_word(_property(info, "version")),
        here=any(map(_is_ours, numbers)) or (not numbers and server.partition(".")[0].lower() == own),
    )


def _property(info: ServiceInfo, name: str) -> str:
    return (info.decoded_properties.get(name) or "")[:100]


def _is_ours(number: str) -> bool:
    """Whether this machine has that address: only then can a socket be bound to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind((number, 0))
        except OSError:
            return False
    return True


def _word(text: str) -> str:
    return "".join(char for char in text if char.isprintable())[:100]
