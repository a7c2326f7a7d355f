"""The agent as a whole: makes the clocks, threads and signals, and joins the parts.

Threads: the main one waits for a signal, and to be woken by an owner's command; `link` connects (and paho's own
reads); `reporter` sends the journal's events; `renewal` looks after our certificate; each printer's runner
drives that printer.
"""

import logging
import os
import random
import select
import signal
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime

from agent import settings
from agent.attempt.context import RunnerSettings
from agent.attempt.fetch import Fetcher
from agent.attempt.plate import PlateMaker
from agent.attempt.proof import Definitions, Proof
from agent.attempt.runner import Runner
from agent.consent.owner_answers import OwnerAnswers
from agent.consent.terms import terms
from agent.conversation.coordinator_clock import CoordinatorClock
from agent.conversation.link import AgentLink, broker_address
from agent.conversation.reporter import EventReporter
from agent.errors import OwnerError
from agent.journal import Journal
from agent.journal.attempts import BEFORE_MOTION, IN_MOTION
from agent.journal.file import JournalError
from agent.membership import identity
from agent.membership.renewal import Renewer
from agent.membership.trust import Trust
from agent.printers.catalogue import driver, kind_of
from agent.printers.kind import PrinterSettings
from agent.settings import Loaded
from agent.state_directory import WakeSocket, journal_path, lock
from wire import messages
from wire.errors import RemoteError
from wire.lifecycle import Step
from wire.manifest import Signed
from wire.messages import Ack, Down, Grant, Holding, Keys, Offer, Presence, Recall, Withdraw

log = logging.getLogger(__name__)

SOFTWARE = "muster-agent 0.1.0"
RETRY = 5.0
"""Seconds until a journal that can't be used is tried again."""


class AppError(OwnerError):
    """The agent can't run here. Says what to do."""


