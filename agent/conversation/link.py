"""The MQTT link to the broker: one thread that connects, and connects again, for as long as the agent runs.

Each connection is a client of its own, with a clean session and a new connection counter: nothing that an
older one had still to say is said by a newer one. What arrives is acknowledged to the broker only after its
handler returned, so after its commit.
"""

import contextlib
import logging
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from msgspec import Struct
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from agent.backoff import backoff
from agent.errors import OwnerError
from agent.http.address import is_loopback
from agent.journal.file import JournalError
from agent.membership.identity import IdentityError
from wire import codec, topics
from wire.errors import RemoteError
from wire.messages import Down, Presence, Telemetry, Up

log = logging.getLogger(__name__)

KEEPALIVE = 30
"""Seconds of silence after which each side probes the other."""
PATIENCE = 15.0
"""Seconds for a connection to come up, to the broker's answer to our subscription."""
QUEUE = 1000
"""Messages that the broker has not acknowledged, at most: one that never does would cost all memory in weeks."""
SPREAD = 3.0
"""Seconds over which the first tries of a crowd are spread when its broker dies. A broker takes some 300 connections a
second (mutual TLS, one core); with 1 s, half of 2,000 agents came in the busiest one, and had to come again."""
STEADY = 30.0
"""Seconds after which a connection counts as good: only then do waits begin small again."""


class LinkError(OwnerError):
    """The broker's address will not do. Says why."""


class BrokerAddress(Struct, frozen=True):
    """Where the broker is; `tls` is False on this machine only."""

    host: str
    port: int
    tls: bool


def broker_address(url: str) -> BrokerAddress:
    """`mqtts://host:port`, or `mqtt://` for this machine.

    Raises:
        LinkError: not such an address, or unencrypted to another machine.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 0
    except ValueError:
        host, port, parts = "", 0, urlsplit("")
    if parts.scheme not in {"mqtt", "mqtts"} or not host or not port:
        raise LinkError(f"not a broker's address: {url!r}; it looks like mqtts://host:8883")
    if parts.scheme == "mqtt" and not is_loopback(host):
        raise LinkError(f"{url} is not encrypted: only mqtts will do between machines")
    return BrokerAddress(host, port, parts.scheme == "mqtts")


class AgentLink:
    """The agent's link.

    `context` is asked for each connection anew, as our certificate may have been renewed; None without TLS.
    `birth` makes our presence for a connection's number, which `connection` gives (persisted, rising).
    `receive` gets each message that is one; `arrived` is called after each birth. Both are called on the
    link's own threads and must be quick. `random` gives 0 to 1; `monotonic` seconds.
    """

    def __init__(
        self,
        broker: BrokerAddress,
        agent: str,
        context: Callable[[], ssl.SSLContext] | None,
        *,
        connection: Callable[[], int],
        birth: Callable[[int], Presence],
        receive: Callable[[Down], None],
        arrived: Callable[[], None],
        random: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._broker = broker
        self._agent = agent
        self._context = context
        self._connection = connection
        self._birth = birth
        self._receive = receive
        self._arrived = arrived
        self._random = random
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._session: _Session | None = None
        self._thread = threading.Thread(target=self._run, name="link")
        self.faults: Counter[str] = Counter()
        """Messages that were dropped, by what was wrong with them."""

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Say that we go, disconnect, and wait until the link's threads have ended."""
        self._stopping.set()
        session = self._session
        if session is not None:
            session.end("we leave")
        self._thread.join()

    @property
    def up(self) -> bool:
        """Whether a connection stands, as far as we know."""
        session = self._session
        return session is not None and session.up.is_set() and not session.over.is_set()

    def publish(self, message: Up) -> bool:
        """Hand a message to the broker; False if there is no connection. Says nothing of its arrival."""
        session = self._session
        return session is not None and self.up and session.publish(message)

    def _run(self) -> None:
        failures, complained = 0, False
        where = f"{self._broker.host}:{self._broker.port}"
        while not self._stopping.is_set():
            lasted, why = self._live()
            if self._stopping.is_set():
                return
            if lasted is not None:
                complained = False
            failures = 0 if lasted is not None and lasted >= STEADY else failures + 1
            if not complained:
                log.warning("no link to the broker at %s (%s): trying again until there is", where, why)
                complained = True
            self._stopping.wait(backoff(failures, self._random, base=SPREAD))

    def _live(self) -> tuple[float | None, str]:
        """One connection, from its birth to its end: how long it was up, if ever, and why it ended."""
        try:
            context = self._context() if self._context else None
            number = self._connection()
            session = _Session(self._agent, self._birth(number), context, self._hear)
        except (IdentityError, JournalError) as error:
            return None, str(error)
        try:
            session.client.connect(self._broker.host, self._broker.port, keepalive=KEEPALIVE)
        except OSError as error:
            return None, str(error)
        self._session = session
        try:
            if self._stopping.is_set():
                return None, ""
            session.client.loop_start()
            if not session.wait(PATIENCE):
                return None, session.why or "it does not answer"
            log.info("linked to the broker at %s:%d", self._broker.host, self._broker.port)
            began = self._monotonic()
            self._arrived()
            session.over.wait()
            return self._monotonic() - began, session.why
        finally:
            self._session = None
            session.close()

    def _hear(self, message: MQTTMessage) -> bool:
        """Take one message in; whether it may be acknowledged."""
        try:
            self._receive(_open(message))
        except RemoteError as error:
            self.faults[error.code] += 1
            log.warning("dropped a message on %s: %s", message.topic[:100], error)
        except JournalError as error:
            log.error("could not keep a message: %s", error)  # noqa: TRY400  one readable line
            return False
        return True


