"""The command line: against a coordinator that `muster serve` runs, and against an office played by hand."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from structlog.testing import capture_logs

from coordinator import cli
from coordinator.cli import words
from coordinator.client import Client
from coordinator.privacy.doorstep import Doorstep
from coordinator.store import guards
from tests.unit.coordinator.office import KEY, Office, open_office
from tests.unit.coordinator.web.house import open_house
from wire.lifecycle import Step
from wire.messages import Request, Wish

ROOT = Path(__file__).parents[3]
SETTINGS = """\
data = "data"
[web]
port = 0
[broker]
kind = "embedded"
"""
CLINIC = (
    "--name",
    "Hospital Clínic",
    "--contact",
    "ops@clinic.example",
    "--latitude",
    "41.4",
    "--longitude",
    "2.2",
)


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    def complains(self, code: int, *about: str) -> None:
        assert self.code == code
        assert self.out == ""
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        for each in about:
            assert each in self.err


class Served:
    """A coordinator in a process of its own."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "muster.toml"
        self.config.write_text(SETTINGS)
        self.data = directory / "data"
        self._log = (directory / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "coordinator", "serve", "--config", str(self.config)],
            cwd=directory,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self.process.stdout is not None
        self.announced = self.process.stdout.readline()
        if not self.announced:
            self.process.wait(10)
        assert self.announced, self.log()
        self.children = descendants(self.process.pid)

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def ends(self, how: signal.Signals) -> None:
        """Ends well, and leaves nothing behind: no process, no address, no key in what it said."""
        assert self.children, "the broker is a child"
        self.process.send_signal(how)
        try:
            rest, _ = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        said = self.announced + rest + self.log()
        self._log.close()
        assert self.process.returncode == 0, said
        assert "Traceback" not in said
        assert rest == "", "one line is all that it prints"
        assert (self.data / "access.key").read_text() not in said
        assert not [pid for pid in self.children if Path(f"/proc/{pid}").exists()]
        assert not (self.data / "address").exists()


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    return kept | {"PYTHONPATH": str(ROOT)} | more


def descendants(pid: int) -> list[int]:
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [each for child in children for each in descendants(child)]


