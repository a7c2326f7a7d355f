"""Who tries one link after the other is made to wait; who has a right one is not, whoever sits at the same address.

A link has 192 bits: what is spared is work, what is won is that guessing shows.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import TypeVar

from coordinator.errors import Problem

FREE = 20
"""Links that lead nowhere, within `SPAN`, that an address may try."""
SPAN = 600.0
"""Seconds."""
_KEPT = 10_000
_RIGHT = 10_000


class Guessing(Problem):
    """Too many links that lead nowhere came from this address."""

    kind = "guessing"
    title = "Too many wrong links"
    status = 429


class Guesses:
    """Counts of wrong links by address, in this process only. Thread-safe, of bounded size."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._now = clock
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._right: OrderedDict[str, None] = OrderedDict()

    def enter(self, address: str, link: str) -> None:
        """Before a link is looked up; `link` is its hash.

        Raises:
            Guessing: it must not be looked up now.
        """
        with self._lock:
            if link in self._right:
                return
            since, count = self._wrong.get(_whose(address), (0.0, 0))
            left = since + SPAN - self._now()
        if count >= FREE and left > 0:
            raise Guessing(f"wait {max(1, round(left / 60))} min, and ask your coordinator for a new link")

    def found(self, link: str) -> None:
        """The link was right."""
        with self._lock:
            _put(self._right, link, None, _RIGHT)

    def missed(self, address: str, link: str) -> None:
        """The link was wrong, or is no longer right."""
        now, whose = self._now(), _whose(address)
        with self._lock:
            self._right.pop(link, None)
            since, count = self._wrong.get(whose, (now, 0))
            fresh = now - since >= SPAN
            _put(self._wrong, whose, (now, 1) if fresh else (since, count + 1), _KEPT)


T = TypeVar("T")


def _put(kept: OrderedDict[str, T], key: str, value: T, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)


def _whose(address: str) -> str:
    """An IPv6 network of /64 belongs to one."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or IPv6Address(int(known) >> 64 << 64))
    return address
