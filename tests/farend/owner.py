"""A session of ours and the virtual printer's firmware with a cable between them, in one clock that the test turns.

What the pump does around a session is done here: DTR resets the board, a pulled cable ends the session, a plugged one
begins another, with the record of the last.
"""

from agent.printers.driver import Condition, Status
from agent.printers.serial.options import PortOptions
from agent.printers.serial.record import Printing, Record
from agent.printers.serial.session import SerialSession
from agent.printers.serial.stage import SessionStage
from agent.printers.virtual.faults import Faults
from agent.printers.virtual.firmware import Firmware
from agent.printers.virtual.profile import PROFILES

HEAT = ("M140 S60", "M104 S200", "M190 S60", "M109 S200", "G28", "G92 E0", "G1 Z0.2 F600")
COLD = ("M104 S0", "M140 S0", "M107", "M84")
BODY = tuple(f"G1 X{20 + 60 * (n % 2)} Y{20 + n / 100:g} E{n / 20:g} F1800" for n in range(1, 41))
MOTION = ("G0 ", "G1 ", "G2 ", "G3 ", "G28", "G29")
LEAST = 0.0005


class Desk:
    """One printer, and its owner's orders."""

    def __init__(
        self, profile: str = "marlin2", *knobs: str, seed: int = 0, setup: PortOptions | None = None
    ) -> None:
        """`knobs` are faults as the command line takes them; none strikes before `spoil`."""
        self.log: list[str] = []
        self.faults = Faults(knobs, seed)
        self.faults.any = False
        self.firmware = Firmware(self.faults, self.log.append, profile=PROFILES[profile], seed=seed)
        self.now = 0.0
        self.resets = 0
        self._setup = setup or PortOptions(port="", park=(0.0, 200.0))
        self.session: SerialSession | None = SerialSession(Record(), 0.0, self._setup)
        self.record = Record()

    @property
    def status(self) -> Status:
        if self.session:
            return self.session.status(self.now)
        why = self.record.fault or self.record.why or "The connection to the printer was lost"
        return Status(
            condition=Condition.UNREACHABLE, attempt=self.record.attempt, ending=self.record.ending, why=why
        )

    @property
    def stage(self) -> SessionStage | None:
        return self.session.stage if self.session else None

    @property
    def is_still(self) -> bool:
        """Whether no motor turns, or will by what the board has taken."""
        machine = self.firmware.machine
        machine.planner.advance(self.now)
        return machine.planner.is_idle and self.firmware._work is None

    @property
    def motion(self) -> list[str]:
        """Every executed line that moves something."""
        return [line for line in self.log if line.startswith(MOTION)]

    def turn(self) -> None:
        """Go on to the next moment at which something happens."""
        session, firmware = self.session, self.firmware
        wakes = [firmware.advance(self.now)]
        if firmware.unplugged:
            self.unplug()
        elif session:
            if heard := firmware.take():
                session.receive(heard, self.now)
            session.tick(self.now)
            if sent := session.transmit(self.now):
                firmware.receive(sent)
            self.record = session.record
            if session.emergency_stop.wants_reset:
                session.emergency_stop.wants_reset = False
                self.resets += 1
                firmware.restart()
            wakes += [session.wake_at(self.now), firmware.advance(self.now)]
        firmware_due = [due for due in wakes if due is not None]
        self.now = max(self.now + LEAST, min(firmware_due, default=self.now + 1.0))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while self.now < until:
            self.turn()

    def until(self, wanted, within: float) -> bool:
        """Let time pass until something is so; whether it became so."""
        until = self.now + within
        while not wanted():
            if self.now >= until:
                return False
            self.turn()
        return True

    def start(self) -> None:
        """Print something that takes some minutes."""
        lines = (*HEAT, *BODY, *COLD)
        plan = Printing(path="", count=len(lines), seconds=300, top=200.0, boot="")
        assert self.session
        self.session.run.start("a-1", iter([[line.encode() for line in lines]]), plan, self.now)

    def spoil(self) -> None:
        """The knobs strike from now on."""
        self.faults.any = True

    def warm(self) -> None:
        """It has printed a moment ago."""
        self.firmware.machine.nozzle.is_at(self.now, 196.0)
        self.firmware.machine.bed.is_at(self.now, 58.0)

    def unplug(self) -> None:
        """Pull the cable."""
        self.firmware.unplugged = True
        if self.session:
            self.session.lose()
            self.record = self.session.record
        self.session = None

    def plug(self) -> None:
        """Put it in again."""
        self.firmware.unplugged = False
        self.firmware.take()
        self.session = SerialSession(self.record, self.now, self._setup, anew=False)