def run_muster(*arguments: str, cwd: Path, **more: str) -> Said:
    """`muster` as a process."""
    done = subprocess.run(
        [sys.executable, "-m", "coordinator", *arguments],
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One running coordinator for all tests here; its end is a test of its own kind."""
    running = Served(tmp_path_factory.mktemp("served"))
    yield running
    running.ends(signal.SIGTERM)


@pytest.fixture
def say(capsys, monkeypatch, tmp_path):
    """`muster` in this process, somewhere where there are no settings."""
    for name in list(os.environ):
        if name.startswith("MUSTER_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def said(*arguments: str) -> Said:
        code = cli.run(arguments)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return said


@pytest.fixture
def near(say, served, monkeypatch):
    """`muster` on the machine of the running coordinator."""
    monkeypatch.setenv("MUSTER_CONFIG", str(served.config))
    return say


@pytest.fixture
def approved(near) -> str:
    """A hospital that may ask."""
    hospital = near("hospital", "add", *CLINIC, "--json").json["id"]
    return near("hospital", "approve", hospital, "--json").json["id"]


@pytest.fixture
def office(tmp_path):
    opened: Office = open_office(tmp_path, f"sqlite:///{tmp_path}/muster.db")
    yield opened
    opened.store.close()


@pytest.fixture
def far(say, office, monkeypatch):
    """`muster` on another machine, with the coordinator's address and key."""
    # Its log is the coordinator's, not the command's, though both are in this process.
    with capture_logs(), open_house(office) as house:
        monkeypatch.setenv("MUSTER_URL", house.url)
        monkeypatch.setenv("MUSTER_KEY", KEY)
        monkeypatch.setenv("MUSTER_BY", "Núria")
        yield say


# ── a coordinator that runs ───────────────────────────────────────────────────────────────────────────────


def test_the_announced_link_logs_a_browser_in(served):
    assert served.announced.count("\n") == 1
    found = re.search(r"http://127\.0\.0\.1:\d+/login/\S+", served.announced)
    assert found
    assert httpx.get(found[0]).status_code == 200


def test_a_fresh_link_logs_a_browser_in(near):
    link = near("login").out.strip()
    with httpx.Client() as browser:
        entered = browser.post(link, data={"by": "Núria"}, headers={"Sec-Fetch-Site": "same-origin"})
        assert entered.status_code == 303
        assert browser.get(link).status_code == 404


def test_a_hospital_is_taken_in_vetted_and_asks(near, served):
    taken = near("hospital", "add", *CLINIC)
    assert taken.code == 0
    hospital = re.search(r"muster hospital approve (\S+)", taken.out)
    assert hospital
    vetted = near("hospital", "approve", hospital[1], "--as", "Núria")
    assert "is approved by Núria" in vetted.out
    filed = near("need", "file", "--hospital", hospital[1], "--part", "ear-saver", "--quantity", "24",
                 "--deadline", "2100-04-01", "--set", "length=155")  # fmt: skip
    assert "24 units of ear-saver by 1 Apr 2100, in " in filed.out
    link = re.search(r"http://\S+/t/\S+", filed.out)
    assert link
    assert httpx.get(link[0]).status_code == 200
    need = re.search(r"Filed (\S+):", filed.out)
    assert need
    assert re.search(
        rf"{need[1]} +Hospital Clínic +ear-saver +24 +24 +0 +0 +0 +1 Apr 2100", near("need", "list").out
    )
    shown = near("need", "show", need[1]).out
    assert "length 155 mm" in shown
    assert "24 needed" in shown
    assert "is cancelled" in near("need", "cancel", need[1]).out
    near("need", "cancel", need[1]).complains(2, "is cancelled already")
    assert near("need", "show", need[1], "--json").json["progress"]["needed"] == 0


def test_options_may_stand_before_the_command_too(near):
    assert near("--json", "hospital", "list").json == near("hospital", "list", "--json").json


def test_parts_can_be_listed(near):
    assert "ear-saver" in near("part", "list").out
    assert {"ear-saver", "strap-clip"} <= {part["name"] for part in near("part", "list", "--json").json}


def test_an_empty_list_says_what_to_do(near):
    assert "muster invite" in near("printer", "list").out
    assert near("printer", "list", "--json").json == []


def test_an_invite_is_all_that_invite_prints(near):
    assert re.fullmatch(r"muster1\.\S+\n", near("invite").out)


def test_an_invite_as_a_picture(near, tmp_path):
    for kind, head in (("svg", b"<?xml"), ("png", b"\x89PNG")):
        picture = tmp_path / f"invite.{kind}"
        assert near("invite", "--qr", str(picture)).code == 0
        assert picture.read_bytes().startswith(head)
        assert picture.stat().st_mode & 0o077 == 0
    near("invite", "--qr", "invite.gif").complains(2, ".svg or .png")
    lost = near("invite", "--qr", "nowhere/invite.svg")
    assert (lost.code, "nowhere/invite.svg" in lost.err) == (1, True)


def test_agents_are_listed_and_revoked(far, office):
    office.agent("anna")
    assert "no agent has joined" not in far("agent", "list").out
    assert "anna" in far("agent", "list").out
    assert "Núria" in far("agent", "revoke", "anna", "--why", "lost", "--json").json["revoked_by"]
    assert "revoked just now by Núria: lost" in " ".join(far("agent", "list").out.split())
    far("agent", "revoke", "anna", "--why", "lost").complains(2, "revoked already")
    far("agent", "revoke", "nobody", "--why", "lost").complains(2, "nobody")
    far("agent", "revoke", "anna").complains(2, "--why")
    assert far("invite", "--agent", "anna").out.startswith("muster1.")
    far("invite", "--agent", "nobody").complains(2, "agent list")


def test_the_ledger_is_balanced(near):
    assert near("ledger").out.startswith("balanced: ")


def test_every_figure_can_be_worked_out_anew_while_the_coordinator_runs(near):
    assert near("ledger", "verify").out.startswith("right: every figure follows from ")
    found = near("ledger", "verify", "--json").json
    assert (found["right"], found["first"], found["unguarded"]) == (True, None, [])


def test_a_coordinator_is_backed_up_while_it_runs_and_restored_elsewhere(near, approved, tmp_path):
    near("need", "file", "--hospital", approved, "--part", "ear-saver", "--quantity", "5")
    made = near("backup", "muster.backup")
    assert (made.code, made.err) == (0, "")
    assert "keep it secret" in made.out
    near("backup", "muster.backup").complains(2, "there already", "--replace")
    assert near("backup", "--replace", "muster.backup", "--json").json["rows"]["need"] >= 1
    near("restore", "muster.backup").complains(2, "another coordinator runs")
    known = near("need", "list", "--json").json

    (tmp_path / "elsewhere").mkdir()
    other = tmp_path / "elsewhere" / "muster.toml"
    other.write_text(SETTINGS)
    near("ledger", "verify", "--config", str(other)).complains(2, "there is no database")
    near("backup", "--config", str(other), "x.backup").complains(2, "there is no database")
    assert "restored: " in near("restore", "--config", str(other), "muster.backup").out
    near("restore", "--config", str(other), "muster.backup").complains(2, "not empty", "--replace")
    near("restore", "--config", str(other), "no.backup").complains(2, "No such file")
    again = Served(tmp_path / "elsewhere")
    try:
        assert near("need", "list", "--json", "--config", str(other)).json == known
    finally:
        again.ends(signal.SIGTERM)


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
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("MUSTER_KEY", "00")
    say("need", "list", "--url", f"http://127.0.0.1:{port}").complains(
        1, f"no coordinator answers at http://127.0.0.1:{port}: start it with `muster serve`"
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
    with answering(status, body) as url:
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


# ── starting and ending ───────────────────────────────────────────────────────────────────────────────────


def test_ctrl_c_ends_it_well(tmp_path):
    Served(tmp_path).ends(signal.SIGINT)


def test_it_does_not_start_on_broken_settings(tmp_path):
    (tmp_path / "muster.toml").write_text('[web]\nhost = "127.0.0.1"\nport = "high"\n')
    run_muster("serve", cwd=tmp_path).complains(2, "muster.toml:3: ")


def test_it_does_not_start_on_a_taken_port(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "muster.toml").write_text(SETTINGS.replace("port = 0", f"port = {port}"))
        run_muster("serve", cwd=tmp_path).complains(2, f"can't listen on 127.0.0.1:{port}", "in use")


def test_it_does_not_start_on_data_in_use(served):
    run_muster("serve", cwd=served.config.parent).complains(2, "another coordinator runs on")


# ── a unit's way ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_unit_goes_all_the_way_to_a_signature(far, office):
    hospital = office.vetted("St Anna")
    filed = far(
        "need", "file", "--hospital", hospital, "--part", "ear-saver", "--quantity", "3", "--json"
    ).json
    need = filed["need"]["id"]
    anna = office.agent("anna")
    assert "idle" in far("printer", "list").out
    anna.is_ready()
    lot = far("attempt", "list", "--open", "--json").json[0]["id"]
    assert "3 units of ear-saver" in far("printer", "list").out
    anna.prints(lot)
    assert "to be inspected" in far("attempt", "show", lot).out
    far("attempt", "inspect", lot, "--good", "3", "--scrapped", "1").complains(
        2, "must add up to the 3 units"
    )
    assert (
        "2 units good, 1 scrapped and printed again"
        in far("attempt", "inspect", lot, "--good", "2", "--scrapped", "1").out
    )
    assert "2 good, 1 scrapped, by Núria" in far("attempt", "show", lot).out
    far("parcel", "pack", need).complains(2, "0 units of")
    assert "2 units" in far("attempt", "collect", lot).out
    far("parcel", "pack", need, "--units", "-1").complains(2, "units: ")
    parcel = far("parcel", "pack", need, "--json").json["id"]
    assert "in transit with 2 units" in far("parcel", "send", parcel).out
    with Client(os.environ["MUSTER_URL"], "") as ward:
        token = filed["tracking"].rpartition("/")[2]
        assert ward.track(token).progress.in_transit == 2
        ward.receive(token, parcel, units=2, by="Sister Ana")
    shown = far("need", "show", need).out
    assert "1 needed, 2 received, 1 scrapped" in shown
    assert "2 units received" in shown
    assert far("ledger", "--json").json["balanced"]


@pytest.mark.parametrize(
    ("command", "steps", "wish"),
    [
        ("pause", (Step.FETCH, Step.CHECK, Step.START, Step.PRINT), Wish.PAUSE),
        ("resume", (Step.FETCH, Step.CHECK, Step.START, Step.PRINT, Step.PAUSE), Wish.RESUME),
        ("cancel", (Step.FETCH,), Wish.CANCEL),
        ("cleared", (Step.FETCH, Step.CHECK, Step.START, Step.PRINT, Step.FINISH), Wish.CLEARED),
    ],
)
def test_an_agent_is_asked_and_decides(far, office, command, steps, wish):
    office.needs(3)
    anna = office.agent("anna")
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, *steps)
    said = far("attempt", command, lot)
    assert said.code == 0
    assert "anna is" in said.out
    assert "and decides" in said.out
    asked = office.posted[-1][1]
    assert isinstance(asked, Request)
    assert (asked.attempt, asked.wish, asked.by) == (lot, wish, "Núria")


def test_a_wish_that_comes_too_late_is_refused(far, office):
    office.needs(3)
    anna = office.agent("anna")
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.prints(lot)
    far("attempt", "pause", lot).complains(2, "can't be paused now")
    far("attempt", "write-off", lot, "--why", "gone").complains(2, "only a suspect lot can be written off")


def test_a_suspect_lot_is_written_off(far, office):
    need, _ = office.needs(3)
    anna = office.agent("anna")
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    anna.dies()
    office.now[0] += 3600
    office.conversation.sweep()
    assert "out of contact" in far("attempt", "list").out
    assert "its 3 units will not come" in far("attempt", "write-off", lot, "--why", "moved away").out
    assert "3 written off" in far("need", "show", need.id).out


def test_a_suspect_lot_that_turns_up_is_vouched_for(far, office):
    office.needs(3)
    anna = office.agent("anna")
    anna.is_ready()
    lot = anna.grants[-1].attempt
    far("attempt", "vouch", lot, "--why", "here").complains(2, "only a suspect lot can be vouched for")
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    anna.loses_its_disk()
    assert f"muster attempt inspect {lot}" in far("attempt", "vouch", lot, "--why", "she brought them").out


def test_a_held_need_is_shown_with_its_reasons_and_given_out_again(far, office):
    need, _ = office.needs(3)
    far("need", "release", need.id).complains(2, "is not held")
    office.is_held(need.id)
    assert "held" in far("need", "list").out
    assert "the gate refused line 7" in far("need", "show", need.id).out
    assert "given out again" in far("need", "release", need.id).out


def test_a_ledger_that_does_not_add_up_is_trouble(far, office):
    office.needs(3)
    office.agent("anna").is_ready()
    with office.store.write() as tx, guards.lowered(tx):
        tx.exec_driver_sql("UPDATE movement SET units = units + 1")
    said = far("ledger")
    assert said.code == 1
    assert said.out.startswith("NOT balanced")
    assert said.err.count("\n") == 1


def test_the_first_figure_that_differs_is_named(say, office, tmp_path):
    office.needs(3)
    office.agent("anna").is_ready()
    with office.store.write() as tx, guards.lowered(tx):
        tx.exec_driver_sql("UPDATE movement SET units = units - 1 WHERE target = 'promised'")
    (tmp_path / "muster.toml").write_text(f'[database]\nurl = "sqlite:///{tmp_path}/muster.db"\n')
    said = say("ledger", "verify")
    assert said.code == 1
    assert re.search(r"first: movement 2: units of n-\w+ a-\w+ promised: expected 3, found 2\n", said.out)
    assert said.err.count("\n") == 1
    said = say("ledger", "verify", "--json")
    first = json.loads(said.out)["first"]
    assert (first["movement"], first["account"], first["expected"], first["found"]) == (
        2,
        "promised",
        "3",
        "2",
    )


# ── help ──────────────────────────────────────────────────────────────────────────────────────────────────


def commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found += commands(inner, (*path, name))
    return found


@pytest.mark.parametrize("path", commands(cli.muster), ids=" ".join)
def test_help_teaches(say, path):
    helped = say(*path, "--help")
    assert helped.code == 0
    assert "Example" in helped.out or "Commands:" in helped.out
    if "Example" in helped.out:
        assert "  muster " + " ".join(path) in helped.out


def test_a_group_alone_shows_what_it_can_do(say):
    alone = say("need")
    assert alone.code == 0
    assert "file" in alone.out


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from coordinator import cli; assert cli.run(['--help']) == 0;"
        "print({'httpx', 'rich', 'fastapi', 'sqlalchemy'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stderr == "set()\n"


@pytest.mark.parametrize(
    ("seconds", "words_"),
    [
        (0, "1 min"),
        (90, "2 min"),
        (7199, "120 min"),
        (7200, "2 hours"),
        (86_400, "24 hours"),
        (200_000, "2 days"),
    ],
)
def test_lengths_of_time_in_words(seconds, words_):
    assert words.length(seconds) == words_


def test_a_deadline_says_how_far_off_it_is():
    assert words.due(None, 0) == "no deadline"
    assert words.due(1_585_785_599, 1_585_500_000) == "1 Apr 2020, in 3 days"
    assert words.due(1_585_785_599, 1_586_000_000) == "1 Apr 2020, 2 days late"


def test_terminal_codes_of_others_do_nothing():
    assert words.plain("\x1b[2Jtwo\nlines") == "�[2Jtwo\nlines"
    assert words.line(" one \n line\r\n") == "one line"


@contextmanager
def answering(status: int, body: bytes):
    """A web server that is no coordinator."""

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *args):  # noqa: A002 - the standard library's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


