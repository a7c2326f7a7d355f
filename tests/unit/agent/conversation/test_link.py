import logging
import signal
import socket
import ssl
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.conversation.link import QUEUE, AgentLink, LinkError, broker_address
from agent.conversation.reporter import EventReporter
from agent.journal import Journal
from agent.journal.file import JournalError
from agent.membership.credentials import save
from tests.farend.authority import Authority
from tests.farend.broker import KINDS, Broker, free_port, running
from tests.farend.coordinator import Coordinator
from tests.farend.keys import Keys
from tests.farend.mute import mute
from tests.unit.agent.test_journal import grant
from tests.waiting import eventually
from wire.enrolment import EnrolmentAnswer
from wire.lifecycle import Step
from wire.messages import Ack, Down, Presence, Telemetry

EPOCH = "e" * 32


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    with running(request.param, tmp_path) as ready:
        yield ready


@contextmanager
def linked(
    port: int,
    receive: Callable[[Down], None] = lambda _: None,
    arrived: Callable[[], None] = lambda: None,
    *,
    context: Callable[[], ssl.SSLContext] | None = None,
    url: str = "",
) -> Generator[AgentLink]:
    numbers = count(1)
    link = AgentLink(
        broker_address(url or f"mqtt://127.0.0.1:{port}"),
        "ana",
        context,
        connection=lambda: next(numbers),
        birth=lambda number: Presence(online=True, connection=number, epoch=EPOCH, software="test"),
        receive=receive,
        arrived=arrived,
        random=lambda: 0.1,
        monotonic=time.monotonic,
    )
    link.start()
    try:
        yield link
    finally:
        link.stop()


def test_birth_and_goodbye_are_said_and_stay(broker: Broker):
    with Coordinator(broker.port) as coordinator:
        with linked(broker.port):
            assert coordinator.wait(Presence).online
        assert not coordinator.wait(Presence).online
    with Coordinator(broker.port) as later:
        said = later.wait(Presence)
        assert (said.online, said.connection) == (False, 1)
        assert later.retained


def test_a_broken_connection_dies_with_its_own_number_and_the_next_has_a_higher_one(broker: Broker):
    with Coordinator(broker.port) as coordinator, linked(broker.port) as link:
        coordinator.wait(Presence)
        eventually(lambda: link.up)
        session = link._session
        assert session is not None
        sock = session.client.socket()
        assert isinstance(sock, socket.socket)
        sock.shutdown(socket.SHUT_RDWR)  # as when the cable is pulled: nobody said goodbye
        said = [coordinator.wait(Presence), coordinator.wait(Presence)]
        assert {(presence.online, presence.connection) for presence in said} == {(False, 1), (True, 2)}


def test_what_is_said_to_us_arrives_and_rubbish_is_counted(broker: Broker):
    heard: list[Down] = []
    with Coordinator(broker.port) as coordinator, linked(broker.port, heard.append) as link:
        coordinator.wait(Presence)
        coordinator.say_raw("ana", "grant", b"\xff{not json")
        coordinator.say_raw("ana", "ack", b'{"kind":"grant"}')
        ack = Ack(sent=1.0, epoch=EPOCH, seq=4)
        coordinator.say("ana", ack)
        eventually(lambda: heard)
        assert heard == [ack]
        assert link.faults == {"malformed": 2}


def test_nothing_retained_is_listened_to(broker: Broker):
    heard: list[Down] = []
    with Coordinator(broker.port) as coordinator:
        coordinator.say_raw(
            "ana", "ack", b'{"kind":"ack","sent":1,"epoch":"%s","seq":1}' % (b"e" * 32), retain=True
        )
        with linked(broker.port, heard.append) as link:
            coordinator.wait(Presence)
            eventually(lambda: link.faults["retained"])
        assert heard == []


