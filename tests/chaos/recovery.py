"""How long after a fault's end work was as before. Pure.

Of a maker's fault: until the coordinator has committed something that this agent said, and then, if the agent had an
event left that nobody had acknowledged, has acknowledged it. Of the centre's: until it has committed something of
each agent that is there, and then has said something to any. Where the fault ended a connection, what is committed
must be the birth of a new one: nothing that was on its way before counts. A fault that the next one interrupts is no
measure of either.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

CENTRAL = frozenset({"coordinator", "broker", "database"})
DISCONNECTS = frozenset(
    {
        *("kill-agent", "fall-agent", "power-cut", "update-agent", "lost-disk", "cut", "half-open"),
        *("kill-coordinator", "fall-coordinator", "update-coordinator", "kill-broker"),
    }
)
"""The faults after which each connection that they struck is a new one."""


def recoveries(
    faults: Sequence[dict[str, Any]],
    centre: Sequence[dict[str, Any]],
    diaries: Mapping[str, Sequence[dict[str, Any]]],
    until: float,
) -> list[tuple[float, str]]:
    """(seconds, kind) of each fault that can be measured.

    Args:
        faults: the nemesis' notes: kind, target, began, ended.
        centre: the coordinator's notes: what was heard of whom, and said to whom.
        diaries: each agent's own notes.
        until: the end of all that was noted.
    """
    heard: dict[str, list[float]] = defaultdict(list)
    born: dict[str, list[float]] = defaultdict(list)
    said: dict[str, list[float]] = defaultdict(list)
    for note in centre:
        if note["what"] == "heard":
            heard[note["agent"]].append(note["t"])
            if note["kind"] == "presence":
                born[note["agent"]].append(note["t"])
        elif note["what"] == "said" and note["kind"] in ("grant", "ack"):
            said[note["agent"]].append(note["t"])
    anybody = sorted(moment for moments in said.values() for moment in moments)
    result: list[tuple[float, str]] = []
    for fault in faults:
        target, ended = fault["target"], fault["ended"]
        signs = born if fault["kind"] in DISCONNECTS else heard
        if target in CENTRAL:
            there = [name for name in diaries if not _is_struck(name, faults, ended)]
            there_again = max((_next(signs[name], ended) for name in there), default=ended)
            answers = anybody
        elif target in diaries:
            there_again = _next(signs[target], ended)
            answers = said[target] if _has_unheard(diaries[target], ended) else [there_again]
        else:
            continue
        well = _next(answers, there_again)
        if well <= until and not _is_interrupted(fault, faults, well):
            result.append((well - ended, fault["kind"]))
    return result


def _has_unheard(notes: Sequence[dict[str, Any]], moment: float) -> bool:
    """Whether the agent had events then that it had no acknowledgement for."""
    last = {note["what"]: note["t"] for note in notes if note["t"] <= moment}
    return last.get("step", 0.0) > last.get("acked", 0.0)


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
