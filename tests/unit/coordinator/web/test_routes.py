"""Every route, and who may use it. A route that is not in this table, or names no act, is a mistake."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from coordinator.model.roles import HOME, Role
from coordinator.store import people
from coordinator.web.access import is_open, permission_of
from tests.unit.coordinator.office import open_office
from tests.unit.coordinator.web.house import House, open_house

ROLES = {"V": Role.VIEWER, "I": Role.INSPECTOR, "C": Role.COURIER, "O": Role.COORDINATOR, "A": Role.ADMIN}
EVERYBODY = "VICOA"
TABLE = """
GET  /                                          VICOA
GET  /needs                                     VICOA
GET  /needs/{need}                              VICOA
GET  /printers                                  VICOA
GET  /events                                    VICOA
POST /hospitals                                 OA
POST /hospitals/{hospital}/approve              OA
POST /needs                                     OA
POST /needs/{need}/cancel                       OA
POST /needs/{need}/release                      OA
POST /needs/{need}/pack                         COA
POST /needs/{need}/parcels/{parcel}/send        COA
POST /needs/{need}/attempts/{attempt}/inspect   IOA
POST /needs/{need}/attempts/{attempt}/collect   ICOA
POST /needs/{need}/attempts/{attempt}/write-off OA
POST /needs/{need}/attempts/{attempt}/vouch     OA
POST /needs/{need}/attempts/{attempt}/{wish}    OA
POST /printers/{attempt}/{wish}                 OA
POST /needs/{need}/relink                       OA
POST /printers/agents/{agent}/link              OA
GET  /pickups                                   ICOA
GET  /pickups/{pickup}                          ICOA
POST /pickups/agents/{agent}/take               ICOA
POST /pickups/{pickup}/give-back                ICOA
GET  /agents                                    VICOA
POST /agents/invite                             OA
POST /agents/{agent}/revoke                     OA
GET  /audit-log                                     A
GET  /people                                    A
POST /people                                    A
POST /people/{person}/give                      A
POST /people/{person}/take                      A
POST /people/{person}/reset                     A
POST /people/{person}/disable                   A
POST /people/{person}/enable                    A
GET  /api/hospitals                             VICOA
POST /api/hospitals                             OA
POST /api/hospitals/{hospital}/approve          OA
GET  /api/parts                                 VICOA
GET  /api/needs                                 VICOA
POST /api/needs                                 OA
GET  /api/needs/{need}                          VICOA
POST /api/needs/{need}/cancel                   OA
POST /api/needs/{need}/release                  OA
GET  /api/printers                              VICOA
GET  /api/attempts                              VICOA
GET  /api/attempts/{attempt}                    VICOA
POST /api/attempts/{attempt}/inspect            IOA
POST /api/attempts/{attempt}/collect            ICOA
POST /api/attempts/{attempt}/write-off          OA
POST /api/attempts/{attempt}/vouch              OA
POST /api/attempts/{attempt}/{wish}             OA
POST /api/parcels                               COA
POST /api/parcels/{parcel}/send                 COA
GET  /api/ledger                                OA
POST /api/invites                               OA
GET  /api/agents                                VICOA
POST /api/agents/{agent}/revoke                 OA
POST /api/agents/{agent}/cluster                A
POST /api/needs/{need}/relink                   OA
POST /api/agents/{agent}/link                   OA
GET  /api/pickups                               ICOA
POST /api/agents/{agent}/pickup                 ICOA
GET  /api/pickups/{pickup}                      ICOA
POST /api/pickups/{pickup}/give-back            ICOA
GET  /api/audit-log                                 A
GET  /api/audit-log/chain                           A
GET  /api/privacy/agents/{agent}                A
POST /api/privacy/agents/{agent}/erase          A
GET  /api/privacy/hospitals/{hospital}          A
POST /api/privacy/hospitals/{hospital}/erase    A
GET  /api/people                                A
POST /api/people                                A
POST /api/people/{person}/roles                 A
POST /api/people/{person}/roles/take            A
POST /api/people/{person}/reset                 A
POST /api/people/{person}/disable               A
POST /api/people/{person}/enable                A
POST /api/logins                                -
GET  /account                                   self
POST /account/password                          self
POST /account/second                            self
POST /account/second/remove                     self
POST /account/recovery                          self
POST /account/sessions/{session}/end            self
POST /account/sessions/end                      self
POST /account/tokens                            self
POST /account/tokens/{token}/revoke             self
POST /logout                                    self
"""
RULES = {(method, path): may for method, path, may in (line.split() for line in TABLE.strip().splitlines())}
REFUSED = re.compile("(?i)your roles do not allow this|only the access key")
NAMED = {"wish": "pause"}
"""What stands for a path's parameters, where no made-up name will do."""


