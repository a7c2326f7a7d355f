"""The people of a run: hospitals, makers at their printers, and a coordinator who counts, packs and rules.

They speak to the coordinator as people do, over its HTTP API, try again when nobody answers, and never look inside.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from agent.app import journal_path
from agent.journal import Journal
from agent.journal.file import JournalError
from coordinator.client import Client, CoordinatorUnavailable, RequestRefused
from coordinator.model.records import Attempt
from coordinator.model.views import NeedView, PrinterView
from tests.chaos.diary import Diary
from tests.chaos.stage import PRINTER, Maker, Stage
from wire.lifecycle import State
from wire.messages import Wish

LOOK = 0.4
STILL = 0.8
"""Seconds for which a printer must not have moved before its owner reaches in."""
RULE_AFTER = 15.0
"""Seconds for which an attempt must have been in doubt until the coordinator rules on it."""
PARTS = ("strap-clip", "strap-clip", "ear-saver")


@dataclass
class Asked:
    """A need, as its hospital knows it."""

    id: str
    quantity: int
    token: str
    short: int = 0
    """Units that the hospital found missing in its parcels."""


@dataclass
class Memory:
    """What people remember from one look to the next."""

    needs: dict[str, Asked] = field(default_factory=dict[str, Asked])
    doubted: dict[str, float] = field(default_factory=dict[str, float])
    wished: dict[str, float] = field(default_factory=dict[str, float])
    parcels: dict[str, float] = field(default_factory=dict[str, float])


class People:
    """One thread looks around, and does what is to be done."""

    def __init__(self, stage: Stage, diary: Diary, seed: int, lies_there: Callable[[str], bool]) -> None:
        """`lies_there` is what a maker sees on the bed: whether an attempt's plate was printed to its end."""
        self._lies_there = lies_there
        self._stage = stage
        self._diary = diary
        self._dice = Random(seed)
        self._office = Client(stage.url, stage.key, by="chaos", timeout=5.0)
        self._hospital = ""
        self._stopping = threading.Event()
        self._asking = True
        self.memory = Memory()
        self.rulings = 0
        self.units = 0
        self._thread = threading.Thread(target=self._live, name="people", daemon=True)

    # ── the run's ─────────────────────────────────────────────────────────────────────────────────────────

    def invites(self, count: int) -> list[str]:
        return [self._office.invite() for _ in range(count)]

    def start(self) -> None:
        hospital = self._office.add_hospital(
            name="Hospital del Mar", contact="ward 7", latitude=41.4, longitude=2.2
        )
        self._office.approve_hospital(hospital.id)
        self._hospital = hospital.id
        self._thread.start()

    def ask_no_more(self) -> None:
        """Hospitals file no new needs from now on, and nobody wishes to cancel or pause anything."""
        self._asking = False

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._office.close()

    def lacking(self) -> dict[str, int]:
        """What hospitals still wait for: need → units.

        Raises:
            Trouble: nobody can say now.
        """
        views = {view.need.id: view for view in self._office.needs()}
        return {
            asked.id: asked.quantity - views[asked.id].progress.received
            for asked in list(self.memory.needs.values())
            if asked.id in views and views[asked.id].progress.received < asked.quantity
        }

    # ── their day ─────────────────────────────────────────────────────────────────────────────────────────

    def _live(self) -> None:
        while not self._stopping.wait(LOOK):
            for work in (self._tend_beds, self._tend_lots, self._tend_needs):
                with contextlib.suppress(RequestRefused, CoordinatorUnavailable):
                    work()

    def _tend_beds(self) -> None:
        """Makers: take the parts off, and say that the bed is clear."""
        attempts = {each.agent: each for each in reversed(self._office.attempts(open_only=True))}
        for maker in self._stage.makers:
            lot = attempts.get(maker.name)
            if lot is not None and lot.state is State.PRINTED and self._dice.random() < 0.5:
                if time.monotonic() - self.memory.wished.get(lot.id, 0.0) > 5:
                    self.memory.wished[lot.id] = time.monotonic()
                    self._office.ask(lot.id, Wish.CLEARED)
                continue
            self._clear_at_home(maker)

    def _clear_at_home(self, maker: Maker) -> None:
        """As `muster-agent clear --yes` does, where there is something to clear and nothing moves."""
        path = journal_path(maker.state)
        if not maker.lock.acquire(blocking=False):
            return
        try:
            if maker.agent.pid is None or not path.exists() or moved_lately(maker):
                return
            if not waits_for_a_hand(maker):
                return
            journal = Journal(path)
            try:
                if journal.rests.is_due(PRINTER):
                    journal.rests.end(PRINTER)
                journal.beds.clear(PRINTER, time.time())
            finally:
                journal.close()
            self._diary.note("cleared", agent=maker.name)
        except (JournalError, OSError):
            return
        finally:
            maker.lock.release()

    def _tend_lots(self) -> None:
        """A coordinator: count what was taken off, collect it, rule on what is in doubt."""
        now = time.monotonic()
        doubted: set[str] = set()
        for lot in self._office.attempts(open_only=True):
            if lot.state is State.CLEARED:
                self._inspect(lot)
            elif lot.state is State.SUSPECT:
                doubted.add(lot.id)
                since = self.memory.doubted.setdefault(lot.id, now)
                if now - since > RULE_AFTER and self._may_rule(lot):
                    self._rule(lot)
            elif lot.state is State.PAUSED:
                self._office.ask(lot.id, Wish.RESUME)
            elif self._asking and lot.state is State.PRINTING:
                self._meddle(lot)
        for gone in set(self.memory.doubted) - doubted:
            del self.memory.doubted[gone]

    def _may_rule(self, lot: Attempt) -> bool:
        """Only once its maker has been asked: an agent that is there, and nothing that moves."""
        maker = next(each for each in self._stage.makers if each.name == lot.agent)
        return maker.agent.pid is not None and not moved_lately(maker) and holds(maker) != lot.id

    def _rule(self, lot: Attempt) -> None:
        if self._lies_there(lot.id) and self._dice.random() < 0.7:
            self._office.vouch(lot.id, why="its maker has it in hand")
            self._diary.note("vouched", attempt=lot.id)
        else:
            self._diary.note("ruled", attempt=lot.id)
            self._office.write_off(lot.id, why="its maker looked: nothing of use is there")
        self.rulings += 1

    def _inspect(self, lot: Attempt) -> None:
        scrapped = 1 if self._dice.random() < 0.1 else 0
        with contextlib.suppress(RequestRefused):
            self._office.inspect(lot.id, good=lot.count - scrapped, scrapped=scrapped)
            self._diary.note("inspected", attempt=lot.id, good=lot.count - scrapped, scrapped=scrapped)

    def _meddle(self, lot: Attempt) -> None:
        dice = self._dice.random()
        if dice < 0.02:
            self._office.ask(lot.id, Wish.CANCEL)
        elif dice < 0.04:
            self._office.ask(lot.id, Wish.PAUSE)

    def _tend_needs(self) -> None:
        """Needs are filed; good lots are collected; parcels go out and are signed for."""
        views = self._office.needs()
        open_needs = [view for view in views if not view.need.cancelled]
        for forgotten in self.memory.needs.keys() - {view.need.id for view in views}:
            del self.memory.needs[forgotten]  # a back-up was restored: its hospital asks anew
        for view in open_needs:
            asked = self.memory.needs.get(view.need.id)
            if asked is None:
                # Its answer got lost, and the hospital's link with it: it is withdrawn, and asked anew.
                if time.monotonic() - self.memory.parcels.setdefault(view.need.id, time.monotonic()) > 6:
                    self._office.cancel_need(view.need.id)
                continue
            if view.need.held is not None:
                with contextlib.suppress(RequestRefused):
                    self._office.release_need(view.need.id)
                    self._diary.note("released", need=view.need.id, why=view.need.held_why)
            if view.progress.received < asked.quantity:
                self._forward(view, asked)
        lacking = sum(view.progress.needed for view in open_needs)
        while self._asking and lacking < 2 * len(self._stage.makers):
            quantity = self._dice.randint(1, 3)
            filed = self._office.file_need(
                hospital=self._hospital, part=self._dice.choice(PARTS), quantity=quantity
            )
            token = filed.tracking.rsplit("/", 1)[1]
            self.memory.needs[filed.need.id] = Asked(filed.need.id, quantity, token)
            self.units += quantity
            lacking += quantity

    def _forward(self, view: NeedView, asked: Asked) -> None:
        progress = view.progress
        if not (progress.good or progress.at_hub or progress.packed or progress.in_transit):
            return
        detail = self._office.need(asked.id)
        for lot in detail.uncollected:
            with contextlib.suppress(RequestRefused):
                self._office.collect(lot)
        at_hub = progress.at_hub + progress.good
        if at_hub and at_hub + progress.received + progress.in_transit + progress.packed >= asked.quantity:
            with contextlib.suppress(RequestRefused):
                self._office.pack(asked.id)
            detail = self._office.need(asked.id)
        for parcel in detail.parcels:
            if parcel.sent is None:
                with contextlib.suppress(RequestRefused):
                    self._office.send(parcel.id)
            elif parcel.received is None:
                missing = 1 if self._dice.random() < 0.05 else 0
                with contextlib.suppress(RequestRefused):
                    self._office.receive(asked.token, parcel.id, units=parcel.units - missing, by="Agnès")
                    self._diary.note("received", parcel=parcel.id, units=parcel.units - missing)

    def printers(self) -> list[PrinterView]:
        return self._office.printers()


def moved_lately(maker: Maker) -> bool:
    """Whether a motor of its printer turned in the last moments."""
    try:
        return time.time() - maker.printed.stat().st_mtime < STILL
    except FileNotFoundError:
        return False


def waits_for_a_hand(maker: Maker) -> bool:
    """Whether the journal says that the bed is not clear, and nothing is under way on it."""
    states, clear = _look(maker)
    return not clear and all(state == State.PRINTED for _, state in states)


def holds(maker: Maker) -> str:
    """The attempt that the maker's journal has open; empty for none."""
    states, _ = _look(maker)
    return states[0][0] if states else ""


def _look(maker: Maker) -> tuple[list[tuple[str, str]], bool]:
    path = journal_path(maker.state)
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)
        try:
            rows = db.execute("select id, state from attempt where over = 0").fetchall()
            bed = db.execute("select clear from bed where printer = ?", (PRINTER,)).fetchone()
        finally:
            db.close()
    except sqlite3.Error:
        return [("?", "?")], True
    return rows, bool(bed and bed[0])
