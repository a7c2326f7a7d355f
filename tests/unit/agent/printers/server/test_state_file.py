from pathlib import Path

import pytest

from agent.printers.driver import Ending, PrinterError
from agent.printers.octoprint.followed import Note, Stage
from agent.printers.server.state_file import Notebook

NOTE = Note(attempt="a1", stage=Stage.ENDED, cancelled=True, hot=True, ending=Ending.CANCELLED, why="so")


def test_a_note_is_read_back_as_it_was_kept(tmp_path: Path):
    path = tmp_path / "octoprint" / "mk3.json"
    Notebook(path, Note()).keep(NOTE)
    assert Notebook(path, Note()).note == NOTE
    assert [file.name for file in path.parent.iterdir()] == ["mk3.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"stage": "flying"}', b"\xff"])
def test_a_note_that_makes_no_sense_is_none(tmp_path: Path, content: bytes):
    path = tmp_path / "mk3.json"
    path.write_bytes(content)
    assert Notebook(path, Note()).note == Note()


def test_a_note_that_cant_be_kept_changes_nothing(tmp_path: Path):
    (tmp_path / "taken").write_text("a file, where a folder should be")
    book = Notebook(tmp_path / "mk3.json", Note())
    (tmp_path / "mk3.json").mkdir()
    with pytest.raises(PrinterError, match="can't write"):
        book.keep(NOTE)
    assert book.note == Note()