def routes(router: Any) -> Iterator[APIRoute]:
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):  # what FastAPI keeps of a router that was included
            yield from routes(route.original_router)


@pytest.fixture(scope="module")
def staffed(tmp_path_factory):
    """A house with somebody of each role, their browser and their program."""
    directory = tmp_path_factory.mktemp("staffed")
    office = open_office(directory, f"sqlite:///{directory}/muster.db")
    with open_house(office) as house:
        for role in Role:
            house.person(role.value, (HOME, role))
            house.token(role.value, role)
        yield house
    office.store.close()


def filled(path: str) -> str:
    address = re.sub(r"{(\w+)}", lambda found: NAMED.get(found[1], "x1"), path)
    return address + "?on=nothing" if path == "/events" else address


def test_every_route_stands_in_the_table_and_names_its_act(staffed: House):
    found = {
        (method, route.path): permission_of(route.endpoint)
        for route in routes(staffed.app)
        if not is_open(route.path)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert set(found) == set(RULES)
    assert [where for where, act in found.items() if act is None] == []


def test_only_what_carries_its_own_secret_is_open(staffed: House):
    assert {route.path for route in routes(staffed.app) if is_open(route.path)} == {
        "/api/docs",
        "/api/enrol",
        "/api/renew",
        "/api/maker/{token}",
        "/api/maker/{token}/address",
        "/api/maker/{token}/erase",
        "/api/maker/{token}/export",
        "/api/track/{token}",
        "/api/track/{token}/parcels/{parcel}/receive",
        "/files/{attempt}/{token}",
        "/definitions/{digest}",
        "/healthz",
        "/login",
        "/login/second",
        "/login/{code}",
        "/m/{token}",
        "/m/{token}/address",
        "/m/{token}/erase",
        "/m/{token}/export",
        "/m/{token}/withdraw",
        "/metrics",
        "/t/{token}",
        "/t/{token}/events",
        "/t/{token}/parcels/{parcel}/receive",
    }


@pytest.mark.parametrize("letter", EVERYBODY)
def test_a_role_reaches_what_it_may_and_nothing_else(staffed: House, letter):
    role = ROLES[letter]
    wrong: list[str] = []
    bearer = {"Authorization": f"Bearer muster_{role.value}", "Accept": "application/json"}
    with staffed.logged_in(role.value) as browser, staffed.stranger() as program:
        for (method, path), may in RULES.items():
            if path in ("/events", "/account/sessions/end", "/logout"):
                continue  # the first never ends; the others end this session, and are tested below
            address = filled(path)
            if path.startswith("/api/"):
                answer = program.request(method, address, headers=bearer)
            elif method == "GET":
                answer = browser.get(address)
            else:
                answer = browser.post(address)
            forbidden = answer.status_code == 403 and REFUSED.search(answer.text) is not None
            unasked = (
                answer.status_code == 401 and may != "self"
            )  # there, 401 is about a code that is asked for
            if forbidden == (letter in may or may == "self") or unasked or answer.status_code >= 500:
                wrong.append(f"{method} {path}: {answer.status_code}")
    assert wrong == []


def test_a_route_that_names_no_act_is_closed_to_the_administrator_too(staffed: House):
    @staffed.app.get("/api/forgotten")
    def forgotten() -> str:
        return "secret"

    with staffed.client() as client:
        assert client.get("/api/forgotten").status_code == 403
    staffed.app.router.routes.pop()


def test_a_program_does_not_mind_its_persons_account(staffed: House):
    with staffed.stranger() as program:
        program.headers["Authorization"] = "Bearer muster_admin"
        for (method, path), may in RULES.items():
            if may == "self":
                assert program.request(method, filled(path)).status_code == 403


def test_only_the_machines_key_makes_login_links(staffed: House):
    with staffed.client() as client, staffed.browser() as browser:
        assert client.post("/api/logins").status_code == 201
        assert browser.get("/").status_code == 200
        assert browser.post("/api/logins").status_code == 403


# ── clusters ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def two(house: House):
    """A house with two clusters, a hospital with a need in each, and somebody who coordinates the one."""
    office, desk = house.office, house.office.desk
    house.person("ines", ("west", Role.ADMIN))
    house.token("ines", Role.ADMIN, "west")
    mine = desk.add_hospital(name="Mine", contact="w", latitude=1, longitude=1, cluster="west")
    theirs = desk.add_hospital(name="Theirs", contact="t", latitude=1, longitude=1)
    for hospital in (mine, theirs):
        desk.approve_hospital(hospital.id, by="x")
    office.agent("anna")
    office.agent("bert")
    with office.store.write() as tx:
        people.place_agent(tx, "bert", "west")
    needs = [
        desk.file_need(hospital=each.id, part="ear-saver", quantity=3, by="x")[0] for each in (mine, theirs)
    ]
    return house, mine, theirs, *needs


def test_what_belongs_to_another_cluster_is_not_there(two):
    house, mine, theirs, need, their_need = two
    with house.stranger() as program:
        program.headers["Authorization"] = "Bearer muster_ines"
        assert [each["id"] for each in program.get("/api/hospitals").json()] == [mine.id]
        assert [each["need"]["id"] for each in program.get("/api/needs").json()] == [need.id]
        assert [each["printer"]["agent"] for each in program.get("/api/printers").json()] == ["bert"]
        assert program.get(f"/api/needs/{need.id}").status_code == 200
        unseen = program.get(f"/api/needs/{their_need.id}")
        never = program.get("/api/needs/n-never")
        assert (unseen.status_code, never.status_code) == (404, 404)
        assert unseen.json()["detail"].replace(their_need.id, "") == never.json()["detail"].replace(
            "n-never", ""
        )
        assert program.post(f"/api/needs/{their_need.id}/cancel").status_code == 404
        asked = {"part": "ear-saver", "quantity": 3}
        assert program.post("/api/needs", json=asked | {"hospital": theirs.id}).status_code == 404
        assert program.post("/api/needs", json=asked | {"hospital": mine.id}).status_code == 201
        assert program.post("/api/parcels", json={"need": their_need.id}).status_code == 404
        assert program.post("/api/invites").status_code == 403
    with house.logged_in("ines") as browser:
        page = browser.get("/").text
        assert "Mine" in page
        assert "Theirs" not in page
        assert "anna" not in browser.get("/printers").text


def test_a_new_hospital_belongs_to_who_takes_it_in(two):
    house = two[0]
    asked = {"name": "New", "contact": "w", "latitude": 1.0, "longitude": 1.0}
    with house.stranger() as program:
        program.headers["Authorization"] = "Bearer muster_ines"
        assert program.post("/api/hospitals", json=asked).json()["cluster"] == "west"
        assert program.post("/api/hospitals", json=asked | {"cluster": "home"}).status_code == 403


def test_an_attempt_is_looked_after_by_the_hospitals_cluster_and_by_the_printers(two):
    house, _, _, need, their_need = two
    house.office.desk.cancel_need(need.id, by="x")
    agents = {name: house.office.agent(name) for name in ("carl", "dora")}
    with house.office.store.write() as tx:
        people.place_agent(tx, "carl", "west")
    agents["carl"].is_ready()
    house.office.desk.cancel_need(their_need.id, by="x")
    other, _ = house.office.desk.file_need(hospital=two[2].id, part="ear-saver", quantity=2, by="x")
    agents["dora"].is_ready()
    with house.stranger() as program:
        program.headers["Authorization"] = "Bearer muster_ines"
        seen = {each["agent"]: each["id"] for each in program.get("/api/attempts").json()}
        assert set(seen) == {"carl"}
        assert program.post(f"/api/attempts/{seen['carl']}/cancel").status_code == 202
        hidden = agents["dora"].attempt()
        assert hidden.need == other.id
        assert program.post(f"/api/attempts/{hidden.id}/cancel").status_code == 404
