"""Asked twice, done once: a form that is sent again, and a program that did not hear the answer.

What was answered is kept for a day, in the transaction that did what was asked: there is no moment at which the one
is there without the other. It is sealed with the key that came with it, as it may hold a hospital's link.
"""

import hmac
from collections.abc import Callable
from typing import TypeVar

import msgspec

from coordinator.errors import Conflict
from coordinator.people.factor import Seal
from coordinator.store.idempotency_keys import StoredResponse, forget, responses
from coordinator.unit_of_work import UnitsOfWork

T = TypeVar("T")

KEPT = 86_400
"""Seconds for which an answer is known again."""


class Idempotency:
    """Remembers answers. Safe to use from any thread."""

    def __init__(self, units: UnitsOfWork, secret: bytes) -> None:
        self._units = units
        self._secret = secret

    def once(self, scope: str, key: str, asked: bytes, shape: type[T], act: Callable[[], T]) -> T:
        """Do `act`, unless it was done for this `key` within `scope`: then what it returned then.

        `scope` says who asks for what, so that nobody meets another's key; `asked` is all that was sent.

        Raises:
            Conflict: the key came with something else before.
        """
        name = hmac.new(self._secret, f"{scope}\0{key}".encode(), "sha256").hexdigest()
        digest = hmac.new(self._secret, b"asked\0" + asked, "sha256").hexdigest()
        seal = Seal(self._secret, f"answer {key}")
        with self._units.begin() as unit:
            forget(unit.tx, unit.now - KEPT)
            if (kept := responses.get(unit.tx, name)) is not None:
                said = seal.open(kept.response, name)
                if kept.request != digest or said is None:
                    raise Conflict(
                        "this was sent already, with other values in it: open the page again, or take a new key"
                    )
                return msgspec.json.decode(said, type=shape)
            done = act()
            sealed = seal.close(msgspec.json.encode(done).decode(), name)
            responses.add(unit.tx, StoredResponse(key=name, at=unit.now, request=digest, response=sealed))
            return done
