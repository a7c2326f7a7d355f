"""The coordinator's link to the broker; the only file on this side that knows paho-mqtt.

Three threads: the link's own, which connects and connects again; paho's, one per connection; and one that hands
messages on, in the order in which they came, so that no database commit holds up the network.

What MQTT's acknowledgement means here: this process is done with the message. It is sent after the handler
returned, so after its commit, and the broker's window then bounds what waits here. A message whose handler
failed is acknowledged too, deliberately: to keep it back would bring nothing (sessions are clean, nothing is
delivered again), fill the window of every broker in the end, and with amqtt, which waits for each retained
message, stop all others at once. No agent learns of this acknowledgement: it goes by our own `ack`, which
only a commit brings, and says again whatever has none. Presences are said only once, but they are retained:
after a failure the link asks the broker for all of them again.
"""

import contextlib
import queue
import random as chance
import socket
import ssl
import threading
import time
from collections.abc import Callable

import structlog
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from coordinator.endpoint import Endpoint
from coordinator.errors import StartError
from coordinator.metrics import Metrics
from coordinator.rate_limit import TokenBuckets
from wire import codec, topics
from wire.errors import RemoteError
from wire.messages import Ack, Down, Up

log = structlog.get_logger("link")

Handler = Callable[[str, Up], None]
"""Takes a message of the agent named. RemoteError: it is not to be believed; drop it, count it."""

IDENTITY = "muster-coordinator"
"""Our client's id, always the same: a connection that hangs is ended by the next one."""
KEEPALIVE = 30
"""Seconds of silence after which each side probes the other."""
PATIENCE = 15.0
"""Seconds for a connection to come up, from the first packet to the broker's answer to our subscriptions."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries, at most."""
QUEUE = 2000
"""Messages waiting for the handler. Telemetry may fill half of it; the rest is wider than Mosquitto's window."""
RATE, BURST = 50.0, 1000
"""Messages a second of one agent, and at once after an outage: 64 printers that all tell news stay far below."""
COMPLAINT = 60.0
"""Seconds between two lines in the log about one agent that floods."""
RENEWAL = 30.0
"""Seconds, at most, from a presence that could not be handled to asking for it again."""

_LOSSY = "telemetry"
_ATTENTION = 0.2  # seconds until the worker looks up from an empty queue


