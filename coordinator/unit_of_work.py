"""The unit of work: what is changed in the database together, and what is told once that is committed.

Whoever is told before the commit acts on what may never be: a broker asked for the list of revoked agents before the
revocation is there goes on letting them in. So a unit collects what is to be told; the outermost commit releases it, a
rollback drops it, and nobody but this file can tell anything (`tests/unit/coordinator/test_unit_of_work.py`).
"""

import contextlib
from collections.abc import Callable, Generator
from contextvars import ContextVar
from dataclasses import dataclass

import structlog

from coordinator.store.engine import Store, Tx
from wire.messages import Down

log = structlog.get_logger("unit-of-work")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlets:
    """Where things are told. None may block; one that fails keeps no other from being told."""

    publish: Callable[..., None]
    """Subjects that changed, to open pages (`ChangeFeed.publish`)."""
    post: Callable[[str, Down], None]
    """A message to an agent (`Link.publish`)."""
    replan: Callable[[], None]
    """Wakes the planner."""
    readmit: Callable[[], None]
    """Has the link and the broker read anew who may speak."""


NOBODY_LISTENS = Outlets(
    publish=lambda *_: None, post=lambda _, __: None, replan=lambda: None, readmit=lambda: None
)
"""For a command beside the process that serves, which looks for itself what has changed."""


class Outbox:
    """What is to be told. It goes out in this order: messages, access, changes, the planner; then what `then` names."""

    def __init__(self) -> None:
        self._messages: list[tuple[str, Down]] = []
        self._subjects: dict[str, None] = {}
        self._access = False
        self._plan = False
        self._then: list[Callable[[], None]] = []

    def post(self, agent: str, message: Down) -> None:
        """Say this to an agent."""
        self._messages.append((agent, message))

    def changed(self, *subjects: str) -> None:
        """These changed, such as `need/n1` or `printer/anna/mk3`; see `changes.py`."""
        self._subjects.update(dict.fromkeys(subjects))

    def replan(self) -> None:
        """There may be work to give out, or somebody to do it."""
        self._plan = True

    def access_changed(self) -> None:
        """An agent joined, or may not speak any more."""
        self._access = True

    def then(self, effect: Callable[[], None]) -> None:
        """Do this, too: for logs and counts, which must not say what never was."""
        self._then.append(effect)

    def take(self, other: "Outbox") -> None:
        """What the other has is told with this one's."""
        self._messages += other._messages
        self._subjects |= other._subjects
        self._access |= other._access
        self._plan |= other._plan
        self._then += other._then

    def release(self, outlets: Outlets) -> None:
        """Tell it all."""
        for agent, message in self._messages:
            _safely(outlets.post, agent, message)
        if self._access:
            _safely(outlets.readmit)
        if self._subjects:
            _safely(outlets.publish, *self._subjects)
        if self._plan:
            _safely(outlets.replan)
        for effect in self._then:
            _safely(effect)


class UnitOfWork(Outbox):
    """A transaction that is open, its moment, and what is told when it is committed."""

    def __init__(self, tx: Tx, now: float) -> None:
        super().__init__()
        self.tx = tx
        self.now = now
        """Seconds since 1970 UTC when it began."""


class UnitsOfWork:
    """Begins them. Safe to use from any thread."""

    def __init__(self, store: Store, outlets: Outlets, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since 1970 UTC."""
        self._store = store
        self._outlets = outlets
        self._clock = clock
        self._open: ContextVar[Outbox | None] = ContextVar("open unit of work", default=None)

    @contextlib.contextmanager
    def begin(self) -> Generator[UnitOfWork]:
        """All or nothing, told after the commit; inside another unit, a part of it that can fail by itself."""
        around = self._open.get()
        with self._store.write() as tx:
            unit = UnitOfWork(tx, self._clock())
            with self._is_open(unit):
                yield unit
        self._hand_on(unit, around)

    @contextlib.contextmanager
    def unrecorded(self) -> Generator[Outbox]:
        """For what no transaction needs to have kept; told at the block's end, or with the unit around it."""
        around = self._open.get()
        outbox = Outbox()
        with self._is_open(outbox):
            yield outbox
        self._hand_on(outbox, around)

    @contextlib.contextmanager
    def _is_open(self, outbox: Outbox) -> Generator[None]:
        before = self._open.set(outbox)
        try:
            yield
        finally:
            self._open.reset(before)

    def _hand_on(self, done: Outbox, around: Outbox | None) -> None:
        if around is None:
            done.release(self._outlets)
        else:
            around.take(done)


def _safely(tell: Callable[..., None], *what: object) -> None:
    try:
        tell(*what)
    except Exception:
        log.exception("it is committed, but somebody could not be told")
