import os
import signal
import socket
import threading
import time

import pytest

from coordinator import settings
from coordinator.endpoint import Credentials, Endpoint
from coordinator.errors import StartError
from coordinator.metrics import Metrics
from coordinator.mqtt import broker
from coordinator.mqtt.link import CoordinatorLink
from coordinator.rate_limit import TokenBuckets
from tests.unit.coordinator.network.enrolled import speaker
from tests.waiting import PATIENCE, eventually
from wire import codec, topics
from wire.errors import LocalError, RemoteError
from wire.messages import Ack, Presence, Ready, Request, Telemetry, Wish

EPOCH = "0" * 32


def presence():
    return Presence(online=True, connection=1, epoch=EPOCH)


def ready(counter=1, printer="one"):
    return Ready(
        printer=printer,
        nonce="n" * 16,
        counter=counter,
        lifetime=60,
        window=3600,
        material="pla",
        epoch=EPOCH,
        seq=0,
    )


def say(client, agent, message, **how):
    client.say(topics.up(agent, codec.kind(message)), codec.encode(message), **how)


class Office:
    """Takes messages as the desk does; `trouble` is raised instead for an agent of that name."""

    def __init__(self):
        self.heard = []
        self.trouble = {}
        self.gate = threading.Event()
        self.gate.set()
        self._changed = threading.Condition()

    def take(self, agent, message):
        self.gate.wait(PATIENCE)
        with self._changed:
            self.heard.append((agent, message))
            self._changed.notify_all()
        if agent in self.trouble:
            raise self.trouble[agent]

    def wait_for(self, count, seconds=10):
        with self._changed:
            assert self._changed.wait_for(lambda: bool(len(self.heard) >= count), seconds), self.heard
        return self.heard


@pytest.fixture
def office():
    return Office()


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def link(running, office, metrics):
    link = CoordinatorLink(running.endpoint, office.take, metrics, random=lambda: 0.1, renewal=0.2)
    link.start()
    assert link.connected.wait(PATIENCE)
    yield link
    office.gate.set()
    link.stop()


@pytest.fixture
def anna(running, authority, tmp_path):
    with speaker(running, authority, tmp_path, "anna") as anna:
        anna.listen(*topics.downs("anna"))
        yield anna


def figure(metrics, name):
    lines = metrics.render()[0].decode().splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(name)), 0.0)


def test_what_an_agent_says_reaches_the_handler_in_its_order(link, anna, office):
    for counter in range(20):
        say(anna, "anna", ready(counter))
    heard = office.wait_for(20)
    assert [(agent, message.counter) for agent, message in heard] == [("anna", n) for n in range(20)]


def test_what_we_say_reaches_the_agent(link, anna):
    wish = Request(sent=1, expires=2, attempt="a1", wish=Wish.PAUSE, by="Eva")
    ack = Ack(sent=1, epoch=EPOCH, seq=3)
    for message in (wish, ack):
        assert link.publish("anna", message)
        topic, data = anna.hear()
        assert codec.decode_down(data, topics.parse(topic).kind) == message


def test_nothing_we_say_is_retained(link, running, authority, tmp_path, anna):
    assert link.publish("ben", Ack(sent=1, epoch=EPOCH, seq=3))
    link.publish("anna", Ack(sent=1, epoch=EPOCH, seq=4))
    anna.hear()
    with speaker(running, authority, tmp_path, "ben") as ben:
        ben.listen(*topics.downs("ben"))
        link.publish("ben", Ack(sent=1, epoch=EPOCH, seq=5))
        assert b'"seq":5' in ben.hear()[1]


def test_a_presence_said_before_we_came_is_heard(running, anna, office, metrics):
    say(anna, "anna", presence(), retain=True)
    link = CoordinatorLink(running.endpoint, office.take, metrics)
    link.start()
    try:
        assert office.wait_for(1)[0] == ("anna", presence())
    finally:
        link.stop()


def test_garbage_is_refused_and_counted_and_the_next_message_is_heard(link, anna, office, metrics):
    anna.say(topics.up("anna", "ready"), b"\xff\x00garbage")
    anna.say(topics.up("anna", "report"), codec.encode(ready()))
    anna.say(
        f"muster/1/{'00' if topics.shard('anna') != '00' else '01'}/anna/up/ready", codec.encode(ready())
    )
    say(anna, "anna", ready(7))
    assert office.wait_for(1) == [("anna", ready(7))]
    assert figure(metrics, 'muster_messages_refused_total{code="malformed"}') == 1
    assert figure(metrics, 'muster_messages_refused_total{code="wrong-topic"}') == 1
    assert figure(metrics, 'muster_messages_refused_total{code="topic"}') == 1


def test_a_ready_that_someone_had_retained_is_refused(running, anna, office, metrics):
    say(anna, "anna", ready(), retain=True)
    link = CoordinatorLink(running.endpoint, office.take, metrics)
    link.start()
    try:
        eventually(lambda: figure(metrics, 'muster_messages_refused_total{code="retained"}') >= 1)
        assert not office.heard
    finally:
        link.stop()


def test_what_the_desk_does_not_believe_is_counted(link, anna, office, metrics):
    office.trouble["anna"] = RemoteError("who", "not of this agent")
    say(anna, "anna", ready(1))
    say(anna, "anna", ready(2))
    office.wait_for(2)
    eventually(lambda: figure(metrics, 'muster_messages_refused_total{code="who"}') == 2)


def test_our_own_failures_never_block_the_stream(link, anna, office, metrics):
    office.trouble["anna"] = ZeroDivisionError("a bug")
    for counter in range(40):  # more than any broker's smallest window
        say(anna, "anna", ready(counter))
    office.wait_for(40)
    del office.trouble["anna"]
    say(anna, "anna", ready(40))
    office.wait_for(41)
    assert figure(metrics, "muster_messages_failed_total") == 40


