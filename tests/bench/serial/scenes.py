"""What the hosts are put through."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from msgspec import Struct

from tests.bench.serial import household, plates, theory
from tests.bench.serial.sides import OCTOPRINT, OURS, PING_PONG, PRINTCORE, SIDES, Side
from tests.bench.serial.trial import Trial, against_printer, against_responder, at_length
from tests.farend.cable import Quality

NEAR = Quality(latency=0.001)
FAR = Quality(latency=0.008)
QUICK_LINE = Quality(baud=250_000, latency=0.0005)
BAD_BYTE = 25_000
"""One byte in so many is bad: 22 in 20,000 lines of 27 bytes."""
LANES = 3
"""Trials on cables that run side by side: they wait most of the time."""


class Scale(Struct, frozen=True):
    """How much is done."""

    runs: int
    near: int
    far: int
    faults: int
    seeds: int
    share: float
    """What part of the lines each host gets where nothing limits it."""


FULL = Scale(runs=3, near=1500, far=500, faults=3000, seeds=10, share=1.0)
QUICK = Scale(runs=1, near=600, far=200, faults=1500, seeds=3, share=0.4)


class Result(Struct, frozen=True):
    """One host in one scene: its trials, and what they should have taken at best, if that is known."""

    scene: str
    side: Side
    trials: list[Trial]
    ideal: float | None = None

    @property
    def finished(self) -> list[Trial]:
        """Those that came to their end."""
        return [trial for trial in self.trials if trial.seconds is not None]

    @property
    def seconds(self) -> float | None:
        """The median; None if one never ended."""
        times = [trial.seconds for trial in self.trials if trial.seconds is not None]
        return median(times) if times and len(times) == len(self.trials) else None

    @property
    def rate(self) -> float | None:
        """Lines a second, by the median."""
        rates = [trial.lines / trial.seconds for trial in self.trials if trial.seconds]
        return median(rates) if rates else None

    @property
    def cpu(self) -> float | None:
        """CPU seconds for 100,000 lines, by the median."""
        known = [
            trial.cpu / trial.lines * 100_000
            for trial in self.trials
            if trial.cpu is not None and trial.lines
        ]
        return median(known) if known else None

    @property
    def late(self) -> float | None:
        """How much of what its cables delivered came late, by the median; None without a cable."""
        known = [trial.late for trial in self.finished if self.ideal is not None]
        return median(known) if known else None

    def more(self, name: str) -> float | None:
        """Another figure of its trials, by the median."""
        known = [trial.more[name] for trial in self.trials if name in trial.more]
        return median(known) if known else None

    @property
    def memory(self) -> float | None:
        """MB at most."""
        return max((trial.rss for trial in self.trials if trial.rss is not None), default=None)


Results = dict[tuple[str, str], Result]
"""By scene and by the host's name."""


def present() -> list[Side]:
    """The hosts whose environments are set up."""
    return [side for side in SIDES if side.is_there]


def rates(scale: Scale) -> Iterable[Result]:
    """A responder that is never the limit, one host at a time; the runs take turns, so that all have the same luck."""
    trials: dict[str, list[Trial]] = {side.name: [] for side in present()}
    for _ in range(scale.runs):
        for side in present():
            trials[side.name].append(against_responder(side, int(side.lines * scale.share)))
    return [Result("ok-responder", side, trials[side.name]) for side in present()]


