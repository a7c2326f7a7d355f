"""The nemesis' repertoire, and its plan: which fault strikes whom, when, for how long. Pure; a seed replays it."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

COORDINATOR, BROKER, DATABASE = "coordinator", "broker", "database"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault. `on` says whom it strikes; `weight` how often; `lasts` from and to, in seconds."""

    name: str
    about: str
    on: str
    weight: float
    lasts: tuple[float, float] = (0.0, 0.0)


KINDS = (
    Kind("kill-agent", "kill -9", "agent", 3),
    Kind("fall-agent", "kill -9 right before or after one of the next commits of the journal", "agent", 9),
    Kind("kill-pump", "kill -9 of the process that drives the port", "agent", 2),
    Kind("power-cut", "agent, pump and printer at once", "agent", 1, (0.2, 1.5)),
    Kind("update-agent", "SIGTERM, and started again", "agent", 1),
    Kind("freeze-agent", "SIGSTOP, and SIGCONT later", "agent", 6, (0.5, 8)),
    Kind("freeze-pump", "SIGSTOP, and SIGCONT later", "agent", 4, (0.3, 3)),
    Kind("lost-disk", "all of its state gone but the keys, of which there was a copy", "agent", 1.5),
    Kind("full-disk", "no byte more can be written", "agent", 5, (0.5, 5)),
    Kind("agent-clock", "up to two hours off", "agent", 5, (1, 6)),
    Kind("cut", "the connection to the broker reset", "agent", 8),
    Kind("half-open", "nothing comes through and nobody is told, then reset", "agent", 7, (1, 9)),
    Kind("deaf", "nothing reaches the agent for a while, then all at once", "agent", 7, (0.5, 5)),
    Kind(
        "mute", "nothing that the agent says gets through for a while, then all at once", "agent", 7, (0.5, 5)
    ),
    Kind("delay", "every message late", "agent", 8, (1, 5)),
    Kind("double", "every message twice", "agent", 8, (1, 5)),
    Kind("lose", "every second message lost, though acknowledged or not", "agent", 7, (0.5, 4)),
    Kind("stale", "a grant kept on its way, and delivered to a later connection", "agent", 9, (1, 6)),
    Kind("repeat", "all that the agent said lately is said again", "agent", 7),
    Kind("web-cut", "all downloads and pages broken off", "web", 4),
    Kind("web-delay", "downloads and pages slow", "web", 2, (0.5, 3)),
    Kind("kill-coordinator", "kill -9", COORDINATOR, 3),
    Kind("fall-coordinator", "kill -9 right before or after one of its next commits", COORDINATOR, 6),
    Kind("update-coordinator", "SIGTERM, and started again", COORDINATOR, 1),
    Kind("freeze-coordinator", "SIGSTOP, and SIGCONT later", COORDINATOR, 3, (0.5, 6)),
    Kind("coordinator-clock", "up to two hours off", COORDINATOR, 2, (1, 8)),
    Kind("coordinator-disk", "no file of its can grow", COORDINATOR, 2.5, (0.5, 4)),
    Kind("kill-broker", "kill -9", BROKER, 5),
    Kind("freeze-broker", "SIGSTOP, and SIGCONT later", BROKER, 3, (0.5, 5)),
    Kind("kill-database", "kill -9", DATABASE, 4),
    Kind("kill-backend", "kill -9 of one of its connections' processes", DATABASE, 4),
    Kind("freeze-database", "SIGSTOP of all of it, and SIGCONT later", DATABASE, 2, (0.5, 4)),
    Kind(
        "restore",
        "the coordinator's disk is lost, and a back-up of some moments ago is restored",
        COORDINATOR,
        1.5,
        (3, 15),
    ),
)
BY_NAME = {kind.name: kind for kind in KINDS}
REST = {"agent": 0.5, COORDINATOR: 6.0, BROKER: 5.0, DATABASE: 6.0, "web": 1.0}
"""Seconds from a fault's end until the same victim is struck again: to be struck while down is no news."""
BREATH = 20.0
"""Every so many seconds the coordinator, its broker and its database are left alone for half that time."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One blow. `dice` decides what its kind leaves open."""

    at: float
    kind: str
    target: str
    lasts: float
    dice: int


def plan(seed: int, seconds: float, rate: float, agents: Sequence[str], kinds: Sequence[str]) -> list[Fault]:
    """Faults for `seconds`, about `rate` a second; never two at once on the same victim."""
    random = Random(seed)
    chosen = [BY_NAME[name] for name in kinds]
    free: dict[str, float] = {}
    found: list[Fault] = []
    at = 0.0
    while True:
        at += random.expovariate(rate)
        if at >= seconds:
            return found
        central_rests = at % BREATH > BREATH / 2
        able: list[tuple[Kind, list[str]]] = []
        for kind in chosen:
            victims = list(agents) if kind.on == "agent" else [kind.on]
            victims = [each for each in victims if free.get(each, 0.0) <= at]
            if victims and not (central_rests and kind.on in (COORDINATOR, BROKER, DATABASE)):
                able.append((kind, victims))
        if not able:
            continue
        kind, victims = random.choices(able, [each.weight for each, _ in able])[0]
        target = random.choice(victims)
        lasts = random.uniform(*kind.lasts)
        free[target] = at + lasts + REST[kind.on]
        found.append(Fault(round(at, 3), kind.name, target, round(lasts, 3), random.getrandbits(32)))