def test_what_could_not_be_kept_is_not_acknowledged_and_the_link_is_made_anew(broker: Broker):
    births: list[None] = []

    def full(_: Down) -> None:
        raise JournalError("the disk is full")

    with (
        Coordinator(broker.port) as coordinator,
        linked(broker.port, full, arrived=lambda: births.append(None)) as link,
    ):
        eventually(lambda: link.up)
        coordinator.say("ana", Ack(sent=1.0, epoch=EPOCH, seq=4))
        eventually(lambda: len(births) == 2)


def test_a_broker_that_is_down_at_start_is_complained_of_once_and_found_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    port = free_port()
    with linked(port) as link:
        assert not link.publish(Telemetry(printer="left", condition="idle", bed_clear=False))
        time.sleep(0.5)
        with running("amqtt", tmp_path, port=port):
            eventually(lambda: link.up)
            complaints = [record for record in caplog.records if "no link" in record.message]
    assert len(complaints) == 1
    assert "\n" not in complaints[0].getMessage()


def test_a_broker_that_acknowledges_nothing_costs_no_memory_without_end():
    births: list[None] = []
    goodbye = Presence(online=False, connection=1, epoch=EPOCH)
    with mute() as port, linked(port, arrived=lambda: births.append(None)) as link:
        eventually(lambda: link.up)
        said = [link.publish(goodbye) for _ in range(2 * QUEUE)]
        assert sum(said) <= QUEUE
        eventually(lambda: len(births) == 2)


def test_a_restarted_broker_is_found_again(broker: Broker):
    births: list[None] = []
    with linked(broker.port, arrived=lambda: births.append(None)) as link:
        eventually(lambda: link.up)
        broker.stop(signal.SIGKILL)
        eventually(lambda: not link.up)
        broker.start()
        eventually(lambda: link.up)
        eventually(lambda: len(births) == 2)  # told right after


def test_events_are_sent_until_the_coordinator_itself_has_them(broker: Broker, tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    journal.attempts.take(*grant("a-1"), Step.FETCH, 1.0)
    journal.attempts.record("a-1", Step.REFUSE, 2.0, "no")

    def receive(message: Down) -> None:
        assert isinstance(message, Ack)
        journal.events.acknowledge(message.epoch, message.seq)

    with Coordinator(broker.port, acks=False) as coordinator, linked(broker.port, receive) as link:
        reporter = EventReporter(journal, link.publish, lambda: journal.attempts.holding(0))
        eventually(lambda: link.up)
        reporter.step(now=100)
        coordinator.wait_for_steps("fetch", "refuse")
        reporter.step(now=105)  # acknowledged by MQTT long since, which counts for nothing
        assert coordinator.repeats == 0
        coordinator.acks = True
        reporter.step(now=111)
        eventually(lambda: not journal.events.untold())
        assert coordinator.repeats == 2
        reporter.step(now=200)
        assert coordinator.repeats == 2
    journal.close()


@pytest.mark.system
def test_over_tls_both_sides_show_who_they_are(tmp_path: Path):
    authority, stranger = Authority(), Authority()
    with running("mosquitto", tmp_path, tls=authority.server(tmp_path)) as broker:
        for signer, trusted, welcome in [
            (authority, authority, True),
            (stranger, authority, False),
            (authority, stranger, False),
        ]:
            key = ec.generate_private_key(ec.SECP256R1())
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
            answer = EnrolmentAnswer(
                agent="ana",
                certificate=signer.sign("ana", key.public_key()),
                ca=trusted.pem,
                broker=broker.url,
                keys=Keys().signed,
                url="https://localhost",
            )
            context = save(tmp_path / "state", answer, pem).context
            with linked(broker.port, context=context, url=broker.url) as link:
                if welcome:
                    eventually(lambda link=link: link.up)
                else:
                    time.sleep(0.3)
                    assert not link.up


@pytest.mark.parametrize(
    "url", ["mqtt://broker.example:1883", "http://127.0.0.1:1", "mqtts://host", "mqtt://[", ""]
)
def test_a_broker_in_the_open_is_not_spoken_to(url: str):
    with pytest.raises(LinkError):
        broker_address(url)