class CoordinatorLink:
    """Brings each agent's messages to `handler` and takes messages to agents.

    `found` is called when a connection is up: what was said before it came up, nobody heard.
    `lost` is called when a connection is over: who dies meanwhile may die unheard, and who lives is announced
    again by the retained presences of the next connection.
    `random` gives 0 to 1, for the pauses' jitter; `quota` bounds what one agent may say; who is not let in by
    `admits` is not heard, whatever the broker lets through. It is asked on paho's thread, so it must be quick.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        handler: Handler,
        metrics: Metrics,
        *,
        lost: Callable[[], None] = lambda: None,
        found: Callable[[], None] = lambda: None,
        random: Callable[[], float] = chance.random,
        capacity: int = QUEUE,
        quota: TokenBuckets | None = None,
        renewal: float = RENEWAL,
        admits: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Nothing is connected yet.

        Raises:
            StartError: a certificate, a key or the password's file can't be used.
        """
        self._endpoint = endpoint
        self._handler = handler
        self._metrics = metrics
        self._lost = lost
        self._found = found
        self._random = random
        self._renewal = renewal
        self._context = _context(endpoint)
        self._password = _password(endpoint)
        self._quota = quota or TokenBuckets(RATE, BURST)
        self._welcome = admits
        self._complained: dict[str, float] = {}
        self._waiting: queue.Queue[tuple[_Connection, MQTTMessage]] = queue.Queue(capacity)
        self._stopping = threading.Event()
        self._missed_presence = threading.Event()
        self._connection: _Connection | None = None
        self._threads = [
            threading.Thread(target=self._run, name="link", daemon=True),
            threading.Thread(target=self._work, name="link-worker", daemon=True),
        ]
        self.connected = threading.Event()
        """Set while the broker has taken our subscriptions."""

    def start(self) -> None:
        """Begin to connect, and go on trying; returns at once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Disconnect and wait for the message that is being handled; what waits behind it is left."""
        self._stopping.set()
        connection = self._connection
        if connection is not None:
            connection.end("we leave")
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def publish(self, agent: str, message: Down) -> bool:
        """Hand a message for `agent` to the broker; False if there is no connection: then it is dropped.

        Nothing is kept for later: whatever still matters after an outage is asked for again by its agent,
        so nothing old can be flushed out. QoS 1 within the connection, but 0 for an `Ack`: the next report,
        a repeat if need be, brings the next one.

        Raises:
            LocalError: the message breaks its bounds.
        """
        kind = codec.kind(message)
        topic, data = topics.down(agent, kind), codec.encode(message)
        connection = self._connection
        sent = (
            connection is not None
            and self.connected.is_set()
            and connection.publish(topic, data, qos=0 if isinstance(message, Ack) else 1)
        )
        self._metrics.sent(kind, arrived=sent)
        if not sent:
            log.info("not sent, there is no link", agent=agent, message=kind)
        return sent

    def _run(self) -> None:
        failures, complained = 0, False
        while not self._stopping.is_set():
            came_up, why = self._live()
            if self._stopping.is_set():
                return
            failures = 1 if came_up else failures + 1
            if came_up or not complained:
                log.warning("no link to the broker, trying until there is", url=self._endpoint.url, why=why)
                complained = True
            # Full jitter, so that many who lost the same broker don't come back at one moment.
            self._stopping.wait(self._random() * min(LONGEST_PAUSE, 0.25 * 2**failures))

    def _live(self) -> tuple[bool, str]:
        """One connection from birth to end: whether it ever came up, and why it ended."""
        connection = _Connection(self._endpoint, self._context, self._password, self._receive)
        try:
            connection.client.connect(self._endpoint.host, self._endpoint.port, keepalive=KEEPALIVE)
        except (OSError, ValueError) as error:
            return False, str(error)
        connection.client.loop_start()
        self._connection = connection
        try:
            if self._stopping.is_set():
                return False, ""
            if not connection.settled.wait(PATIENCE):
                return False, "it does not answer"
            if connection.over.is_set():
                return False, connection.why
            self._missed_presence.clear()  # the subscription brings all of them
            self.connected.set()
            self._found()
            log.info("linked to the broker", url=self._endpoint.url)
            while not connection.over.wait(self._renewal):
                if self._missed_presence.is_set():
                    self._missed_presence.clear()
                    connection.subscribe()
            return True, connection.why
        finally:
            was_up = self.connected.is_set()
            self.connected.clear()
            self._connection = None
            connection.close()
            if was_up and not self._stopping.is_set():
                self._tell_loss()

    def _tell_loss(self) -> None:
        try:
            self._lost()
        except Exception:
            self._metrics.failed()
            log.exception("could not take note of the lost link")

    def _receive(self, connection: "_Connection", message: MQTTMessage) -> None:
        """Take a message off the network; called on paho's thread, so never blocks."""
        if not self._admits(message):
            connection.acknowledge(message)
            return
        spare = self._waiting.maxsize // 2 if message.qos == 0 else 0
        if self._waiting.maxsize - self._waiting.qsize() > spare:  # only this thread fills it
            self._waiting.put_nowait((connection, message))
            return
        self._metrics.dropped()
        if message.qos:
            self._missed_presence.set()  # it may have been one
            connection.acknowledge(message)

    def _admits(self, message: MQTTMessage) -> bool:
        """Whether its agent has not said too much already; the broker's own retained copies are not its fault."""
        agent, now = _speaker(message), time.monotonic()
        if not self._welcome(agent):
            self._metrics.refused("stranger")
            return False
        if message.retain or self._quota.admits(agent, now):
            return True
        self._metrics.flooded()
        if now - self._complained.get(agent, -COMPLAINT) >= COMPLAINT:
            self._complained[agent] = now
            log.warning("an agent says more than it may: dropping what is too much", agent=agent)
        return False

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, message = self._waiting.get(timeout=_ATTENTION)
            except queue.Empty:
                continue
            self._handle(message)
            connection.acknowledge(message)

    def _handle(self, message: MQTTMessage) -> None:
        topic = ""
        try:
            topic = message.topic
            agent, decoded = _open(message)
            self._metrics.received(codec.kind(decoded))
            self._handler(agent, decoded)
        except RemoteError as error:
            self._metrics.refused(error.code)
            log.warning("refused a message", topic=topic[:120], code=error.code, why=str(error))
        except Exception:
            self._metrics.failed()
            self._missed_presence.set()
            log.exception("could not handle a message", topic=topic[:120])


