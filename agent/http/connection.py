"""One connection: a socket whose every operation is over in the time that is left."""

import io
import select
import socket
import ssl

from agent.http.address import Address
from agent.http.deadline import Left
from agent.http.failure import Cause, NoAnswerError, why
from agent.http.lookup import Lookup


class Connection:
    """To one server. Nothing is sent yet."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire

    def send(self, data: bytes, left: Left) -> None:
        """Send all of it.

        Raises:
            NoAnswerError: it could not be sent, in time.
        """
        try:
            self._wire.settimeout(_some(left))
            self._wire.sendall(data)
        except OSError as error:
            raise why(error) from error

    def send_some(self, data: memoryview, seconds: float) -> int:
        """Send what goes out within this time; the number of bytes, 0 where nothing does.

        Raises:
            NoAnswerError: the other side has hung up.
        """
        try:
            self._wire.settimeout(seconds)
            return self._wire.send(data)
        except TimeoutError:
            return 0
        except OSError as error:
            raise why(error) from error

    def receive(self, size: int, seconds: float) -> bytes | None:
        """What comes in within this time: empty where the other side has ended it, None where nothing comes.

        Raises:
            NoAnswerError: the connection is lost.
        """
        try:
            self._wire.settimeout(seconds)
            return self._wire.recv(size)
        except TimeoutError:
            return None
        except OSError as error:
            raise why(error, sent=True) from error

    def reader(self, left: Left) -> io.BufferedReader:
        """What comes in, as a stream. It raises OSError, or `NoAnswerError` when no time is left."""
        return io.BufferedReader(_Incoming(self._wire, left))

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has come in: else the other side has closed it, or says what nobody has asked."""
        readable, _, _ = select.select([self._wire], [], [], 0)
        return not readable

    def close(self) -> None:
        """Let go of it. May be called again."""
        self._wire.close()


def connect(address: Address, lookup: Lookup, left: Left, trust: ssl.SSLContext | None) -> Connection:
    """Try one of the host's addresses after the other; each gets its share of the time. `trust` is for https.

    Raises:
        NoAnswerError: the host isn't found, or nobody listens there, or it can't be trusted.
    """
    # Half of the time at most: what is known from before must still be of use.
    try:
        places = lookup.addresses(_some(left) / 2)
    except OSError as error:
        raise why(error) from error
    refusal: OSError = OSError("it has no address")
    for number, (family, place) in enumerate(places):
        wire = socket.socket(family, socket.SOCK_STREAM)
        try:
            wire.settimeout(_some(left) / (len(places) - number))
            wire.connect(place)
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if trust is not None:
                wire.settimeout(_some(left))
                wire = trust.wrap_socket(wire, server_hostname=address.host)
        except ssl.SSLError as error:
            wire.close()
            raise why(error) from error
        except OSError as error:
            wire.close()
            refusal = error
        except NoAnswerError:
            wire.close()
            raise
        else:
            return Connection(wire)
    raise why(refusal) from refusal


def trusting(ca: str) -> ssl.SSLContext:
    """Who is trusted: those whom the machine trusts (what its owner has added there counts), and `ca` in PEM."""
    context = ssl.create_default_context()
    if ca:
        context.load_verify_locations(cadata=ca)
    return context


def _some(left: Left) -> float:
    seconds = left()
    if seconds <= 0:
        raise NoAnswerError(Cause.LATE)
    return seconds


class _Incoming(io.RawIOBase):
    """What comes in on a socket."""

    def __init__(self, wire: socket.socket, left: Left) -> None:
        self._wire = wire
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] - typeshed's Buffer has a name only from 3.12 on
        self._wire.settimeout(_some(self._left))
        return self._wire.recv_into(buffer)
