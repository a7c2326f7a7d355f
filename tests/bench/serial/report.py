"""The table, and which of the aims are met."""

from collections.abc import Iterator

from tests.bench.serial.scenes import Result, Results
from tests.bench.serial.sides import OCTOPRINT, OURS, PING_PONG, PRINTCORE, RAW

RESTS = frozenset({"agent, idle", "idle", "50 MB"})
"""Scenes without a rate."""

Aim = tuple[str, str, bool | None]
"""What is aimed at, what was seen, and whether that is enough; None where it was not measured."""


def show(value: float | None, form: str) -> str:
    """A figure, or a dash."""
    return "–" if value is None else form.format(value)


def table(results: Results) -> str:
    """One row for each host in each scene."""
    rows = [("far end", "host", "lines/s", "seconds", "of ideal", "CPU-s/100k", "MB", "exact", "late")]
    for result in results.values():
        if result.scene in RESTS:
            continue
        ratio = result.seconds / result.ideal if result.seconds and result.ideal else None
        ended = len(result.finished) == len(result.trials)
        rows.append(
            (
                result.scene,
                result.side.name,
                show(result.rate, "{:,.0f}"),
                show(result.seconds, "{:.2f}") if ended else "hung",
                show(ratio, "{:.2f}"),
                show(result.cpu, "{:.2f}"),
                show(result.memory, "{:.0f}"),
                f"{sum(trial.exact for trial in result.trials)}/{len(result.trials)}",
                show(result.late, "{:.0%}"),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(_aligned(row, widths) for row in rows)


def rules(rows: list[tuple[str, float | None, float | None, float | None]]) -> str:
    """What the rules alone cost, as times of the ideal."""
    shown = [(name, *(show(ratio, "{:.2f}") for ratio in ratios)) for name, *ratios in rows]
    columns = [("cable", "muster", "127 bytes", "one by one"), *shown]
    widths = [max(len(row[column]) for row in columns) for column in range(4)]
    head = "in virtual time, whatever this machine does, as times of the ideal:"
    return "\n".join([head, *(_aligned(row, widths) for row in columns)])


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    names = (cell.ljust(width) for cell, width in zip(row[:2], widths, strict=False))
    figures = (cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True))
    return "  ".join([*names, *figures])


def aims(results: Results) -> list[Aim]:
    """Issue by issue, what was wanted and what came out."""
    return [*_rates(results), *_times(results), *_faults(results), *_footprint(results)]


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None


def _at_least(value: float | None, bound: float) -> bool | None:
    return None if value is None else value >= bound


def _at_most(value: float | None, bound: float) -> bool | None:
    return None if value is None else value <= bound


def _of(results: Results, scene: str, name: str = OURS.name) -> Result | None:
    return results.get((scene, name))


def _seconds(results: Results, scene: str) -> float | None:
    found = _of(results, scene)
    return found.seconds if found else None


def _rates(results: Results) -> Iterator[Aim]:
    ours = _of(results, "ok-responder")
    for other, factor in ((OCTOPRINT, 10), (PRINTCORE, 25)):
        theirs = _of(results, "ok-responder", other.name)
        times = _ratio(ours and ours.rate, theirs and theirs.rate)
        yield f"≥ {factor} × {other.name} on the responder", show(times, "{:.1f} ×"), _at_least(times, factor)
    raw = _of(results, "ok-responder", RAW.name)
    cost = _ratio(ours and ours.cpu, raw and raw.cpu)
    yield "CPU ≤ 1.5 × the raw loop's", show(cost, "{:.2f} ×"), _at_most(cost, 1.5)


def _times(results: Results) -> Iterator[Aim]:
    for scene, bound in (("1 ms", 1.1), ("8 ms", 1.7)):
        found = _of(results, scene)
        ratio = _ratio(found and found.seconds, found and found.ideal)
        others = ", ".join(
            f"{side.name} {show(_ratio(theirs.seconds, theirs.ideal), '{:.2f}')}"
            for side in (PING_PONG, OCTOPRINT, PRINTCORE)
            if (theirs := _of(results, scene, side.name))
        )
        seen = show(ratio, "{:.2f} ×") + (f" ({others})" if others else "")
        yield f"115,200 baud, {scene}: ≤ {bound} × ideal", seen, _at_most(ratio, bound)
    change = _ratio(_seconds(results, "1 ms, busy agent"), _seconds(results, "1 ms"))
    yield "a busy thread in the agent: < 5 %", show(change and change - 1, "{:+.1%}"), _at_most(change, 1.05)


def _faults(results: Results) -> Iterator[Aim]:
    clean = _seconds(results, "clean")
    ratio = _ratio(_seconds(results, "bad bytes"), clean)
    yield "bad bytes as 22 in 20,000 lines: ≤ 1.25 × clean", show(ratio, "{:.2f} ×"), _at_most(ratio, 1.25)
    found = _of(results, "lost ok")
    lost = sum(trial.lost for trial in found.trials) / len(found.trials) if found else 0
    cost = (found.seconds - clean) / lost if found and found.seconds and clean and lost else None
    yield "a lost ok costs ≤ 2 s", show(cost, "{:.2f} s"), _at_most(cost, 2.0)
    worn = _of(results, "seeds")
    if worn:
        good = sum(trial.exact and trial.seconds is not None for trial in worn.trials)
        spoilt = sum(trial.spoilt for trial in worn.trials)
        seen = f"{good} of {len(worn.trials)} seeds, {spoilt} bytes spoilt"
        yield "no line lost or doubled, whatever the seed", seen, good == len(worn.trials)


def _footprint(results: Results) -> Iterator[Aim]:
    large, agent = _of(results, "50 MB"), _of(results, "agent, idle")
    for name, idle in (("pump", _of(results, "idle")), ("agent", agent)):
        share = idle.more("share") if idle else None
        yield f"the {name} idle: ≤ 0.5 % of a core", show(share, "{:.2%}"), _at_most(share, 0.005)
    for name, most, found in (("pump on a file of 50 MB", 20, large), ("agent", 40, agent)):
        held = found.memory if found else None
        yield f"the {name}: ≤ {most} MB", show(held, "{:.1f} MB"), _at_most(held, most)
    growth = large.more("growth") if large else None
    yield "… the pump flat there", show(growth, "{:+.2f} MB"), _at_most(growth, 0.5)