def test_a_presence_that_failed_is_asked_for_again(link, anna, office, metrics):
    office.trouble["anna"] = OSError("the database is away")
    say(anna, "anna", presence(), retain=True)
    office.wait_for(1)
    office.trouble.clear()
    assert office.wait_for(2)[1] == ("anna", presence())


def test_a_message_is_acknowledged_only_after_its_handler(running, anna, office, metrics):
    """Seen from the broker: with a full window nothing more comes until the handler returned."""
    link = CoordinatorLink(running.endpoint, office.take, metrics)
    acknowledged = []
    link.start()
    try:
        assert link.connected.wait(PATIENCE)
        assert link._connection is not None
        client = link._connection.client
        real = client.ack
        client.ack = lambda mid, qos: (acknowledged.append(mid), real(mid, qos))[1]
        office.gate.clear()
        say(anna, "anna", ready())
        eventually(link._waiting.empty)
        time.sleep(0.05)
        assert (office.heard, acknowledged) == ([], [])
        office.gate.set()
        office.wait_for(1)
        eventually(lambda: len(acknowledged) == 1)
    finally:
        office.gate.set()
        link.stop()


def test_too_much_telemetry_is_dropped_and_everything_else_is_kept(running, anna, office, metrics):
    link = CoordinatorLink(running.endpoint, office.take, metrics, capacity=20)
    link.start()
    try:
        assert link.connected.wait(PATIENCE)
        office.gate.clear()
        lossy = Telemetry(printer="one", condition="idle", bed_clear=True)
        for _ in range(60):
            say(anna, "anna", lossy, qos=0)
        say(anna, "anna", ready(1))
        eventually(lambda: figure(metrics, "muster_messages_dropped_total") > 0)
        office.gate.set()
        eventually(lambda: ("anna", ready(1)) in office.heard)
    finally:
        office.gate.set()
        link.stop()


def test_an_agent_that_floods_loses_its_own_and_the_others_do_not_notice(
    running, authority, tmp_path, anna, office, metrics
):
    link = CoordinatorLink(running.endpoint, office.take, metrics, quota=TokenBuckets(rate=1, burst=20))
    link.start()
    try:
        assert link.connected.wait(PATIENCE)
        with speaker(running, authority, tmp_path, "ben") as ben:
            for number in range(300):
                say(anna, "anna", ready(number))
            for number in range(10):
                say(ben, "ben", ready(number))
            eventually(lambda: sum(who == "ben" for who, _ in office.heard) == 10)
        eventually(lambda: figure(metrics, "muster_messages_flooded_total") >= 200)
        assert sum(who == "anna" for who, _ in office.heard) < 100
    finally:
        link.stop()


def test_after_the_broker_died_both_find_each_other_again(
    link, running, authority, tmp_path, office, metrics
):
    os.kill(running.pid, signal.SIGKILL)
    eventually(lambda: not link.connected.is_set())
    assert link.publish("anna", Ack(sent=1, epoch=EPOCH, seq=1)) is False
    assert link.connected.wait(PATIENCE)
    with speaker(running, authority, tmp_path, "anna") as anna:
        anna.listen(*topics.downs("anna"))
        say(anna, "anna", ready())
        office.wait_for(1)
        assert link.publish("anna", Ack(sent=1, epoch=EPOCH, seq=2))
        assert b'"seq":2' in anna.hear()[1]  # and nothing of before


def test_a_lost_link_is_told_once_for_each_loss(running, office, metrics):
    losses = []
    link = CoordinatorLink(
        running.endpoint, office.take, metrics, lost=lambda: losses.append(1), random=lambda: 0.05
    )
    link.start()
    try:
        assert link.connected.wait(PATIENCE)
        os.kill(running.pid, signal.SIGKILL)
        eventually(lambda: losses == [1])
        assert link.connected.wait(PATIENCE)
    finally:
        link.stop()
    assert losses == [1]


def test_a_broker_that_is_down_at_the_start_is_waited_for(tmp_path, authority, office, metrics):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    link = CoordinatorLink(
        Endpoint(url=f"mqtt://127.0.0.1:{port}"), office.take, metrics, random=lambda: 0.05
    )
    link.start()
    child = None
    try:
        assert not link.connected.wait(0.2)
        child = broker.start(settings.BrokerSettings(kind="embedded", port=port), tmp_path, authority)
        assert link.connected.wait(PATIENCE)
    finally:
        link.stop()
        if child is not None:
            child.stop()


def test_a_link_stops_at_once_while_nobody_answers(office, metrics):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        link = CoordinatorLink(
            Endpoint(url=f"mqtt://127.0.0.1:{mute.getsockname()[1]}"), office.take, metrics
        )
        link.start()
        began = time.monotonic()
        link.stop()
        assert time.monotonic() - began < PATIENCE


def test_a_message_out_of_bounds_is_our_own_bug(link):
    with pytest.raises(LocalError):
        link.publish("anna", Ack(sent=-1, epoch=EPOCH, seq=1))


def test_certificates_that_are_not_there_are_told(tmp_path, office, metrics):
    files = Credentials(tmp_path / "ca", tmp_path / "crt", tmp_path / "key")
    with pytest.raises(StartError, match="certificates"):
        CoordinatorLink(Endpoint(url="mqtts://localhost:8883", credentials=files), office.take, metrics)
    with pytest.raises(StartError, match="password"):
        CoordinatorLink(
            Endpoint(url="mqtt://localhost:1883", username="u", password_file=tmp_path / "none"),
            office.take,
            metrics,
        )
