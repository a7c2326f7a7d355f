"""An agent's own code joins, renews and joins again, over HTTP, at the coordinator's own."""

import logging
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest
from msgspec import structs

from agent import cli
from agent.membership import credentials, enrolment, identity
from agent.membership.enrolment import EnrolmentError, EnrolmentRefusedError
from agent.membership.identity import IdentityError
from agent.membership.lifetime import lifetime, renewal_due
from agent.membership.renewal import LOOK, PATIENCE, Renewer
from tests.unit.coordinator.office import A_DAY, NOON
from tests.unit.coordinator.web.house import House
from wire import enrolment as wire


def invited(house: House, agent: str | None = None) -> wire.Invite:
    """An invite that leads to where the house happens to stand."""
    return structs.replace(wire.parse(house.office.desk.invite(by="carl", agent=agent)), url=house.url)


def joined(house: House, folder, agent: str | None = None, name: str = "anna") -> identity.Identity:
    known = enrolment.enrol(invited(house, agent), name, folder)
    answer = structs.replace(known.answer, url=house.url)
    return credentials.save(folder, answer, credentials.in_pem(credentials.key(known)))


def renewer(house: House, known: identity.Identity, days: float) -> Renewer:
    """So many days after the enrolment, on both sides."""
    house.office.now[0] = NOON + days * A_DAY
    now = datetime.fromtimestamp(NOON, UTC) + timedelta(days=days)
    return Renewer(known, now=lambda: now, random=lambda: 0.5)


def test_for_two_thirds_of_its_life_a_certificate_stays(house: House, tmp_path):
    known = joined(house, tmp_path)
    first = credentials.certificate(known)
    due = renewal_due(*lifetime(known))
    assert timedelta(days=19) < first.not_valid_after_utc - due < timedelta(days=21)
    assert renewer(house, known, 39).step() == LOOK
    assert credentials.certificate(known) == first


def test_then_it_is_renewed_with_a_new_key_and_nothing_of_the_old_stays(house: House, tmp_path):
    known = joined(house, tmp_path / "state")
    first, key = credentials.certificate(known), credentials.key(known).public_key()
    assert renewer(house, known, 41).step() == 0.0
    again = identity.load(tmp_path / "state")
    assert credentials.certificate(again).serial_number != first.serial_number
    assert credentials.key(again).public_key() != key
    assert credentials.certificate(again).public_key() == credentials.key(again).public_key()
    assert again.context()
    assert {path.name for path in (tmp_path / "state").iterdir()} == {"credentials.pem", "identity.json"}


def test_an_agent_that_was_off_until_shortly_before_the_end_renews_at_once(house: House, tmp_path):
    known = joined(house, tmp_path)
    first = credentials.certificate(known)
    assert renewer(house, known, 59.9).step() == 0.0
    assert credentials.certificate(known).serial_number != first.serial_number


def test_a_crash_at_any_moment_of_a_renewal_loses_nothing(house: House, tmp_path, monkeypatch):
    known = joined(house, tmp_path)
    first = credentials.certificate(known)
    for moment in ("upcoming", "replace", "forget_upcoming"):
        before = credentials.certificate(known)
        crash = RuntimeError(f"power cut at {moment}")

        def cut(*_: object, crash: RuntimeError = crash) -> None:
            raise crash

        with monkeypatch.context() as patched:
            patched.setattr(credentials, moment, cut)
            with pytest.raises(RuntimeError, match=moment):
                renewer(house, known, 41).step()
        restarted = identity.load(tmp_path)
        assert restarted.context()
        if moment != "forget_upcoming":
            assert credentials.certificate(restarted) == before
    renewer(house, identity.load(tmp_path), 41).step()
    assert credentials.certificate(identity.load(tmp_path)) != first
    with house.office.store.read() as tx:
        from coordinator.store import certificates

        assert len(certificates.of_agent(tx, "anna", house.office.now[0])) == 2, (
            "one key was asked for, again and again"
        )


