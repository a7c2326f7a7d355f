"""A try-out agent of a coordinator: joins by an invite, and prints what it is granted on a virtual printer."""

import contextlib
import time
from contextlib import ExitStack

from agent import state_directory
from agent.cli.tryout.bench import PRINTER, VirtualBench
from agent.cli.watch import LiveScreen, Moment, PaperScreen, Watcher, span
from agent.errors import OwnerError
from agent.intervention import stopping
from agent.journal import Journal
from agent.membership.enrolment import enrol
from agent.printers.driver import Condition
from wire.enrolment import Invite
from wire.lifecycle import State

LOOK = 0.5
"""Seconds between two looks."""
LAST = 10.0
"""Seconds for the print that runs to stop, and as many for the coordinator to hear of all."""
SAID = {
    State.CHECKED: "checked   drawn here too and found the same, and the gate lets it pass",
    State.STARTING: "started   the bed counts as not clear from now on",
    State.PRINTED: "printed   you would take it off now and say muster-agent clear; here that is done for you",
    State.CLEARED: "cleared   the bed is free for the next one",
}
OVER = {State.REFUSED, State.FAILED, State.CANCELLED}


class TryoutAgent:
    """An agent of this name, with the printer of a bench."""

    def __init__(self, bench: VirtualBench, name: str, screen: LiveScreen | PaperScreen) -> None:
        self._bench = bench
        self._name = name
        self._screen = screen
        self._loaded = bench.loaded
        self._seen: tuple[str, State] | None = None
        self._granted = ""
        self._complained = 0

    def run(self, invite: Invite, trust: str, plates: int | None) -> None:
        """Join, and print what is granted: so many plates, or without end. Ctrl-C ends it in order.

        Raises:
            EnrolmentError: the coordinator did not take us.
            BenchError: the agent or its printer has ended.
        """
        known = enrol(invite, self._name, self._loaded.state, trust)
        self._screen.note(f"enrolled  as {self._name} at {known.answer.url}")
        with ExitStack() as stack:
            journal = Journal(state_directory.journal_path(self._loaded.state))
            stack.callback(journal.close)
            journal.beds.clear(PRINTER, time.time(), "nothing lies on a virtual bed")
            self._bench.start("run")
            watcher = Watcher(self._loaded, self._bench.printer, speed=self._bench.speed)
            stack.callback(watcher.close)
            self._screen.note(
                "waiting   for work: a need that is filed at the coordinator may be granted here"
            )
            try:
                self._follow(watcher, journal, plates)
            except KeyboardInterrupt:
                self._screen.note("ending    what is not printed yet is given back")
            self._leave(journal)

    def _follow(self, watcher: Watcher, journal: Journal, plates: int | None) -> None:
        done: set[str] = set()
        while plates is None or len(done) < plates:
            self._bench.check()
            self._pass_on_complaints()
            moment = watcher.look()
            self._note(moment)
            if (
                moment.job or moment.status.condition is not Condition.UNREACHABLE
            ):  # else it is just coming up
                self._screen.draw(moment)
            if moment.job and moment.job.state is State.CLEARED and not moment.unheard:
                done.add(moment.job.attempt)
            self._clear(moment, journal)
            time.sleep(LOOK)

    def _note(self, moment: Moment) -> None:
        """Say what has happened to the plate since the last look."""
        job = moment.job
        if job is None or self._seen == (job.attempt, job.state):
            return
        self._seen = (job.attempt, job.state)
        if self._granted != job.attempt:
            self._granted = job.attempt
            takes = span(job.seconds)
            self._screen.note(
                f"granted   {job.count} × {job.part}, about {takes} at this speed: {job.attempt}"
            )
        if job.state in OVER:
            self._screen.note(f"{job.state:<9} {job.refused or moment.status.why or 'see the coordinator'}")
        elif job.state in SAID:
            self._screen.note(SAID[job.state])

    def _clear(self, moment: Moment, journal: Journal) -> None:
        """Take off what a maker would."""
        over = moment.job is not None and moment.job.state in OVER | {State.PRINTED}
        if over and not moment.bed_clear and moment.status.condition is Condition.IDLE:
            journal.beds.clear(PRINTER, time.time(), "it was a try-out: nothing lies there")
            state_directory.wake(self._loaded.state)

    def _pass_on_complaints(self) -> None:
        said = self._bench.said("run")
        for line in said[self._complained :]:
            if " WARNING " in line or " ERROR " in line:
                self._screen.note(f"agent     {line.split(maxsplit=3)[-1]}")
        self._complained = len(said)

    def _leave(self, journal: Journal) -> None:
        """Give back what is not printed, and let the coordinator hear of it."""
        attempt = journal.attempts.current(PRINTER)
        try:
            if attempt is not None and attempt.state is State.PRINTED:
                journal.beds.clear(PRINTER, time.time())
                state_directory.wake(self._loaded.state)
            elif attempt is not None:
                stopping.stop(self._loaded, PRINTER, told=False, give_up=False, wait=LAST)
        except OwnerError as error:
            self._screen.note(f"agent     {error}")
        deadline = time.monotonic() + LAST
        with contextlib.suppress(OwnerError):
            while journal.events.unheard() and time.monotonic() < deadline:
                time.sleep(LOOK / 5)
        self._screen.note(
            f"left      the coordinator still lists it: muster agent revoke {self._name} takes it off"
        )
