"""What Moonraker answers, and what it means for one attempt. Pure: no request is made here.

Written against Moonraker 0.11 and Klipper 0.13; both are told apart in what the owner reads: Moonraker is the
server, Klipper moves the printer.
"""

from typing import Generic, TypeVar

from msgspec import Struct, field

from agent.printers.driver import Condition, Ending, Heat
from agent.printers.server.paths import attempt_of, path_of

ENDINGS = {
    "completed": Ending.DONE,
    "cancelled": Ending.CANCELLED,
    "error": Ending.FAILED,
    "klippy_shutdown": Ending.FAILED,
}
"""What the states of Moonraker's history mean. Three more, `server_exit`, `interrupted` and `klippy_disconnect`,
say only that Moonraker looked away: Klipper may print on without it, and no entry tells how that ends."""

T = TypeVar("T")


class MoonrakerResult(Struct, Generic[T]):
    """Every good answer of Moonraker."""

    result: T


class KlippyContact(Struct):
    """`GET /server/info`: whether Moonraker has contact to Klipper."""

    klippy_connected: bool
    klippy_state: str


class Webhooks(Struct):
    """Klipper's own state: startup, ready, shutdown or error; the message has a reason in its first line."""

    state: str = ""
    state_message: str = ""


class PrintStats(Struct):
    """`print_stats`: standby, printing, paused, complete, cancelled or error. It keeps the last print's."""

    state: str = ""
    filename: str = ""
    message: str = ""


class VirtualSdCard(Struct):
    """`virtual_sdcard`; `progress` is the part of the file that was read, a few seconds ahead of the moves."""

    is_active: bool = False
    progress: float = 0.0


class PauseResume(Struct):
    """`pause_resume`."""

    is_paused: bool | None = None


class IdleTimeout(Struct):
    """`idle_timeout`: `Printing` while anything moves, or a command is being worked on."""

    state: str = ""


class KlipperHeater(Struct):
    """A heater, in °C; empty where the printer has none."""

    temperature: float | None = None
    target: float | None = None


class KlipperObjects(Struct):
    """The parts of Klipper that are asked for; one that is not configured is empty."""

    webhooks: Webhooks = field(default_factory=Webhooks)
    print_stats: PrintStats = field(default_factory=PrintStats)
    virtual_sdcard: VirtualSdCard = field(default_factory=VirtualSdCard)
    pause_resume: PauseResume = field(default_factory=PauseResume)
    idle_timeout: IdleTimeout = field(default_factory=IdleTimeout)
    extruder: KlipperHeater = field(default_factory=KlipperHeater)
    heater_bed: KlipperHeater = field(default_factory=KlipperHeater)


QUERY = "/printer/objects/query?" + "&".join(KlipperObjects.__struct_fields__)


class KlipperQuery(Struct):
    """`GET /printer/objects/query`."""

    status: KlipperObjects


class JobQueue(Struct):
    """`GET /server/job_queue/status`: paused, ready, loading or starting; all but the first start prints."""

    queue_state: str


class PastPrint(Struct):
    """A print in Moonraker's history."""

    filename: str
    status: str


class PrintHistory(Struct):
    """`GET /server/history/list`."""

    jobs: list[PastPrint]


class MoonrakerFile(Struct):
    """A file of `GET /server/files/directory`; `modified` is Unix seconds."""

    filename: str
    modified: float = 0.0


class MoonrakerFolder(Struct):
    """`GET /server/files/directory`."""

    files: list[MoonrakerFile]


class MoonrakerItem(Struct):
    """Where an upload was put."""

    path: str


class MoonrakerUpload(Struct):
    """The answer to an upload, which is not wrapped like the others."""

    item: MoonrakerItem


