"""Holds a history against what must never happen, and once all is over against what must have happened. Pure."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.chaos.history import Attempt, History, Run
from wire.lifecycle import FINAL

SLACK = 3.0
"""Seconds that a printer may go on after its agent wrote down the end: what was in its buffers, on a busy machine."""
TOLD_AGAIN = 20.0
"""Seconds after a restore in which an agent tells what the coordinator forgot, whatever else is struck meanwhile."""
OFFER_LIFETIME = 20.0
"""Seconds for which a nonce is good, at the run's tempo."""
ENDINGS = frozenset({"refuse", "fail", "cancel"})
MADE = frozenset({"printed", "cleared", "inspected"})
_EXPECTED = frozenset(
    {"promised", "printing", "printed", "good", "at-hub", "packed", "in-transit", "received"}
)
_OF_NEED = frozenset({"demand", "needed"})


@dataclass(frozen=True, slots=True)
class Violation:
    """What went against a rule."""

    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


def check(history: History) -> list[Violation]:
    """All that is wrong; what is still under way is judged only if the history is settled."""
    found = [*_motion(history), *_nonces(history), *_acknowledged(history), *_lives(history)]
    found += [*_ledger(history), *_counted(history)]
    found += [Violation("died of a mistake", each) for each in history.deaths]
    if history.settled:
        found += [*_ended(history), *_met(history), *_units(history)]
    return found


# ── what moved ────────────────────────────────────────────────────────────────────────────────────────────


