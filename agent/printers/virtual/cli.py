"""`muster-agent virtual-printer`: what can be asked of it."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from agent.printers.virtual.faults import EVERY, ONCE, Faults
from agent.printers.virtual.firmware import Firmware
from agent.printers.virtual.printer import QUIET, VirtualPrinter
from agent.printers.virtual.profile import PROFILES
from agent.prose import Formatter

ABOUT = """
Play a 3D printer at the far end of a pty, for any host to open: Marlin's side of the cable, with its receive
buffer, command queue, planner and heaters in real time. Prints the pty's path, and runs until it is ended (Ctrl-C).
Nothing moves and nothing gets hot.
"""
MORE = """
profiles:
{profiles}

faults, each as NAME:N (every Nth line or ok; the second kind: at the Nth line), NAME@N (once, at the Nth),
NAME@CODE (once, when that G-code is executed), or NAME~N (by chance, one in N; --seed decides when):
{faults}
or, at one moment:
{moments}

With --steered, the same names on standard input strike at once, one a line; so do unplug and plug.

Faster than real time, pty and host are as slow as ever, so the planner starves sooner. A profile without
auto-report is asked for its temperatures every two seconds or so: beyond --speed 8 they jump from one answer
to the next, and a host with a watchdog stops. The others are safe up to --speed 1000.

examples:
  muster-agent virtual-printer --link /tmp/printer
  muster-agent virtual-printer --profile prusa --speed 20 --log executed.gcode
  muster-agent virtual-printer --seed 7 --fault corrupt~900
  muster-agent virtual-printer --fault silence@M109 --fault unplug@900
  muster-agent virtual-printer --profile marlin1 --script bad-evening.txt
"""


def run(printer: VirtualPrinter) -> None:
    """Be a printer until the process is ended. Prints the pty's path first."""
    try:
        print(printer.name, flush=True)
        printer.serve()
    finally:
        printer.unplug()


def main(argv: Sequence[str] | None = None) -> int:
    """Play a printer; the exit code."""
    options = _parser().parse_args(argv)
    if options.profile not in PROFILES:
        return _complain(f"there is no profile {options.profile!r}; there are: {', '.join(PROFILES)}")
    if not 0 < options.speed <= 1000:
        return _complain("--speed must be above 0 and at most 1000")
    stream = None
    try:
        faults = Faults([*_script(options.script), *options.fault], options.seed)
        stream = options.log.open("w", encoding="utf-8") if options.log else None
        firmware = Firmware(
            faults,
            None if stream is None else (lambda line: stream.write(line + "\n")),
            profile=PROFILES[options.profile],
            emergency=False if options.no_emergency_parser else None,
            quiet=QUIET * options.speed,
            seed=options.seed,
        )
        signal.signal(signal.SIGTERM, _end)
        run(VirtualPrinter(firmware, options.link, options.speed, steered=options.steered, log=stream))
    except ValueError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"can't use {options.link if error.filename2 else error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        pass
    finally:
        if stream:
            stream.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="muster-agent virtual-printer",
        description=ABOUT,
        epilog=MORE.format(
            profiles=_table({name: profile.about for name, profile in PROFILES.items()}),
            faults=_table(EVERY),
            moments=_table(ONCE),
        ),
        formatter_class=Formatter,
    )
    default = next(iter(PROFILES))
    parser.add_argument("--profile", default=default, metavar="NAME", help=f"see below (default: {default})")
    parser.add_argument("--link", type=Path, metavar="FILE", help="a symbolic link to make to the pty")
    parser.add_argument(
        "--speed", type=float, default=1.0, metavar="N", help="N times as fast as a real one (default: 1)"
    )
    parser.add_argument(
        "--fault", action="append", default=[], metavar="FAULT", help="see below; can be given several times"
    )
    parser.add_argument(
        "--script", type=Path, metavar="FILE", help="a file of faults, one a line; # begins a comment"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="decides what happens by chance; the same one does the same (default: 0)",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="where to write every executed command")
    parser.add_argument(
        "--steered", action="store_true", help="take faults by name from standard input, while it runs"
    )
    parser.add_argument(
        "--no-emergency-parser",
        action="store_true",
        help="a stop waits until it is its turn, as on most boards in the field",
    )
    return parser


def _complain(what: str) -> int:
    print(f"muster-agent virtual-printer: {what}", file=sys.stderr)
    return 2


def _script(path: Path | None) -> list[str]:
    if path is None:
        return []
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def _table(rows: dict[str, str]) -> str:
    return "\n".join(f"  {name:14} {about}" for name, about in rows.items())


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
