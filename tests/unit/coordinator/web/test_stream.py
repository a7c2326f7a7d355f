"""Server-sent events, over a real connection to the real server."""

import json
import time

import pytest

from coordinator.model.roles import HOME, Role
from coordinator.store import people
from tests.unit.coordinator.web.house import House
from tests.waiting import PATIENCE, eventually


def events(response):
    """(event, data) as they arrive."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_an_open_page_hears_what_changed(house: House):
    with house.client() as client, client.stream("GET", "/events?on=need&on=hospital") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        heard = events(stream)
        assert next(heard) == ("hello", [])
        need, _ = house.office.needs(3)
        subjects = []
        while f"need/{need.id}" not in subjects:
            name, data = next(heard)
            assert name == "news"
            subjects += data
    assert f"hospital/{need.hospital}" in subjects


def test_a_need_page_hears_of_its_own_need_alone(house: House):
    first, _ = house.office.needs(3)
    with house.client() as client, client.stream("GET", f"/events?on=need/{first.id}") as stream:
        heard = events(stream)
        assert next(heard)[0] == "hello"
        second, _ = house.office.needs(3)
        house.office.desk.cancel_need(first.id, by="carl")
        assert next(heard) == ("news", [f"need/{first.id}"])
    assert first.id != second.id


def test_a_hospital_hears_that_something_changed_but_not_what(house: House):
    need, token = house.office.needs(3)
    with house.stranger() as ward, ward.stream("GET", f"/t/{token}/events") as stream:
        assert stream.headers["referrer-policy"] == "no-referrer"
        heard = events(stream)
        assert next(heard) == ("hello", [])
        house.office.desk.cancel_need(need.id, by="carl")
        assert next(heard) == ("news", [])


def test_a_wrong_link_has_no_stream(quiet_house: House):
    with quiet_house.stranger() as ward:
        assert ward.get("/t/wrong/events").status_code == 404


@pytest.mark.parametrize("query", ["", "on=", "on=../x", "on=NEED", "&".join(["on=need"] * 9)])
def test_a_stream_of_nonsense_is_refused(quiet_house: House, query):
    with quiet_house.client() as client:
        assert client.get(f"/events?{query}").status_code == 422


def test_who_hangs_up_is_forgotten(house: House):
    with house.client() as client, client.stream("GET", "/events?on=need") as stream:
        heard = events(stream)
        next(heard)
        assert house.office.desk.changes.listeners == 1
    eventually(lambda: house.office.desk.changes.listeners == 0)


def test_the_server_stops_at_once_with_streams_open(house: House):
    with house.client() as client, client.stream("GET", "/events?on=need") as stream:
        heard = events(stream)
        next(heard)
        before = time.monotonic()
        house.server.should_exit = True
        assert list(heard) == []
    assert time.monotonic() - before < PATIENCE


def test_who_has_logged_out_hears_nothing_more(house: House):
    house.person("ines", (HOME, Role.VIEWER))
    with house.logged_in("ines") as browser, browser.stream("GET", "/events?on=need") as stream:
        heard = events(stream)
        assert next(heard) == ("hello", [])
        house.office.needs(3)
        assert next(heard) == ("news", [])
        assert browser.post("/logout").status_code == 303
        house.office.needs(3)
        assert list(heard) == []


def test_a_program_whose_person_was_shut_out_hears_nothing_more(house: House):
    house.person("ines", (HOME, Role.VIEWER))
    house.token("ines", Role.VIEWER)
    with house.stranger() as program:
        program.headers["Authorization"] = "Bearer muster_ines"
        with program.stream("GET", "/events?on=need") as stream:
            heard = events(stream)
            assert next(heard) == ("hello", [])
            with house.office.store.write() as tx:
                people.persons.change(tx, "ines", disabled=house.office.now[0])
            house.office.needs(3)
            assert list(heard) == []


def test_a_link_that_was_replaced_tells_nothing_more(house: House):
    need, link = house.office.needs(3)
    with house.stranger() as ward, ward.stream("GET", f"/t/{link}/events") as stream:
        heard = events(stream)
        assert next(heard) == ("hello", [])
        house.office.desk.relink_need(need.id, by="ines")
        house.office.desk.cancel_need(need.id, by="ines")
        assert list(heard) == []
