"""Who guesses learns nothing and is slowed down, and shuts nobody out."""

import pytest

from coordinator.errors import Slow, Unauthorised
from coordinator.people import accounts
from coordinator.people.authentication import Opened
from coordinator.rate_limit import PAIR
from tests.unit.coordinator.authentication.house import WORDS, House


def test_unknown_wrong_disabled_and_without_password_are_told_alike(house: House):
    house.person("ines")
    house.person("carl")
    with house.office.store.write() as tx:
        accounts.add(tx, name="dora", shown="Dora", now=0)
        accounts.disable(tx, "carl", now=house.office.now[0])
    told: set[str] = set()
    for name in ("ines", "carl", "dora", "nobody", "", "x" * 500):
        with pytest.raises(Unauthorised) as refused:
            house.comes(name, WORDS if name == "carl" else "wrong, I guess")
        told.add(str(refused.value))
    assert len(told) == 1


def test_a_guesser_is_slowed_down_even_when_they_guess_right(house: House):
    house.person()
    for _ in range(PAIR.free):
        with pytest.raises(Unauthorised):
            house.comes(password="wrong, I guess")
    with pytest.raises(Slow):
        house.comes()
    house.goes(3)
    house.opens()


def test_names_that_nobody_has_are_slowed_down_just_the_same(house: House):
    for _ in range(PAIR.free):
        with pytest.raises(Unauthorised):
            house.comes("nobody", "wrong, I guess")
    with pytest.raises(Slow):
        house.comes("nobody", "wrong, I guess")


def test_nobody_is_shut_out_by_a_strangers_guesses(house: House):
    house.person()
    opened = house.comes(address="203.0.113.5")
    assert isinstance(opened, Opened)
    for number in range(60):
        with pytest.raises((Unauthorised, Slow)):
            house.comes(password="wrong, I guess", address=f"10.0.0.{number}")
    with pytest.raises(Slow):
        house.comes(address="198.51.100.9")  # somewhere she has never been
    house.opens(address="203.0.113.5")
    house.opens(address="198.51.100.9", device=opened.device)
    with pytest.raises(Slow):
        house.comes(address="198.51.100.10", device=opened.device[:-1] + "x")
    assert house.authenticator.browser(opened.token).is_known


def test_a_browser_is_known_for_its_own_person_only(house: House):
    house.person("ines")
    house.person("carl")
    opened = house.comes("ines", address="203.0.113.5")
    assert isinstance(opened, Opened)
    for number in range(60):
        with pytest.raises((Unauthorised, Slow)):
            house.comes("carl", "wrong, I guess", address=f"10.0.0.{number}")
    with pytest.raises(Slow):
        house.comes("carl", address="198.51.100.9", device=opened.device)
