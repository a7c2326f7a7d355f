"""The addresses of a host, found within a time that is given: the system's own look-up has no bound."""

import ipaddress
import socket
import threading
from collections.abc import Callable

from agent.http.failure import Cause, NoAnswerError

SocketAddress = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
"""A family of sockets, and what such a socket connects to."""

Resolver = Callable[[str, int], list[SocketAddress]]


def system(host: str, port: int) -> list[SocketAddress]:
    """Ask the system, which may take its time; IPv4 first, as home networks seldom route the other.

    Raises:
        OSError: there is no such host, or nobody can be asked.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses: list[SocketAddress] = [(family, address) for family, _, _, _, address in found]
    return sorted(addresses, key=lambda address: address[0] is not socket.AF_INET)


class Lookup:
    """One host. A look-up that is late goes on in a thread of its own, at most one, and serves the next call."""

    def __init__(self, host: str, port: int, resolver: Resolver = system) -> None:
        self._host = host
        self._port = port
        self._resolver = resolver
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._known: list[SocketAddress] = []
        self._error: OSError | None = None

    def addresses(self, seconds: float) -> list[SocketAddress]:
        """The host's addresses; those known from before, where the look-up takes longer than `seconds`.

        Raises:
            NoAnswerError: there is no such host, or it was never found in time.
        """
        if _is_number(self._host):
            return self._resolver(self._host, self._port)
        with self._lock:
            thread = self._thread
            if thread is None or not thread.is_alive():
                thread = threading.Thread(target=self._look, name=f"lookup {self._host}", daemon=True)
                self._thread = thread
                thread.start()
        thread.join(max(0.0, seconds))
        if self._known:
            return self._known
        if thread.is_alive():
            raise NoAnswerError(Cause.LATE_NAME, self._host)
        raise NoAnswerError(Cause.UNKNOWN_NAME, self._host) from self._error

    def _look(self) -> None:
        try:
            self._known, self._error = self._resolver(self._host, self._port), None
        except (OSError, UnicodeError) as error:
            self._error = error if isinstance(error, OSError) else OSError(str(error))


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
