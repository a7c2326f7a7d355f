"""A live view of one printer in the terminal, from the journal and over the shoulder of what drives it.

Plain ANSI and the standard library: eight lines that are drawn anew once a second don't justify rich, four packages
of 13 MB on a maker's card.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TextIO

import msgspec
from msgspec import Struct

from agent.cli.overview import refusal
from agent.errors import OwnerError
from agent.journal import Journal
from agent.printers.catalogue import kind_named, kind_of, onlooker
from agent.printers.driver import Condition, Heat, Onlooker, Status
from agent.printers.kind import PrinterSettings
from agent.prose import wrap
from agent.settings import Loaded
from agent.state_directory import journal_path, runs
from wire.lifecycle import State, Step
from wire.manifest import Manifest

PACE_SECONDS = 30.0
"""From so long a look on, the printer's own pace tells more than the estimate."""
PACE_PROGRESS = 0.02
LATE_SECONDS = 30.0
"""An event that the coordinator has not acknowledged for so long is worth a word."""
MOST_EVENTS = 1000
WIDTH = 30
NEAR = 3.0
"""°C from its target at which a heater counts as there."""
DEAF = {Condition.FAULT, Condition.UNREACHABLE}
"""A printer that stopped itself tells no temperature any more."""
IN_MOTION = {Condition.LOADING, Condition.PRINTING, Condition.PAUSED}


class WatchError(OwnerError):
    """There is nothing to watch. Says what to name."""


class WatchedJob(Struct, frozen=True, kw_only=True):
    """The attempt that a printer has, or had last. `seconds` is its estimated time."""

    attempt: str
    state: State
    part: str
    count: int
    seconds: float
    refused: str = ""


class Unheard(Struct, frozen=True):
    """Something that happened here and that the coordinator has not acknowledged; `at` is wall-clock time."""

    step: Step
    at: float


class Moment(Struct, frozen=True, kw_only=True):
    """All that is shown, at wall-clock time `now`. `left` are seconds to the end, None where nobody can say."""

    now: float
    printer: str
    driver: str
    status: Status
    bed_clear: bool
    running: bool
    job: WatchedJob | None = None
    left: float | None = None
    unheard: tuple[Unheard, ...] = ()


class TimeLeft:
    """How long a print will take yet, by its own pace since somebody looks, else by the estimate."""

    def __init__(self) -> None:
        self._of: str | None = None
        self._since = 0.0
        self._from = 0.0

    def left(self, job: WatchedJob | None, status: Status, now: float) -> float | None:
        """Seconds to the end; `now` is monotonic."""
        if job is None or status.attempt != job.attempt or status.condition is not Condition.PRINTING:
            self._of = None
            return None
        if self._of != job.attempt or status.progress < self._from:
            self._of, self._since, self._from = job.attempt, now, status.progress
        seconds, done = now - self._since, status.progress - self._from
        if seconds >= PACE_SECONDS and done >= PACE_PROGRESS:
            return (1.0 - status.progress) * seconds / done
        return (1.0 - status.progress) * job.seconds


class Screen(Protocol):
    """Where a view is drawn."""

    def draw(self, moment: Moment) -> None:
        """Show this moment in the place of the last one."""
        ...


class LiveScreen:
    """A terminal: each moment is drawn over the last one, as the lines that `shown` makes of it."""

    def __init__(
        self, stream: TextIO, columns: Callable[[], int], shown: "Callable[[Moment], list[str]] | None" = None
    ) -> None:
        self._stream = stream
        self._columns = columns
        self._shown = shown or frame
        self._drawn = 0

    def draw(self, moment: Moment) -> None:
        """Show this moment in the place of the last one."""
        self._drawn = self._write(self._shown(moment))

    def note(self, line: str) -> None:
        """Say something that stays, in the place of the last moment; the next one is drawn below it."""
        self._write([line])
        self._drawn = 0

    def _write(self, lines: list[str]) -> int:
        """Write these in the place of what was drawn last; how many lines they take."""
        # No line is wider than the window: then it is known how far up the last one began.
        width = self._columns() - 1
        lines = [line[:width] for each in lines for line in wrap(each, width).splitlines() or [""]]
        up = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
        self._stream.write(up + "".join(f"{line}\n" for line in lines))
        self._stream.flush()
        return len(lines)