def steps(notes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps that an agent took: all that it noted, but for those whose commit then failed."""
    taken: list[dict[str, Any]] = []
    for note in notes:
        if note["what"] == "step":
            taken.append(note)
        elif note["what"] == "undone":
            same = [
                each for each in taken if (each["attempt"], each["step"]) == (note["attempt"], note["step"])
            ]
            taken.remove(same[-1])
    return taken


def starts(notes: list[dict[str, Any]]) -> list[tuple[float, str]]:
    """When a printer was to be started for which attempt, in the order of time."""
    return [(note["t"], note["attempt"]) for note in steps(notes) if note["step"] == "start"]


def matched(history: History, agent: str) -> list[tuple[Run, str | None]]:
    """Each run of an agent's printer with the attempt that was started last before it."""
    begun = starts(history.diaries.get(agent, []))
    moments = [moment for moment, _ in begun]
    result: list[tuple[Run, str | None]] = []
    for run in history.runs.get(agent, []):
        place = bisect_right(moments, run.began)
        result.append((run, begun[place - 1][1] if place else None))
    return result


def _granted(history: History) -> dict[str, Attempt]:
    """Every attempt that was ever committed; a back-up that was restored knows less."""
    return {each.id: each for each in history.after.attempts} | history.forgotten


def _motion(history: History) -> Iterator[Violation]:
    rows = _granted(history)
    for agent in history.runs:
        notes = history.diaries.get(agent, [])
        ends: dict[str, float] = {}
        for note in steps(notes):
            if note["step"] in ENDINGS | {"finish"}:
                ends.setdefault(note["attempt"], note["t"])
        begun: Counter[str] = Counter()
        for run, attempt in matched(history, agent):
            where = f"{agent} at {run.began:.2f}"
            if run.headless:
                yield Violation("moved without a start", f"{where}: not homed since it was switched on")
                continue
            if attempt is None:
                yield Violation("moved without a start", where)
                continue
            begun[attempt] += 1
            if begun[attempt] > 1:
                yield Violation("started twice", f"{attempt} by {where}")
            row = rows.get(attempt)
            if row is None or row.agent != agent:
                yield Violation(
                    "moved without a grant", f"{attempt} by {where}: no such grant to it is committed"
                )
            if attempt in ends and run.last > ends[attempt] + SLACK:
                late = run.last - ends[attempt]
                yield Violation("moved after its end", f"{attempt} by {where}: {late:.1f} s after")


def _nonces(history: History) -> Iterator[Violation]:
    rows = _granted(history)
    for agent, notes in history.diaries.items():
        current: dict[str, tuple[str, float]] = {}
        for note in notes:
            if note["what"] == "born":
                current.clear()
            elif note["what"] == "ready":
                current[note["printer"]] = note["nonce"], note["t"]
            elif note["what"] == "take":
                attempt, (nonce, said) = note["attempt"], current.get(note["printer"], ("", 0.0))
                if note["nonce"] != nonce:
                    yield Violation("not asked for", f"{agent} took {attempt}, which answers an older nonce")
                elif note["t"] - said > OFFER_LIFETIME + 1:
                    yield Violation("not asked for", f"{agent} took {attempt}, though its offer was over")
                if attempt not in rows or rows[attempt].nonce != note["nonce"]:
                    yield Violation(
                        "moved without a grant", f"{agent} took {attempt}, which is not committed"
                    )


# ── what was said and kept ────────────────────────────────────────────────────────────────────────────────


def _acknowledged(history: History) -> Iterator[Violation]:
    if history.forgotten and not history.settled:
        return  # it will be said again
    kept: dict[tuple[str, str], set[int]] = defaultdict(set)
    for event in history.after.events:
        kept[event.agent, event.epoch].add(event.seq)
    for agent, notes in history.diaries.items():
        acked: dict[str, dict[int, float]] = defaultdict(dict)
        for note in notes:
            if note["what"] == "acked":
                for seq in range(1, note["seq"] + 1):
                    acked[note["epoch"]].setdefault(seq, note["t"])
        for epoch, moments in acked.items():
            missing = [
                seq
                for seq, moment in sorted(moments.items())
                if seq not in kept[agent, epoch] and not _lost_on_both_sides(history, agent, moment)
            ]
            if missing:
                yield Violation(
                    "acknowledged and lost",
                    f"{agent}'s events {missing[:5]} of {max(moments)} were never committed",
                )


def _lost_on_both_sides(history: History, agent: str, acked: float) -> bool:
    """Whether a back-up took the coordinator's word for it away, and the agent lost its disk before it told again."""
    return any(
        since <= acked < back
        and any(acked < lost < back + TOLD_AGAIN for lost in history.lost_disks.get(agent, []))
        for since, back in history.restores
    )


def _lives(history: History) -> Iterator[Violation]:
    ends: Counter[str] = Counter()
    finishes: Counter[str] = Counter()
    for event in sorted(history.after.events, key=lambda each: (each.agent, each.epoch, each.seq)):
        if not event.applied:
            continue
        if ends[event.attempt]:
            yield Violation("ended twice", f"{event.attempt}: {event.step} was applied after its end")
        if event.step == "finish":
            finishes[event.attempt] += 1
        if finishes[event.attempt] > 1:
            yield Violation("ended twice", f"{event.attempt} was finished twice")
        ends[event.attempt] += event.step in ENDINGS
    for each in history.after.attempts:
        was = history.finals.get(each.id)
        if was is not None and was != each.state:
            yield Violation("ended twice", f"{each.id} was {was}, and is {each.state}")
    known = {each.id for each in history.after.attempts}
    for gone in history.finals.keys() - known - history.forgotten.keys():
        yield Violation("lost", f"{gone} is not known any more")


# ── units ─────────────────────────────────────────────────────────────────────────────────────────────────


def _ledger(history: History) -> Iterator[Violation]:
    books = history.after
    lots: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    whole: dict[str, Counter[str]] = defaultdict(Counter)
    for move in books.movements:
        for account, units in ((move.source, -move.units), (move.target, move.units)):
            whole[move.need][account] += units
            if account not in _OF_NEED:
                lots[move.need, move.lot][account] += units
    for (need, lot), sums in lots.items():
        for account, units in sums.items():
            if units < 0:
                yield Violation("ledger", f"{need} {lot}: {units} in {account}")
    for each in books.attempts:
        standing = sum(lots[each.need, each.id].values())
        if standing not in (0, each.count) or (each.state not in FINAL and standing != each.count):
            yield Violation("ledger", f"{each.id} has {each.count} units, but {standing} stand in the ledger")
    for need, wanted in books.needs.items():
        expected = sum(units for account, units in whole[need].items() if account in _EXPECTED)
        if whole[need]["needed"] != max(0, wanted - expected):
            yield Violation(
                "ledger",
                f"{need} wants {wanted}, expects {expected}, and still needs {whole[need]['needed']}",
            )
    yield from (Violation("ledger", each) for each in history.ledger)


def completed(history: History) -> dict[str, Run]:
    """The attempts whose whole file was executed by their printer: attempt → its run."""
    result: dict[str, Run] = {}
    for agent in history.runs:
        moves = {
            note["attempt"]: note["moves"]
            for note in history.diaries.get(agent, [])
            if note["what"] == "ordered"
        }
        result |= {
            attempt: run
            for run, attempt in matched(history, agent)
            if attempt is not None and run.laid >= moves.get(attempt, float("inf"))
        }
    return result


def _counted(history: History) -> Iterator[Violation]:
    made = completed(history)
    for each in history.before.attempts:
        if each.state in MADE and each.id not in made:
            yield Violation("counted, but not made", f"{each.id} ({each.count} units) is {each.state}")


# ── once all is over ──────────────────────────────────────────────────────────────────────────────────────


def _ended(history: History) -> Iterator[Violation]:
    for each in history.after.attempts:
        if each.state not in FINAL:
            yield Violation("never ended", f"{each.id} by {each.agent} is still {each.state}")


def _met(history: History) -> Iterator[Violation]:
    for need, units in history.lacking.items():
        yield Violation("never met", f"{need} still lacks {units} units")


def _units(history: History) -> Iterator[Violation]:
    books = history.after
    sums: Counter[str] = Counter()
    into_doubt: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    of = {each.id: each for each in books.attempts}
    for move in books.movements:
        sums[move.source] -= move.units
        sums[move.target] += move.units
        # What a restored back-up had forgotten is known again late, like what was in doubt.
        if move.target == "suspect" or (move.target == "promised" and move.cause.startswith("adopt:")):
            into_doubt[move.lot] = move.units
        if move.target == "good":
            counted[move.need] += move.units
        if move.source == "in-transit" and move.target == "written-off":
            lost[move.need] += move.units
    made = completed(history)
    inspected = [each for each in books.attempts if each.state == "inspected"]
    ruled = sum(each.count for each in books.attempts if each.id in history.ruled and each.state == "failed")
    standing = sum(sums[each] for each in _EXPECTED - {"promised", "printing", "printed"})
    told = standing + sums["scrapped"] + sums["written-off"] - ruled
    really = sum(each.count for each in inspected if each.id in made)
    if told != really:
        yield Violation(
            "units", f"{told} are received, in stock, scrapped or written off, but {really} were made"
        )
    yield from _discarded(history, made, of)
    for need, wanted in books.needs.items():
        came_back = sum(
            units
            for lot, units in into_doubt.items()
            if of[lot].need == need and of[lot].state == "inspected"
        )
        if counted[need] > wanted + lost[need] + came_back:
            yield Violation(
                "over-production",
                f"{need} asked for {wanted}, got {counted[need]} good ones, with {came_back} that came back"
                f" out of doubt and {lost[need]} lost on the way",
            )


def _discarded(history: History, made: dict[str, Run], of: dict[str, Attempt]) -> Iterator[Violation]:
    """What was printed to its end and does not count must have a reason that people know."""
    for attempt in made:
        row = of.get(attempt)
        if row is None or row.state == "inspected" or attempt in history.ruled:
            continue
        if row.state in {"failed", "cancelled"} and _said_to_have_begun(history, row):
            continue
        yield Violation("made, but not counted", f"{attempt} ({row.count} units) is {row.state}")


def _said_to_have_begun(history: History, row: Attempt) -> bool:
    """Whether its agent said that it began, and then how it ended: whoever clears the bed is told to look."""
    said = {event.step for event in history.after.events if event.attempt == row.id}
    return "start" in said and bool(said & ENDINGS)
