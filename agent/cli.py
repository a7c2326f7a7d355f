"""`muster-agent`: what a printer's owner says to the agent, and what it answers.

Each command loads only what it needs: an agent on a Raspberry Pi must stay small.
"""

import argparse
import logging
import re
import shutil
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from agent import settings
from agent.errors import OwnerError
from agent.printers.driver import PrinterError
from agent.settings import Loaded, Printer
from wire import enrolment, topics
from wire.errors import WireError

if TYPE_CHECKING:
    from agent import discovery

ABOUT = """\
Drives the 3D printers beside this machine and takes print jobs from a Muster coordinator. Nothing starts on
a printer whose bed you did not say is clear, that is busy with something of yours, or in your quiet hours.
"""
FIRST = """\
the first time:
  1. muster-agent setup               find the printers, and make the settings
  2. muster-agent enroll INVITE --name my-workshop      with the invite of your coordinator
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
PRINTERS = """\
Find the printers that could be driven: at the USB serial ports of this machine, and behind OctoPrint,
Moonraker (Klipper) or PrusaLink, on this machine and where the home network announces them (mDNS); and look at
those that are in the settings. It takes up to five seconds.

A serial port that is not in the settings is opened only if you say so (--open, or yes when you are asked), and then
asked for the name of its firmware (M115): nothing moves and nothing heats. But opening alone makes many boards
restart: not while one of them prints from its own card. A port that another program has open is left alone.
Servers are only read from.
"""
WATCH = """\
Show one printer as it is now: heat, progress, time left, its bed, and what the coordinator knows of it. It only
looks: the agent and the print are not disturbed, and Ctrl-C ends nothing but the view. Where the output is no
terminal, a line is written whenever something has changed.
"""
SETUP = """\
Find printers, ask a few questions, and write the settings. Settings that are there are only added to, after the
difference was shown. What opens a printer's server is kept in files of its own, for your eyes only; OctoPrint gives
a key when you confirm it there. Ctrl-C ends it at any time; what you answered is kept for the next time.
"""
OPEN = """\
These ports are not in the settings:
  {}
They can be opened to see who is there. Many boards restart by that: say no while one prints from its own card.
Open them? [y/N] """
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
        "printers", help="find printers, and look at each now", description=PRINTERS, formatter_class=plain
    )
    printers.add_argument("--json", action="store_true", help="one JSON object, for programs")
    _add_scope(printers)
    printers.set_defaults(act=_printers)

    setup = commands.add_parser(
        "setup", help="make the settings, in a few questions", description=SETUP, formatter_class=plain
    )
    _add_scope(setup)
    setup.set_defaults(act=_setup)

    watch = commands.add_parser(
        "watch", help="a live view of one printer", description=WATCH, formatter_class=plain
    )
    watch.add_argument(
        "printer", metavar="PRINTER", nargs="?", help="its name in the settings (default: the one with work)"
    )
    watch.add_argument("--once", action="store_true", help="look once, and end")
    watch.add_argument("--json", action="store_true", help="one JSON object a line, for programs")
    watch.set_defaults(act=_watch)

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


def _add_scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--open",
        action=argparse.BooleanOptionalAction,
        help="open USB serial ports that are not in the settings (default: ask at a terminal, else no)",
    )
    parser.add_argument(
        "--port",
        metavar="PATH",
        action="append",
        default=[],
        help="a serial port to ask, beside those at USB",
    )
    parser.add_argument(
        "--url",
        metavar="URL",
        action="append",
        default=[],
        help="where a server may be, beside those announced",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=4.0,
        help="how long to look (default: 4; for boards that wake up slowly: 12)",
    )
    parser.add_argument(
        "--interface",
        metavar="ADDRESS",
        action="append",
        help="ask only the network of this address of this machine (default: all)",
    )


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
    loaded = _load_if_there(parsed)
    from agent import app, discovery, lookout  # noqa: PLC0415  the drivers, and mDNS

    scope = _scope(parsed, loaded.settings.printer if loaded else ())
    until = time.monotonic() + scope.seconds + lookout.CLOSING
    seen: list[lookout.Sight] = []
    if loaded is None:
        found = discovery.discover(scope)
    else:
        with ExitStack() as stack:
            driven = app.runs(loaded.state)
            if not driven:
                stack.enter_context(app.lock(loaded.state))
            looks = lookout.look(loaded, seconds=scope.seconds - lookout.RESERVE, driven=driven)
            found = discovery.discover(scope, loaded.settings.printer)
            seen = [look.result(until) for look in looks]
    print(lookout.as_json(seen, found) if parsed.json else lookout.as_text(seen, found))
    if loaded is None and not parsed.json:
        print(f"there are no settings yet ({settings.find(parsed.config)}): muster-agent setup makes them")
    return 0


def _setup(parsed: argparse.Namespace) -> int:
    from agent import hands, setup  # noqa: PLC0415  the drivers, and mDNS

    path = settings.find(parsed.config)
    try:
        setup.run(path, hands.Keyboard(), hands.Machine(lambda known: _scope(parsed, known)))
    except EOFError:
        raise CommandError("nothing was written: setup needs somebody who answers") from None
    except KeyboardInterrupt:
        print("\nNothing was written; what you answered is kept for the next time.")
        return 130
    return 0


def _watch(parsed: argparse.Namespace) -> int:
    loaded = _load(parsed)
    from agent import watch  # noqa: PLC0415  the journal and the drivers

    out = sys.stdout
    screen: watch.Screen
    if parsed.json:
        screen = watch.JsonScreen(out)
    elif parsed.once or out.isatty():
        screen = watch.LiveScreen(out, lambda: shutil.get_terminal_size().columns)
    else:
        screen = watch.PaperScreen(out)
    watcher = watch.Watcher(loaded, watch.chosen(loaded, parsed.printer))
    try:
        watcher.watch(screen, once=parsed.once)
    except KeyboardInterrupt:
        return 0
    finally:
        watcher.close()
    return 0


def _scope(parsed: argparse.Namespace, known: Sequence[Printer]) -> "discovery.Scope":
    from agent import discovery  # noqa: PLC0415  mDNS

    scope = discovery.this_machine(
        given=parsed.port,
        urls=parsed.url,
        interfaces=parsed.interface,
        seconds=min(60.0, max(0.2, parsed.seconds)),
    )
    unknown = [outlet.path for outlet in discovery.unknown(scope, known)]
    opens: bool | None = parsed.open
    if opens is None:
        opens = (
            bool(unknown)
            and sys.stdin.isatty()
            and sys.stdout.isatty()
            and _confirmed(OPEN.format("\n  ".join(unknown)))
        )
    return structs.replace(scope, opens=opens)


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


def _load_if_there(parsed: argparse.Namespace) -> Loaded | None:
    path = settings.find(parsed.config)
    return settings.load(path) if path.exists() else None


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
