"""What a runner does for an owner who wants to be asked, has hours to give, or must be there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.consent.hours import Hours
from agent.consent.owner_answers import OwnerAnswers
from agent.consent.standing_ready import LIFETIME
from agent.consent.terms import ConsentTerms
from agent.consent.time_limits import NOBODY
from agent.printers.driver import Condition, Status
from agent.printers.serial.kind import SerialPrinter
from tests.farend.files import serving
from tests.unit.agent.attempt.test_runner import Bench as Unasked
from tests.unit.agent.consent.test_owner_answers import offer
from wire.errors import RemoteError
from wire.lifecycle import Step
from wire.messages import Answer, Answered, Open, Parts, Wish


class Bench(Unasked):
    """The runner of an owner who wants to be asked, and what that owner says."""

    @property
    def answers(self) -> OwnerAnswers:
        return OwnerAnswers(self.journal)

    @property
    def at(self) -> float:
        return self.clock.now().timestamp()

    @property
    def opens(self) -> list[Open]:
        return [message for message in self.link.said if isinstance(message, Open)]

    @property
    def refused(self) -> str:
        return self.answers.refusals()[0].what

    def asks(self, name: str = "o-1", **changes) -> None:
        self.runner.hear(
            offer(name, **{"part": "coupon", "version": "1", "count": 9, "seconds": 100_000.0} | changes)
        )

    def says(self, answer: Answer, name: str = "o-1") -> None:
        self.answers.answer(name, answer, self.at)
        self.step()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with serving() as server:
        bench = Bench(tmp_path, server)
        bench.restart(terms=ConsentTerms(default="ask", parts={"visor": "never"}))
        yield bench
        bench.journal.close()


# ── being asked ───────────────────────────────────────────────────────────────────────────────────────────


def test_who_wants_to_be_asked_is_open_and_never_ready(bench: Bench):
    bench.step()
    bench.step(LIFETIME * 3)
    assert bench.link.readies == []
    first, second = bench.opens
    assert first.parts == Parts(every=True, but=("visor",))
    assert second.counter > first.counter


def test_an_offer_starts_nothing(bench: Bench):
    bench.step()
    bench.asks()
    bench.step()
    assert bench.link.readies == []
    assert bench.opens[-1].has == (Answered(offer="o-1"),)
    assert bench.printer.told == []


def test_a_yes_brings_a_ready_for_that_offer_and_the_print_of_it(bench: Bench):
    bench.step()
    bench.asks()
    bench.says(Answer.YES)
    ready = bench.link.readies[-1]
    assert (ready.offer, ready.parts.is_empty) == ("o-1", True)
    assert bench.opens[-1].has[0].answer is Answer.YES
    bench.take()
    bench.step()
    assert bench.printer.told == ["start a-1"]
    assert bench.answers.offers(bench.at) == ()


@pytest.mark.parametrize(
    ("granted", "word"),
    [
        ({"part": "headband"}, "not to headband"),
        ({"version": "2"}, "not to coupon 2"),
        ({"count": 10}, "not to 10"),
        ({"seconds": 200_000.0}, "minutes, not to"),
    ],
)
def test_what_is_granted_is_what_was_accepted_and_no_more(bench: Bench, granted, word):
    bench.step()
    bench.asks()
    bench.says(Answer.YES)
    bench.take(**granted)
    assert bench.steps == ["refuse"]
    assert word in bench.why
    assert word in bench.refused
    bench.step()
    assert bench.link.readies[-1].offer == "o-1"
    assert len(bench.link.readies) == 1, "the yes is used up"


def test_less_than_was_accepted_will_do(bench: Bench):
    bench.step()
    bench.asks(count=9)
    bench.says(Answer.YES)
    bench.take(count=3)
    assert bench.steps == ["fetch"]


def test_a_no_is_told_and_brings_nothing(bench: Bench):
    bench.step()
    bench.asks()
    bench.says(Answer.NO)
    assert bench.opens[-1].has[0].answer is Answer.NO
    assert bench.link.readies == []


def test_a_yes_that_is_taken_back_refuses_the_grant_that_was_on_its_way(bench: Bench):
    bench.step()
    bench.asks()
    bench.says(Answer.YES)
    bench.answers.answer("o-1", Answer.NO, bench.at)
    manifest = bench.link.readies[-1]
    assert manifest.offer == "o-1"
    bench.clock.seconds -= 1  # the runner has not looked since
    with pytest.raises(RemoteError, match="did not just ask"):
        bench.take()  # its step comes first, which takes back the ready
    assert bench.steps == []


def test_a_withdrawn_offer_is_gone_and_so_is_its_ready(bench: Bench):
    bench.step()
    bench.asks()
    bench.says(Answer.YES)
    nonce = bench.link.readies[-1].nonce
    assert bench.runner.withdraw("o-1")
    assert not bench.runner.withdraw("o-1")
    with pytest.raises(RemoteError, match="did not just ask"):
        bench.take(nonce=nonce)
    assert bench.opens[-1].has == ()


def test_an_accepted_offer_ends_with_its_time(bench: Bench):
    bench.step()
    bench.asks()
    bench.says(Answer.YES)
    before = len(bench.link.readies)
    bench.step(3600)
    assert len(bench.link.readies) == before
    assert bench.runner.asks() is None


def test_an_offer_that_came_too_late_is_not_heard(bench: Bench):
    bench.too_late = True
    with pytest.raises(RemoteError, match="too late"):
        bench.asks()


def test_of_what_is_never_printed_nobody_is_even_asked(bench: Bench):
    with pytest.raises(RemoteError, match="never prints it"):
        bench.asks(part="visor")
    assert bench.answers.offers(bench.at) == ()


def test_while_the_bed_is_not_clear_nobody_is_asked(bench: Bench):
    bench.journal.beds.occupy("left")
    bench.step()
    assert bench.opens == []


def test_who_allows_some_parts_unasked_says_both(bench: Bench):
    bench.restart(terms=ConsentTerms(default="ask", parts={"coupon": "auto"}))
    bench.step()
    assert bench.link.readies[-1].parts == Parts(every=False, but=("coupon",))
    assert "coupon" not in bench.opens[-1].parts
    assert "headband" in bench.opens[-1].parts
    bench.take()
    assert bench.steps == ["fetch"]


@pytest.mark.parametrize("part", ["visor", "headband"])
def test_a_coordinator_that_grants_what_its_owner_did_not_allow_is_refused(bench: Bench, part):
    """A ready with another part's name on it: only a coordinator that was taken over does that."""
    bench.restart(terms=ConsentTerms(default="never", parts={"coupon": "auto"}))
    bench.take(part=part)
    assert bench.steps == ["refuse"]
    assert f"lets nobody print {part}" in bench.refused
    bench.step()
    assert bench.printer.told == []


