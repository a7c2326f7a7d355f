"""Where a server is, as a browser has it: read once, and shown without the password that may stand in it."""

import ipaddress
import re
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from agent.errors import OwnerError

PORTS = {"http": 80, "https": 443}
_LOGIN = re.compile(r"//[^/?#]*@")


class AddressError(OwnerError):
    """An address that the agent will not speak to. Says why, and holds no password."""


class Login(Struct, frozen=True):
    """A user's name and password."""

    user: str
    password: str


class Address(Struct, frozen=True, kw_only=True):
    """A server's address in its parts. `path` goes before every request's: a server may be behind a proxy."""

    scheme: str
    host: str
    port: int
    place: str
    """Host and port as they were written, for the `Host` header."""
    path: str = ""
    login: Login | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port, as they may be shown."""
        return f"{self.scheme}://{self.place}"


def parse(url: str) -> Address:
    """An address, of any machine.

    Raises:
        AddressError: it is none of http or https.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        place = parts.netloc.rpartition("@")[2]
        if not place.isascii():
            host = host.encode("idna").decode()
            place = host if port is None else f"{host}:{port}"
    except ValueError:
        raise AddressError(f"not an address: {redacted(url)!r}") from None
    if parts.scheme not in PORTS or not host or not place.isprintable() or " " in place:
        raise AddressError(f"not an address to speak to: {redacted(url)!r}")
    login = None
    if parts.username is not None:
        login = Login(unquote(parts.username), unquote(parts.password or ""))
    return Address(
        scheme=parts.scheme,
        host=host,
        port=port or PORTS[parts.scheme],
        place=place,
        path=parts.path.rstrip("/"),
        login=login,
    )


def parse_private(url: str) -> Address:
    """An address that nobody on the way can listen to: https, or this machine's own.

    Raises:
        AddressError: it is none, or plain http to another machine, or it holds a login: that is for the homes' servers.
    """
    address = parse(url)
    if address.login is not None:
        raise AddressError(f"not an address to speak to: {redacted(url)!r} has a name before its host")
    if address.scheme == "http" and not is_loopback(address.host):
        raise AddressError(f"{url} is not encrypted: only https will do between machines")
    return address


def redacted(url: str) -> str:
    """An address, or what should be one, without the login in it: for messages and logs."""
    return _LOGIN.sub("//", url)


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine, by itself and not by what some resolver says."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
