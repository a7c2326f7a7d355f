"""The hosts that are measured, and where their environments are."""

import os
import sys
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[3]
HOSTS = Path(__file__).parent / "hosts"


class Side(Struct, frozen=True):
    """One host: its name, its program, its Python, and how many lines it gets where nothing limits it."""

    name: str
    program: str
    python: Path
    lines: int
    resends: bool = True
    """Whether it can be given a bad cable at all."""

    @property
    def is_there(self) -> bool:
        """Whether its environment is set up."""
        return self.python.exists()

    def command(self, port: Path, path: Path, mode: str = "") -> list[str]:
        """What starts it."""
        return [
            *(str(self.python), str(HOSTS / f"{self.program}.py"), str(port), "115200", str(path)),
            *([mode] if mode else []),
        ]


def _environment(name: str) -> Path:
    """A Python of another environment, beside the sources or where MUSTER_ENVIRONMENTS says."""
    return Path(os.environ.get("MUSTER_ENVIRONMENTS", ROOT)) / name / "bin" / "python"


OURS = Side("muster", "ours", Path(sys.executable), 100_000)
RAW = Side("raw, 127 bytes", "raw", Path(sys.executable), 100_000, resends=False)
PING_PONG = Side("pyserial, one by one", "ping_pong", Path(sys.executable), 40_000)
OCTOPRINT = Side("OctoPrint 1.11", "octoprint_comm", _environment(".venv-octoprint"), 10_000)
PRINTCORE = Side("printcore 2.2.0", "printcore_host", _environment(".venv-printrun"), 3_000)
SIDES = [OURS, RAW, PING_PONG, OCTOPRINT, PRINTCORE]
