"""Rate limiters: token buckets for what may be sent, counts of wrong tries, and a back-off for who logs in.

An agent that floods loses its own messages; who guesses a link or an invite (192 and 128 bits: what is spared is work,
what is won is that guessing shows) must wait; who has a right one need not, whoever sits at the same address.

Of log-ins, failures are counted by who tries *and* whose account it is; by who tries; and, of strangers only, by
account. A browser that this person logged in with before, or an address that they logged in from, is no stranger: it
has a count of its own, so that nobody elsewhere can make them wait. Nobody is ever locked out; all that happens is
waiting.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from coordinator.errors import Slow

_AGENTS = 10_000
"""Agents to keep count of; of more, those that have used nothing are forgotten."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class TokenBuckets:
    """A token bucket for each agent: `rate` messages a second on average, `burst` at once. Not safe for threads."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: dict[str, _Bucket] = {}

    def admits(self, agent: str, now: float) -> bool:
        """Whether one more message of this agent may pass at `now` (monotonic seconds)."""
        bucket = self._bucket(agent, now)
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True

    def wait(self, agent: str, now: float) -> float:
        """Seconds until something of this agent would pass; uses nothing up."""
        return max(0.0, 1 - self._bucket(agent, now).left) / self._rate

    def _bucket(self, agent: str, now: float) -> _Bucket:
        # A wall clock may be set back: that gives nothing and takes nothing.
        bucket = self._buckets.get(agent)
        if bucket is None:
            if len(self._buckets) >= _AGENTS:
                self._forget(now)
            bucket = self._buckets[agent] = _Bucket(self._burst, now)
        bucket.left = min(self._burst, bucket.left + max(0.0, now - bucket.at) * self._rate)
        bucket.at = now
        return bucket

    def _forget(self, now: float) -> None:
        full = self._burst / self._rate
        self._buckets = {name: each for name, each in self._buckets.items() if now - each.at < full}


def network_of(address: str) -> str:
    """The address itself; of IPv6, its network of /64, in which one network_of has as many addresses as it likes."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or IPv6Address(int(known) >> 64 << 64))
    return address


LINKS = (20, 600.0)
"""Links that lead nowhere: so many an address may try at once, and as many again in so many seconds."""
INVITES = (10, 120.0)
"""Enrolments that are refused, alike."""
_RIGHT = 10_000


class WrongTries:
    """Counts of wrong tries by address, in this process only. Thread-safe, of bounded size."""

    def __init__(self, clock: Callable[[], float], rule: tuple[int, float], then: str) -> None:
        """`clock` gives seconds; `then` says what to do after the wait."""
        free, span = rule
        self._now = clock
        self._then = then
        self._lock = threading.Lock()
        self._wrong = TokenBuckets(free / span, free)
        self._right: OrderedDict[str, None] = OrderedDict()

    def enter(self, address: str, secret: str = "") -> None:
        """Before a secret is looked up; told by its hash it is known again, if it was right before.

        Raises:
            Slow: it must not be looked up now.
        """
        with self._lock:
            if secret in self._right:
                return
            wait = self._wrong.wait(network_of(address), self._now())
        if wait > 0:
            raise Slow.down(wait, self._then)

    def found(self, secret: str) -> None:
        """It was right."""
        with self._lock:
            self._right[secret] = None
            self._right.move_to_end(secret)
            while len(self._right) > _RIGHT:
                self._right.popitem(last=False)

    def missed(self, address: str, secret: str = "") -> None:
        """It was wrong, or is no longer right."""
        with self._lock:
            self._right.pop(secret, None)
            self._wrong.admits(network_of(address), self._now())


KEPT = 10_000
"""Counts that are kept at most; the longest untouched are forgotten first."""


@dataclass(frozen=True, slots=True)
class BackoffRule:
    """So many failures are `free`; each further one doubles the wait, from `first` to `most` seconds.

    A count halves every `forgets` seconds.
    """

    free: int
    first: float
    most: float
    forgets: float

    def wait(self, failures: float) -> float:
        """Seconds between this many failures and the next try."""
        beyond = round(failures) - self.free  # what is forgotten in a second makes no free try
        return 0.0 if beyond < 0 else min(self.most, self.first * 2.0 ** min(beyond, 30))


PAIR = BackoffRule(free=5, first=2, most=900, forgets=3600)
"""One who tries one account."""
ADDRESS = BackoffRule(free=30, first=2, most=900, forgets=3600)
"""One who tries whatever accounts."""
ACCOUNT = BackoffRule(free=20, first=1, most=10, forgets=600)
"""One account that strangers try, wherever they are."""
CODES = BackoffRule(free=10, first=2, most=900, forgets=21_600)
"""Codes of one account's second factor: who gets as far has the password, and is no mere stranger."""


@dataclass(slots=True)
class _Count:
    failures: float
    at: float


class Backoff:
    """Counts of failures, in this process only. Thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        self._now = clock
        self._lock = threading.Lock()
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
        where = network_of(address)
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
        self, account: str, address: str, device: str, of_account: BackoffRule
    ) -> list[tuple[tuple[str, ...], BackoffRule]]:
        if device:
            return [(("device", device, account), PAIR)]
        where = network_of(address)
        due: list[tuple[tuple[str, ...], BackoffRule]] = [
            (("pair", where, account), PAIR),
            (("address", where), ADDRESS),
        ]
        if (account, where) not in self._known:
            due.append((("account", account), of_account))
        return due

    def _wait(self, key: tuple[str, ...], rule: BackoffRule, now: float) -> float:
        count = self._counts.get(key)
        return 0.0 if count is None else count.at + rule.wait(count.failures) - now

    def _add(self, key: tuple[str, ...], rule: BackoffRule, now: float) -> None:
        count = self._counts.setdefault(key, _Count(0.0, now))
        self._counts.move_to_end(key)
        count.failures = count.failures * 0.5 ** ((now - count.at) / rule.forgets) + 1
        count.at = now
        while len(self._counts) > KEPT:
            self._counts.popitem(last=False)