def cables(scale: Scale) -> Iterable[Result]:
    """The virtual printer in real time, at the end of cables good and bad."""
    near, far = plates.curve(scale.near), plates.curve(scale.far)
    tiny = plates.curve(scale.faults, length=plates.TINY, feed=100, precise=False)
    resending = [side for side in present() if side.resends]
    jobs: list[tuple[str, Side, list[str], Quality, int, str]] = []
    for run in range(scale.runs):
        bad = Quality(baud=QUICK_LINE.baud, latency=QUICK_LINE.latency, bad=BAD_BYTE, seed=run)
        jobs += [("1 ms", side, near, NEAR, 40, "") for side in present()]
        jobs += [("8 ms", side, far, FAR, 40, "") for side in present()]
        jobs += [("clean", side, tiny, QUICK_LINE, 40, "") for side in resending]
        jobs += [
            ("bad bytes", side, tiny, bad, 40, "") for side in resending if side is not PRINTCORE or not run
        ]
        jobs.append(("1 ms, busy agent", OURS, near, NEAR, 40, "busy"))
        loss = Quality(
            baud=QUICK_LINE.baud, latency=QUICK_LINE.latency, lost_ok=scale.faults * 2 // 3 + 50 * run
        )
        jobs.append(("lost ok", OURS, tiny, loss, 50, ""))
        if not run and scale.runs > 1:
            others = [side for side in (PING_PONG, OCTOPRINT, PRINTCORE) if side.is_there]
            jobs += [("lost ok", side, tiny, loss, 70, "") for side in others]
    for seed in range(scale.seeds):
        worn = Quality(
            baud=QUICK_LINE.baud, latency=QUICK_LINE.latency, bad=50_000, bad_back=50_000, seed=100 + seed
        )
        jobs.append(("seeds", OURS, tiny, worn, 60, ""))
    tight = plates.ideal(tiny)
    ideals = {"1 ms": plates.ideal(near), "1 ms, busy agent": plates.ideal(near), "8 ms": plates.ideal(far)}
    with ThreadPoolExecutor(LANES) as lanes:
        waiting = [lanes.submit(against_printer, *job[1:]) for job in jobs]
        trials = [done.result() for done in waiting]
    gathered: dict[tuple[str, Side], list[Trial]] = {}
    for job, trial in zip(jobs, trials, strict=True):
        gathered.setdefault((job[0], job[1]), []).append(trial)
    return [Result(scene, side, found, ideals.get(scene, tight)) for (scene, side), found in gathered.items()]


def rests(scale: Scale) -> Iterable[Result]:
    """What our own host needs while it does nothing, and while it prints a file of 50 MB."""
    agents, pumps = zip(*(household.at_rest() for _ in range(scale.runs)), strict=True)
    return [
        Result("agent, idle", OURS, list(agents)),
        Result("idle", OURS, list(pumps)),
        Result("50 MB", OURS, [at_length(OURS, "grows", 1_750_000) for _ in range(scale.runs)]),
    ]


def theories(scale: Scale) -> list[tuple[str, float | None, float | None, float | None]]:
    """In virtual time: each cable with our rules, a window of 127 bytes, and one line at a time; times of ideal."""
    near, far = plates.curve(scale.near), plates.curve(scale.far)
    tiny = plates.curve(scale.faults, length=plates.TINY, feed=100, precise=False)
    rows: list[tuple[str, float | None, float | None, float | None]] = []
    for name, lines, quality in (("1 ms", near, NEAR), ("8 ms", far, FAR), ("clean", tiny, QUICK_LINE)):
        best = plates.ideal(lines)
        rules = (theory.Ours(lines), theory.Window(lines, 127), theory.Window(lines, 0))
        ours, window, single = (theory.seconds(rule, quality) for rule in rules)
        rows.append((name, ours and ours / best, window and window / best, single and single / best))
    best = plates.ideal(tiny)
    for name, bad, lost_ok in (("bad bytes", BAD_BYTE, 0), ("lost ok", 0, scale.faults * 2 // 3)):
        quality = Quality(baud=QUICK_LINE.baud, latency=QUICK_LINE.latency, bad=bad, lost_ok=lost_ok)
        ours = theory.seconds(theory.Ours(tiny), quality)
        rows.append((name, ours and ours / best, None, None))
    return rows


EVERY: list[Callable[[Scale], Iterable[Result]]] = [rates, cables, rests]


def play(scale: Scale) -> Results:
    """All scenes, in their order."""
    return {(result.scene, result.side.name): result for scene in EVERY for result in scene(scale)}
