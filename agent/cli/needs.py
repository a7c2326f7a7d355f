"""What a machine must have for `muster-agent`, so that what is missing is a sentence and no traceback."""

import importlib.util
import sys

EXTRA = ("paho", "serial", "octorest", "zeroconf", "pyclipper")
"""What `muster[agent]` brings beside what every Muster has."""
_ANYWHERE = frozenset({"check"})
"""Commands that need neither Linux nor the extra."""
_WHOLE = frozenset({"run", "try", "setup", "printers"})
"""Commands that may need all of the extra, and should say so before they begin."""
_SYSTEM = "printers are driven from Linux only (Raspberry Pi OS, Debian, Ubuntu, Fedora, …), and this is {}"
_PACKAGE = "{} is not installed here, which comes with the agent's extra: pip install 'muster[agent]'"


def lacking(command: str) -> str:
    """What a command can't do without, and this machine does not have; empty if nothing is known."""
    if command in _ANYWHERE:
        return ""
    if sys.platform != "linux":
        return _SYSTEM.format({"win32": "Windows", "darwin": "macOS"}.get(sys.platform, sys.platform))
    if command in _WHOLE:
        absent = next((name for name in EXTRA if importlib.util.find_spec(name) is None), None)
        return _PACKAGE.format(absent) if absent else ""
    return ""


def explained(error: ModuleNotFoundError) -> str:
    """The same of an import that failed; empty if it was a mistake of ours."""
    name = (error.name or "").partition(".")[0]
    return _PACKAGE.format(name) if name in EXTRA else ""
