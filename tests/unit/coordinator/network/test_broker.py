import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from coordinator import settings
from coordinator.errors import StartError
from coordinator.keys.ca import Authority
from coordinator.mqtt import broker, mosquitto
from tests.farend.broker import need_mosquitto
from tests.farend.mqtt import Refused, Speaker
from tests.unit.coordinator.network.enrolled import speaker
from tests.waiting import eventually
from wire import topics


def is_taken(endpoint):
    with socket.socket() as probe:
        return probe.connect_ex((endpoint.host, endpoint.port)) == 0


def listeners(port):
    """On which addresses something listens there, as the kernel writes them: backwards, in hexadecimal."""
    tables = [table for name in ("tcp", "tcp6") if (table := Path("/proc/net") / name).exists()]
    rows = [line.split() for table in tables for line in table.read_text().splitlines()[1:]]
    here = [row[1].partition(":") for row in rows if row[3] == "0A"]
    return [address for address, _, number in here if int(number, 16) == port]


def test_a_message_goes_from_one_agent_to_its_coordinator_side(running, authority, tmp_path):
    own = running.endpoint.credentials
    listener = Speaker(running.url, "us", **({} if own is None else vars_of(own)))
    with listener, speaker(running, authority, tmp_path, "anna") as anna:
        listener.listen(*topics.ups())
        anna.say(topics.up("anna", "ready"), b"x")
        assert listener.hear() == (topics.up("anna", "ready"), b"x")


def test_it_listens_on_loopback_only(running):
    assert running.endpoint.host == "127.0.0.1"
    assert listeners(running.endpoint.port) == ["0100007F"]


def test_it_is_gone_after_stop_and_its_port_is_kept_for_the_next_start(running, tmp_path, authority):
    assert is_taken(running.endpoint)
    running.stop()
    running.stop()
    assert not is_taken(running.endpoint)
    again = broker.start(settings.BrokerSettings(kind=running.kind), tmp_path, authority)
    try:
        assert again.url == running.url
    finally:
        again.stop()


def test_it_comes_back_when_it_dies(running):
    first = running.pid
    os.kill(first, signal.SIGKILL)
    eventually(lambda: bool(running.pid != first and is_taken(running.endpoint)))
    running.stop()
    assert not is_taken(running.endpoint)


@pytest.mark.parametrize("kind", ["embedded", "mosquitto"])
def test_a_port_that_is_taken_is_told(kind, tmp_path, authority):
    if kind == "mosquitto":
        need_mosquitto()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=f"port {port} of 127.0.0.1: it is taken"):
            broker.start(settings.BrokerSettings(kind=kind, port=port), tmp_path, authority)


def test_a_host_that_is_not_ours_is_told(tmp_path, authority):
    need_mosquitto()
    wanted = settings.BrokerSettings(kind="mosquitto", host="192.0.2.1", port=18_883)
    with pytest.raises(StartError, match=r"192\.0\.2\.1: cannot assign"):
        broker.start(wanted, tmp_path, authority)


def test_a_missing_mosquitto_is_told(tmp_path, authority, monkeypatch):
    monkeypatch.setattr(mosquitto, "program", lambda: None)
    with pytest.raises(StartError, match="apt install mosquitto"):
        broker.start(settings.BrokerSettings(kind="mosquitto"), tmp_path, authority)
    child = broker.start(settings.BrokerSettings(kind="auto"), tmp_path, authority)
    child.stop()
    assert child.kind == "embedded"


def test_auto_takes_mosquitto_where_it_is_installed(tmp_path, authority):
    need_mosquitto()
    child = broker.start(settings.BrokerSettings(kind="auto"), tmp_path, authority)
    child.stop()
    assert child.kind == "mosquitto"
    assert child.agents_url.startswith("mqtts://127.0.0.1:")


def test_a_program_that_will_not_start_says_why(tmp_path, authority, monkeypatch):
    need_mosquitto()
    monkeypatch.setattr(mosquitto, "access_rules", lambda revoked: "nonsense\n")
    with pytest.raises(StartError, match=r"the mosquitto broker can't start: .*Error"):
        broker.start(settings.BrokerSettings(kind="mosquitto"), tmp_path, authority)


def test_an_outside_broker_is_only_named(tmp_path, authority):
    wanted = settings.BrokerSettings(
        kind="external", url="mqtts://broker.example.org:8883", username="muster"
    )
    outside = broker.start(wanted, tmp_path, authority)
    assert (outside.endpoint.host, outside.endpoint.port, outside.endpoint.tls) == (
        "broker.example.org",
        8883,
        True,
    )
    assert outside.endpoint.credentials is not None
    assert outside.endpoint.credentials.ca == authority.certificate_file
    assert outside.agents_url == "mqtts://broker.example.org:8883"
    outside.stop()


