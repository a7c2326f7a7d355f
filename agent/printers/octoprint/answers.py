"""What OctoPrint answers, and what it means for one attempt. Pure: no request is made here.

Written against OctoPrint 1.11.8 and 2.0.0rc7, which says null for `error` and gives no check sum of a file.
"""

import re

from msgspec import Struct

from agent.printers.driver import Condition, Ending, Heat
from agent.printers.server.paths import attempt_of, path_of

OLDEST_GOOD = (1, 11, 8)
"""Older ones have holes that a file's name can use."""

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?", re.ASCII)


class OctoPrintVersion(Struct):
    """`GET /api/version`."""

    server: str


class StateFlags(Struct, rename="camel"):
    """`state.flags` of `GET /api/printer`."""

    operational: bool = False
    printing: bool = False
    pausing: bool = False
    paused: bool = False
    resuming: bool = False
    cancelling: bool = False
    finishing: bool = False
    error: bool = False
    ready: bool = False


class OctoPrintState(Struct):
    """`state` of `GET /api/printer`."""

    text: str
    flags: StateFlags


class OctoPrintHeater(Struct):
    """One heater, in °C; a null where the printer has not yet reported."""

    actual: float | None = None
    target: float | None = None


class OctoPrintPrinterState(Struct):
    """`GET /api/printer`, which is a 409 while OctoPrint has no printer."""

    state: OctoPrintState
    temperature: dict[str, OctoPrintHeater] = {}


class SelectedFile(Struct):
    """The file that is selected, whether or not it is printed."""

    path: str | None = None
    origin: str | None = None


class SelectedJob(Struct):
    """`job` of `GET /api/job`."""

    file: SelectedFile


class JobProgress(Struct):
    """`progress` of `GET /api/job`; `completion` is the percentage of bytes sent, and stays after the end."""

    completion: float | None = None


class OctoPrintJob(Struct):
    """`GET /api/job`."""

    job: SelectedJob
    progress: JobProgress
    state: str
    error: str | None = None


class PrintCounts(Struct):
    """How often a file was printed, and how that ended: the trace that OctoPrint leaves of a print."""

    success: int = 0
    failure: int = 0


class OctoPrintFile(Struct):
    """One entry of `GET /api/files/local/...`; `hash` is the SHA-1 of what is stored (2.0 has none).

    `date` in Unix seconds, `size` in bytes.
    """

    path: str
    date: float | None = None
    size: int | None = None
    hash: str | None = None
    prints: PrintCounts | None = None


class OctoPrintFolder(Struct):
    """A folder with its files."""

    children: list[OctoPrintFile] = []


class OctoPrintUpload(Struct):
    """The answer to an upload: where OctoPrint put it."""

    files: dict[str, OctoPrintFile]


class OctoPrintView(Struct, frozen=True, kw_only=True):
    """OctoPrint at one moment. `flags` is None while it has no printer; `path` is its selected local file."""

    text: str
    error: str
    flags: StateFlags | None
    path: str | None
    completion: float
    nozzle: Heat | None
    bed: Heat | None

    @property
    def active(self) -> bool:
        """Whether a job runs, rests, or is being brought to its end."""
        f = self.flags
        return f is not None and (
            f.paused or f.printing or f.pausing or f.resuming or f.cancelling or f.finishing
        )

    @property
    def closing(self) -> bool:
        """Whether the job is being brought to its end; its trace may be there already, and it still moves."""
        return self.flags is not None and (self.flags.cancelling or self.flags.finishing)

    @property
    def ready(self) -> bool:
        """Whether a job may be started."""
        return self.flags is not None and self.flags.ready and not self.active

    @property
    def ours(self) -> str | None:
        """The attempt whose file is the job that is active."""
        return attempt_of(self.path) if self.active else None

    def runs(self, attempt: str | None) -> bool:
        """Whether the job that is active is this attempt's file."""
        return attempt is not None and self.ours == attempt

    def condition(self, running: str | None) -> Condition:
        """The printer's condition, `running` being our attempt that has not ended."""
        if self.flags is None:
            broken = self.error or self.text.startswith(("Error", "Offline after error"))
            return Condition.FAULT if broken else Condition.UNREACHABLE
        if self.flags.error:
            return Condition.FAULT
        if self.runs(running):
            return Condition.PAUSED if self.flags.paused else Condition.PRINTING
        return Condition.IDLE if self.ready else Condition.BUSY

    def why(self, condition: Condition) -> str:
        """What to tell the owner of this condition; empty where there is nothing to do."""
        if condition is Condition.FAULT:
            reason = self.error or self.text
            return f"OctoPrint says: {reason}. Look at the printer, then connect it again in OctoPrint."
        if condition is Condition.UNREACHABLE:
            return f"OctoPrint has no printer ({self.text}): switch it on and connect it in OctoPrint."
        if condition is Condition.BUSY:
            return f"OctoPrint prints something that is not ours ({self.path or self.text})."
        return ""


def view_of(job: OctoPrintJob, printer: OctoPrintPrinterState | None) -> OctoPrintView:
    """Put both answers together; `printer` is None for a 409."""
    file = job.job.file
    heaters = {} if printer is None else printer.temperature
    return OctoPrintView(
        text=job.state if printer is None else printer.state.text,
        error=job.error or "",
        flags=None if printer is None else printer.state.flags,
        path=file.path if file.origin == "local" else None,
        completion=job.progress.completion or 0.0,
        nozzle=_heat(heaters.get("tool0")),
        bed=_heat(heaters.get("bed")),
    )


def ending_of(prints: PrintCounts | None) -> Ending | None:
    """How the print of a file ended, None while there is no trace.

    We print a file once. If another hand printed it again and that ended otherwise, nobody can say which
    was ours.
    """
    if prints is None or prints.success + prints.failure == 0:
        return None
    if prints.success and prints.failure:
        return Ending.UNKNOWN
    return Ending.DONE if prints.success else Ending.FAILED


def named(files: list[OctoPrintFile], attempt: str) -> OctoPrintFile | None:
    """An attempt's file among those of our folder."""
    return next((file for file in files if file.path == path_of(attempt)), None)


def prints_of(files: list[OctoPrintFile], attempt: str) -> PrintCounts | None:
    """The trace of an attempt's file."""
    file = named(files, attempt)
    return None if file is None else file.prints


def is_old(version: str) -> bool:
    """Whether an OctoPrint is older than the oldest good one; a version that cannot be read counts as old."""
    match = _VERSION.match(version)
    return match is None or tuple(int(part or 0) for part in match.groups()) < OLDEST_GOOD


def _heat(temperature: OctoPrintHeater | None) -> Heat | None:
    if temperature is None or temperature.actual is None:
        return None
    return Heat(actual=temperature.actual, target=temperature.target or 0.0)
