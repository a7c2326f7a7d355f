"""How much each may do: an agent that floods loses its own messages, who guesses must wait.

The others don't notice.
"""

from dataclasses import dataclass

MOST = 10_000
"""Agents to keep count of; of more, those that have used nothing are forgotten."""


@dataclass(slots=True)
class _Purse:
    left: float
    at: float


class Quota:
    """A token bucket for each agent: `rate` messages a second on average, `burst` at once. Not safe for threads."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._purses: dict[str, _Purse] = {}

    def admits(self, agent: str, now: float) -> bool:
        """Whether one more message of this agent may pass at `now` (monotonic seconds)."""
        purse = self._purse(agent, now)
        if purse.left < 1:
            return False
        purse.left -= 1
        return True

    def wait(self, agent: str, now: float) -> float:
        """Seconds until something of this agent would pass; uses nothing up."""
        return max(0.0, 1 - self._purse(agent, now).left) / self._rate

    def _purse(self, agent: str, now: float) -> _Purse:
        # A wall clock may be set back: that gives nothing and takes nothing.
        purse = self._purses.get(agent)
        if purse is None:
            if len(self._purses) >= MOST:
                self._forget(now)
            purse = self._purses[agent] = _Purse(self._burst, now)
        purse.left = min(self._burst, purse.left + max(0.0, now - purse.at) * self._rate)
        purse.at = now
        return purse

    def _forget(self, now: float) -> None:
        full = self._burst / self._rate
        self._purses = {name: each for name, each in self._purses.items() if now - each.at < full}