# ── people's own, and the trail ───────────────────────────────────────────────────────────────────────────


def test_a_hospitals_link_is_replaced(far, office):
    need, old = office.needs(3)
    made = far("need", "relink", need.id, "--json").json["link"]
    token = made.rpartition("/")[2]
    assert office.desk.track(token).need == need.id
    assert token != old
    far("need", "relink", "n-none").complains(2, "n-none")


def test_a_maker_gets_a_link_a_courier_an_address_and_who_leaves_is_forgotten(far, office):
    anna = office.agent("anna")
    link = far("agent", "link", "anna", "--json").json["link"]
    office.desk.care.give_address(
        link.rpartition("/")[2], Doorstep(address="Quittenweg 17", hours="after six")
    )
    office.needs(2)
    anna.is_ready()
    anna.prints(anna.grants[-1].attempt)
    assert "given" in far("pickup", "list").out
    taken = far("pickup", "take", "anna", "--json").json["id"]
    assert "Quittenweg 17" in far("pickup", "show", taken).out
    far("pickup", "show", taken, "--as", "Paul").complains(2, "no such pickup")
    assert far("pickup", "give-back", taken).code == 0
    held = far("privacy", "export", "agent", "anna").json
    assert held["doorstep"]["hours"] == "after six"
    ref = far("privacy", "erase", "agent", "anna", "--yes", "--json").json["name"]
    assert [view.printer.agent for view in office.desk.printers()] == [ref]
    far("privacy", "export", "agent", "anna").complains(2, "anna")