class PaperScreen:
    """A pipe or a file: a line whenever what `shown` makes of a moment has changed."""

    def __init__(self, stream: TextIO, shown: "Callable[[Moment], str] | None" = None) -> None:
        self._stream = stream
        self._shown = shown or gist
        self._last = ""

    def draw(self, moment: Moment) -> None:
        """Show this moment if it is another than the last one."""
        line = self._shown(moment)
        if line != self._last:
            self._stream.write(f"{_clock(moment.now)} {line}\n")
            self._stream.flush()
            self._last = line

    def note(self, line: str) -> None:
        """Say something beside."""
        self._stream.write(f"{line}\n")
        self._stream.flush()


class JsonScreen:
    """A program: each moment as one JSON object on a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def draw(self, moment: Moment) -> None:
        """Show this moment."""
        self._stream.write(msgspec.json.encode(moment).decode() + "\n")
        self._stream.flush()


class Watcher:
    """Looks at one printer; disturbs neither it nor the agent."""

    def __init__(self, loaded: Loaded, printer: PrinterSettings, *, speed: float = 1.0) -> None:
        """Begin to look. A virtual printer may be so many times as fast as what is estimated.

        Raises:
            PrinterError: the printer's settings can't be right.
            JournalError: the journal can't be read.
        """
        self._loaded = loaded
        self._printer = printer
        self._speed = speed
        self._pace = TimeLeft()
        path = journal_path(loaded.state)
        self._looks: Onlooker = onlooker(printer, loaded.state)
        self._journal = Journal(path) if path.exists() else None

    def look(self) -> Moment:
        """See how it is now."""
        name, journal = self._printer.name, self._journal
        status = self._looks.status()
        job = _job(journal, name, self._speed) if journal else None
        return Moment(
            now=time.time(),
            printer=name,
            driver=self._printer.driver,
            status=status,
            bed_clear=journal.beds.is_clear(name) if journal else False,
            running=runs(self._loaded.state),
            job=job,
            left=self._pace.left(job, status, time.monotonic()),
            unheard=_unheard(journal, job),
        )

    def watch(self, screen: Screen, *, once: bool = False) -> None:
        """Look and draw until somebody interrupts it; or only `once`."""
        while True:
            screen.draw(self.look())
            if once:
                return
            time.sleep(kind_of(self._printer).look_seconds)

    def close(self) -> None:
        """Look no more."""
        self._looks.close()
        if self._journal:
            self._journal.close()


def chosen(loaded: Loaded, name: str | None) -> PrinterSettings:
    """The printer of this name; without one, the one that there is, or the one that has work.

    Raises:
        WatchError: several could be meant.
        SettingsError: none is called so.
    """
    printers = loaded.settings.printer
    if name is not None:
        return loaded.printer(name)
    if len(printers) == 1:
        return printers[0]
    path = journal_path(loaded.state)
    busy: list[PrinterSettings] = []
    if path.exists():
        journal = Journal(path)
        try:
            busy = [each for each in printers if journal.attempts.current(each.name)]
        finally:
            journal.close()
    if len(busy) == 1:
        return busy[0]
    names = ", ".join(printer.name for printer in printers)
    raise WatchError(f"which printer? There are: {names} (muster-agent watch PRINTER)")


def frame(moment: Moment, *, agent: bool = True, advice: bool = True) -> list[str]:
    """The view as lines; without an `agent` or without `advice` (what to say to it) where there is none. Pure."""
    status, job = moment.status, moment.job
    lines = [f"{moment.printer}  {status.condition}  ({moment.driver})  {_clock(moment.now)}"]
    if job:
        lines.append(f"  job     {job.part} × {job.count}, {job.state}: {job.attempt}")
        if job.refused:
            lines.append(f"  refused {job.refused}")
        if status.attempt == job.attempt:
            lines.append(f"  print   {_bar(status.progress)} {status.progress:4.0%}{_end(moment)}")
    else:
        lines.append("  job     none")
    stale = status.condition in DEAF
    lines.append(f"  nozzle  {_heat(status.nozzle, stale=stale)}")
    clear = "clear" if moment.bed_clear else "not clear"
    if advice and not moment.bed_clear:
        clear += f": muster-agent clear {moment.printer}"
    lines.append(f"  bed     {_heat(status.bed, stale=stale)}; {clear}")
    if agent:
        lines.append(f"  agent   {'runs' if moment.running else 'does not run'}; {_known(moment)}")
    if status.why:
        lines.append(f"  note    {status.why}")
    if advice and status.condition is Condition.FAULT and kind_named(moment.driver).elsewhere is None:
        lines.append(f"  then    muster-agent reset {moment.printer}")
    return ["".join(char for char in line if char.isprintable()) for line in lines]


def gist(moment: Moment, *, agent: bool = True) -> str:
    """The view in one line, coarse enough that it changes only with something of note; `agent` as in `frame`. Pure."""
    status, job = moment.status, moment.job
    work = f", {job.part} × {job.count} {job.state}" if job else ""
    work += f" ({job.refused})" if job and job.refused else ""
    done = f" {int(status.progress * 20) * 5} %" if status.condition in IN_MOTION else ""
    bed = "clear" if moment.bed_clear else "not clear"
    why = f": {status.why}" if status.why else ""
    beside = f", bed {bed}, {_known(moment)}" if agent else ""
    line = f"{moment.printer} {status.condition}{done}{work}{beside}{why}"
    return "".join(char for char in line if char.isprintable())


def _job(journal: Journal, printer: str, speed: float) -> WatchedJob | None:
    attempt = journal.attempts.current(printer) or journal.attempts.latest(printer)
    if attempt is None:
        return None
    manifest = msgspec.json.decode(attempt.signed.body, type=Manifest)
    return WatchedJob(
        attempt=attempt.id,
        state=attempt.state,
        part=manifest.part,
        count=manifest.count,
        seconds=manifest.seconds / speed,
        refused=refusal(journal, printer),
    )


def _unheard(journal: Journal | None, job: WatchedJob | None) -> tuple[Unheard, ...]:
    if journal is None or job is None:
        return ()
    events = journal.events.untold(limit=MOST_EVENTS)
    return tuple(Unheard(event.step, event.at) for event in events if event.attempt == job.attempt)


def _known(moment: Moment) -> str:
    """What the coordinator knows of the job."""
    if moment.job is None:
        return "no job was taken yet"
    if not moment.unheard:
        return f"the coordinator knows: {moment.job.state}"
    steps = ", ".join(each.step for each in moment.unheard[-4:])
    waits = moment.now - moment.unheard[0].at
    since = f" for {span(waits)}" if waits >= LATE_SECONDS else ""
    return f"the coordinator does not know yet{since}: {steps}"


def _end(moment: Moment) -> str:
    if moment.left is None:
        return ""
    return f"  about {span(moment.left)} left, until {_clock(moment.now + moment.left)[:5]}"


def _heat(heat: Heat | None, *, stale: bool) -> str:
    if heat is None:
        return "unknown"
    if stale:
        return f"{heat.actual:3.0f} °C when it was last heard of"
    if heat.target <= 0:
        return f"{heat.actual:3.0f} °C, off"
    way = "held at" if abs(heat.actual - heat.target) <= NEAR else "on its way to"
    return f"{heat.actual:3.0f} °C, {way} {heat.target:.0f}"


def _bar(fraction: float) -> str:
    full = round(min(1.0, max(0.0, fraction)) * WIDTH)
    return "[" + "#" * full + "." * (WIDTH - full) + "]"


def span(seconds: float) -> str:
    """So much time, as a person says it."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
