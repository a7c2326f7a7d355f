"""A coordinator for the agent's tests: the real protocol over a real broker, led by the test's own hand."""

import queue
import time
from collections.abc import Callable
from typing import Any, TypeVar

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.farend.keys import Keys
from tests.waiting import PATIENCE
from wire import codec, topics
from wire.messages import Ack, Down, Event, Presence, Ready, Report, Request, Telemetry, Up, Wish

T = TypeVar("T", Presence, Ready, Report, Telemetry)


class Coordinator:
    """Hears everything, says what it is told to, and acknowledges reports by itself unless told not to."""

    def __init__(self, port: int, *, acks: bool = True) -> None:
        self.keys = Keys()
        self.acks = acks
        self.heard: list[tuple[str, Up]] = []
        self.events: dict[int, Event] = {}
        self.repeats = 0
        self.retained: list[tuple[str, Up]] = []
        self._new: queue.Queue[tuple[str, Up]] = queue.Queue()
        self._ready: queue.Queue[None] = queue.Queue()
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id="coordinator", protocol=MQTTProtocolVersion.MQTTv311
        )
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._ready.get(timeout=PATIENCE)

    def __enter__(self) -> "Coordinator":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, agent: str, message: Down) -> None:
        self._client.publish(topics.down(agent, codec.kind(message)), codec.encode(message), qos=1)

    def say_raw(self, agent: str, kind: str, data: bytes, *, retain: bool = False) -> None:
        self._client.publish(topics.down(agent, kind), data, qos=1, retain=retain).wait_for_publish(PATIENCE)

    def wish(self, agent: str, attempt: str, wish: Wish, *, late: bool = False) -> None:
        now = time.time()
        expires = now - 10 if late else now + 30
        self.say(agent, Request(sent=now, expires=expires, attempt=attempt, wish=wish, by="carla"))

    def wait(
        self, kind: type[T], wanted: Callable[[T], bool] = lambda _: True, within: float = PATIENCE
    ) -> T:
        """The next message of this kind that is wanted; what comes before it is taken as looked at."""
        deadline = time.monotonic() + within
        seen: list[str] = []
        while True:
            try:
                _, message = self._new.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(
                    f"no such {kind.__name__} within {within} s; heard: {seen[-12:]}"
                ) from None
            seen.append(str(message)[:300])
            if isinstance(message, kind) and wanted(message):
                return message

    def wait_for_steps(self, *steps: str) -> list[Event]:
        """Wait until the last of these steps was reported, and hold that they are all that was."""
        deadline = time.monotonic() + PATIENCE
        while len(self.events) < len(steps) and time.monotonic() < deadline:
            time.sleep(0.01)
        events = [self.events[number] for number in sorted(self.events)]
        reported = [event.step.value for event in events]
        assert reported == list(steps), f"reported: {reported}; last: {events[-1:]}"
        return events

    def _on_connect(self, client: Client, *_: Any) -> None:
        client.subscribe([(filter_, 1) for filter_ in topics.ups()])

    def _on_subscribe(self, *_: object) -> None:
        self._ready.put(None)

    def _on_message(self, client: Client, _: object, received: MQTTMessage) -> None:
        topic = topics.parse(received.topic)
        message = codec.decode_up(bytes(received.payload), topic.kind)
        if received.retain:
            self.retained.append((topic.agent, message))
        if isinstance(message, Report):
            for event in message.events:
                self.repeats += event.seq in self.events
                self.events[event.seq] = event
            if self.acks:
                last = message.events[-1].seq
                self.say(topic.agent, Ack(sent=time.time(), epoch=message.epoch, seq=last))
        self.heard.append((topic.agent, message))
        self._new.put((topic.agent, message))
