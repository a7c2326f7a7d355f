"""What PrusaLink answers, and what it means for one attempt. Pure: no request is made here.

Written against PrusaLink 0.8.1 (a Raspberry Pi on an MK3's serial line) and the published description of the
interface that newer printers (MK4, MINI, XL) have built in; the latter show short names beside the long ones.
"""

from msgspec import Struct, field

from agent.printers.driver import Condition, Ending, Heat
from agent.printers.server.paths import FOLDER, attempt_of

OVER = {"FINISHED", "STOPPED"}
"""States in which a print is over. PrusaLink on a Pi leaves them after 11 s and takes no order before that; a
printer with PrusaLink inside stays in them until its owner presses a button, and takes orders."""

MARKS = {Ending.DONE: "-done", Ending.FAILED: "-failed", Ending.CANCELLED: "-cancelled"}
"""How a folder is named that remembers an ending, after its attempt. PrusaLink itself keeps no history."""

CUT = {"Serial device does not exist", "RPi port is not enabled"}
"""PrusaLink's words for a printer that is off, or whose cable is out."""


class LinkHealth(Struct):
    """`status_printer`: what is wrong with the way to the printer. Only PrusaLink on a Pi tells."""

    ok: bool = True
    message: str = ""


class PrusaLinkPrinterState(Struct):
    """`printer` of `GET /api/v1/status`; temperatures in °C, absent while nothing is known."""

    state: str
    temp_nozzle: float | None = None
    target_nozzle: float | None = None
    temp_bed: float | None = None
    target_bed: float | None = None
    status_printer: LinkHealth = field(default_factory=LinkHealth)


class PrusaLinkStatus(Struct):
    """`GET /api/v1/status`."""

    printer: PrusaLinkPrinterState


class PrusaLinkJobFile(Struct):
    """`file` of a job. `path` is that of the file or of its folder, by the kind of PrusaLink."""

    name: str
    path: str = ""
    display_name: str = ""


class PrusaLinkJob(Struct):
    """`GET /api/v1/job`, which is a 204 without one; `progress` in %, `time_remaining` in seconds."""

    id: int
    file: PrusaLinkJobFile | None = None
    progress: float = 0.0
    time_remaining: float | None = None


class OlderJobFile(Struct):
    """`job.file` of `GET /api/job`, the older interface. It stays when the print is over."""

    path: str | None = None


class OlderJob(Struct):
    """`job` of `GET /api/job`."""

    file: OlderJobFile = field(default_factory=OlderJobFile)


class OlderJobAnswer(Struct):
    """`GET /api/job`; what is built into a printer has null there unless it prints."""

    job: OlderJob | None = None


class PrusaLinkStorage(Struct):
    """A place for files."""

    path: str
    read_only: bool = False
    available: bool = True


class PrusaLinkStorages(Struct):
    """`GET /api/v1/storage`."""

    storage_list: list[PrusaLinkStorage]


class FileRefs(Struct):
    """Where a file can be had."""

    download: str | None = None


class PrusaLinkEntry(Struct):
    """A file or folder; `m_timestamp` is Unix seconds."""

    name: str
    type: str = ""
    display_name: str = ""
    size: int | None = None
    m_timestamp: float = 0.0
    refs: FileRefs | None = None
    children: list["PrusaLinkEntry"] = []

    @property
    def called(self) -> str:
        """The long name."""
        return self.display_name or self.name


class PrusaLinkView(Struct, frozen=True, kw_only=True):
    """The printer at one moment. `path` is the long path, from our folder on, of the job's file."""

    state: str
    trouble: str = ""
    job: int | None = None
    path: str = ""
    progress: float = 0.0
    left: float | None = None
    nozzle: Heat | None = None
    bed: Heat | None = None

    @property
    def active(self) -> bool:
        """Whether a print runs or rests."""
        return self.job is not None and self.state not in OVER | {"ERROR", "IDLE", "READY"}

    @property
    def ours(self) -> str | None:
        """The attempt whose file the active print is."""
        return attempt_of(self.path) if self.active else None

    def runs(self, attempt: str | None) -> bool:
        """Whether the print that is active is this attempt's file."""
        return attempt is not None and self.ours == attempt

    def condition(self, running: str | None, settled: bool) -> Condition:
        """The printer's condition.

        Args:
            running: our attempt that has not ended.
            settled: whether a print that is over has been so for long enough.
        """
        if self.state == "ERROR":
            return Condition.UNREACHABLE if self.cut else Condition.FAULT
        if self.runs(running):
            return Condition.PAUSED if self.state in {"PAUSED", "ATTENTION"} else Condition.PRINTING
        ready = self.state in {"IDLE", "READY"} or (self.state in OVER and settled)
        return Condition.IDLE if ready and not self.active else Condition.BUSY

    @property
    def cut(self) -> bool:
        """Whether the error is that PrusaLink does not reach its printer, which then mends itself."""
        return self.state == "ERROR" and self.trouble in CUT

    def why(self, condition: Condition) -> str:
        """What to tell the owner of this condition; empty where there is nothing to do."""
        if condition is Condition.UNREACHABLE:
            return f"PrusaLink has no contact to the printer ({self.trouble}): is it on, is its cable plugged in?"
        if condition is Condition.FAULT:
            return f"The printer stopped for safety ({self.trouble or 'see its screen'}). Look at it, then reset it."
        if self.state == "ATTENTION":
            return "The printer waits for somebody: its screen says for what."
        if condition is Condition.BUSY:
            what = self.path or self.state.lower()
            return f"The printer is busy with something that is not ours ({what})."
        return ""


def view_of(status: PrusaLinkStatus, job: PrusaLinkJob | None) -> PrusaLinkView:
    """Put both answers together."""
    printer = status.printer
    return PrusaLinkView(
        state=printer.state,
        trouble="" if printer.status_printer.ok else printer.status_printer.message,
        job=None if job is None else job.id,
        path="" if job is None or job.file is None else long_path(job.file),
        progress=0.0 if job is None else job.progress / 100.0,
        left=None if job is None else job.time_remaining,
        nozzle=_heat(printer.temp_nozzle, printer.target_nozzle),
        bed=_heat(printer.temp_bed, printer.target_bed),
    )


def long_path(file: PrusaLinkJobFile) -> str:
    """The file's folder, and its long name. Short folder names are upper case, and ours is short already."""
    folders = [part for part in file.path.split("/") if part]
    if folders and folders[-1] in {file.name, file.display_name}:
        folders.pop()
    folder = folders[-1] if folders else ""
    name = file.display_name or file.name
    return f"{FOLDER if folder.lower() == FOLDER else folder}/{name}"


def marked(attempt: str, entries: list[PrusaLinkEntry]) -> Ending | None:
    """The ending of an attempt that a folder remembers."""
    names = {entry.called for entry in entries}
    return next((ending for ending, mark in MARKS.items() if f"{attempt}{mark}" in names), None)


def _heat(actual: float | None, target: float | None) -> Heat | None:
    return None if actual is None else Heat(actual=actual, target=target or 0.0)