def test_while_the_coordinator_is_away_it_is_tried_again_more_and_more_seldom(house: House, tmp_path):
    known = joined(house, tmp_path)
    first = credentials.certificate(known)
    away = identity.Identity(tmp_path, structs.replace(known.answer, url="http://127.0.0.1:9"))
    trying = renewer(house, away, 41)
    pauses = [trying.step() for _ in range(12)]
    assert pauses[0] >= PATIENCE[0]
    assert pauses == sorted(pauses)
    assert pauses[-1] <= sum(PATIENCE)
    assert credentials.certificate(known) == first


def test_when_it_has_ended_it_is_told_how_to_join_again_and_that_works(house: House, tmp_path, caplog):
    known = joined(house, tmp_path)
    late = renewer(house, known, 61)
    with caplog.at_level(logging.ERROR):
        assert late.step() == LOOK
        assert late.step() == LOOK
    [line] = caplog.messages
    assert "muster invite --agent anna" in line
    assert "muster-agent enroll INVITE" in line
    house.office.authority._clock = lambda: house.office.now[0]
    again = joined(house, tmp_path, agent="anna")
    assert credentials.certificate(again).not_valid_after_utc.timestamp() > house.office.now[0] + 59 * A_DAY


def test_who_was_revoked_is_told_so_and_keeps_what_it_has(house: House, tmp_path, caplog):
    known = joined(house, tmp_path)
    house.office.desk.revoke("anna", by="carl", why="lost")
    with caplog.at_level(logging.ERROR):
        renewer(house, known, 41).step()
    assert "access was taken back" in caplog.text
    assert identity.load(tmp_path).context()


def test_a_damaged_certificate_is_told_and_not_a_bug(house: House, tmp_path, caplog):
    known = joined(house, tmp_path)
    (tmp_path / "credentials.pem").write_text("x")
    with caplog.at_level(logging.ERROR):
        assert renewer(house, known, 1).step() == LOOK
    assert "damaged" in caplog.text


def test_the_command_joins_again_under_its_name_and_never_under_anothers(house: House, tmp_path, capsys):
    config = tmp_path / "agent.toml"
    state = tmp_path / "state"
    config.write_text(
        f'state = "{state}"\n[[printer]]\nname = "left"\ndriver = "serial"\nport = "/dev/null"\nmaterial = "pla"\n'
    )

    def enroll(invite: wire.Invite, *more: str) -> tuple[int, str]:
        code = cli.main(["--config", str(config), "enroll", str(invite), *more])
        out, err = capsys.readouterr()
        return code, out + err

    assert enroll(invited(house), "--name", "anna")[0] == 0
    enrolment.enrol(invited(house), "ben", tmp_path / "ben")
    first = credentials.certificate(identity.load(state))
    (state / "journal.db").write_text("kept")
    code, said = enroll(invited(house))
    assert (code, "muster invite --agent anna" in said) == (2, True)
    code, said = enroll(invited(house, "ben"))
    assert (code, "not ben" in said) == (2, True)
    code, said = enroll(invited(house, "anna"), "--name", "bob")
    assert (code, "lets anna join again" in said) == (2, True)
    assert credentials.certificate(identity.load(state)) == first
    assert enroll(invited(house, "anna"))[0] == 0
    assert credentials.certificate(identity.load(state)) != first
    assert (state / "journal.db").read_text() == "kept"


def test_an_invite_that_leads_elsewhere_is_told(house: House, tmp_path):
    elsewhere = structs.replace(invited(house), url=f"{house.url}/somewhere")
    with pytest.raises(EnrolmentError, match=r"not a coordinator \(HTTP|refused"):
        enrolment.enrol(elsewhere, "anna", tmp_path)
    with pytest.raises(EnrolmentError, match="right address"):
        enrolment.enrol(structs.replace(invited(house), url="http://127.0.0.1:9"), "anna", tmp_path)
    with pytest.raises(EnrolmentRefusedError, match="no such invite"):
        enrolment.enrol(structs.replace(invited(house), code="a-code-that-is-long-enough"), "anna", tmp_path)


