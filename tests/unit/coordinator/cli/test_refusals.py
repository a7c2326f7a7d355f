"""What makes no sense is refused in one line, which says what to do."""

import socket

import pytest

from tests.farend.imposter import answering
from tests.unit.coordinator.cli.command import CLINIC, SETTINGS


def test_what_is_no_backup_is_told_in_one_line(near, tmp_path):
    other = tmp_path / "muster.toml"
    other.write_text(SETTINGS)
    (tmp_path / "letter").write_text("Dear coordinator")
    near("restore", "--config", str(other), "letter").complains(2, "no back-up of Muster")
    near("backup", "--config", str(other), "no/such/place").complains(2)


@pytest.mark.parametrize(
    ("bad", "about"),
    [
        (("--part", "no-such-part"), "there is no part 'no-such-part'"),
        (("--quantity", "-5"), "quantity: "),
        (("--quantity", "0"), "quantity: "),
        (("--quantity", "1000000"), "quantity: "),
        (("--quantity", "9" * 40), "quantity: "),
        (("--quantity", "many"), "'many' is not a valid integer"),
        (("--hospital", "h-none"), "there is no hospital 'h-none'"),
        (("--hospital", "../../t"), "hospital: "),
        (("--hospital", "\udc80"), "hospital: "),
        (("--priority", "10"), "priority: "),
        (("--deadline", "tomorrow"), "deadline: a date such as 2020-04-01"),
        (("--deadline", "2020-04-01"), "the deadline is over already"),
        (("--set", "length"), "'length' is not NAME=MM"),
        (("--set", "length=nan"), "must be a number"),
        (("--set", "length=9999"), "length must be from 150 to 162 mm"),
        (("--set", "colour=1"), "colour"),
    ],
)
def test_a_need_that_makes_no_sense_is_refused_in_one_line(near, approved, bad, about):
    before = len(near("need", "list", "--json").json)
    good = {"--hospital": approved, "--part": "ear-saver", "--quantity": "5"}
    asked = good | {bad[0]: bad[1]}
    near("need", "file", *(word for pair in asked.items() for word in pair)).complains(2, about)
    assert len(near("need", "list", "--json").json) == before


def test_nobody_prints_for_a_hospital_that_was_not_vetted(near):
    hospital = near("hospital", "add", *CLINIC, "--json").json["id"]
    refused = near("need", "file", "--hospital", hospital, "--part", "ear-saver", "--quantity", "5")
    refused.complains(2, "This is not allowed: ", "has not been approved yet")


@pytest.mark.parametrize("name", ["nope", "..", "", "a/b", "a?b", "%00", "\udc80", "x" * 99])
def test_a_name_that_nothing_has_is_refused_whatever_is_in_it(near, name):
    near("need", "show", name).complains(2, "There is no such thing: ")
    near("attempt", "cancel", name).complains(2, "There is no such thing: ")


def test_a_place_off_the_earth_is_refused(near):
    near("hospital", "add", *CLINIC, "--latitude", "91").complains(2, "latitude: ")
    near("hospital", "add", *CLINIC, "--latitude", "nan").complains(2, "latitude: ")


def test_a_wrong_key_is_refused_and_never_repeated(near, monkeypatch):
    monkeypatch.setenv("MUSTER_KEY", "0123456789abcdef")
    refused = near("need", "list")
    refused.complains(2, "this is not the access key")
    monkeypatch.setenv("MUSTER_KEY", "two words")
    clumsy = near("need", "list")
    clumsy.complains(2, "one word, without blanks")
    assert "0123456789abcdef" not in refused.err
    assert "two words" not in clumsy.err


def test_without_a_key_it_says_where_to_get_one(say, served, monkeypatch):
    monkeypatch.setenv("MUSTER_URL", (served.data / "address").read_text())
    say("need", "list").complains(2, "set MUSTER_KEY")


def test_a_name_of_several_lines_is_refused(near):
    near("need", "list", "--as", "Núria\nInès").complains(2, "one line")
    near("need", "list", "--as", "N" * 81).complains(2, "80 signs")


def test_no_coordinator_answers(say, monkeypatch):
    monkeypatch.setenv("MUSTER_KEY", "00")
    with socket.socket() as deaf:  # holds the port, and does not listen
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        say("need", "list", "--url", url).complains(
            1, f"no coordinator answers at {url}: start it with `muster serve`"
        )


def test_no_coordinator_runs_on_these_settings(say, tmp_path):
    (tmp_path / "muster.toml").write_text(SETTINGS)
    say("need", "list").complains(1, "no coordinator runs on", "`muster serve`")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8765", "ftp://x", "http://", "http://[::1", "http://a:99999", "http://u:p@a"]
)
def test_an_address_that_is_none_is_refused(say, url):
    say("need", "list", "--url", url).complains(2, "an address is like http://127.0.0.1:8765")


@pytest.mark.parametrize(
    ("status", "body", "about"),
    [
        (200, b"<html>", "is not this version's coordinator"),
        (200, b'{"a": 1}', "is not this version's coordinator"),
        (404, b"<html>", "is not this version's coordinator"),
        (
            503,
            b'{"type": "x", "title": "Too\\nmuch", "detail": "to do \\u001b[31m"}',
            "Too much: to do �[31m",
        ),
    ],
)
def test_what_is_no_coordinator_or_in_trouble_is_told_in_one_line(say, status, body, about):
    with answering({"/api/needs": (status, {}, body)}) as url:
        say("need", "list", "--url", url).complains(1, about)


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        (("no-such-command",), "No such command"),
        (("need", "no-such-command"), "No such command"),
        (("need", "file"), "Missing option"),
        (("need", "list", "--no-such-option"), "No such option"),
        (("need", "list", "--url"), "requires an argument"),
        (("attempt", "inspect", "a-1"), "Missing option '--good'"),
        (("parcel", "pack"), "Missing argument 'NEED'"),
    ],
)
def test_a_slip_of_the_keyboard_is_told_in_one_line(say, arguments, about):
    say(*arguments).complains(2, about, "--help")


def test_broken_settings_are_told_with_their_line(say, tmp_path):
    (tmp_path / "muster.toml").write_text("[web]\nport = 1\n[broker\n")
    say("need", "list").complains(2, "muster.toml:3: not valid TOML")
    say("need", "list", "--config", "elsewhere.toml").complains(2, "elsewhere.toml", "No such file")


def test_a_key_that_cannot_be_read_is_told_with_its_path(say, tmp_path):
    (tmp_path / "muster-data" / "access.key").mkdir(parents=True)
    say("need", "list").complains(2, "access.key", "MUSTER_KEY")
