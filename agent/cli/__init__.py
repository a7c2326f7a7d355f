"""`muster-agent`: what a printer's owner says to the agent, and what it answers.

Each command loads only what it needs: an agent on a Raspberry Pi must stay small.
"""

import argparse
import logging
import re
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import structs

from agent import settings
from agent.cli import needs, usage
from agent.errors import OwnerError
from agent.http.address import is_loopback
from agent.printers.driver import Condition, PrinterError
from agent.printers.kind import PrinterSettings
from agent.prose import wrap
from agent.settings import Loaded
from wire import enrolment, topics
from wire.errors import WireError
from wire.messages import Answer

if TYPE_CHECKING:
    from agent.discovery import search

OPEN = """\
These ports are not in the settings:
  {}
They can be opened to see who is there. Many boards restart by that: say no while one prints from its own card.
Open them? [y/N] """


RESET = """\
{}: {}
Have you looked at it, and may its board start anew? [y/N]"""
RESTS = """\
{}: it was stopped for safety, or several prints failed, one after the other.
Have you looked at it, and may it take work again? [y/N]"""


COUNTS = """\
{} takes what is printed here for real: as if it lay on your bed. So try only with a coordinator that is for trying.
Is this one? [y/N]"""


class CommandError(OwnerError):
    """What was asked can't be done. Says why, in one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0, 1 for a bug or a file refused, 2 for what the person there can mend."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run_command(given)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except ModuleNotFoundError as error:
        why = needs.explained(error)
        if not why:
            raise
    except (OwnerError, PrinterError, WireError) as error:
        why = str(error)
    print(f"muster-agent: {' '.join(why.split())}", file=sys.stderr)
    return 2


def _run_command(given: list[str]) -> int:
    if given[:1] in (["virtual-printer"], ["octoprint-sandbox"]):
        _need(given[0])
    if given[:1] == ["virtual-printer"]:
        from agent.printers.virtual import main as virtual  # noqa: PLC0415  to try things only

        return virtual(given[1:])
    if given[:1] == ["octoprint-sandbox"]:
        from agent.printers.octoprint.sandbox import main as sandbox  # noqa: PLC0415  to try things only

        return sandbox(given[1:])
    parsed = usage.parser().parse_args(given)
    _need(parsed.command)
    return ACTS[parsed.command](parsed)


def _need(command: str) -> None:
    if why := needs.lacking(command):
        raise CommandError(why)


def _run(parsed: argparse.Namespace) -> int:
    level = logging.DEBUG if parsed.verbose else logging.INFO
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(message)s")
    loaded = _load(parsed)
    from agent import app  # noqa: PLC0415  the threads and the network

    return app.run(loaded)


def _status(parsed: argparse.Namespace) -> int:
    loaded = _load(parsed)
    from agent.cli import overview  # noqa: PLC0415  the journal

    seen = overview.look(loaded)
    print(overview.as_json(seen) if parsed.json else _fit(overview.as_text(seen)))
    return 0


def _printers(parsed: argparse.Namespace) -> int:
    loaded = _load_if_there(parsed)
    from agent import state_directory  # noqa: PLC0415  the drivers, and mDNS
    from agent.cli import printers  # noqa: PLC0415  the drivers, and mDNS
    from agent.discovery import search  # noqa: PLC0415  the drivers, and mDNS

    scope = _scope(parsed, loaded.settings.printer if loaded else ())
    until = time.monotonic() + scope.seconds + printers.CLOSING
    seen: list[printers.PrinterStatus] = []
    if loaded is None:
        found = search.discover(scope)
    else:
        with ExitStack() as stack:
            driven = state_directory.runs(loaded.state)
            if not driven:
                stack.enter_context(state_directory.lock(loaded.state))
            looks = printers.look(loaded, seconds=scope.seconds - printers.RESERVE, driven=driven)
            found = search.discover(scope, loaded.settings.printer)
            seen = [look.result(until) for look in looks]
    print(printers.as_json(seen, found) if parsed.json else _fit(printers.as_text(seen, found)))
    if loaded is None and not parsed.json:
        print(f"there are no settings yet ({settings.find(parsed.config)}): muster-agent setup makes them")
    return 0


def _setup(parsed: argparse.Namespace) -> int:
    from agent.setup import dialogue  # noqa: PLC0415  the drivers, and mDNS
    from agent.setup.keyboard import Keyboard  # noqa: PLC0415
    from agent.setup.this_machine import ThisMachine  # noqa: PLC0415  the drivers, and mDNS

    path = settings.find(parsed.config)
    try:
        dialogue.run(path, Keyboard(), ThisMachine(lambda known: _scope(parsed, known)))
    except EOFError:
        raise CommandError("nothing was written: setup needs somebody who answers") from None
    except KeyboardInterrupt:
        print("\nNothing was written; what you answered is kept for the next time.")
        return 130
    return 0


def _watch(parsed: argparse.Namespace) -> int:
    loaded = _load(parsed)
    from agent.cli import watch  # noqa: PLC0415  the journal and the drivers

    out = sys.stdout
    screen: watch.Screen
    if parsed.json:
        screen = watch.JsonScreen(out)
    elif parsed.once or out.isatty():
        screen = watch.LiveScreen(out, _columns)
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


def _try(parsed: argparse.Namespace) -> int:
    if not 0 < parsed.speed <= 1000:
        raise CommandError("--speed must be above 0 and at most 1000")
    return _try_alone(parsed) if parsed.invite is None else _try_joined(parsed)


def _try_alone(parsed: argparse.Namespace) -> int:
    from agent.cli import watch  # noqa: PLC0415  the drivers
    from agent.cli.tryout import alone, bench  # noqa: PLC0415  the virtual printer, and what draws

    out = sys.stdout
    if out.isatty():
        screen = watch.LiveScreen(out, _columns, partial(watch.frame, agent=False, advice=False))
    else:
        screen = watch.PaperScreen(out, partial(watch.gist, agent=False))
    try:
        with bench.VirtualBench(parsed.speed) as made:
            alone.FirstPrint(made, parsed.part, parsed.count, screen).run()
    except KeyboardInterrupt:
        print("ended: nothing of it is left")
        return 130
    print(_fit(usage.TRIED))
    return 0


def _try_joined(parsed: argparse.Namespace) -> int:
    from agent.cli import watch  # noqa: PLC0415  the journal and the drivers
    from agent.cli.tryout import bench, joined  # noqa: PLC0415  the virtual printer

    invite = enrolment.parse(parsed.invite)
    if invite.agent is not None:
        raise CommandError(f"this invite lets {invite.agent} join again; to try, ask for one without a name")
    if not is_loopback(urlsplit(invite.url).hostname or ""):
        _agree(parsed, COUNTS.format(invite.url))
    trust = _text(parsed.ca) if parsed.ca else ""
    out = sys.stdout
    shown = partial(watch.frame, advice=False)
    screen = watch.LiveScreen(out, _columns, shown) if out.isatty() else watch.PaperScreen(out)
    with bench.VirtualBench(parsed.speed) as made:
        joined.TryoutAgent(made, f"try-{secrets.token_hex(3)}", screen).run(invite, trust, parsed.plates)
    return 0


def _columns() -> int:
    return shutil.get_terminal_size().columns


def _scope(parsed: argparse.Namespace, known: Sequence[PrinterSettings]) -> "search.Scope":
    from agent.discovery import search  # noqa: PLC0415  mDNS

    scope = search.this_machine(
        given=parsed.port,
        urls=parsed.url,
        interfaces=parsed.interface,
        seconds=min(60.0, max(0.2, parsed.seconds)),
    )
    unknown = [outlet.path for outlet in search.unknown(scope, known)]
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
    from agent import state_directory  # noqa: PLC0415  the journal
    from agent.journal import Journal  # noqa: PLC0415

    name, path = str(parsed.printer), state_directory.journal_path(loaded.state)
    journal = Journal(path) if path.exists() else None
    try:
        if journal is None or journal.attempts.latest(name) is None:
            loaded.printer(name)  # else it was in the settings once, and its last print may still lie there
        _agree(parsed, f"Is the bed of {name} empty, and may the next print start? [y/N]")
        if journal is None:
            state_directory.make(loaded.state)
            journal = Journal(path)
        journal.beds.clear(name, time.time())
    finally:
        if journal is not None:
            journal.close()
    state_directory.wake(loaded.state)
    print(f"{name}: the bed counts as clear until the next print starts")
    return 0


def _cancel(parsed: argparse.Namespace) -> int:
    _stop_all(_load(parsed), [str(parsed.printer)], give_up=parsed.give_up)
    return 0


def _stop(parsed: argparse.Namespace) -> int:
    loaded = _load(parsed)
    _stop_all(loaded, [str(name) for name in parsed.printer], give_up=parsed.give_up)
    return 0


def _stop_all(loaded: Loaded, named: Sequence[str], *, give_up: bool) -> None:
    """Those that are named, or all that have something to stop.

    First of all each pump is told, before the journal, which a hanging agent may hold; one that fails keeps no other
    from it.
    """
    from agent.printers.serial.pump_onlooker import pump_control, pump_names  # noqa: PLC0415  the pump

    told: set[str] = set()
    for name in named or pump_names(loaded.state):
        hand = pump_control(loaded.state, name)
        try:
            hand.cancel()
            told.add(name)
            print(f"{name} is told to stop", flush=True)
        except PrinterError:
            pass  # it is behind a server, or nothing runs there: what follows tells
        finally:
            hand.close()
    from agent.intervention import stopping  # noqa: PLC0415  the journal, and the drivers

    names = named or sorted({*stopping.busy(loaded), *told})
    if not names:
        raise CommandError("no printer has anything to stop")
    if len(names) > 1:
        stopping.ask(loaded, names, give_up=give_up)
    wrong: list[str] = []
    for name in names:
        try:
            outcome = stopping.stop(loaded, name, told=name in told, give_up=give_up)
            print(_fit(stopping.as_text(name, outcome)))
        except OwnerError as error:
            wrong.append(str(error))
    if wrong:
        raise CommandError("; ".join(wrong))


def _offers(parsed: argparse.Namespace) -> int:
    from agent.cli import answers  # noqa: PLC0415  the journal

    print(_fit(answers.offers(_load(parsed), json=parsed.json)))
    return 0


def _accept(parsed: argparse.Namespace) -> int:
    from agent.cli import answers  # noqa: PLC0415  the journal

    print(_fit(answers.answer(_load(parsed), parsed.offer, Answer.YES)))
    return 0


def _decline(parsed: argparse.Namespace) -> int:
    from agent.cli import answers  # noqa: PLC0415  the journal

    print(answers.answer(_load(parsed), parsed.offer, Answer.NO, parsed.why))
    return 0


def _present(parsed: argparse.Namespace) -> int:
    from agent.cli import answers  # noqa: PLC0415  the journal

    print(_fit(answers.arrive(_load(parsed), parsed.duration)))
    return 0


def _away(parsed: argparse.Namespace) -> int:
    from agent.cli import answers  # noqa: PLC0415  the journal

    print(_fit(answers.leave(_load(parsed))))
    return 0


def _refusals(parsed: argparse.Namespace) -> int:
    from agent.cli import answers  # noqa: PLC0415  the journal

    print(_fit(answers.refusals(_load(parsed), json=parsed.json)))
    return 0


def _reset(parsed: argparse.Namespace) -> int:
    loaded = _load(parsed)
    name = loaded.printer(parsed.printer).name
    from agent.intervention import recovery  # noqa: PLC0415  the drivers, and the journal

    rests = recovery.rests(loaded.state, name)
    try:
        with recovery.board(loaded, name) as board:
            wrong = recovery.fault(name, board, print)
            _agree(parsed, RESET.format(name, wrong))
            recovery.look(loaded.state, name)
            status = recovery.recover(name, board, print)
    except recovery.SoundError:
        if not rests:
            raise
        _agree(parsed, RESTS.format(name))
        recovery.look(loaded.state, name)
        print(f"{name} takes work again, as soon as its bed is clear")
        return 0
    if status.condition is Condition.UNREACHABLE:
        raise CommandError(f"{name} was reset, but it does not answer: switch it off and on again")
    print(f"{name} is {status.condition} again")
    return 0


def _agree(parsed: argparse.Namespace, question: str) -> None:
    if not parsed.yes and not _confirmed(_fit(question) + " "):
        raise CommandError("nothing was changed (say y, or --yes)")


def _enroll(parsed: argparse.Namespace) -> int:
    loaded = _load(parsed)
    from agent.membership import identity  # noqa: PLC0415
    from agent.membership.enrolment import enrol  # noqa: PLC0415  X.509 is only needed here

    if parsed.name is not None:
        _check_name(parsed.name)
    invite = enrolment.parse(parsed.invite)
    name = parsed.name or invite.agent or _machine()
    _check_name(name)
    if invite.agent is not None and name != invite.agent:
        raise CommandError(f"this invite lets {invite.agent} join again: leave --name out")
    if (loaded.state / "identity.json").exists() and invite.agent is None:
        known = identity.load(loaded.state)
        raise CommandError(
            f"this agent has joined {known.answer.url} as {known.agent} already; for a new certificate under that"
            f" name, ask for an invite made for it (muster invite --agent {known.agent}); to join as another one,"
            f" move {loaded.state} away"
        )
    if (loaded.state / "identity.json").exists() and identity.load(loaded.state).agent != name:
        raise CommandError(
            f"this agent is not {name}, whom the invite is for; to join as that, move {loaded.state} away"
        )
    trust = _text(parsed.ca) if parsed.ca else ""
    known = enrol(invite, name, loaded.state, trust)
    print(f"joined {known.answer.url} as {known.agent}; next: muster-agent printers, then muster-agent run")
    return 0


def _check(parsed: argparse.Namespace) -> int:
    from agent.cli import check  # noqa: PLC0415  the gate

    text, code = check.run(parsed)
    print(text if parsed.json else _fit(text))
    return code


def _check_name(name: str) -> None:
    if not re.fullmatch(topics.NAME[1:-1], name):
        raise CommandError(f"{name!r} is no name: up to 48 small letters, digits and dashes (--name)")


def _machine() -> str:
    return re.sub("[^a-z0-9-]+", "-", socket.gethostname().lower()).strip("-")[:48]


def _load(parsed: argparse.Namespace) -> Loaded:
    return settings.load(settings.find(parsed.config))


def _load_if_there(parsed: argparse.Namespace) -> Loaded | None:
    path = settings.find(parsed.config)
    return settings.load(path) if path.exists() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"can't read {path}: {error}") from None


def _fit(text: str) -> str:
    """Lines that a terminal holds; a pipe gets them whole."""
    if not sys.stdout.isatty():
        return text
    return "\n".join(wrap(line, shutil.get_terminal_size().columns) for line in text.splitlines())


def _confirmed(question: str) -> bool:
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except EOFError:
        return False


ACTS = {
    "run": _run,
    "status": _status,
    "printers": _printers,
    "setup": _setup,
    "watch": _watch,
    "clear": _clear,
    "cancel": _cancel,
    "stop": _stop,
    "offers": _offers,
    "accept": _accept,
    "decline": _decline,
    "present": _present,
    "away": _away,
    "refusals": _refusals,
    "reset": _reset,
    "enroll": _enroll,
    "check": _check,
    "try": _try,
}
"""What each command does; gives the exit code."""