class _Session:
    """One connection and its callbacks, which paho calls on its thread."""

    def __init__(
        self,
        agent: str,
        birth: Presence,
        context: ssl.SSLContext | None,
        hear: Callable[[MQTTMessage], bool],
    ) -> None:
        self.up = threading.Event()
        self.over = threading.Event()
        self.why = ""
        self._settled = threading.Event()
        self._born = False
        self._agent = agent
        self._birth = birth
        self._death = Presence(online=False, connection=birth.connection, epoch=birth.epoch)
        self._hear = hear
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=agent,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self.client.max_queued_messages_set(QUEUE)
        self.client.will_set(self._topic(self._death), codec.encode(self._death), qos=1, retain=True)
        if context is not None:
            self.client.tls_set_context(context)  # pyright: ignore[reportUnknownMemberType]  paho leaves it out
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.client.on_disconnect = self._on_disconnect

    def wait(self, seconds: float) -> bool:
        """Wait until the connection is up; False if it ended, or took longer."""
        self._settled.wait(seconds)
        return self.up.is_set()

    def publish(self, message: Up) -> bool:
        lossy = isinstance(message, Telemetry)
        retain = isinstance(message, Presence)
        data = codec.encode(message)
        info = self.client.publish(self._topic(message), data, qos=0 if lossy else 1, retain=retain)
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            self.end("it acknowledges nothing")
        return info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def end(self, why: str) -> None:
        """Let whoever waits for this connection go on."""
        self.why = self.why or why
        self.over.set()
        self._settled.set()

    def close(self) -> None:
        """Disconnect; where others saw us come, say that we go: the broker drops the will of who disconnects."""
        if self._born and self.client.is_connected():
            # If the link goes in this moment, the will says the same.
            with contextlib.suppress(RuntimeError, ValueError):
                info = self.client.publish(
                    self._topic(self._death), codec.encode(self._death), qos=1, retain=True
                )
                info.wait_for_publish(2)
        self.client.disconnect()
        self.client.loop_stop()

    def _topic(self, message: Up) -> str:
        return topics.up(self._agent, codec.kind(message))

    def _on_connect(
        self, client: Client, _data: object, _flags: object, reason: ReasonCode, *_: object
    ) -> None:
        if reason.is_failure:
            self.end(f"it refused us: {reason}")
            return
        client.subscribe([(topic, 1) for topic in topics.downs(self._agent)])

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], *_: object
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self.end("it does not let us hear our own topics")
            return
        self._born = True
        self.publish(self._birth)
        self.up.set()
        self._settled.set()

    def _on_message(self, client: Client, _data: object, message: MQTTMessage) -> None:
        if self._hear(message):
            client.ack(message.mid, message.qos)
        else:
            self.end("a message could not be kept")

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: object, reason: ReasonCode, *_: object
    ) -> None:
        self.end(str(reason))


def _open(message: MQTTMessage) -> Down:
    topic = topics.parse(message.topic)
    if message.retain:
        raise RemoteError("retained", "a retained message: nothing old may start anything")
    return codec.decode_down(bytes(message.payload), topic.kind)