def evict(endpoint: Endpoint, name: str) -> bool:
    """Connect as the client `name`, so that the broker ends the connection that it has of that name, and leave.

    Returns:
        Whether the broker took us.

    Raises:
        StartError: a certificate can't be used.
    """
    settled, taken = threading.Event(), threading.Event()
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=name,
        clean_session=True,
        protocol=MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
    )
    context = _context(endpoint)
    if context is not None:
        client.tls_set_context(context)  # pyright: ignore[reportUnknownMemberType] - paho leaves it out

    def on_connect(_client: Client, _data: object, _flags: object, reason: ReasonCode, *_: object) -> None:
        if not reason.is_failure:
            taken.set()
        settled.set()

    client.on_socket_open = _without_delay
    client.on_connect = on_connect
    client.on_disconnect = lambda *_: settled.set()  # pyright: ignore[reportUnknownLambdaType]
    try:
        client.connect(endpoint.host, endpoint.port, keepalive=KEEPALIVE)
    except (OSError, ValueError):
        return False
    client.loop_start()
    settled.wait(PATIENCE)
    client.disconnect()
    client.loop_stop()
    return taken.is_set()


class _Connection:
    """One connection, with a client of its own: nothing that an older one had to say is said by it."""

    def __init__(
        self,
        endpoint: Endpoint,
        context: ssl.SSLContext | None,
        password: str | None,
        receive: "Callable[[_Connection, MQTTMessage], None]",
    ) -> None:
        self.settled = threading.Event()
        """It is up, or over before it ever was."""
        self.over = threading.Event()
        self.why = ""
        self._gone = threading.Event()
        self._receive = receive
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=IDENTITY,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        if context is not None:
            self.client.tls_set_context(context)  # pyright: ignore[reportUnknownMemberType] - paho leaves it out
        if endpoint.username is not None:
            self.client.username_pw_set(endpoint.username, password)
        self.client.on_socket_open = _without_delay
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.client.on_disconnect = self._on_disconnect

    def subscribe(self) -> None:
        """Ask for all that agents say; brings every retained presence, a second time too."""
        self.client.subscribe([(each, 0 if each.endswith(_LOSSY) else 1) for each in topics.ups()])

    def publish(self, topic: str, data: bytes, *, qos: int) -> bool:
        return self.client.publish(topic, data, qos=qos, retain=False).rc is MQTTErrorCode.MQTT_ERR_SUCCESS

    def acknowledge(self, message: MQTTMessage) -> None:
        """MQTT's own acknowledgement, on the connection that brought the message; if it is over, on none."""
        if message.qos and not self.over.is_set():
            self.client.ack(message.mid, message.qos)

    def close(self) -> None:
        """Disconnect and end paho's thread, even if the broker takes nothing more."""
        self.over.set()
        line = self.client.socket()
        self.client.disconnect()
        if isinstance(line, socket.socket) and not self._gone.wait(2):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_RDWR)
        self.client.loop_stop()

    def end(self, why: str) -> None:
        """Count this connection as over."""
        self.why = self.why or why
        self.over.set()
        self.settled.set()

    def _on_connect(
        self, _client: Client, _data: object, _flags: object, reason: ReasonCode, *_: object
    ) -> None:
        if reason.is_failure:
            self.end(f"it refused us: {reason}")
        else:
            self.subscribe()

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], *_: object
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self.end("it does not let us hear the agents")
        self.settled.set()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._receive(self, message)

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: object, reason: ReasonCode, *_: object
    ) -> None:
        self.end(str(reason))
        self._gone.set()


def _speaker(message: MQTTMessage) -> str:
    """Whose topic it is; what is no topic of ours counts as one speaker's."""
    try:
        return topics.parse(message.topic).agent
    except (RemoteError, UnicodeDecodeError):
        return ""


def _open(message: MQTTMessage) -> tuple[str, Up]:
    try:
        topic = topics.parse(message.topic)
    except UnicodeDecodeError:
        raise RemoteError("topic", "a topic that is not UTF-8") from None
    if topic.way != "up":
        raise RemoteError("topic", f"a topic for the other way: {topic}")
    if message.retain and topic.kind != "presence":
        raise RemoteError("retained", f"a retained {topic.kind}: only presence may be")
    return topic.agent, codec.decode_up(bytes(message.payload), topic.kind)


def _without_delay(_client: Client, _data: object, line: object) -> None:
    """Send small messages at once: Nagle's algorithm would hold a grant back for up to 40 ms."""
    if isinstance(line, socket.socket):
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _context(endpoint: Endpoint) -> ssl.SSLContext | None:
    if not endpoint.tls:
        return None
    if endpoint.credentials is None:
        return ssl.create_default_context()
    files = endpoint.credentials
    try:
        context = ssl.create_default_context(cafile=files.ca)
        context.load_cert_chain(files.certificate, files.key)
    except OSError as error:  # ssl.SSLError is one
        raise StartError(
            f"can't use the certificates for the broker ({files.ca}, {files.certificate}, {files.key}): {error}"
        ) from None
    return context


def _password(endpoint: Endpoint) -> str | None:
    if endpoint.password_file is None:
        return None
    try:
        return endpoint.password_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"can't read the broker's password in {endpoint.password_file}: {error}") from None