@pytest.mark.parametrize("kind", ["embedded", "mosquitto"])
def test_it_never_outlives_us(kind, tmp_path):
    if kind == "mosquitto":
        need_mosquitto()
    program = textwrap.dedent(f"""
        import pathlib, time
        from coordinator import logs, settings
        from coordinator.keys import ca
        from coordinator.mqtt import broker
        logs.configure("json", "info")
        data = pathlib.Path({str(tmp_path)!r})
        b = broker.start(settings.BrokerSettings(kind={kind!r}), data, ca.Authority(data / "ca", time.time))
        print(b.endpoint.port, flush=True)
        time.sleep(600)
    """)
    root = Path(broker.__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    with parent:
        assert parent.stdout is not None
        try:
            endpoint = broker.Endpoint(url=f"mqtt://127.0.0.1:{int(parent.stdout.readline())}")
            assert is_taken(endpoint)
        finally:
            parent.kill()
    eventually(lambda: not is_taken(endpoint))


# ── who may do what on Mosquitto ──────────────────────────────────────────────────────────────────────────


def vars_of(credentials):
    return {"ca": credentials.ca, "certificate": credentials.certificate, "key": credentials.key}


@pytest.mark.system
def test_nobody_gets_in_without_a_certificate_of_our_authority(guarded, authority, tmp_path):
    with pytest.raises(Refused), Speaker(guarded.agents_url, "nobody", ca=authority.certificate_file):
        pass
    stranger = Authority(tmp_path / "stranger", time.time)
    files = stranger.issue_coordinator()
    with (
        pytest.raises(Refused),
        Speaker(
            guarded.agents_url,
            "x",
            ca=authority.certificate_file,
            certificate=files.certificate,
            key=files.key,
        ),
    ):
        pass


@pytest.mark.system
def test_nobody_gets_in_without_tls(guarded):
    plain = guarded.agents_url.replace("mqtts:", "mqtt:")
    with pytest.raises(Refused), Speaker(plain, "anna"):
        pass


@pytest.mark.system
def test_an_agent_reaches_its_own_topics_only(guarded, authority, tmp_path):
    us = Speaker(guarded.url, "us", **vars_of(guarded.endpoint.credentials))
    anna = speaker(guarded, authority, tmp_path, "anna")
    ben = speaker(guarded, authority, tmp_path, "ben")
    with us, anna, ben:
        us.listen("#")
        anna.listen("#", *topics.downs("ben"), *topics.ups(), "muster/#", "+/+/+/+/+/+")
        ben.listen(*topics.downs("ben"))

        # What anna says in ben's name, or downwards, or elsewhere, does not arrive.
        for topic in (
            topics.up("ben", "ready"),
            topics.down("ben", "grant"),
            topics.down("anna", "grant"),
            "muster/1/00/anna/up/other",
            "muster/1/00/anna/up",
            "other",
        ):
            anna.say(topic, b"forged")
        anna.say(topics.up("anna", "ready"), b"own")
        assert us.hear() == (topics.up("anna", "ready"), b"own")

        # What is said by ben and to ben does not reach anna.
        ben.say(topics.up("ben", "ready"), b"ben's")
        assert us.hear() == (topics.up("ben", "ready"), b"ben's")
        us.say(topics.down("ben", "grant"), b"for ben")
        assert ben.hear() == (topics.down("ben", "grant"), b"for ben")
        us.say(topics.down("anna", "grant"), b"for anna")
        assert anna.hear() == (topics.down("anna", "grant"), b"for anna")
        while True:
            topic, _ = us.hear()
            if topic == topics.down("anna", "grant"):
                break
            assert topic == topics.down("ben", "grant")
        assert us.silent
        assert ben.silent


@pytest.mark.system
def test_an_agent_cannot_push_another_one_off_by_taking_its_client_id(guarded, authority, tmp_path):
    with (
        speaker(guarded, authority, tmp_path, "anna") as anna,
        speaker(guarded, authority, tmp_path, "ben", client_id="anna") as ben,
    ):
        anna.listen(*topics.downs("anna"))
        ben.listen(*topics.downs("ben"))
        with Speaker(guarded.url, "us", **vars_of(guarded.endpoint.credentials)) as us:
            us.say(topics.down("anna", "ack"), b"still here")
            assert anna.hear() == (topics.down("anna", "ack"), b"still here")