class MoonrakerView(Struct, frozen=True, kw_only=True):
    """Klipper at one moment: its state (or `disconnected`), the reason, and where it is ready, its parts."""

    state: str
    message: str = ""
    parts: KlipperObjects = field(default_factory=KlipperObjects)
    queue: str = "paused"

    @property
    def usable(self) -> bool:
        """Whether Klipper has what a print by file needs."""
        return bool(self.parts.print_stats.state) and self.parts.pause_resume.is_paused is not None

    @property
    def active(self) -> bool:
        """Whether a file is being printed, or rests."""
        stats, card = self.parts.print_stats, self.parts.virtual_sdcard
        return self.state == "ready" and (stats.state in {"printing", "paused"} or card.is_active)

    @property
    def moving(self) -> bool:
        """Whether anything moves, by whatever hand."""
        return self.state == "ready" and self.parts.idle_timeout.state == "Printing"

    @property
    def ready(self) -> bool:
        """Whether a print may be started."""
        busy = self.active or self.moving or self.parts.pause_resume.is_paused
        return self.state == "ready" and self.usable and not busy and self.queue == "paused"

    @property
    def nozzle(self) -> Heat | None:
        """The extruder's heater."""
        return _heat(self.parts.extruder)

    @property
    def bed(self) -> Heat | None:
        """The bed's heater."""
        return _heat(self.parts.heater_bed)

    def holds(self, attempt: str | None) -> bool:
        """Whether the file that Klipper prints, or printed last, is this attempt's."""
        return attempt is not None and self.parts.print_stats.filename == path_of(attempt)

    @property
    def ours(self) -> str | None:
        """The attempt whose file is active."""
        return attempt_of(self.parts.print_stats.filename) if self.active else None

    def runs(self, attempt: str | None) -> bool:
        """Whether what is active is this attempt's file."""
        return self.active and self.holds(attempt)

    def condition(self, running: str | None) -> Condition:
        """The printer's condition, `running` being our attempt that has not ended."""
        if self.state in {"disconnected", "startup"}:
            return Condition.UNREACHABLE
        if self.state != "ready" or not self.usable:
            return Condition.FAULT
        if self.runs(running):
            paused = self.parts.print_stats.state == "paused"
            return Condition.PAUSED if paused else Condition.PRINTING
        return Condition.IDLE if self.ready else Condition.BUSY

    def why(self, condition: Condition) -> str:
        """What to tell the owner of this condition; empty where there is nothing to do."""
        if condition is Condition.UNREACHABLE and self.state == "startup":
            return "Klipper is starting, or waits for the printer's board: is the printer switched on?"
        if condition is Condition.UNREACHABLE:
            return "Moonraker has no contact to Klipper: is it running?"
        if condition is Condition.FAULT and self.state == "ready":
            return "Klipper can't print files: add [virtual_sdcard] and [pause_resume] to printer.cfg."
        if condition is Condition.FAULT:
            said = self.message or self.state
            return f"Klipper stopped: {said}. Mend the cause at the printer, then press Firmware Restart."
        return self._occupation if condition is Condition.BUSY else ""

    @property
    def _occupation(self) -> str:
        if self.active:
            return f"Klipper prints something that is not ours ({self.parts.print_stats.filename})."
        if self.queue != "paused":
            return "Moonraker's job queue is about to start a print of its own: pause it there."
        return "Klipper is busy with something that is not ours."

    def trace(self, attempt: str, jobs: list[PastPrint], *, blind: bool) -> Ending | None:
        """How the print of an attempt's file ended, None while it runs or nothing is known.

        Args:
            attempt: the attempt.
            jobs: Moonraker's history, newest first. The oldest print of a file is ours: its name was new, and
                we started it.
            blind: whether Moonraker may have stopped meanwhile, which its history can't tell from Klipper's end.
        """
        ours = [job.status for job in jobs if job.filename == path_of(attempt)]
        first = ours[-1] if ours else ""
        if first in ENDINGS:
            return ENDINGS[first]
        if len(ours) > 1:
            return Ending.UNKNOWN  # ours was lost from sight, and another hand has printed the file since
        if not self.holds(attempt):
            restarted = (
                first == "klippy_disconnect" and not blind and self.state not in {"disconnected", "startup"}
            )
            return Ending.FAILED if restarted else None
        shown = {"complete": Ending.DONE, "cancelled": Ending.CANCELLED, "error": Ending.FAILED}
        broken = Ending.FAILED if self.state in {"shutdown", "error"} else None
        return shown.get(self.parts.print_stats.state, broken)


def view_of(parts: KlipperObjects, queue: str = "paused") -> MoonrakerView:
    """What Klipper's parts say."""
    state = parts.webhooks.state or "startup"
    return MoonrakerView(
        state=state, message=_first_line(parts.webhooks.state_message), parts=parts, queue=queue
    )


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0].rstrip(".")


def _heat(heater: KlipperHeater) -> Heat | None:
    if heater.temperature is None:
        return None
    return Heat(actual=heater.temperature, target=heater.target or 0.0)
