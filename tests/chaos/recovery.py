"""How long after a fault's end work was as before. Pure.

Of a maker's fault: until the coordinator has committed something that this agent said, and has said something to it
(a grant, or an acknowledgement). Of the centre's: until it has committed something of each agent that is there, and
has said something to any. A fault that the next one interrupts, before that, is no measure of either.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

CENTRAL = frozenset({"coordinator", "broker", "database"})


def recoveries(
    faults: Sequence[dict[str, Any]], centre: Sequence[dict[str, Any]], agents: Sequence[str], until: float
) -> list[tuple[float, str]]:
    """(seconds, kind) of each fault that can be measured.

    Args:
        faults: the nemesis' notes: kind, target, began, ended.
        centre: the coordinator's notes: what was heard of whom, and said to whom.
        agents: all agents' names.
        until: the end of all that was noted.
    """
    heard: dict[str, list[float]] = defaultdict(list)
    said: dict[str, list[float]] = defaultdict(list)
    for note in centre:
        if note["what"] == "heard":
            heard[note["agent"]].append(note["t"])
        elif note["what"] == "said" and note["kind"] in ("grant", "ack"):
            said[note["agent"]].append(note["t"])
    anybody = sorted(moment for moments in said.values() for moment in moments)
    result: list[tuple[float, str]] = []
    for fault in faults:
        target, ended = fault["target"], fault["ended"]
        if target in CENTRAL:
            there = [name for name in agents if not _is_struck(name, faults, ended)]
            moments = [_next(heard[name], ended) for name in there] + [_next(anybody, ended)]
        elif target in agents:
            moments = [_next(heard[target], ended), _next(said[target], ended)]
        else:
            continue
        well = max(moments)
        if well <= until and not _is_interrupted(fault, faults, well):
            result.append((well - ended, fault["kind"]))
    return result


def _next(moments: list[float], after: float) -> float:
    place = bisect_left(moments, after)
    return moments[place] if place < len(moments) else float("inf")


def _is_struck(name: str, faults: Sequence[dict[str, Any]], moment: float) -> bool:
    return any(each["target"] == name and each["began"] - 2 <= moment <= each["ended"] + 2 for each in faults)


def _is_interrupted(fault: dict[str, Any], faults: Sequence[dict[str, Any]], well: float) -> bool:
    return any(
        each is not fault
        and each["began"] < well
        and each["ended"] > fault["ended"]
        and (each["target"] in CENTRAL or each["target"] == fault["target"])
        for each in faults
    )
