"""What the parts of a session know in common: where it stands, what must outlive it, and who wants what. Pure."""

from agent.printers.serial.attention import Attention
from agent.printers.serial.heaters import Heaters
from agent.printers.serial.knob_question import KnobQuestion
from agent.printers.serial.other_use import OtherUse
from agent.printers.serial.record import Record
from agent.printers.serial.stage import SessionStage


class SessionState:
    """One session's."""

    def __init__(self, record: Record) -> None:
        """`record` is what is known of the last print."""
        self.stage = SessionStage.GREETING
        self.record = record
        self.heaters = Heaters()
        self.attention = Attention()
        self.other_use = OtherUse()
        self.question = KnobQuestion()
