"""The checker is fed good histories and finds nothing, and one bad history of each kind, and objects."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.checker import check
from tests.chaos.history import Attempt, Books, Event, History, MotionLog, Movement, Run

EPOCH = "e" * 32
STEPS = ("fetch", "check", "start", "print", "finish", "clear")


def diary() -> list[dict[str, Any]]:
    """What an agent writes down around one print."""
    said = {"printer": "one", "nonce": "n1"}
    return [
        {"t": 1.0, "what": "born", "pid": 1},
        {"t": 2.0, "what": "ready", "counter": 1, **said},
        {"t": 3.0, "what": "take", "attempt": "a1", **said},
        {"t": 3.1, "what": "step", "attempt": "a1", "step": "fetch"},
        {"t": 3.2, "what": "step", "attempt": "a1", "step": "check"},
        {"t": 4.0, "what": "step", "attempt": "a1", "step": "start"},
        {"t": 4.1, "what": "ordered", "attempt": "a1", "moves": 10},
        {"t": 5.0, "what": "step", "attempt": "a1", "step": "print"},
        {"t": 9.0, "what": "step", "attempt": "a1", "step": "finish"},
        {"t": 9.5, "what": "step", "attempt": "a1", "step": "clear"},
        {"t": 9.9, "what": "acked", "epoch": EPOCH, "seq": 6},
    ]


def events() -> list[Event]:
    return [Event("anna", EPOCH, seq, "a1", step, applied=True) for seq, step in enumerate(STEPS, 1)]


def movements() -> list[Movement]:
    """A need of three, printed as one lot of three, and received."""
    way = ["demand", "needed", "promised", "printing", "printed", "good", "at-hub", "packed", "in-transit"]
    moves = [Movement("n", "" if source == "demand" else "a1", source, target, 3, f"{source}:a1")
             for source, target in zip(way, [*way[1:], "received"], strict=True)]  # fmt: skip
    assert moves[-1].target == "received"
    return moves


def books(**changes: Any) -> Books:
    attempt = Attempt("a1", "n", "anna", "n1", 3, "inspected", 3, 0)
    good = Books(attempts=[attempt], events=events(), movements=movements(), needs={"n": 3})
    return replace(good, **changes)


def history(**changes: Any) -> History:
    """One print that went well, from beginning to end."""
    kept = changes.pop("books", books())
    good = History(
        before=kept,
        after=kept,
        diaries={"anna": diary()},
        runs={"anna": [Run(4.5, 8.5, laid=10)]},
        settled=True,
    )
    return replace(good, **changes)


def rules(bad: History) -> set[str]:
    return {each.rule for each in check(bad)}


def without(what: str, **facts: Any) -> list[dict[str, Any]]:
    """The diary, but for the notes that say this."""
    wanted = {"what": what, **facts}
    return [note for note in diary() if not wanted.items() <= note.items()]


def state(name: str, **changes: Any) -> Books:
    """The books, with the attempt in another state."""
    return books(attempts=[replace(books().attempts[0], state=name)], **changes)


def test_a_good_history_is_found_good() -> None:
    assert check(history()) == []


def test_an_unfinished_history_is_not_blamed_for_what_is_still_to_come() -> None:
    moves = [*movements()[:3], Movement("n", "a1", "promised", "printing", 3, "x")]
    young = state("printing", movements=moves[:2] + moves[3:], events=events()[:4])
    notes = [note for note in diary() if note["t"] < 6]
    run = [Run(4.5, 5.5, laid=4)]
    assert check(history(books=young, diaries={"anna": notes}, runs={"anna": run}, settled=False)) == []


def test_a_body_that_is_started_twice_for_one_start_is_found() -> None:
    assert "started twice" in rules(history(runs={"anna": [Run(4.5, 5, laid=3), Run(6, 8.5, laid=10)]}))


def test_a_body_that_is_started_again_by_a_second_order_is_found() -> None:
    again = [*diary(), {"t": 20.0, "what": "step", "attempt": "a1", "step": "start"}]
    runs = [Run(4.5, 8.5, laid=10), Run(20.5, 25, laid=10)]
    assert "started twice" in rules(history(diaries={"anna": again}, runs={"anna": runs}))


def test_a_printer_that_moves_without_any_start_is_found() -> None:
    assert rules(history(diaries={"anna": without("step", step="start")})) >= {"moved without a start"}


def test_a_printer_that_moves_before_its_start_was_written_down_is_found() -> None:
    assert "moved without a start" in rules(history(runs={"anna": [Run(3.9, 8.5, laid=10)]}))


def test_a_printer_that_moves_on_after_a_reset_is_found() -> None:
    assert "moved without a start" in rules(
        history(runs={"anna": [Run(4.5, 8.5, 10), Run(9, 9, 1, headless=True)]})
    )


def test_a_step_that_could_not_be_committed_is_none() -> None:
    refused = {"attempt": "a1", "step": "refuse"}
    undone = [{"t": 3.15, "what": "step", **refused}, {"t": 3.16, "what": "undone", **refused}]
    notes = diary()
    assert check(history(diaries={"anna": [*notes[:4], *undone, *notes[4:]]})) == []
    assert rules(history(diaries={"anna": [*notes[:4], undone[0], *notes[4:]]})) == {"moved after its end"}


def test_a_printer_that_moves_long_after_the_end_is_found() -> None:
    assert rules(history(runs={"anna": [Run(4.5, 14, laid=10)]})) == {"moved after its end"}


def test_a_start_without_a_committed_grant_is_found() -> None:
    assert "moved without a grant" in rules(history(books=books(attempts=[])))


def test_a_start_by_another_than_the_grant_was_for_is_found() -> None:
    other = books(attempts=[replace(books().attempts[0], agent="ben")])
    assert "moved without a grant" in rules(history(books=other))


def test_a_grant_that_answers_an_older_nonce_is_found() -> None:
    newer = {"t": 2.5, "what": "ready", "counter": 2, "printer": "one", "nonce": "n2"}
    notes = [*diary()[:2], newer, *diary()[2:]]
    assert rules(history(diaries={"anna": notes})) == {"not asked for"}


def test_a_grant_that_answers_what_was_said_before_a_restart_is_found() -> None:
    notes = [*diary()[:2], {"t": 2.5, "what": "born", "pid": 2}, *diary()[2:]]
    assert rules(history(diaries={"anna": notes})) == {"not asked for"}


def test_a_grant_to_an_offer_that_was_over_is_found() -> None:
    early = [note | {"t": -30.0} if note["what"] == "ready" else note for note in diary()]
    assert rules(history(diaries={"anna": early})) == {"not asked for"}


def test_a_grant_that_was_published_before_its_commit_is_found() -> None:
    other = books(attempts=[replace(books().attempts[0], nonce="n7")])
    assert rules(history(books=other)) == {"moved without a grant"}


def test_an_event_that_was_acknowledged_and_not_kept_is_found() -> None:
    assert rules(history(books=books(events=events()[:5]))) == {"acknowledged and lost"}


def test_what_a_restore_and_then_a_lost_disk_took_can_be_told_by_nobody() -> None:
    less = books(events=events()[:5])
    gone = {"restores": [(9.0, 12.0)], "lost_disks": {"anna": [11.0]}}
    assert check(history(books=less, **gone)) == []
    assert rules(history(books=less, **gone | {"restores": [(9.95, 12.0)]})) == {"acknowledged and lost"}
    assert rules(history(books=less, **gone | {"lost_disks": {"anna": [40.0]}})) == {"acknowledged and lost"}
    assert rules(history(books=less, **gone | {"lost_disks": {"bert": [11.0]}})) == {"acknowledged and lost"}


def test_an_attempt_that_ends_twice_is_found() -> None:
    twice = [*events(), Event("anna", EPOCH, 7, "a1", "fail", applied=True)]
    twice.append(Event("anna", EPOCH, 8, "a1", "clear", applied=True))
    assert "ended twice" in rules(history(books=books(events=twice)))


def test_an_attempt_that_finishes_twice_is_found() -> None:
    twice = [*events(), Event("anna", EPOCH, 7, "a1", "finish", applied=True)]
    assert "ended twice" in rules(history(books=books(events=twice)))


def test_an_end_that_does_not_hold_is_found() -> None:
    assert "ended twice" in rules(history(finals={"a1": "failed"}))


def test_an_attempt_that_vanishes_is_found() -> None:
    assert "lost" in rules(history(finals={"a9": "failed"}))


def test_an_attempt_that_never_ends_is_found_once_all_is_over() -> None:
    stuck = state("suspect", movements=[*movements()[:2], Movement("n", "a1", "needed", "promised", 3, "g")])
    assert "never ended" in rules(history(books=stuck))


def test_a_need_that_is_not_met_is_found() -> None:
    assert rules(history(lacking={"n": 1})) == {"never met"}


def test_what_the_ledger_itself_objects_to_is_found() -> None:
    assert rules(history(ledger=["the accounts sum to 3, not 0"])) == {"ledger"}


def test_a_process_that_died_of_its_own_mistake_is_found() -> None:
    assert rules(history(deaths=["anna ended with 1"])) == {"died of a mistake"}


@pytest.mark.parametrize("index", range(1, 9))
def test_a_movement_that_is_posted_twice_is_found(index: int) -> None:
    moves = movements()
    twice = [*moves, replace(moves[index], cause="again")]
    assert "ledger" in rules(history(books=books(movements=twice), settled=False))


def test_a_movement_that_is_missing_is_found() -> None:
    assert "ledger" in rules(history(books=books(movements=movements()[:5] + movements()[6:])))


def test_units_that_count_though_nothing_was_made_are_found() -> None:
    assert "counted, but not made" in rules(history(runs={"anna": []}))


def test_units_that_count_though_only_half_was_made_are_found() -> None:
    assert "counted, but not made" in rules(history(runs={"anna": [Run(4.5, 8.5, laid=5)]}))


def test_units_that_were_made_and_forgotten_are_found() -> None:
    forgotten = state("cancelled", movements=movements()[:1], events=events()[:1], needs={})
    notes = [note for note in diary() if note["what"] != "acked"]
    assert "made, but not counted" in rules(history(books=forgotten, diaries={"anna": notes}))


def test_units_of_an_attempt_that_its_agent_called_failed_are_its_makers_to_look_at() -> None:
    told = [replace(each, step="fail") if each.step == "finish" else each for each in events()[:5]]
    failed = state("failed", movements=movements()[:1], events=told, needs={})
    notes = [note for note in diary() if note["what"] != "acked"]
    assert "made, but not counted" not in rules(history(books=failed, diaries={"anna": notes}))


def surplus(*, doubted: bool) -> Books:
    """Two lots of three for a need of three; the first was in doubt in between, or not."""
    second = [replace(each, lot="a2", cause=f"{each.cause}2") for each in movements()[1:]]
    doubt = [
        Movement("n", "a1", "printing", "suspect", 3, "doubt:a1"),
        Movement("n", "", "demand", "needed", 3, "doubt:a1"),
        Movement("n", "a1", "suspect", "printing", 3, "back:a1"),
    ]
    more = [Movement("n", "", "demand", "needed", 3, "more")]
    first = movements()
    between = doubt if doubted else more
    attempts = [books().attempts[0], replace(books().attempts[0], id="a2", agent="ben", nonce="n2")]
    return books(attempts=attempts, movements=[*first[:3], *between, *first[3:], *second])


def two_prints() -> dict[str, Any]:
    theirs = [note | {k: v for k, v in (("attempt", "a2"), ("nonce", "n2")) if k in note} for note in diary()]
    theirs = [note for note in theirs if note["what"] != "acked"]
    return {
        "diaries": {"anna": diary(), "ben": theirs},
        "runs": {"anna": [Run(4.5, 8.5, laid=10)], "ben": [Run(4.5, 8.5, laid=10)]},
    }


def test_more_than_was_asked_for_is_found() -> None:
    assert rules(history(books=surplus(doubted=False), **two_prints())) == {"over-production"}


def test_more_than_was_asked_for_is_right_where_a_suspect_came_back() -> None:
    assert check(history(books=surplus(doubted=True), **two_prints())) == []


def test_more_than_was_asked_for_is_right_where_a_restored_back_up_had_forgotten_a_lot() -> None:
    kept = surplus(doubted=False)
    moves = [replace(each, cause="adopt:a2") if (each.lot, each.target) == ("a2", "promised") else each
             for each in kept.movements]  # fmt: skip
    assert check(history(books=replace(kept, movements=moves), **two_prints())) == []


def test_units_that_were_lost_from_the_books_are_found() -> None:
    short = [*movements()[:-1], Movement("n", "a1", "in-transit", "received", 2, "r")]
    short.append(Movement("n", "a1", "in-transit", "demand", 1, "r"))
    assert "units" in rules(history(books=books(movements=short)))


def test_a_printers_log_is_cut_into_its_runs(tmp_path: Any) -> None:
    log = MotionLog(tmp_path / "log")
    (tmp_path / "log").write_text(
        "1.0 BORN\n2.0 G28\n2.5 G1 X5 E1\n2.6 G1 X9\n3.0 G28\n3.5 G1 X1 E2 F600\n4.0 G1 X2 E"
    )
    assert log.read() == [Run(2.0, 2.6, laid=1), Run(3.0, 3.5, laid=1)]
    with (tmp_path / "log").open("a") as file:
        file.write("1\n5.0 BORN\n6.0 G1 X3 E1\n7.0 G1 X4 E1\n")
    assert log.read()[1:] == [Run(3.0, 4.0, laid=2), Run(6.0, 7.0, laid=2, headless=True)]
