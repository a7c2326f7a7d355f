"""What an owner says at the command line, and reads there."""

import json
import time
from pathlib import Path

import pytest

from agent import cli
from agent.cli import answers
from agent.cli.answers import AnswersError
from agent.consent.owner_answers import OfferGoneError, OwnerAnswers
from agent.journal import Journal
from agent.settings import Loaded, load
from agent.state_directory import journal_path
from tests.unit.agent.consent.test_owner_answers import offer
from tests.unit.agent.test_settings import LEAST
from wire.messages import Answer


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    path = tmp_path / "agent.toml"
    path.write_text(f'state = "{tmp_path / "state"}"\n{LEAST}')
    return load(path)


def asked(loaded: Loaded) -> None:
    loaded.state.mkdir(exist_ok=True)
    journal = Journal(journal_path(loaded.state))
    OwnerAnswers(journal).hear(offer(), time.time())
    journal.close()


def test_before_the_agent_has_run_there_is_nothing_to_read(loaded: Loaded):
    assert answers.offers(loaded, json=False) == "there are no offers now"
    assert answers.refusals(loaded, json=False) == "nothing was refused"
    assert json.loads(answers.offers(loaded, json=True)) == []
    with pytest.raises(AnswersError):
        answers.answer(loaded, "o-1", Answer.YES)


def test_an_offer_says_what_for_whom_and_how_long(loaded: Loaded):
    asked(loaded)
    text = answers.offers(loaded, json=False)
    for word in ("o-1", "left", "9 × Ear saver", "St Anna", "50 min", "36 g of petg", "not answered"):
        assert word in text
    (told,) = json.loads(answers.offers(loaded, json=True))
    assert (told["offer"], told["count"], told["minutes"], told["answer"]) == ("o-1", 9, 50.0, "none")


def test_a_yes_says_what_is_missing_yet(loaded: Loaded):
    asked(loaded)
    said = answers.answer(loaded, "o-1", Answer.YES)
    assert "muster-agent clear left" in said
    assert "muster-agent present" in said
    assert "you said yes" in answers.offers(loaded, json=False)
    assert "declined" in answers.answer(loaded, "o-1", Answer.NO, "not today")
    with pytest.raises(OfferGoneError, match="no offer o-2"):
        answers.answer(loaded, "o-2", Answer.NO)


def test_presence_by_command(loaded: Loaded):
    assert "somebody is there until" in answers.arrive(loaded, "2h")
    journal = Journal(journal_path(loaded.state))
    now = time.time()
    assert OwnerAnswers(journal).present_until(now) == pytest.approx(now + 7200, abs=30)
    answers.leave(loaded)
    assert OwnerAnswers(journal).present_until(time.time()) == 0
    journal.close()


@pytest.mark.parametrize(
    ("word", "seconds"), [("2h", 7200), ("90m", 5400), ("90 min", 5400), ("24H", 86_400)]
)
def test_a_time_as_people_write_it(word: str, seconds: float):
    assert answers.seconds(word) == seconds


@pytest.mark.parametrize("word", ["", "2", "0h", "25h", "-1h", "soon", "٣h", "1e3m"])
def test_what_is_no_time_is_refused(word: str):
    with pytest.raises(AnswersError, match="say 2h or 90m"):
        answers.seconds(word)


def test_the_commands_say_it(loaded: Loaded, capsys: pytest.CaptureFixture[str]):
    asked(loaded)
    config = ["--config", str(loaded.path)]
    for words, code, said in (
        (["accept", "o-1"], 0, "yes to o-1"),
        (["decline", "o-1", "--why", "no time"], 0, "declined"),
        (["present", "--for", "90m"], 0, "somebody is there"),
        (["away"], 0, "nobody is there"),
        (["refusals"], 0, "nothing was refused"),
        (["offers"], 0, "you said no"),
        (["stop"], 2, "no printer has anything to stop"),
        (["accept", "o-9"], 2, "no offer o-9"),
        (["present", "--for", "soon"], 2, "say 2h or 90m"),
    ):
        assert cli.main([*config, *words]) == code
        out = capsys.readouterr()
        assert said in out.out + out.err
