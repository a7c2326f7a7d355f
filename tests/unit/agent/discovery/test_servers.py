import socket

import pytest

from agent.discovery import servers
from agent.discovery.servers import RecognisedServer, recognise, size
from agent.printers.moonraker.kind import MOONRAKER
from agent.printers.octoprint.kind import OCTOPRINT
from tests.farend import moonraker, octoprint, prusalink
from tests.farend.imposter import answering

DIGEST = {"WWW-Authenticate": 'Digest realm="Printer API", nonce="x", qop="auth"'}
PRUSALINK = {"/api/version": (401, DIGEST, b'{"title": "401 Unauthorized"}')}


@pytest.mark.octoprint
def test_an_octoprint_is_known_without_a_key():
    far = octoprint.shared()
    assert recognise(far.url + "/") == RecognisedServer(kind="octoprint", url=far.url, gives_keys=True)


def test_a_moonraker_is_known_and_tells_how_klipper_is():
    far = moonraker.shared()
    found = recognise(far.url)
    assert found is not None
    assert (found.kind, found.trusts) == ("moonraker", False)


def test_a_moonraker_that_trusts_this_machine_tells_its_state():
    info = b'{"result": {"klippy_connected": true, "klippy_state": "ready", "moonraker_version": "v0.9.3"}}'
    with answering({"/server/info": (200, {}, info)}) as url:
        assert recognise(url) == RecognisedServer(
            kind="moonraker", url=url, version="v0.9.3", state="ready", trusts=True
        )


@pytest.mark.prusalink
def test_a_prusalink_on_a_raspberry_pi_is_known():
    far = prusalink.shared()
    assert recognise(far.url) == RecognisedServer(kind="prusalink", url=far.url)


def test_a_prusalink_in_a_printers_firmware_is_known_by_what_it_asks_a_password_for():
    with answering(PRUSALINK) as url:
        assert recognise(url) == RecognisedServer(kind="prusalink", url=url)


@pytest.mark.octoprint
def test_a_real_octoprint_tells_its_printers_size_to_who_has_a_key():
    far = octoprint.shared()
    assert size(OCTOPRINT, far.url, far.key) is None, "an application key may not read it"
    assert size(OCTOPRINT, far.url, far.sandbox.owner_key) == (200, 200, 200)
    assert size(OCTOPRINT, far.url, "wrong") is None


def test_a_real_moonraker_tells_no_size_to_a_wrong_key():
    assert size(MOONRAKER, moonraker.shared().url, "wrong") is None


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"/server/info": (200, {}, b"<html>")},
        {"/server/info": (200, {}, b'{"result": 5}')},
        {"/server/info": (200, {}, b"[]")},
        {"/server/info": (401, {}, b"")},
        {"/api/version": (401, {"WWW-Authenticate": 'Basic realm="router"'}, b"")},
        {"/api/version": (200, {}, b'{"server": "something"}')},
        {"/plugin/appkeys/probe": (200, {}, b"<html>every path is the same page</html>")},
    ],
    ids=str,
)
def test_what_is_no_printer_server_is_none(answers):
    with answering(answers) as url:
        assert recognise(url) is None


def test_nobody_is_none():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert recognise(f"http://127.0.0.1:{free.getsockname()[1]}") is None


def test_who_never_answers_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(servers, "PATIENCE", 0.1)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        assert recognise(f"http://127.0.0.1:{mute.getsockname()[1]}") is None


@pytest.mark.parametrize("url", ["http://", "http://[", "http://a:b", "", "nonsense", "http://ex ample/"])
def test_what_is_no_address_is_none(url: str):
    assert recognise(url) is None