def test_a_bed_that_is_cleared_from_a_page_against_the_owners_will_is_shown_to_the_owner(bench: Bench):
    bench.restart(terms=ConsentTerms(default="auto"))
    bench.printing()
    bench.look(Condition.IDLE, "a-1")
    bench.journal.attempts.record("a-1", Step.FAIL, 0)
    bench.request(Wish.CLEARED)
    assert not bench.journal.beds.is_clear("left")
    assert "carla said that the bed is clear" in bench.refused


# ── hours ─────────────────────────────────────────────────────────────────────────────────────────────────


def prints_for(bench: Bench, hours: float) -> None:
    """A print of so many hours, that failed; it is noon when it begins."""
    bench.printing()
    bench.clock.seconds += hours * 3600
    bench.journal.attempts.record("a-1", Step.FAIL, bench.at)
    bench.look(Condition.IDLE)
    bench.journal.beds.clear("left", bench.at)


def test_hours_a_day_are_counted_and_the_window_shrinks(bench: Bench):
    bench.restart(terms=ConsentTerms(default="auto"), hours=Hours(zone="UTC", most_a_day=6))
    bench.step()
    assert bench.link.readies[-1].window == pytest.approx(6 * 3600, abs=5)
    prints_for(bench, 2)
    bench.step()
    assert bench.link.readies[-1].window == pytest.approx(4 * 3600, abs=30)


def test_a_day_that_is_used_up_says_so_and_the_next_day_is_another(bench: Bench):
    bench.restart(terms=ConsentTerms(default="auto"), hours=Hours(zone="UTC", most_a_day=2))
    prints_for(bench, 2.1)
    said = len(bench.link.readies)
    bench.step()
    assert len(bench.link.readies) == said
    assert "used up" in bench.link.told.why
    bench.step(10 * 3600)
    assert len(bench.link.readies) == said + 1


def test_a_grant_beyond_the_hours_is_refused(bench: Bench):
    bench.restart(terms=ConsentTerms(default="auto"), hours=Hours(zone="UTC", most_a_week=1))
    bench.take(seconds=3700.0)
    assert bench.steps == ["refuse"]
    assert "hours a day and a week" in bench.refused


# ── presence ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def watched(bench: Bench) -> Bench:
    """A printer of which nobody has said whether its firmware watches its heaters."""
    printer = SerialPrinter(name="left", material="petg", port="/dev/null")
    bench.restart(terms=ConsentTerms(default="auto"), printer=printer)
    return bench


def test_a_printer_whose_firmware_says_nothing_waits_for_somebody(watched: Bench):
    watched.step()
    assert watched.link.readies == []
    assert watched.link.told.why == NOBODY
    watched.answers.arrive(watched.at, watched.at + 7200)
    watched.step()
    assert watched.link.readies[-1].window == pytest.approx(7200, abs=5)
    watched.answers.leave()
    watched.step()
    assert watched.runner.asks() is None


@pytest.mark.parametrize(("told", "needs"), [(True, False), (False, True), (None, True)])
def test_what_the_firmware_tells_decides(watched: Bench, told, needs):
    watched.printer.looks = Status(condition=Condition.IDLE, protected=told)
    watched.step()
    assert (watched.link.readies == []) is needs


@pytest.mark.parametrize("said", [True, False])
def test_the_owners_word_counts_before_the_firmwares(watched: Bench, said):
    printer = SerialPrinter(name="left", material="petg", port="/dev/null", thermal_protection=said)
    watched.restart(printer=printer)
    watched.printer.looks = Status(condition=Condition.IDLE, protected=not said)
    watched.step()
    assert (watched.link.readies != []) is said


def test_a_print_goes_on_when_nobody_is_there_any_more_and_its_owner_is_told_once(watched: Bench):
    watched.answers.arrive(watched.at, watched.at + 7200)
    watched.printing()
    watched.answers.leave()
    watched.step()
    watched.step()
    assert watched.steps == ["fetch", "check", "start", "print"]
    assert [each.what.startswith("it prints on") for each in watched.answers.refusals()] == [True]
