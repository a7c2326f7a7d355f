"""Carries out a plan of faults, and keeps its own history of when each began and ended."""

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

from tests.chaos import disk
from tests.chaos.control import AFTER, BEFORE, Control
from tests.chaos.diary import Diary
from tests.chaos.faults import Fault
from tests.chaos.proc import Proc
from tests.chaos.proxy import DOWN, UP
from tests.chaos.stage import Maker, Stage

HANDS = 16
FALLS_WITHIN = 6.0
"""Seconds for which a process may live on that is to die at a chosen commit."""
RESTORE_WITHIN = 45.0
"""Seconds in which a person gets a back-up restored, at the latest."""
CLOCKS = (-7200.0, -3600.0, -60.0, 60.0, 3600.0, 7200.0)


class Nemesis:
    """One run's; `struck` counts by kind what was really done."""

    def __init__(self, stage: Stage, diary: Diary) -> None:
        self._stage = stage
        self._diary = diary
        self._makers = {maker.name: maker for maker in stage.makers}
        self._halt = threading.Event()
        self.struck: dict[str, int] = {}
        self._lock = threading.Lock()
        self._suffering: set[str] = set()
        self.forget: Callable[[bool], None] = lambda _: None
        """Called when the coordinator is down: before what it knows is replaced, with True, and after that."""

    def halt(self) -> None:
        """Begin nothing new."""
        self._halt.set()

    def carry_out(self, faults: Sequence[Fault]) -> None:
        """All of it, in its time; returns when the last has ended."""
        began = time.monotonic()
        with ThreadPoolExecutor(HANDS, thread_name_prefix="nemesis") as hands:
            running = []
            for fault in faults:
                if self._halt.wait(max(0.0, began + fault.at - time.monotonic())):
                    break
                running.append(hands.submit(self._strike, fault))
        for each in running:
            each.result()

    def _strike(self, fault: Fault) -> None:
        with self._lock:
            if fault.target in self._suffering:
                return  # the last fault took longer than planned
            self._suffering.add(fault.target)
        began = time.monotonic()
        try:
            done = self._act(fault)
        finally:
            with self._lock:
                self._suffering.discard(fault.target)
        if not done:
            return  # its victim was not there
        with self._lock:
            self.struck[fault.kind] = self.struck.get(fault.kind, 0) + 1
        self._diary.note(
            "fault",
            kind=fault.kind,
            target=fault.target,
            planned=fault.at,
            began=began,
            ended=time.monotonic(),
        )

    def _act(self, fault: Fault) -> bool:
        act: Callable[[Fault], bool] = getattr(self, "_" + fault.kind.replace("-", "_"))
        return act(fault)

    def _maker(self, fault: Fault) -> Maker:
        return self._makers[fault.target]

    # ── makers ────────────────────────────────────────────────────────────────────────────────────────────

    def _kill_agent(self, fault: Fault) -> bool:
        return _kill(self._maker(fault).agent)

    def _fall_agent(self, fault: Fault) -> bool:
        maker = self._maker(fault)
        return self._fall(maker.agent, maker.control, fault)

    def _kill_pump(self, fault: Fault) -> bool:
        return _signal(self._maker(fault).pump, signal.SIGKILL)

    def _power_cut(self, fault: Fault) -> bool:
        maker = self._maker(fault)
        pump = maker.pump
        for each in (maker.agent, maker.printer):
            each.not_before = time.monotonic() + fault.lasts
        _signal(pump, signal.SIGKILL)
        done = [_kill(maker.printer), _kill(maker.agent)]
        self._pause(fault.lasts)
        return any(done)

    def _update_agent(self, fault: Fault) -> bool:
        maker = self._maker(fault)
        maker.agent.struck = True
        return maker.agent.signal(signal.SIGTERM)

    def _freeze_agent(self, fault: Fault) -> bool:
        return self._freeze([pid for pid in [self._maker(fault).agent.pid] if pid], fault)

    def _freeze_pump(self, fault: Fault) -> bool:
        return self._freeze([pid for pid in [self._maker(fault).pump] if pid], fault)

    def _lost_disk(self, fault: Fault) -> bool:
        maker = self._maker(fault)
        with maker.lock:
            maker.agent.not_before = time.monotonic() + 60
            if not _kill(maker.agent):
                return False
            _signal(maker.pump, signal.SIGKILL)  # its folder goes with the disk
            popen = maker.agent.popen
            if popen is not None:
                with contextlib.suppress(Exception):
                    popen.wait(5)
            maker.lose_disk()
            self._diary.note("lost-disk", agent=maker.name)
            maker.agent.not_before = time.monotonic() + 0.2
        return True

    def _full_disk(self, fault: Fault) -> bool:
        maker = self._maker(fault)
        disk.fill(maker.state, full=True)
        self._pause(fault.lasts)
        disk.fill(maker.state, full=False)
        return True

    def _agent_clock(self, fault: Fault) -> bool:
        return self._shift(self._maker(fault).control, fault)

    # ── cables ────────────────────────────────────────────────────────────────────────────────────────────

    def _cut(self, fault: Fault) -> bool:
        self._stage.mqtt.cut(fault.target)
        return True

    def _half_open(self, fault: Fault) -> bool:
        return self._hold(fault, UP, DOWN, cut=True)

    def _deaf(self, fault: Fault) -> bool:
        return self._hold(fault, DOWN, cut=False)

    def _mute(self, fault: Fault) -> bool:
        return self._hold(fault, UP, cut=False)

    def _delay(self, fault: Fault) -> bool:
        return self._set(fault, delay=Random(fault.dice).uniform(0.2, 3.0))

    def _double(self, fault: Fault) -> bool:
        return self._set(fault, double=1.0)

    def _lose(self, fault: Fault) -> bool:
        return self._set(fault, lose=0.5)

    def _stale(self, fault: Fault) -> bool:
        proxy = self._stage.mqtt
        proxy.withhold(fault.target)
        self._pause(fault.lasts)
        proxy.cut(fault.target)
        self._pause(Random(fault.dice).uniform(0.5, 5.0))
        proxy.deliver(fault.target)
        return True

    def _repeat(self, fault: Fault) -> bool:
        self._stage.mqtt.repeat(fault.target)
        return True

    def _web_cut(self, fault: Fault) -> bool:
        self._stage.web.cut("*")
        return True

    def _web_delay(self, fault: Fault) -> bool:
        self._stage.web.set("web", delay=Random(fault.dice).uniform(0.1, 1.0))
        self._pause(fault.lasts)
        self._stage.web.set("web")
        return True

    # ── the centre ────────────────────────────────────────────────────────────────────────────────────────

    def _kill_coordinator(self, fault: Fault) -> bool:
        return _kill(self._stage.coordinator)

    def _fall_coordinator(self, fault: Fault) -> bool:
        return self._fall(self._stage.coordinator, self._stage.control, fault)

    def _update_coordinator(self, fault: Fault) -> bool:
        self._stage.coordinator.struck = True
        return self._stage.coordinator.signal(signal.SIGTERM)

    def _freeze_coordinator(self, fault: Fault) -> bool:
        return self._freeze([pid for pid in [self._stage.coordinator.pid] if pid], fault)

    def _coordinator_clock(self, fault: Fault) -> bool:
        return self._shift(self._stage.control, fault)

    def _coordinator_disk(self, fault: Fault) -> bool:
        disk.fill(self._stage.data, full=True)
        self._pause(fault.lasts)
        disk.fill(self._stage.data, full=False)
        return True

    def _restore(self, fault: Fault) -> bool:
        """A back-up while it runs, life goes on for a while, and then the back-up is all that is left."""
        stage, kept = self._stage, self._stage.directory / "muster.backup"
        began = time.monotonic()
        if not stage.muster("backup", "--replace", str(kept)):
            return False
        self._pause(fault.lasts)
        coordinator = stage.coordinator
        coordinator.not_before = time.monotonic() + 120
        if not _kill(coordinator):
            return False
        if coordinator.popen is not None:
            with contextlib.suppress(Exception):
                coordinator.popen.wait(5)
        self.forget(True)
        deadline = time.monotonic() + RESTORE_WITHIN
        while not (done := stage.muster("restore", "--replace", str(kept))):
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)  # a database that is frozen, or still at what the dead coordinator had begun
        self.forget(False)
        self._diary.note("restored", done=done, to=began)
        for aside in stage.data.glob("*before-restore*"):
            shutil.rmtree(aside, ignore_errors=True) if aside.is_dir() else aside.unlink()
        coordinator.not_before = time.monotonic()
        return done

    def _kill_broker(self, fault: Fault) -> bool:
        if self._stage.broker is not None:
            return _kill(self._stage.broker)
        return _signal(self._stage.broker_pid(), signal.SIGKILL)

    def _freeze_broker(self, fault: Fault) -> bool:
        return self._freeze([pid for pid in [self._stage.broker_pid()] if pid], fault)

    def _kill_database(self, fault: Fault) -> bool:
        pids = self._stage.database_pids()
        if not pids:
            return False
        self._stage.postgres_struck = True
        return _signal(pids[0], signal.SIGKILL)

    def _kill_backend(self, fault: Fault) -> bool:
        pids = self._stage.database_pids()[1:]
        return bool(pids) and _signal(Random(fault.dice).choice(pids), signal.SIGKILL)

    def _freeze_database(self, fault: Fault) -> bool:
        return self._freeze(self._stage.database_pids(), fault)

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)  # also when the run halts: a fault is always ended

    def _fall(self, proc: Proc, control: Control, fault: Fault) -> bool:
        pid = proc.pid
        if pid is None:
            return False
        dice = Random(fault.dice)
        proc.struck = True
        control.arm(dice.randint(1, 6), dice.choice([BEFORE, AFTER]))
        deadline = time.monotonic() + FALLS_WITHIN
        while time.monotonic() < deadline:
            if proc.pid != pid:
                return True
            time.sleep(0.02)
        control.arm(0, 0)
        time.sleep(0.05)
        if proc.pid == pid:
            proc.struck = False
            return False
        return True

    def _freeze(self, pids: Sequence[int], fault: Fault) -> bool:
        frozen = [pid for pid in pids if _signal(pid, signal.SIGSTOP)]
        self._pause(fault.lasts)
        for pid in frozen:
            _signal(pid, signal.SIGCONT)
        return bool(frozen)

    def _shift(self, control: Control, fault: Fault) -> bool:
        control.shift(Random(fault.dice).choice(CLOCKS))
        self._pause(fault.lasts)
        control.shift(0.0)
        return True

    def _hold(self, fault: Fault, *ways: str, cut: bool) -> bool:
        self._stage.mqtt.hold(fault.target, *ways)
        self._pause(fault.lasts)
        self._stage.mqtt.release(fault.target, cut=cut)
        return True

    def _set(self, fault: Fault, *, delay: float = 0.0, double: float = 0.0, lose: float = 0.0) -> bool:
        self._stage.mqtt.set(fault.target, delay=delay, double=double, lose=lose)
        self._pause(fault.lasts)
        self._stage.mqtt.set(fault.target)
        return True


def _kill(proc: Proc) -> bool:
    proc.struck = True
    return proc.signal(signal.SIGKILL)


def _signal(pid: int | None, number: int) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
