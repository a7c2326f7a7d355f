"""The agent's durable memory: what it took on, what happened, and which beds are clear.

Every step is one transaction, committed (and synced to the disk) before the act that it announces. A power
cut at any moment leaves the last committed step, never half of one. Two processes may use one journal: the
agent that runs and its command line.
"""

from pathlib import Path

from agent.journal.attempts import Attempts
from agent.journal.beds import Beds
from agent.journal.counters import Counters
from agent.journal.events import KEPT, Events
from agent.journal.file import JournalFile
from agent.journal.rests import Rests
from agent.journal.stops import Stops


class Journal:
    """The journal in one SQLite file, by its nouns; safe to share between threads.

    Raises, as does every method of its nouns:
        JournalError: the file is not ours, is damaged, or its disk is full.
    """

    def __init__(self, path: Path, *, kept: int = KEPT) -> None:
        """`kept` attempts that are over stay, at least."""
        self.file = JournalFile(path)
        """For who keeps more in it, as the owner's answers are."""
        self.epoch = self.file.epoch
        self.attempts = Attempts(self.file)
        self.events = Events(self.file, kept)
        self.beds = Beds(self.file)
        self.stops = Stops(self.file)
        self.rests = Rests(self.file)
        self.counters = Counters(self.file)

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()
