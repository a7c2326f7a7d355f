"""A revoked agent is off the broker within seconds, and stays off: on real brokers."""

import socket
import ssl
import subprocess
import time
from contextlib import contextmanager

import pytest
from cryptography import x509

from coordinator import settings
from coordinator.model.records import RevocationList
from coordinator.mqtt import broker
from coordinator.mqtt.link import evict
from coordinator.mqtt.revocation import Revoker
from tests.farend.mqtt import Refused, Speaker
from tests.unit.coordinator.network.enrolled import speaker
from tests.unit.coordinator.network.test_broker import vars_of
from tests.waiting import PATIENCE, eventually
from wire import topics

"""Seconds; it takes one or two."""


@contextmanager
def watched(running, authority, revocations):
    """A revoker before a broker that knew of nobody; now these are revoked."""
    revoker = Revoker(running, authority, lambda: revocations, evict, RevocationList())
    revoker.start()
    try:
        yield revoker
    finally:
        revoker.stop()


def serial(directory, name):
    certificate = x509.load_pem_x509_certificate((directory / f"{name}.crt").read_bytes())
    return f"{certificate.serial_number:x}"


def revoked(directory, *names, replaced=False):
    serials = tuple((serial(directory, name), time.time()) for name in names)
    if replaced:
        return RevocationList(replaced=frozenset(names), serials=serials)
    return RevocationList(agents=frozenset(names), serials=serials)


def is_out(client, **how):
    """Whether who is revoked does not come in any more."""
    try:
        with client:
            return False
    except Refused:
        return True


def test_a_revoked_agents_connection_is_ended_and_it_does_not_come_back(running, authority, tmp_path):
    anna = speaker(running, authority, tmp_path, "anna")
    if running.kind == "embedded":
        revocations = RevocationList(agents=frozenset({"anna"}), serials=(("1", time.time()),))
    else:
        revocations = revoked(tmp_path, "anna")
    with speaker(running, authority, tmp_path, "ben") as ben, anna:
        began = time.monotonic()
        with watched(running, authority, revocations) as revoker:
            revoker.wake()
            eventually(lambda: not anna.connected)
            assert time.monotonic() - began < PATIENCE
        again = (
            Speaker(running.agents_url, "anna")
            if running.kind == "embedded"
            else Speaker(
                running.agents_url,
                "anna",
                ca=authority.certificate_file,
                certificate=tmp_path / "anna.crt",
                key=tmp_path / "anna.key",
            )
        )
        assert is_out(again)
        assert ben.connected
        us = Speaker(running.url, "us", **(vars_of(c) if (c := running.endpoint.credentials) else {}))
        with us:
            us.listen(*topics.ups())
            ben.say(topics.up("ben", "ready"), b"ben's")
            assert us.hear() == (topics.up("ben", "ready"), b"ben's")


@pytest.mark.system
def test_what_a_revoked_agent_says_before_its_end_reaches_nobody(guarded, authority, tmp_path):
    """The list is read, and nobody has taken its place yet."""
    with (
        speaker(guarded, authority, tmp_path, "anna") as anna,
        Speaker(guarded.url, "us", **vars_of(guarded.endpoint.credentials)) as us,
    ):
        us.listen(*topics.ups())
        anna.listen(*topics.downs("anna"))
        guarded.revoke(revoked(tmp_path, "anna"))
        eventually(lambda: "deny" in (tmp_path / "broker" / "access").read_text())
        newcomer = speaker(guarded, authority, tmp_path, "chloe")
        eventually(lambda: not heard(anna, us))
        assert anna.connected
        us.say(topics.down("anna", "ack"), b"for anna")
        with newcomer:
            newcomer.say(topics.up("chloe", "ready"), b"chloe's")
            assert us.hear() == (topics.up("chloe", "ready"), b"chloe's")
        assert anna.silent


def heard(agent, us):
    agent.say(topics.up("anna", "ready"), b"still here")
    time.sleep(0.1)
    was = not us.silent
    while not us.silent:
        us.hear()
    return was


@pytest.mark.system
def test_a_session_of_before_is_no_way_in(guarded, authority, tmp_path):
    """TLS lets who was there before come back without showing the certificate again."""
    speaker(guarded, authority, tmp_path, "anna")
    context = ssl.create_default_context(cafile=authority.certificate_file)
    context.load_cert_chain(tmp_path / "anna.crt", tmp_path / "anna.key")

    def connect(session=None):
        line = socket.create_connection((guarded.endpoint.host, guarded.endpoint.port), PATIENCE)
        tls = context.wrap_socket(line, server_hostname="localhost", session=session)
        tls.sendall(b"\x10\x10\0\4MQTT\4\2\0\x3c\0\4anna")
        return tls, tls.recv(4)

    first, answer = connect()
    with first:
        assert answer == b"\x20\2\0\0"
        second, answer = connect(first.session)
    with second:
        assert second.session_reused
        assert answer == b"\x20\2\0\0"
        session = second.session
    guarded.revoke(revoked(tmp_path, "anna"))

    def is_refused():
        try:
            tls, answer = connect(session)
        except OSError:
            return True
        tls.close()
        return answer == b""

    eventually(is_refused)


@pytest.mark.system
def test_who_joined_again_gets_in_with_the_new_certificate_and_not_with_the_old(guarded, authority, tmp_path):
    old = speaker(guarded, authority, tmp_path, "anna")
    (tmp_path / "new").mkdir()
    revocations = revoked(tmp_path, "anna", replaced=True)
    with old, watched(guarded, authority, revocations) as revoker:
        revoker.wake()
        eventually(lambda: not old.connected)
        with speaker(guarded, authority, tmp_path / "new", "anna") as new:
            new.listen(*topics.downs("anna"))
            with Speaker(guarded.url, "us", **vars_of(guarded.endpoint.credentials)) as us:
                us.say(topics.down("anna", "ack"), b"x")
                assert new.hear() == (topics.down("anna", "ack"), b"x")
    assert is_out(
        Speaker(
            guarded.agents_url,
            "anna",
            ca=authority.certificate_file,
            certificate=tmp_path / "anna.crt",
            key=tmp_path / "anna.key",
        )
    )


def test_who_was_revoked_before_the_start_or_a_crash_of_the_broker_is_out(tmp_path, authority, running):
    running.stop()
    lists = RevocationList(agents=frozenset({"anna"}))
    if running.kind == "mosquitto":
        speaker(running, authority, tmp_path, "anna")
        lists = revoked(tmp_path, "anna")
    child = broker.start(settings.BrokerSettings(kind=running.kind), tmp_path, authority, lists)
    how = {}
    if running.kind == "mosquitto":
        how = {
            "ca": authority.certificate_file,
            "certificate": tmp_path / "anna.crt",
            "key": tmp_path / "anna.key",
        }
    assert isinstance(child, broker.Child)
    try:
        assert is_out(Speaker(child.agents_url, "anna", **how))
        first = child.pid
        subprocess.run(["kill", "-9", str(first)], check=True)
        eventually(lambda: child.pid != first and is_up(child))
        assert is_out(Speaker(child.agents_url, "anna", **how))
    finally:
        child.stop()


def is_up(child):
    with socket.socket() as probe:
        return probe.connect_ex((child.endpoint.host, child.endpoint.port)) == 0