def test_who_spoke_for_a_hospital_is_forgotten(far, office):
    hospital = office.vetted()
    assert far("privacy", "export", "hospital", hospital).json["held"]["hospital"][0]["contact"] == "ward 3"
    assert "forgotten" in far("privacy", "erase", "hospital", hospital, "--yes").out
    assert office.desk.hospitals()[0].contact == "(erased)"


def test_the_trail_is_exported_and_followed(say, office, tmp_path):
    (tmp_path / "muster.toml").write_text(f'[database]\nurl = "sqlite:///{tmp_path}/muster.db"\n')
    office.needs(3)
    office.now[0] += 86_400
    office.desk.invite(by="=cmd()")
    lines = say("trail", "export").out.splitlines()
    assert lines[0] == "number,at,by,role,via,act,subject,details,hash"
    assert len(lines) == 5
    assert ",'=cmd()," in lines[-1], "no formula"
    told = say("trail", "export", "--json", "--since", "2027-01-16")
    entries = [json.loads(each) for each in told.out.splitlines()]
    assert [each["act"] for each in entries] == ["agent.invite"]
    head = entries[-1]["hash"]
    assert f"head: {head} (4 entries)" in told.err
    for found in (say("trail", "verify"), say("trail", "verify", "--head", head)):
        assert found.code == 0
        assert head in found.out
    say("trail", "export", "--since", "soon").complains(2, "2020-04-01")
    say("trail", "verify", "--head", "abc").complains(2, "64")


