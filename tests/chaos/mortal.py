"""Runs the real `muster-agent` or `muster` so that it can be killed at any commit, and keeps a history of it.

    python -m tests.chaos.mortal --control FILE --diary FILE [--plant NAME] -- agent --config FILE run

The product has no hooks for this: the one place where each tower commits is wrapped at the start of the process,
and so are the few functions whose calls make up the history (`SEAMS`).
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from tests.chaos import plants, tempo
from tests.chaos.control import AFTER, BEFORE, Control
from tests.chaos.diary import Diary

SEAMS = (
    "agent.journal.file.JournalFile.transaction",
    "agent.journal.steps.write",
    "agent.journal.attempts.Attempts.take",
    "agent.journal.events.Events.acknowledge",
    "agent.conversation.link.AgentLink.publish",
    "agent.printers.serial.driver.SerialDriver.start",
    "coordinator.store.engine.Store.write",
    "coordinator.conversation.Conversation.hear",
    "coordinator.mqtt.link.CoordinatorLink.publish",
)
"""What is wrapped: a test holds that all of it is there."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.mortal")
    parser.add_argument("--control", type=Path, required=True)
    parser.add_argument("--diary", type=Path, required=True)
    parser.add_argument("--plant", choices=plants.NAMES)
    parser.add_argument("tower", choices=("agent", "coordinator"))
    parser.add_argument("words", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    control, diary = Control(options.control), Diary(options.diary)
    _shift_clock(control)
    diary.note("born", pid=os.getpid())
    if options.tower == "agent":
        from agent import cli

        tempo.hasten_agent()
        _follow_agent(control, diary)
        plants.plant(options.plant)
        return cli.main(options.words)
    from coordinator.cli import main as serve

    tempo.hasten_coordinator()
    _follow_coordinator(control, diary)
    plants.plant(options.plant)
    sys.argv = ["muster", *options.words]
    serve()
    return 0


def _shift_clock(control: Control) -> None:
    right = time.time
    time.time = lambda: right() + control.ahead

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=control.ahead)

    if "agent" in sys.argv:
        from agent import app

        app.datetime = Shifted  # type: ignore[misc]
        return
    from apscheduler.executors import base as executors
    from apscheduler.schedulers import base as schedulers

    schedulers.datetime = Shifted
    executors.datetime = Shifted


def _follow_agent(control: Control, diary: Diary) -> None:
    from agent.conversation.link import AgentLink
    from agent.journal import steps
    from agent.journal.attempts import Attempts
    from agent.journal.events import Events
    from agent.journal.file import JournalFile
    from agent.printers.serial.driver import SerialDriver
    from wire.messages import Ready

    transaction, step, take, acknowledge = (
        JournalFile.transaction,
        steps.write,
        Attempts.take,
        Events.acknowledge,
    )
    publish, start = AgentLink.publish, SerialDriver.start
    here = threading.local()

    @contextmanager
    def mortal_transaction(self: JournalFile) -> Generator[Any]:
        here.steps = []
        noted: list[tuple[str, str]] = []
        try:
            with transaction(self) as db:
                yield db
                for attempt, taken in here.steps:
                    # Before the commit, since a process may be gone right after it.
                    diary.note("step", attempt=attempt, step=taken)
                    noted.append((attempt, taken))
                control.commits(BEFORE)
        except Exception:
            for attempt, taken in noted:
                diary.note("undone", attempt=attempt, step=taken)
            raise
        control.commits(AFTER)

    def noted_step(db: Any, attempt: str, taken: Any, *more: Any, **named: Any) -> Any:
        state = step(db, attempt, taken, *more, **named)
        here.steps.append((attempt, str(taken)))
        return state

    def noted_take(self: Attempts, manifest: Any, *more: Any, **named: Any) -> bool:
        diary.note("take", attempt=manifest.attempt, printer=manifest.printer, nonce=manifest.nonce)
        return take(self, manifest, *more, **named)

    def noted_acknowledge(self: Events, epoch: str, seq: int) -> bool:
        known = acknowledge(self, epoch, seq)
        if known and epoch == self._file.epoch:
            diary.note("acked", epoch=epoch, seq=seq)
        return known

    def noted_publish(self: AgentLink, message: Any) -> bool:
        if isinstance(message, Ready):
            diary.note("ready", printer=message.printer, nonce=message.nonce, counter=message.counter)
        return publish(self, message)

    def noted_start(self: SerialDriver, attempt: str, path: Path, seconds: float) -> None:
        diary.note("ordered", attempt=attempt, moves=moves_in(path.read_bytes()))
        start(self, attempt, path, seconds)

    JournalFile.transaction = mortal_transaction
    steps.write = noted_step
    Attempts.take = noted_take
    Events.acknowledge = noted_acknowledge
    AgentLink.publish = noted_publish
    SerialDriver.start = noted_start


def _follow_coordinator(control: Control, diary: Diary) -> None:
    from coordinator.conversation import Conversation
    from coordinator.mqtt.link import CoordinatorLink
    from coordinator.store.engine import Store
    from wire import codec

    write, hear, publish = Store.write, Conversation.hear, CoordinatorLink.publish

    @contextmanager
    def mortal_write(self: Store) -> Generator[Any]:
        with write(self) as tx:
            yield tx
            control.commits(BEFORE)
        control.commits(AFTER)

    def noted_hear(self: Conversation, agent: str, message: Any) -> None:
        hear(self, agent, message)
        diary.note("heard", agent=agent, kind=codec.kind(message))

    def noted_publish(self: CoordinatorLink, agent: str, message: Any) -> bool:
        sent = publish(self, agent, message)
        if sent:
            diary.note("said", agent=agent, kind=codec.kind(message))
        return sent

    Store.write = mortal_write
    Conversation.hear = noted_hear
    CoordinatorLink.publish = noted_publish


def moves_in(plate: bytes) -> int:
    """How many commands of a file put plastic down: a print that executed all of them made its units."""
    return sum(lays(line) for line in plate.decode("ascii").splitlines())


def lays(line: str) -> bool:
    """Whether a command pushes filament while it moves."""
    words = line.split()
    return bool(words) and words[0] in {"G1", "G2", "G3"} and any(word[0] == "E" for word in words[1:])


if __name__ == "__main__":
    sys.exit(main())
