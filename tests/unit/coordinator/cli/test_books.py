"""The ledger, the audit log and back-ups, by command."""

import json
import re
import signal

import pytest

from coordinator.acts import ACTS
from coordinator.store import guards
from tests.unit.coordinator.cli.command import SETTINGS, Served


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


def test_the_audit_log_is_exported_and_followed(say, office, tmp_path):
    (tmp_path / "muster.toml").write_text(f'[database]\nurl = "sqlite:///{tmp_path}/muster.db"\n')
    office.needs(3)
    office.now[0] += 86_400
    office.desk.invite(by="=cmd()")
    lines = say("audit-log", "export").out.splitlines()
    assert lines[0] == "number,at,by,role,via,act,subject,details,hash"
    assert len(lines) == 5
    assert ",'=cmd()," in lines[-1], "no formula"
    told = say("audit-log", "export", "--json", "--since", "2027-01-16")
    entries = [json.loads(each) for each in told.out.splitlines()]
    assert [each["act"] for each in entries] == ["agent.invite"]
    head = entries[-1]["hash"]
    assert f"head: {head} (4 entries)" in told.err
    for found in (say("audit-log", "verify"), say("audit-log", "verify", "--head", head)):
        assert found.code == 0
        assert head in found.out
    say("audit-log", "export", "--since", "soon").complains(2, "2020-04-01")
    say("audit-log", "verify", "--head", "abc").complains(2, "64")


@pytest.mark.parametrize(
    ("tampered", "number", "needs_head"),
    [
        ("update audit_log set \"by\" = 'nobody' where number = 2", 2, False),
        ("delete from audit_log where number = 2", 2, False),
        ("delete from audit_log where number = 4", 4, True),
    ],
)
def test_the_first_broken_link_of_the_audit_log_is_named(say, office, tmp_path, tampered, number, needs_head):
    (tmp_path / "muster.toml").write_text(f'[database]\nurl = "sqlite:///{tmp_path}/muster.db"\n')
    office.needs(3)
    office.desk.invite(by="ines")
    _, head = (line.split()[-1] for line in say("audit-log", "verify").out.splitlines())
    with office.store.write() as tx, guards.lowered(tx):
        tx.exec_driver_sql(tampered)
    if needs_head:
        assert say("audit-log", "verify").code == 0
    found = say("audit-log", "verify", *(("--head", head) if needs_head else ()))
    assert found.code == 1
    assert f"BROKEN at entry {number}:" in found.out
    assert "report this" in found.err
    assert say("audit-log", "verify", "--head", head, "--json").out.count('"first": {') == 1
    with office.store.write() as tx:
        guards_gone = "drop trigger audit_log_never_update"
        tx.exec_driver_sql(guards_gone)
    assert say("audit-log", "verify").code == 1


def test_the_acts_that_the_log_can_tell_are_those_that_are_registered(say):
    listed = json.loads(say("audit-log", "acts", "--json").out)
    assert {each["act"] for each in listed} == ACTS.keys()
    revoke = next(each for each in listed if each["act"] == "agent.revoke")
    assert revoke["roles"] == ["coordinator", "admin"]
    shown = say("audit-log", "acts").out
    assert "Take an agent's access back" in shown
    assert "hospital-link" in shown  # whoever holds one signs
