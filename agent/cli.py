"""`muster-agent`: what a printer's owner says to the agent, and what it answers.

Each command loads only what it needs: an agent on a Raspberry Pi must stay small.
"""

import argparse
import logging
import re
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from agent import settings
from agent.errors import OwnerError
from agent.printers.driver import PrinterError
from agent.settings import Loaded
from wire import enrolment, topics
from wire.errors import WireError

ABOUT = """\
Drives the 3D printers beside this machine and takes print jobs from a Muster coordinator. Nothing starts on
a printer whose bed you did not say is clear, that is busy with something of yours, or in your quiet hours.
"""
FIRST = """\
the first time:
  1. get an invite from your coordinator, and write the settings (see agent/settings.example.toml)
  2. muster-agent enroll INVITE --name my-workshop
  3. muster-agent printers            are the printers there?
  4. muster-agent clear left          the bed of the printer "left" is empty
  5. muster-agent run

The settings are read from --config, else $MUSTER_AGENT_CONFIG, else ./muster-agent.toml, else
~/.config/muster/agent.toml.
"""
CLEAR = """\
Say that the bed of PRINTER is empty: parts taken off, nothing left that a print could hit. The next print
may start at any moment then, so keep your hands out. What was printed counts as taken off. It holds for one
print, also over power cuts.
"""
ENROLL = """\
Join a coordinator. INVITE is the text beginning with muster1. that it gave you; it works once. This makes a
key that never leaves this machine, and keeps it with the coordinator's certificate in the state folder.
"""


class CommandError(OwnerError):
    """What was asked can't be done. Says why, in one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0, 1 for a bug, 2 for what the person at the keyboard can mend."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["virtual-printer"]:
        from agent.printers.virtual import main as virtual  # noqa: PLC0415  to try things only

        return virtual(given[1:])
    if given[:1] == ["octoprint-sandbox"]:
        from agent.printers.sandbox import main as sandbox  # noqa: PLC0415  to try things only

        return sandbox(given[1:])
    parsed = _parser().parse_args(given)
    try:
        code: int = parsed.act(parsed)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except (OwnerError, PrinterError, WireError) as error:
        print(f"muster-agent: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="muster-agent", description=ABOUT, epilog=FIRST, formatter_class=plain
    )
    parser.add_argument("--config", metavar="FILE", help="the settings (default: see below)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="drive the printers until stopped", description=ABOUT)
    run.add_argument("--verbose", action="store_true", help="log more")
    run.set_defaults(act=_run)

    status = commands.add_parser(
        "status",
        help="what the journal holds, whether the agent runs or not",
        description="Show each printer's bed and print, and what the coordinator does not know yet.",
    )
    status.add_argument("--json", action="store_true", help="one JSON object, for programs")
    status.set_defaults(act=_status)

    printers = commands.add_parser(
        "printers",
        help="look at each printer now",
        description="Ask each printer how it is; nothing moves. Serial ports are opened for it.",
    )
    printers.add_argument("--json", action="store_true", help="one JSON object, for programs")
    printers.set_defaults(act=_printers)

    clear = commands.add_parser(
        "clear", help="say that a printer's bed is empty", description=CLEAR, formatter_class=plain
    )
    clear.add_argument("printer", metavar="PRINTER", help="its name in the settings")
    clear.add_argument("--yes", action="store_true", help="do not ask")
    clear.set_defaults(act=_clear)

    enroll = commands.add_parser(
        "enroll", help="join a coordinator", description=ENROLL, formatter_class=plain
    )
    enroll.add_argument("invite", metavar="INVITE", help="the text that the coordinator gave you")
    enroll.add_argument(
        "--name",
        help="what this agent is called: small letters, digits, dashes (default: this machine's name)",
    )
    enroll.add_argument(
        "--ca",
        metavar="FILE",
        type=Path,
        help="a CA (PEM) to trust, if the coordinator's https address needs it",
    )
    enroll.set_defaults(act=_enroll)

    commands.add_parser(
        "virtual-printer", help="a printer to try things with, at the far end of a pty", add_help=False
    )
    commands.add_parser(
        "octoprint-sandbox", help="a throw-away OctoPrint with a virtual printer", add_help=False
    )
    return parser


def _run(parsed: argparse.Namespace) -> int:
    level = logging.DEBUG if parsed.verbose else logging.INFO
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(message)s")
    loaded = _load(parsed)
    from agent import app  # noqa: PLC0415  the threads and the network

    return app.run(loaded)


def _status(parsed: argparse.Namespace) -> int:
    loaded = _load(parsed)
    from agent import overview  # noqa: PLC0415  the journal

    seen = overview.look(loaded)
    print(overview.as_json(seen) if parsed.json else overview.as_text(seen))
    return 0


def _printers(parsed: argparse.Namespace) -> int:
    loaded = _load(parsed)
    from agent import app, lookout  # noqa: PLC0415  the drivers

    if app.runs(loaded.state):
        raise CommandError("the agent runs and has the printers: muster-agent status tells what they do")
    with app.lock(loaded.state):
        seen = lookout.look(loaded)
    print(lookout.as_json(seen) if parsed.json else lookout.as_text(seen))
    return 0


def _clear(parsed: argparse.Namespace) -> int:
    loaded = _load(parsed)
    name = loaded.printer(parsed.printer).name
    from agent.app import journal_path  # noqa: PLC0415  the journal
    from agent.journal import Journal  # noqa: PLC0415

    if not parsed.yes and not _confirmed(f"Is the bed of {name} empty, and may the next print start? [y/N] "):
        raise CommandError("nothing was changed (say y, or --yes)")
    _make(loaded.state)
    journal = Journal(journal_path(loaded.state))
    try:
        journal.clear_bed(name, time.time())
    finally:
        journal.close()
    print(f"{name}: the bed counts as clear until the next print starts")
    return 0


def _enroll(parsed: argparse.Namespace) -> int:
    loaded = _load(parsed)
    from agent import identity  # noqa: PLC0415  keys and certificates
    from agent.enrolment import enrol  # noqa: PLC0415  X.509 is only needed here

    name = parsed.name or re.sub("[^a-z0-9-]+", "-", socket.gethostname().lower()).strip("-")[:48]
    if not re.fullmatch(topics.NAME[1:-1], name):
        raise CommandError(f"{name!r} is no name: up to 48 small letters, digits and dashes (--name)")
    if (loaded.state / "identity.json").exists():
        known = identity.load(loaded.state)
        raise CommandError(
            f"this agent has joined {known.answer.url} as {known.agent} already;"
            f" to join anew, move {loaded.state} away"
        )
    trust = _text(parsed.ca) if parsed.ca else ""
    known = enrol(enrolment.parse(parsed.invite), name, loaded.state, trust)
    print(f"joined {known.answer.url} as {known.agent}; next: muster-agent printers, then muster-agent run")
    return 0


def _load(parsed: argparse.Namespace) -> Loaded:
    return settings.load(settings.find(parsed.config))


def _make(state: Path) -> None:
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"can't make the state folder {state}: {error.strerror}") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"can't read {path}: {error}") from None


def _confirmed(question: str) -> bool:
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except EOFError:
        return False