class SystemClock:
    """This machine's clocks."""

    def monotonic(self) -> float:
        """Seconds that also count while a laptop sleeps: what was said before it slept is old."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def now(self) -> datetime:
        """The wall clock."""
        return datetime.now(UTC)


def run(loaded: Loaded) -> int:
    """Run until SIGTERM, SIGINT or SIGHUP; the exit code.

    Raises:
        StateDirectoryError: another agent runs on this state, or it can't be written.
        AppError: two printers are one.
        IdentityError, LinkError, WebError, JournalError, PrinterError: see there; nothing was started.
    """
    with ExitStack() as stack:
        stack.enter_context(lock(loaded.state))
        journal = Journal(journal_path(loaded.state))
        stack.callback(journal.close)
        agent = AgentApp(loaded, journal)
        wake_socket = WakeSocket(loaded.state)
        stack.callback(wake_socket.close)
        return agent.run(wake_socket)


def check_apart(printers: tuple[PrinterSettings, ...]) -> None:
    """Hold that no two printers are one: a bed that was cleared under one name could be full under the other.

    Raises:
        AppError: two have the same port or address.
    """
    known: dict[str, str] = {}
    for printer in printers:
        place = kind_of(printer).place(printer)
        other = known.setdefault(place, printer.name)
        if other != printer.name:
            raise AppError(
                f"{other} and {printer.name} are one printer ({place}): take one out of the settings"
            )


class AgentApp:
    """All the parts of one agent, joined."""

    def __init__(self, loaded: Loaded, journal: Journal) -> None:
        check_apart(loaded.settings.printer)
        self._loaded = loaded
        self._journal = journal
        self._answers = OwnerAnswers(journal)
        self._identity = identity.load(loaded.state)
        self._clock = SystemClock()
        self._coordinator_clock = CoordinatorClock()
        self._trust = Trust(self._identity, self._expired)
        broker = broker_address(self._identity.answer.broker)
        if broker.tls:
            self._identity.context()  # what is damaged is told now
        self._link = AgentLink(
            broker,
            self._identity.agent,
            self._identity.context if broker.tls else None,
            connection=lambda: journal.counters.rise("connection"),
            birth=self._birth,
            receive=self._receive,
            arrived=self._arrived,
            random=random.random,
            monotonic=self._clock.monotonic,
        )
        self._stopping = threading.Event()
        self._news = threading.Event()
        self._broken = False
        self._fetcher = Fetcher(
            self._identity.answer.url,
            ca=self._identity.trust,
            wait=self._stopping.wait,
            random=random.random,
        )
        self._renewer = Renewer(self._identity, now=self._clock.now, random=random.random)
        self._reporter = EventReporter(journal, self._link.publish, self._holding)
        self._drivers = {printer.name: driver(printer, loaded.state) for printer in loaded.settings.printer}
        self._runners = {name: self._runner(name) for name in self._drivers}

    def run(self, wake_socket: WakeSocket) -> int:
        """Start all, wait for a signal, and let go of all; the exit code. Who wakes it has all look anew."""
        reading, writing = os.pipe()
        before = {
            number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }
        hook = threading.excepthook

        def wake(*_: object) -> None:
            os.write(writing, b".")

        def bug(problem: threading.ExceptHookArgs) -> None:
            self._bug(problem)
            wake()

        threading.excepthook = bug
        for number in before:
            signal.signal(number, wake)
        try:
            self._end_forsaken()
            for runner in self._runners.values():
                runner.reconcile()
            threads = [
                threading.Thread(target=self._drive, args=(runner,), name=runner.name)
                for runner in self._runners.values()
            ]
            threads.append(threading.Thread(target=self._report, name="reporter"))
            # A request under way is not waited for: whatever comes of it, it can be asked again.
            threading.Thread(target=self._renew, name="renewal", daemon=True).start()
            log.info("agent %s runs, with %s", self._identity.agent, ", ".join(self._runners))
            for warning in self._loaded.warnings:
                log.warning("%s", warning)
            for thread in threads:
                thread.start()
            self._link.start()
            self._wait(reading, wake_socket)
            log.info("stopping; what prints goes on printing")
            self._stop(threads)
        finally:
            threading.excepthook = hook
            for number, handler in before.items():
                signal.signal(number, handler)
            for end in (reading, writing):
                os.close(end)
        return 1 if self._broken else 0

    def _wait(self, signals: int, wake_socket: WakeSocket) -> None:
        """Wait for a signal, and have everybody look anew whenever it wakes us."""
        poller = select.poll()
        for descriptor in (signals, wake_socket.descriptor):
            poller.register(descriptor, select.POLLIN)
        while signals not in {descriptor for descriptor, _ in poller.poll()}:
            wake_socket.drain()
            for runner in self._runners.values():
                runner.awake.set()
            self._news.set()

    def _stop(self, threads: list[threading.Thread]) -> None:
        self._stopping.set()
        self._news.set()
        for runner in self._runners.values():
            runner.stop()
        for thread in threads:
            thread.join()
        for each in self._drivers.values():
            each.close()
        self._link.stop()

    def _end_forsaken(self) -> None:
        """End the attempts of printers that are not in the settings any more: nobody would ever look again.

        What is printed stays: only a person can say that it was taken off (`Beds.clear`).
        """
        for attempt in self._journal.attempts.open():
            if attempt.printer in self._runners:
                continue
            why = f"its printer {attempt.printer} is not in the settings any more"
            log.warning("%s, which is %s: %s", attempt.id, attempt.state, why)
            at = self._clock.now().timestamp()
            if attempt.state in IN_MOTION:
                look = f"{why}: ask its owner what lies on the bed"
                self._journal.attempts.record(attempt.id, Step.FAIL, at, look)
            elif attempt.state in BEFORE_MOTION:
                self._journal.attempts.record(attempt.id, Step.REFUSE, at, why)

    def _runner(self, name: str) -> Runner:
        loaded, printer = self._loaded, self._loaded.printer(name)
        objection = loaded.objections.get(name)
        folder = loaded.state / "files" / name
        url = self._identity.answer.url
        definitions = Definitions(loaded.state / "definitions" / name, url, self._fetcher)
        proof = Proof(self._trust, definitions, printer.profile)
        return Runner(
            RunnerSettings(
                printer=printer,
                hours=loaded.settings.hours,
                clear_from_page=loaded.settings.clear_from_page,
                terms=terms(loaded.settings.consent, self._identity.answer.url),
                unfit=settings.told(name, objection) if objection and objection.always else "",
            ),
            self._drivers[name],
            PlateMaker(folder, self._fetcher, loaded.scripts[name], printer.profile, proof.prove),
            self._journal,
            trust=self._trust,
            link=self._link,
            clock=self._clock,
            changed=self._news.set,
            expired=self._expired,
            early=lambda begins: self._coordinator_clock.early(begins, self._clock.monotonic()),
        )

    def _expired(self, expires: float) -> bool:
        return self._coordinator_clock.expired(expires, self._clock.monotonic())

    # ── on the link's threads ─────────────────────────────────────────────────────────────────────────────

    def _holding(self) -> Holding:
        """What we hold, as far as no grant to it may be on its way.

        The order matters: what is asked after the counter was read lies beyond it; what is taken after the readies
        that stand were looked at is left out by their counters; what was taken before is in the journal by then.
        """
        counter = self._journal.counters.last("ready")
        asked = [runner.asks() for runner in self._runners.values()]
        standing = [each - 1 for each in asked if each is not None]
        return self._journal.attempts.holding(min([counter, *standing]))

    def _birth(self, connection: int) -> Presence:
        for runner in self._runners.values():
            runner.again()
        return Presence(
            online=True,
            connection=connection,
            epoch=self._journal.epoch,
            software=SOFTWARE,
            place=self._loaded.place,
            printers=tuple(
                messages.Printer(
                    name=printer.name,
                    driver=printer.driver,
                    profile=printer.profile,
                    material=printer.material,
                )
                for printer in self._loaded.settings.printer
            ),
            holding=self._holding(),
            keys=self._trust.version,
        )

    def _arrived(self) -> None:
        self._reporter.again()
        self._news.set()
        for runner in self._runners.values():
            runner.again()

    def _receive(self, message: Down) -> None:
        """Do as it says, if its owner lets it; else the owner can read of it (`muster-agent refusals`)."""
        try:
            self._take(message)
        except RemoteError as error:
            self._answers.refuse("", str(error), self._clock.now().timestamp())
            raise

    def _take(self, message: Down) -> None:
        self._coordinator_clock.hear(message.sent, self._clock.monotonic())
        match message:
            case Grant(manifest=signed):
                self._take_grant(signed)
            case Offer():
                self._hear_offer(message)
            case Withdraw(offer=offer, why=why):
                if any(runner.withdraw(offer) for runner in self._runners.values()):
                    log.info("the offer %s was withdrawn: %s", offer, why)
            case Ack(epoch=epoch, seq=seq):
                self._note_ack(epoch, seq)
            case Keys(keys=keys):
                if self._trust.adopt(keys):
                    for runner in self._runners.values():
                        runner.again()  # what answers an older set is dropped: ask anew
            case Recall(epoch=epoch, seq=seq):
                if self._journal.events.recall(epoch, seq):
                    log.warning("the coordinator forgot all behind event %d: saying it again", seq)
                self._reporter.again()
                self._news.set()
            case messages.Request():
                self._hear_request(message)

    def _take_grant(self, signed: Signed) -> None:
        manifest = self._trust.open(signed)
        if manifest.agent != self._identity.agent or manifest.printer not in self._runners:
            raise RemoteError("not-ours", f"a grant for {manifest.agent} / {manifest.printer}: not taken")
        self._runners[manifest.printer].take(manifest, signed)

    def _hear_offer(self, offer: Offer) -> None:
        if offer.printer not in self._runners:
            raise RemoteError("not-ours", f"an offer for {offer.printer}, which is not here")
        self._runners[offer.printer].hear(offer)

    def _hear_request(self, request: messages.Request) -> None:
        attempt = self._journal.attempts.named(request.attempt)
        if attempt is None or attempt.printer not in self._runners:
            raise RemoteError("unknown-attempt", f"a request for {request.attempt}, which was never here")
        self._runners[attempt.printer].request(request)

    def _note_ack(self, epoch: str, seq: int) -> None:
        if not self._journal.events.acknowledge(epoch, seq):
            raise RemoteError(
                "future-ack",
                f"the coordinator has event {seq}, this journal does not: was an old copy restored?"
                f" Then stop the agent and remove {journal_path(self._loaded.state)}",
            )
        self._news.set()

    # ── the agent's own threads ───────────────────────────────────────────────────────────────────────────

    def _drive(self, runner: Runner) -> None:
        complained = False
        while not self._stopping.is_set():
            runner.awake.clear()
            try:
                delay = runner.step()
                complained = False
            except JournalError as error:
                if not complained:
                    log.error("%s stands still: %s", runner.name, error)  # noqa: TRY400  one readable line
                complained, delay = True, RETRY
            runner.awake.wait(delay)

    def _report(self) -> None:
        complained = False
        while not self._stopping.is_set():
            self._news.clear()
            try:
                self._reporter.step(self._clock.monotonic())
                complained = False
            except JournalError as error:
                if not complained:
                    log.error("can't report: %s", error)  # noqa: TRY400  one readable line
                complained = True
                self._stopping.wait(RETRY)
            # The command line may have written to the journal too.
            self._news.wait(1.0)

    def _renew(self) -> None:
        while not self._stopping.wait(self._renewer.step()):
            pass

    def _bug(self, problem: threading.ExceptHookArgs) -> None:
        """A thread ended by a mistake of ours: better none than half an agent; systemd starts it anew."""
        name = problem.thread.name if problem.thread else "?"
        trace = (problem.exc_type, problem.exc_value or problem.exc_type(), problem.exc_traceback)
        log.critical("a bug in thread %s: the agent stops", name, exc_info=trace)
        self._broken = True
