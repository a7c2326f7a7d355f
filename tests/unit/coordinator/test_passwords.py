"""What a password is, and how it is kept."""

import argon2
import pytest

from coordinator.errors import Invalid
from coordinator.people import passwords


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevensigns",
        "x" * 201,
        "passwordpassword",
        "ines-p-ines-p-ines-p",
        "aaaaaaaaaaaaaaa",
        "Password123456",
    ],
)
def test_what_is_easily_guessed_is_refused(password):
    with pytest.raises(Invalid):
        passwords.check(password, "ines-p")


@pytest.mark.parametrize(
    "password", ["seven printers hum", "ñandú über πολύ", "correct horse battery", "x7!" * 5 + "yz"]
)
def test_words_of_ones_own_are_fine(password):
    passwords.check(password, "ines-p")


def test_a_password_is_kept_by_argon2id_and_known_again():
    kept = passwords.keep("seven printers hum")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.matches(kept, "seven printers hum")
    assert not passwords.matches(kept, "seven printers hu")
    assert not passwords.matches(None, "seven printers hum")
    assert not passwords.matches(None, "nobody has this one")
    assert not passwords.matches("what is this", "seven printers hum")
    assert not passwords.is_outdated(kept)


def test_what_was_kept_by_weaker_rules_is_outdated():
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("seven printers hum")
    assert passwords.matches(weak, "seven printers hum")
    assert passwords.is_outdated(weak)


def test_a_name_that_nobody_has_takes_as_much_work(monkeypatch):
    worked = []
    hasher = passwords._hasher

    class Counting:
        def verify(self, kept, password):
            worked.append(argon2.extract_parameters(kept))
            return hasher.verify(kept, password)

    kept = passwords.keep("seven printers hum")
    passwords.matches(None, "warm up")
    monkeypatch.setattr(passwords, "_hasher", Counting())
    passwords.matches(kept, "wrong one, this")
    passwords.matches(None, "wrong one, this")
    assert worked[0] == worked[1]
    assert len(worked) == 2