def test_who_only_guesses_must_wait_and_others_need_not(house: House, tmp_path):
    body = msgspec.json.encode(wire.EnrolmentRequest("a-code-that-is-long-enough", "eve", "-----BEGIN x"))
    with house.stranger() as web:
        answers = [
            web.post(wire.PATH, content=body, headers={"X-Forwarded-For": "203.0.113.9"}) for _ in range(12)
        ]
        assert [each.status_code for each in answers] == [403] * 10 + [429] * 2
        assert answers[-1].json()["type"] == "urn:muster:slow"
        near = {"X-Forwarded-For": "2001:db8::1"}
        assert web.post(wire.PATH, content=body, headers=near).status_code == 403
    joined(house, tmp_path)


# ── the page and the API ──────────────────────────────────────────────────────────────────────────────────


def test_an_invite_comes_as_a_picture_too_with_nothing_in_it_that_runs(house: House):
    with house.client() as web:
        made = web.post("/api/invites", json={}).json()
        assert made["invite"].startswith("muster1.")
        assert made["qr"].startswith("<svg")
        assert "script" not in made["qr"]
        assert "style" not in made["qr"]
        assert web.post("/api/invites", json={"agent": "nobody"}).status_code == 404
        assert web.post("/api/invites", json={"agent": "No Body"}).status_code == 422


def test_the_page_invites_once_and_shows_who_joined(house: House, tmp_path):
    with house.browser() as browser:
        assert "Nobody has joined" in browser.get("/agents").text
        page = browser.post("/agents/invite").text
        assert "muster-agent enroll muster1." in page
        assert "<svg" in page
        assert "muster1." not in browser.get("/agents").text
        joined(house, tmp_path)
        assert "anna" in browser.get("/agents").text
        assert "for anna, to join again" in browser.post("/agents/invite", data={"agent": "anna"}).text
        assert browser.post("/agents/anna/revoke", data={"why": ""}).status_code == 422
        assert browser.post("/agents/anna/revoke", data={"why": "<b>lost"}).status_code == 303
        page = browser.get("/agents").text
        assert "&lt;b&gt;lost" in page
        assert browser.post("/agents/anna/revoke", data={"why": "again"}).status_code == 409


def test_the_api_lists_agents_and_takes_access_back(house: House, tmp_path):
    joined(house, tmp_path)
    with house.client(by="carla") as web:
        [agent] = web.get("/api/agents").json()
        assert (agent["name"], agent["revoked"]) == ("anna", None)
        assert (agent["ends"] - NOON) / A_DAY == pytest.approx(60)
        gone = web.post("/api/agents/anna/revoke", json={"why": "lost"})
        assert (gone.status_code, gone.json()["revoked_by"]) == (200, "carla")
        assert web.post("/api/agents/nobody/revoke", json={"why": "x"}).status_code == 404
    with house.stranger() as web:
        for method, path in (
            ("GET", "/api/agents"),
            ("POST", "/api/agents/anna/revoke"),
            ("POST", "/agents/invite"),
        ):
            assert web.request(method, path).status_code == 401


def test_a_renewal_that_is_none_is_refused_in_words(house: House):
    with house.stranger() as web:
        assert web.post(wire.RENEWAL_PATH, content=b"{").status_code == 422
        assert web.post(wire.RENEWAL_PATH, content=b"[" * 10_000).status_code == 422
        assert web.post(wire.RENEWAL_PATH, content=b" " * 20_000).status_code == 413
        answer: httpx.Response = web.post(
            wire.RENEWAL_PATH, content=msgspec.json.encode(wire.Renewal("-----BEGIN x", "-----BEGIN x", b"x"))
        )
        assert answer.json()["type"] == "urn:muster:forbidden"


def test_an_identity_that_is_not_there_is_told(tmp_path):
    with pytest.raises(IdentityError, match="not joined"):
        identity.load(tmp_path)
