from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.conversation.reporter import BATCH, RESEND, WINDOW, EventReporter
from agent.journal import Journal
from tests.unit.agent.test_journal import grant
from wire import codec
from wire.lifecycle import Step
from wire.manifest import Signed
from wire.messages import Holding, Report, Up


class Line:
    """A line to the coordinator that keeps what was sent, and can be down."""

    def __init__(self) -> None:
        self.up = True
        self.sent: list[list[int]] = []
        self.papers: list[Signed] = []

    def publish(self, message: Up) -> bool:
        assert isinstance(message, Report)
        codec.encode(message)
        if self.up:
            self.sent.append([event.seq for event in message.events])
            self.papers += message.papers
        return self.up


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.db")
    yield journal
    journal.close()


def reporter_of(journal: Journal, line: Line, held: tuple[str, ...] = ()) -> EventReporter:
    return EventReporter(
        journal, line.publish, lambda: Holding(counter=0, seq=0, acked=journal.events.told(), held=held)
    )


def fill(journal: Journal, attempts: int, why: str = "") -> list[Signed]:
    """Attempts that were refused; what they were granted by."""
    papers: list[Signed] = []
    for number in range(attempts):
        manifest, signed = grant(f"a-{number}")
        journal.attempts.take(manifest, signed, Step.REFUSE, 1.0, why)
        papers.append(signed)
    return papers


def test_without_news_nothing_is_sent(journal: Journal):
    line = Line()
    reporter_of(journal, line).step(0)
    assert line.sent == []


def test_each_event_is_sent_once_as_long_as_answers_come(journal: Journal):
    line = Line()
    reporter = reporter_of(journal, line)
    fill(journal, 2)
    reporter.step(0)
    reporter.step(1)
    journal.events.acknowledge(journal.epoch, 2)
    journal.attempts.take(*grant("b"), Step.FETCH, 1.0)
    reporter.step(2)
    assert line.sent == [[1, 2], [3]]


def test_without_an_answer_all_is_sent_again(journal: Journal):
    line = Line()
    reporter = reporter_of(journal, line)
    fill(journal, 2)
    for now in (0, RESEND - 1, RESEND, RESEND + 1, 2 * RESEND):
        reporter.step(now)
    assert line.sent == [[1, 2]] * 3


def test_what_got_lost_is_sent_again_however_often_there_is_news(journal: Journal):
    line = Line()
    reporter = reporter_of(journal, line)
    for now in range(12):
        journal.attempts.take(*grant(f"a-{now}"), Step.REFUSE, 1.0)
        reporter.step(now)
    assert [batch[0] for batch in line.sent].count(1) == 2


def test_a_new_connection_hears_all_again_at_once(journal: Journal):
    line = Line()
    reporter = reporter_of(journal, line)
    fill(journal, 1)
    line.up = False
    reporter.step(0)
    line.up = True
    reporter.step(1)
    reporter.again()
    reporter.step(2)
    assert line.sent == [[1], [1]]


def test_a_long_silence_does_not_end_in_a_flood(journal: Journal):
    line = Line()
    reporter = reporter_of(journal, line)
    fill(journal, WINDOW + 2 * BATCH)
    reporter.step(0)
    first = [seq for batch in line.sent for seq in batch]
    assert first == list(range(1, len(first) + 1))
    assert WINDOW <= len(first) <= WINDOW + BATCH
    journal.events.acknowledge(journal.epoch, len(first))
    reporter.step(1)
    assert [seq for batch in line.sent for seq in batch] == list(range(1, WINDOW + 2 * BATCH + 1))


def test_long_reasons_travel_in_smaller_batches(journal: Journal):
    fill(journal, 100, why="\N{GRINNING FACE}" * 400)
    line = Line()
    reporter_of(journal, line).step(0)
    assert [seq for batch in line.sent for seq in batch] == list(range(1, 101))
    assert len(line.sent) > 1


def test_one_event_always_fits(journal: Journal):
    journal.attempts.take(*grant("a" * 48), Step.REFUSE, 1.0, "\x01" * 400)
    line = Line()
    reporter_of(journal, line, held=tuple(f"{number:048}" for number in range(64))).step(0)
    assert line.sent == [[1]]


def test_what_is_recalled_travels_with_its_papers(journal: Journal):
    papers = fill(journal, 60)
    line = Line()
    reporter = reporter_of(journal, line)
    reporter.step(0)
    assert line.papers == []
    journal.events.acknowledge(journal.epoch, 60)
    journal.events.recall(journal.epoch, 2)
    journal.attempts.take(*grant("new"), Step.FETCH, 1.0)
    reporter.again()
    reporter.step(1)
    assert [seq for batch in line.sent[1:] for seq in batch] == list(range(3, 62))
    assert line.papers == papers[2:]
