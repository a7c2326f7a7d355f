"""The command line on the machine of a coordinator that `muster serve` runs, and how that starts and ends."""

import re
import signal
import socket

import httpx

from tests.unit.coordinator.cli.command import CLINIC, SETTINGS, Served, run_muster


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