@pytest.mark.parametrize(
    ("tampered", "number", "needs_head"),
    [
        ("update trail set \"by\" = 'nobody' where number = 2", 2, False),
        ("delete from trail where number = 2", 2, False),
        ("delete from trail where number = 4", 4, True),
    ],
)
def test_the_first_broken_link_of_the_trail_is_named(say, office, tmp_path, tampered, number, needs_head):
    (tmp_path / "muster.toml").write_text(f'[database]\nurl = "sqlite:///{tmp_path}/muster.db"\n')
    office.needs(3)
    office.desk.invite(by="ines")
    _, head = (line.split()[-1] for line in say("trail", "verify").out.splitlines())
    with office.store.write() as tx, guards.lowered(tx):
        tx.exec_driver_sql(tampered)
    if needs_head:
        assert say("trail", "verify").code == 0
    found = say("trail", "verify", *(("--head", head) if needs_head else ()))
    assert found.code == 1
    assert f"BROKEN at entry {number}:" in found.out
    assert "report this" in found.err
    assert say("trail", "verify", "--head", head, "--json").out.count('"first": {') == 1
    with office.store.write() as tx:
        guards_gone = "drop trigger trail_never_update"
        tx.exec_driver_sql(guards_gone)
    assert say("trail", "verify").code == 1
