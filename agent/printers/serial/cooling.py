"""After an emergency stop: are the heaters off? Read from the temperatures, where the board still tells any. Pure.

A firmware that stopped itself answers nothing more; one that was reset does, and so does one that heard nothing of it.
"""

from agent.printers.driver import Heat

ASK_SECONDS = 2.0
SILENT = 5
"""After so many questions without an answer nothing more is asked: who is silent must not find its buffer full."""
AGAIN_SECONDS = 10.0
"""A board whose heaters are on is told so often to switch them off, by all means."""
RISE = 5.0
"""°C above the lowest since the stop: a nozzle warms a little from its own block, and a bed from the nozzle."""
COLD = 50.0


class Cooling:
    """One stop's, from `now` on."""

    def __init__(self, now: float) -> None:
        self._ask_at = now + ASK_SECONDS
        self._again_at = now + AGAIN_SECONDS
        self._asked = 0
        self._lowest: dict[str, float] = {}
        self._hot = ""

    def is_due(self, now: float) -> bool:
        """Whether to ask for temperatures now."""
        if now < self._ask_at or self._asked >= SILENT:
            return False
        self._ask_at, self._asked = now + ASK_SECONDS, self._asked + 1
        return True

    def see(self, heaters: dict[str, Heat | None], now: float) -> bool:
        """Take readings; whether the board must be told once more."""
        self._asked, self._hot = 0, ""
        for name, heat in heaters.items():
            if heat is None:
                continue
            lowest = self._lowest[name] = min(self._lowest.get(name, heat.actual), heat.actual)
            if heat.target > 0 or (heat.actual > lowest + RISE and heat.actual > COLD):
                self._hot = name
        if not self._hot or now < self._again_at:
            return False
        self._again_at = now + AGAIN_SECONDS
        return True

    @property
    def text(self) -> str:
        """What is known of it, for the owner."""
        if self._hot:
            return f"Its heaters do not go off ({self._hot}): switch off its power now"
        if self._lowest:
            return "Its heaters are off, and it cools"
        return "It tells no temperature any more, so look whether it cools; if in doubt, switch off its power"
