"""A first print without a coordinator: drawn, judged, and streamed over a real cable's far end."""

import time

import gcode_templates
from agent.attempt.following import observe
from agent.cli.tryout.bench import PATIENCE, PRINTER, VirtualBench
from agent.cli.watch import LiveScreen, Moment, PaperScreen, TimeLeft, WatchedJob, span
from agent.errors import OwnerError
from agent.journal.attempts import IN_MOTION
from agent.printers.catalogue import driver
from agent.printers.driver import Condition, Driver, Status
from gcode import draw
from gcode.document import decode
from gcode.gate import judge
from gcode.material import material
from gcode.part import Part
from gcode.plate import PlateError
from gcode.script import fill
from wire.lifecycle import State, advance

ATTEMPT = "first-print"
LOOK = 0.5
"""Seconds between two looks at the printer."""


class FirstPrintError(OwnerError):
    """There was nothing to print, or it was not printed. Says why."""


class FirstPrint:
    """`count` copies of a shipped part, on the printer of a bench."""

    def __init__(self, bench: VirtualBench, part: str, count: int, screen: LiveScreen | PaperScreen) -> None:
        self._bench = bench
        self._screen = screen
        self._part = part
        self._count = count
        self._file = bench.directory / "plate.gcode"

    def run(self) -> None:
        """Draw it, judge it and print it; returns when it is printed.

        Raises:
            FirstPrintError: the part can't be made so often, or the print failed.
            PrinterError: the printer did not take it.
            BenchError: the printer is gone.
        """
        seconds = self._prepare()
        far = driver(self._bench.printer, self._bench.loaded.state)
        try:
            self._meet(far)
            far.start(ATTEMPT, self._file, seconds)
            self._follow(far, seconds)
        finally:
            far.close()

    def _prepare(self) -> float:
        """Write the file that the printer gets; its estimated time on a real one, in seconds."""
        bench, note = self._bench, self._screen.note
        try:
            source = gcode_templates.part_source(self._part)
            part = decode(source, Part, f"{self._part}.toml")
            plastic = material(bench.printer.material)
            plate = draw.render(part, {}, bench.printer.profile, plastic, self._count)
        except (gcode_templates.UnknownTemplateError, PlateError) as error:
            raise FirstPrintError(str(error)) from None
        lines = plate.body.count(b"\n")
        note(f"drawn     {self._count} × {part.title}: {lines:,} lines of G-code, {plate.grams:.1f} g")
        around = fill(bench.loaded.scripts[PRINTER], bench.printer.profile, plastic)
        verdict = judge(around.start, [plate.body], around.end, bench.printer.profile, plastic)
        if not verdict.accepted:
            raise FirstPrintError(f"the gate refused line {verdict.line}: {verdict.reason}")
        self._file.write_bytes(around.start + plate.body + around.end)
        seconds = verdict.whole.seconds
        note(f"judged    the gate lets it pass; a real printer needs {span(seconds)} and some to heat up")
        return seconds

    def _meet(self, far: Driver) -> None:
        deadline = time.monotonic() + PATIENCE
        while (status := far.status()).condition is not Condition.IDLE:
            self._bench.check()
            if time.monotonic() > deadline:
                raise FirstPrintError(f"the virtual printer does not answer: {status.why}")
            time.sleep(LOOK / 5)
        self._screen.note(
            f"printing  {self._bench.speed:g} times as fast as a real one, over a virtual serial port"
        )

    def _follow(self, far: Driver, seconds: float) -> None:
        """See it printed, by the same rules as an agent."""
        state, pace, status, seen_at = State.STARTING, TimeLeft(), far.status(), time.monotonic()
        while state in IN_MOTION and time.monotonic() - seen_at < PATIENCE:
            self._bench.check()
            status = far.status()
            if status.condition is not Condition.UNREACHABLE:
                seen_at = time.monotonic()
            seen = observe(state, ATTEMPT, status, 0.0)
            if seen is not None:
                state = advance(state, seen[0])
            self._screen.draw(self._moment(state, status, pace, seconds))
            if state in IN_MOTION:
                time.sleep(LOOK)
        if state is not State.PRINTED:
            raise FirstPrintError(f"the print is {state}: {status.why or 'nobody knows why'}")

    def _moment(self, state: State, status: Status, pace: TimeLeft, seconds: float) -> Moment:
        job = WatchedJob(
            attempt=ATTEMPT,
            state=state,
            part=self._part,
            count=self._count,
            seconds=seconds / self._bench.speed,
        )
        return Moment(
            now=time.time(),
            printer=PRINTER,
            driver="serial",
            status=status,
            bed_clear=False,
            running=False,
            job=job,
            left=pace.left(job, status, time.monotonic()),
        )
