from pathlib import Path

import pytest

from agent.printers.driver import Ending, PrinterError
from agent.printers.server.followed import AttemptStage
from agent.printers.server.state_file import AttemptRecord, StateFile

RECORD = AttemptRecord(
    attempt="a1", stage=AttemptStage.ENDED, cancelled=True, hot=True, ending=Ending.CANCELLED, why="so"
)


def test_a_record_is_read_back_as_it_was_kept(tmp_path: Path):
    path = tmp_path / "octoprint" / "mk3.json"
    StateFile(path).keep(RECORD)
    assert StateFile(path).record == RECORD
    assert [file.name for file in path.parent.iterdir()] == ["mk3.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"stage": "flying"}', b"\xff"])
def test_a_record_that_makes_no_sense_is_none(tmp_path: Path, content: bytes):
    path = tmp_path / "mk3.json"
    path.write_bytes(content)
    assert StateFile(path).record == AttemptRecord()


@pytest.mark.parametrize(
    ("content", "stage", "ending"),
    [
        (b'{"attempt": "a1"}', AttemptStage.ORDERED, None),
        (b'{"attempt": "a1", "ordered": true}', AttemptStage.ORDERED, None),
        (b'{"attempt": "a1", "stage": "sending"}', AttemptStage.SENDING, None),
        (b'{"attempt": "a1", "ending": "failed", "why": "so"}', AttemptStage.ORDERED, Ending.FAILED),
    ],
)
def test_an_older_agents_file_is_read_so_that_nothing_is_taken_for_not_begun(
    tmp_path: Path, content: bytes, stage: AttemptStage, ending: Ending | None
):
    path = tmp_path / "mk3.json"
    path.write_bytes(content)
    record = StateFile(path).record
    assert (record.attempt, record.stage, record.ending) == ("a1", stage, ending)


def test_a_record_that_cant_be_kept_changes_nothing(tmp_path: Path):
    file = StateFile(tmp_path / "mk3.json")
    (tmp_path / "mk3.json").mkdir()
    with pytest.raises(PrinterError, match="can't write"):
        file.keep(RECORD)
    assert file.record == AttemptRecord()
