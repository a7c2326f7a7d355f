"""A Mosquitto that others run, by the files that `muster broker-config` writes, and by nothing else."""

import os
import pwd
import subprocess
import time

import pytest

from coordinator import cli, settings
from coordinator.keys.ca import Authority
from coordinator.model.records import RevocationList
from coordinator.mqtt import mosquitto
from coordinator.mqtt.broker import External
from coordinator.mqtt.link import evict
from coordinator.mqtt.revocation import Revoker
from tests.farend.broker import free_port, need_mosquitto
from tests.farend.mqtt import Refused, Speaker
from tests.unit.coordinator.network.enrolled import speaker
from tests.unit.coordinator.network.test_broker import vars_of
from tests.unit.coordinator.network.test_revocation import is_out, is_up, revoked
from tests.waiting import eventually
from wire import topics


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A coordinator's settings with that broker in them, and its authority."""
    need_mosquitto()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "muster.toml").write_text('data = "data"\n')
    directory, port = tmp_path / "broker", free_port()
    options = ["--name", "localhost", "--host", "127.0.0.1", "--port", str(port)]
    options += ["--user", pwd.getpwuid(os.geteuid()).pw_name, "--pid-file", str(directory / "pid")]
    assert cli.run(["broker-config", str(directory), *options]) == 0
    program = mosquitto.program()
    assert program is not None
    child = subprocess.Popen([program, "-c", str(directory / "mosquitto.conf")], stderr=subprocess.DEVNULL)
    try:
        (tmp_path / "muster.toml").write_text(
            'data = "data"\n' + (directory / "coordinator.toml").read_text()
        )
        authority = Authority(tmp_path / "data" / "keys", time.time)
        wanted = settings.load(None, {}, tmp_path).broker
        assert wanted.kind == "external"
        found = External(wanted, authority)
        eventually(lambda: is_up(found))
        yield found, authority
    finally:
        child.terminate()
        child.wait()


@pytest.mark.system
def test_by_those_files_an_agent_reaches_its_own_topics_only_and_a_revoked_one_none(outside, tmp_path):
    broker, authority = outside
    us = Speaker(broker.url, "us", **vars_of(broker.endpoint.credentials))
    anna = speaker(broker, authority, tmp_path, "anna")
    ben = speaker(
        broker, authority, tmp_path, "ben", client_id="anna"
    )  # it is ben to the broker all the same
    with us, anna, ben:
        us.listen(*topics.ups())
        anna.listen("#", *topics.downs("ben"), *topics.downs("anna"))
        anna.say(topics.up("ben", "ready"), b"forged")
        anna.say(topics.down("anna", "grant"), b"forged")
        anna.say(topics.up("anna", "ready"), b"own")
        assert us.hear() == (topics.up("anna", "ready"), b"own")
        us.say(topics.down("ben", "grant"), b"for ben")
        us.say(topics.down("anna", "grant"), b"for anna")
        assert anna.hear() == (topics.down("anna", "grant"), b"for anna")

        revoker = Revoker(broker, authority, lambda: revoked(tmp_path, "anna"), evict, RevocationList())
        revoker.start()
        try:
            revoker.wake()
            eventually(lambda: not anna.connected)
        finally:
            revoker.stop()
        assert ben.connected
    how = {"certificate": tmp_path / "anna.crt", "key": tmp_path / "anna.key"}
    assert is_out(Speaker(broker.url, "anna", ca=authority.certificate_file, **how))
    for how in ({}, {"ca": authority.certificate_file}):
        with pytest.raises(Refused), Speaker(broker.url, "nobody", **how):
            pass


def test_the_files_say_how_to_install_them_and_nobody_else_may_read_the_key(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.run(["broker-config", "made", "--name", "broker.example.org", "--json"]) == 0
    made = tmp_path / "made"
    head = (made / "mosquitto.conf").read_text().partition("\nuser ")[0]
    named = {path.name for path in made.iterdir()}
    assert {"access", "revoked.pem", "ca.crt", "server.crt", "server.key", "mosquitto.conf"} <= named
    assert "systemctl daemon-reload" in head
    assert all(line.startswith("#") for line in head.splitlines())
    assert all(path.stat().st_mode & 0o007 == 0 for path in made.iterdir())
    assert 'url = "mqtts://broker.example.org:8883"' in (made / "coordinator.toml").read_text()


def test_a_directory_that_can_not_be_written_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert cli.run(["broker-config", "file/below", "--name", "localhost"]) == 2
    assert "file/below" in capsys.readouterr().err


def test_systemd_takes_the_units(tmp_path, monkeypatch):
    """As far as one can ask it without running it."""
    if subprocess.run(["which", "systemd-analyze"], capture_output=True, check=False).returncode:
        pytest.skip("there is no systemd-analyze")
    monkeypatch.chdir(tmp_path)
    assert cli.run(["broker-config", "made", "--name", "localhost"]) == 0
    units = [str(tmp_path / "made" / f"muster-broker-reload.{kind}") for kind in ("path", "service")]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert "muster-broker-reload" not in done.stderr, done.stderr
