"""Where a broker is, and with what a client shows who it is."""

import re
from dataclasses import dataclass
from pathlib import Path

PATTERN = r"^mqtts?://[^/:@\s]+:[0-9]{1,5}$"
"""`mqtt://host:port`, for loopback only, or `mqtts://host:port`; as in `wire.enrolment.EnrolmentAnswer`."""

_url = re.compile(r"(mqtts?)://([^/:@\s]+):([0-9]{1,5})\Z")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Files in PEM: whose servers are believed, and an own certificate with its key."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A broker as its client needs it. `credentials` serve for `mqtts` only."""

    url: str
    credentials: Credentials | None = None
    username: str | None = None
    password_file: Path | None = None

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return _parts(self.url)[0] == "mqtts"

    @property
    def host(self) -> str:
        """The host's name or IPv4 address."""
        return _parts(self.url)[1]

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(_parts(self.url)[2])


def _parts(url: str) -> tuple[str, str, str]:
    match = _url.match(url)
    if match is None:
        raise ValueError(f"not a broker's address: {url!r} (mqtts://host:port)")
    scheme, host, port = match.groups()
    return scheme, host, port
