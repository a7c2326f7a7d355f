"""A plain MQTT client at the far end of a broker: says what it is told, remembers what it hears."""

import queue
import ssl
import threading
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY
from types import TracebackType
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.waiting import PATIENCE


class Refused(Exception):
    """The broker did not let the client in."""


class Speaker:
    """Connected while inside `with`. `ca`, `certificate` and `key` are PEM files, for `mqtts`."""

    def __init__(
        self,
        url: str,
        name: str,
        *,
        ca: Path | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        self._url = urlsplit(url)
        self._heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._settled = threading.Event()
        self._subscribed = threading.Event()
        self._reason = "no answer"
        self.granted: list[int] = []
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        if self._url.scheme == "mqtts":
            context = ssl.create_default_context(cafile=ca)
            if certificate is not None:
                context.load_cert_chain(certificate, key)
            self._client.tls_set_context(context)
        self._client.on_socket_open = self._on_socket_open
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def __enter__(self) -> "Speaker":
        try:
            self._client.connect(self._url.hostname or "", self._url.port or 0, keepalive=30)
        except OSError as error:
            raise Refused(str(error)) from None
        self._client.loop_start()
        if not self._settled.wait(PATIENCE) or self._reason != "Success":
            self._client.loop_stop()
            raise Refused(self._reason)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, data: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish, and wait until the broker has it."""
        self._client.publish(topic, data, qos=qos, retain=retain).wait_for_publish(PATIENCE)

    def listen(self, *topics: str, qos: int = 1) -> None:
        """Subscribe, and wait until the broker answers."""
        self._subscribed.clear()
        self._client.subscribe([(topic, qos) for topic in topics])
        assert self._subscribed.wait(PATIENCE)

    def hear(self, seconds: float = PATIENCE) -> tuple[str, bytes]:
        """The next message, as (topic, data); queue.Empty if none comes."""
        return self._heard.get(timeout=seconds)

    @property
    def connected(self) -> bool:
        """Whether the broker has not ended the connection."""
        return self._client.is_connected()

    @property
    def silent(self) -> bool:
        """Whether nothing is waiting to be heard."""
        return self._heard.empty()

    def _on_socket_open(self, _client, _data, line) -> None:
        line.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)  # else each answer waits 40 ms for Nagle

    def _on_connect(self, _client, _data, _flags, reason, _properties) -> None:
        self._reason = str(reason)
        self._settled.set()

    def _on_disconnect(self, _client, _data, _flags, reason, _properties) -> None:
        if not self._settled.is_set():
            self._reason = str(reason)
            self._settled.set()

    def _on_subscribe(self, _client, _data, _mid, reasons, _properties) -> None:
        self.granted = [reason.value for reason in reasons]
        self._subscribed.set()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._heard.put((message.topic, bytes(message.payload)))
