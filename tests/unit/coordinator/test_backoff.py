"""Who guesses is slowed down; whose account it is, is not."""

import itertools
from collections.abc import Sequence

import pytest

from coordinator.errors import Slow
from coordinator.rate_limit import ACCOUNT, CODES, PAIR, Backoff, BackoffRule, network_of

CROWD = tuple(f"10.0.{number // 250}.{number % 250}" for number in range(5000))


class Door:
    """A throttle with a clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.throttle = Backoff(lambda: self.now)

    def fails(self, account: str, address: str, device: str = "", *, strict: bool = False) -> float:
        """Seconds to wait before this try would be looked at; 0: it was, and failed."""
        try:
            self.throttle.enter(account, address, device, strict=strict)
        except Slow as slow:
            return slow.wait
        return 0

    def tries_within(
        self, seconds: float, account: str, addresses: Sequence[str], *, strict: bool = False
    ) -> int:
        """How many tries are looked at, of somebody who tries as fast as they are let."""
        looked_at, end = 0, self.now + seconds
        for address in itertools.cycle(addresses):
            wait = self.fails(account, address, strict=strict)
            looked_at += not wait
            self.now += wait
            if self.now >= end:
                break
        return looked_at


@pytest.fixture
def door() -> Door:
    return Door()


def test_a_few_slips_cost_nothing(door: Door):
    assert [door.fails("ines", "192.0.2.1") for _ in range(PAIR.free)] == [0] * PAIR.free
    assert door.fails("ines", "192.0.2.1") > 0


def test_waiting_helps_and_trying_meanwhile_does_not_hurt(door: Door):
    for _ in range(PAIR.free):
        door.fails("ines", "192.0.2.1")
    wait = door.fails("ines", "192.0.2.1")
    for _ in range(50):
        door.fails("ines", "192.0.2.1")
    door.now += wait
    assert door.fails("ines", "192.0.2.1") == 0


def test_each_further_failure_doubles_the_wait_up_to_a_bound():
    rule = BackoffRule(free=2, first=3, most=20, forgets=60)
    assert [rule.wait(failures) for failures in range(7)] == [0, 0, 3, 6, 12, 20, 20]
    assert rule.wait(1e9) == 20


def test_one_address_gets_few_guesses_a_day_at_one_account_or_at_all(door: Door):
    assert door.tries_within(86_400, "ines", ["192.0.2.1"]) < 250
    assert door.fails("carl", "198.51.100.1") == 0


def test_many_accounts_from_one_address_are_slowed_down_too(door: Door):
    looked_at = sum(not door.fails(f"name-{number}", "192.0.2.1") for number in range(1000))
    assert looked_at <= 30


def test_a_whole_ipv6_network_is_one_who_tries(door: Door):
    looked_at = sum(not door.fails("ines", f"2001:db8::{number:x}") for number in range(100))
    assert looked_at == PAIR.free
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") != network_of("2001:db8:0:1::1")
    assert network_of("::ffff:192.0.2.7") == "192.0.2.7"


def test_many_addresses_get_bounded_guesses_at_one_account(door: Door):
    assert door.tries_within(3600, "ines", CROWD) < 3600 / ACCOUNT.most + ACCOUNT.free + 100


def test_codes_are_guessed_much_more_slowly(door: Door):
    assert door.tries_within(86_400, "ines code", CROWD, strict=True) < 86_400 / CODES.most + 60


def test_nobody_elsewhere_makes_a_known_browser_wait(door: Door):
    for number in range(2000):
        door.fails("ines", f"10.{number // 250}.0.{number % 250}")
    assert door.fails("ines", "203.0.113.5") > 0
    assert door.fails("ines", "203.0.113.5", device="d-her-laptop") == 0


def test_nobody_elsewhere_makes_the_address_wait_that_they_came_from(door: Door):
    door.throttle.enter("ines", "203.0.113.5")
    door.throttle.succeed("ines", "203.0.113.5")
    for number in range(2000):
        door.fails("ines", f"10.{number // 250}.0.{number % 250}")
    assert door.fails("ines", "203.0.113.5") == 0


def test_a_stranger_never_makes_a_new_browser_wait_longer_than_seconds(door: Door):
    door.tries_within(1800, "ines", CROWD)
    assert door.fails("ines", "203.0.113.5") <= ACCOUNT.most + 1


def test_a_known_browser_is_slowed_down_by_its_own_guesses(door: Door):
    looked_at = sum(not door.fails("ines", "192.0.2.1", device="d-stolen") for _ in range(100))
    assert looked_at == PAIR.free


def test_the_right_password_makes_up_for_slips(door: Door):
    for _ in range(5):
        for _ in range(PAIR.free - 1):
            assert door.fails("ines", "192.0.2.1") == 0
        door.throttle.enter("ines", "192.0.2.1")
        door.throttle.succeed("ines", "192.0.2.1")


def test_what_is_kept_is_bounded(door: Door, monkeypatch):
    monkeypatch.setattr("coordinator.rate_limit.KEPT", 100)
    for number in range(1000):
        door.fails(f"name-{number}", f"10.{number // 250}.0.{number % 250}")
    assert len(door.throttle._counts) == 100
