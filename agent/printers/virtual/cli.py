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
  muster-agent virtual-printer --profile ender-clone --seed 7 --fault lose-ok~500 --fault restart@2000
  muster-agent virtual-printer --fault silence@M109 --fault unplug:900
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
    parser = _parser()
    options = parser.parse_args(argv)
    if not 0 < options.speed <= 1000:
        parser.error("--speed must be above 0 and at most 1000")
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
    except (ValueError, OSError) as error:
        parser.error(str(error))
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
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = next(iter(PROFILES))
    parser.add_argument("--profile", choices=PROFILES, default=default, metavar="NAME", help="see below")
    parser.add_argument("--link", type=Path, metavar="FILE", help="a symbolic link to make to the pty")
    parser.add_argument("--speed", type=float, default=1.0, metavar="N", help="N times as fast as a real one")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME:N", help="see below; repeat it")
    parser.add_argument("--script", type=Path, metavar="FILE", help="faults, one a line; # begins a comment")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="what happens by chance (0)")
    parser.add_argument("--log", type=Path, metavar="FILE", help="where to write every executed command")
    parser.add_argument("--steered", action="store_true", help="take faults by name from standard input")
    parser.add_argument("--no-emergency-parser", action="store_true", help="as most boards in the field")
    return parser


def _script(path: Path | None) -> list[str]:
    if path is None:
        return []
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def _table(rows: dict[str, str]) -> str:
    return "\n".join(f"  {name:14} {about}" for name, about in rows.items())


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
