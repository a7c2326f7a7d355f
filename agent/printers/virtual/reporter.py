"""What a firmware says without being asked: temperatures, positions, that it is busy, that it has nothing to do."""

from collections.abc import Callable
from math import inf

from agent.printers.virtual.dialect import Dialect
from agent.printers.virtual.machine import MachineModel

BUSY_SECONDS = 2.0
"""Until M113 says otherwise (HOST_KEEPALIVE_INTERVAL)."""
HEATING_SECONDS = 1.0
WAIT_SECONDS = 1.0
STEP = 8.0
"""°C between two reports at most, however seldom they should come."""


class AutoReporter:
    """Says what is due. Times are the printer's seconds, read off its machine."""

    def __init__(
        self,
        machine: MachineModel,
        dialect: Dialect,
        say: Callable[[bytes], None],
        quiet: float,
        *,
        waits: bool,
    ) -> None:
        """No two words of a kind come sooner than `quiet` seconds one after the other, unless it gets hot.

        `quiet` keeps a printer that is sped up from talking all the time. A host that watches the temperatures must
        not see them jump, so it is told oftener while they change.
        """
        self.temperatures_every = 0.0
        self.positions_every = 0.0
        self.busy_every = BUSY_SECONDS
        self._machine = machine
        self._dialect = dialect
        self._say = say
        self._quiet = quiet
        self._waits = waits
        self._temperatures_at = inf
        self._positions_at = inf
        self._busy_at = inf
        self._idle_at = WAIT_SECONDS if waits else inf

    def report_temperatures(self, seconds: float) -> None:
        """M155 S."""
        self.temperatures_every = seconds
        self._temperatures_at = self._machine.now + seconds if seconds else inf

    def report_positions(self, seconds: float) -> None:
        """M154 S."""
        self.positions_every = seconds
        self._positions_at = self._machine.now + seconds if seconds else inf

    def hear(self) -> None:
        """Something came from the host."""
        if self._waits:
            self._idle_at = self._machine.now + max(WAIT_SECONDS, self._quiet)

    def begin(self) -> None:
        """A command takes long from now on."""
        if self._machine.waits_for:
            self._busy_at = self._machine.now + self._often(HEATING_SECONDS)
        elif self.busy_every:
            self._busy_at = self._machine.now + max(self.busy_every, self._quiet)
        self._idle_at = inf

    def end(self) -> None:
        """It is over."""
        self._busy_at = inf
        self.hear()

    def due_at(self) -> float:
        """When `tell` has something to say."""
        return min(self._temperatures_at, self._positions_at, self._busy_at, self._idle_at)

    def tell(self) -> None:
        """Say what is due."""
        machine = self._machine
        now = machine.now
        if now >= self._temperatures_at:
            machine.heat()
            self._say(self._dialect.report(machine.nozzle, machine.bed))
            self._temperatures_at = now + self._often(self.temperatures_every)
        if now >= self._positions_at:
            self._say(machine.where())
            self._positions_at = now + max(self.positions_every, self._quiet)
        if now >= self._busy_at:
            if machine.waits_for:
                self._say(machine.tell_waiting())
            elif machine.is_paused:
                self._say(b"echo:busy: paused for user\n")
            else:
                self._say(b"echo:busy: processing\n")
            self.begin()
        if now >= self._idle_at:
            self._say(b"wait\n")
            self.hear()

    def _often(self, seconds: float) -> float:
        """How long until the next report of temperatures that should come every so many seconds."""
        slope = self._machine.slope()
        return max(seconds, min(self._quiet, STEP / slope) if slope else self._quiet)
