"""Slowing down who guesses, without shutting out whose account it is.

Failures are counted by who tries *and* whose account it is; by who tries; and, of strangers only, by account. A
browser that this person logged in with before, or an address that they logged in from, is no stranger: it has a count
of its own, so that nobody elsewhere can make them wait. Nobody is ever locked out; all that happens is waiting.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from coordinator.errors import Slow
from coordinator.people.household import household

KEPT = 10_000
"""Counts that are kept at most; the longest untouched are forgotten first."""


@dataclass(frozen=True, slots=True)
class Rule:
    """So many failures are `free`; each further one doubles the wait, from `first` to `most` seconds.

    A count halves every `forgets` seconds.
    """

    free: int
    first: float
    most: float
    forgets: float

    def wait(self, failures: float) -> float:
        """Seconds between this many failures and the next try."""
        beyond = int(failures) - self.free
        return 0.0 if beyond < 0 else min(self.most, self.first * 2.0 ** min(beyond, 30))


PAIR = Rule(free=5, first=2, most=900, forgets=3600)
"""One who tries one account."""
ADDRESS = Rule(free=30, first=2, most=900, forgets=3600)
"""One who tries whatever accounts."""
ACCOUNT = Rule(free=20, first=1, most=10, forgets=600)
"""One account that strangers try, wherever they are."""
CODES = Rule(free=10, first=2, most=900, forgets=21_600)
"""Codes of one account's second factor: who gets as far has the password, and is no mere stranger."""


@dataclass(slots=True)
class _Count:
    failures: float
    at: float


class Throttle:
    """Counts of failures, in this process only. Thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        self._now = clock
        self._lock = Lock()
        self._counts: OrderedDict[tuple[str, ...], _Count] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def enter(self, account: str, address: str, device: str = "", *, strict: bool = False) -> None:
        """Count a try before it is looked at; `device` names a browser that this person used before.

        `strict` is for codes.

        Raises:
            Slow: it comes too soon; it must not be looked at.
        """
        now = self._now()
        with self._lock:
            due = self._due(account, address, device, CODES if strict else ACCOUNT)
            wait = max(self._wait(key, rule, now) for key, rule in due)
            if wait > 0:
                raise Slow.down(wait)
            for key, rule in due:
                self._add(key, rule, now)

    def succeed(self, account: str, address: str, device: str = "") -> None:
        """The try was right: it does not count, and its address is a stranger's no more."""
        where = household(address)
        with self._lock:
            due = self._due(account, address, device, ACCOUNT)
            self._known[account, where] = None
            self._known.move_to_end((account, where))
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            for key, rule in due:
                if rule is PAIR:
                    self._counts.pop(key, None)
                elif (count := self._counts.get(key)) is not None:
                    count.failures = max(0.0, count.failures - 1)

    def _due(
        self, account: str, address: str, device: str, of_account: Rule
    ) -> list[tuple[tuple[str, ...], Rule]]:
        if device:
            return [(("device", device, account), PAIR)]
        where = household(address)
        due: list[tuple[tuple[str, ...], Rule]] = [
            (("pair", where, account), PAIR),
            (("address", where), ADDRESS),
        ]
        if (account, where) not in self._known:
            due.append((("account", account), of_account))
        return due

    def _wait(self, key: tuple[str, ...], rule: Rule, now: float) -> float:
        count = self._counts.get(key)
        return 0.0 if count is None else count.at + rule.wait(count.failures) - now

    def _add(self, key: tuple[str, ...], rule: Rule, now: float) -> None:
        count = self._counts.setdefault(key, _Count(0.0, now))
        self._counts.move_to_end(key)
        count.failures = count.failures * 0.5 ** ((now - count.at) / rule.forgets) + 1
        count.at = now
        while len(self._counts) > KEPT:
            self._counts.popitem(last=False)
