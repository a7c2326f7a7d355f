"""`muster-agent setup`: a few questions, and the answers as settings.

Nothing is lost: what was answered is kept in a draft beside the settings until they are written, and settings
that are there are only added to, after their difference was shown and agreed to.
"""

import re
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import Struct, structs

from agent import settings
from agent.discovery import servers
from agent.discovery.findings import Found, FoundPort, FoundServer
from agent.errors import OwnerError
from agent.http.address import redacted
from agent.printers import catalogue
from agent.printers.catalogue import kind_named
from agent.printers.kind import PrinterKind, PrinterSettings, ServerGreeting
from agent.printers.serial.kind import SerialPrinter
from agent.prose import either
from agent.settings import Loaded
from agent.setup import draft as drafts
from agent.setup import formats, owner_file, questions
from agent.setup.draft import Draft
from agent.setup.models import Model, model
from agent.setup.questions import Terminal, WrongAnswerError
from agent.setup.server_access import ServerAccess, SkippedError
from gcode.material import MATERIALS
from gcode.profile import Profile
from gcode_templates import machine_families
from wire.topics import NAME

QUIET = "22:00-07:00"
NONE = "none"
HELLO = """\
This writes the settings of muster-agent, {path}.
Enter takes what stands in brackets. Ctrl-C ends it at any time; what you
answered is kept for the next time.
"""
NEXT = """
Written. What comes next:
  muster-agent printers               do they answer?
  muster-agent enroll INVITE          join, with the invite that your coordinator sent you
  muster-agent clear PRINTER          say that a bed is empty
  muster-agent offers                 what you are asked to print, once it runs
  muster-agent run
"""


class SetupError(OwnerError):
    """The settings can't be set up, or were not. Says why, and what to do."""


class PrinterFinder(Protocol):
    """What the dialogue needs of the machine that it runs on."""

    def find(self, *, known: tuple[PrinterSettings, ...]) -> Found:
        """Look for printers; the owner is asked before a port is opened."""
        ...

    def inspect(self, path: str) -> FoundPort:
        """Open one port and ask who is there."""
        ...


class _Known(Struct, frozen=True):
    """What is known of a printer before its owner is asked."""

    name: str
    model: Model
    title: str


def run(path: Path, terminal: Terminal, finder: PrinterFinder) -> Loaded:
    """Ask, show, and write the settings at `path`; gives them as they are now.

    Raises:
        SetupError: nothing was written: the owner said no, or there is no printer.
        SettingsError: the settings that are there are wrong: they are not touched.
        FileError: the disk does not take them.
    """
    terminal.say(HELLO.format(path=path))
    before = settings.load(path) if path.exists() else None
    dialogue = _Dialogue(path, terminal, finder, before)
    dialogue.run()
    return dialogue.write()


class _Dialogue:
    """One sitting. `draft` is on disk after every printer."""

    def __init__(self, path: Path, terminal: Terminal, finder: PrinterFinder, before: Loaded | None) -> None:
        self._path = path
        self._terminal = terminal
        self._finder = finder
        self._before = before
        self._kept = path.with_name(f"{path.name}.draft")
        self._draft = Draft(quiet=(QUIET,))
        self._access = ServerAccess(path, terminal)

    # The questions

    def run(self) -> None:
        self._take_up()
        found = self._finder.find(known=(*self._old, *self._draft.printers))
        for port in found.ports:
            if port.usb and not port.printer:
                self._offer_port(port)
        for server in found.servers:
            if not server.printer:
                self._offer_server(server)
        if not (any(port.usb for port in found.ports) or found.servers):
            self._terminal.say("Nothing was found that could be a printer.")
        while self._offer_another():
            pass
        if not self._draft.printers:
            raise SetupError("nothing was written: there is no printer to add")
        if self._before is None:
            self._ask_rest()

    def _take_up(self) -> None:
        """Go on where an earlier sitting ended."""
        if self._old:
            names = ", ".join(printer.name for printer in self._old)
            self._terminal.say(
                f"There are settings already, with: {names}. Printers are added; nothing else changes."
            )
        try:
            kept = drafts.decode(self._kept.read_bytes())
        except (OSError, msgspec.MsgspecError):
            return
        fresh = tuple(each for each in kept.printers if each.name not in {old.name for old in self._old})
        if not fresh:
            return
        names = ", ".join(printer.name for printer in fresh)
        if self._yes(f"Last time you answered for: {names}. Keep that?", default=True):
            self._draft = structs.replace(kept, printers=fresh)

    def _offer_port(self, port: FoundPort) -> None:
        who = port.machine or port.firmware or port.product or "a serial port"
        self._terminal.say(f"\n{port.path}: {who}")
        for each in port.missing:
            self._terminal.say(f"  - {each}")
        if port.why:
            self._terminal.say(f"  {port.why}")
        if self._yes("Is that a printer to be driven by this agent?", default=bool(port.firmware)):
            self._add_port(port)

    def _add_port(self, port: FoundPort) -> None:
        known = _Known(port.machine, model(f"{port.machine} {port.firmware}"), port.machine or port.path)
        name = self._ask_name(known)
        material, profile = self._ask_machine(known)
        # What the firmware says of itself need not be asked, and may change with it.
        protected = None if port.protected is not None else self._ask_protection(likely=False)
        self._keep(
            SerialPrinter(
                name=name,
                material=material,
                port=port.path,
                baud=port.baud,
                profile=profile,
                thermal_protection=protected,
            )
        )

    def _offer_server(self, server: FoundServer) -> None:
        kind = kind_named(server.kind)
        version = f" {server.version}" if server.version else ""
        self._terminal.say(
            f"\n{redacted(server.url)}: {kind.title}{version}{f' ({server.name})' if server.name else ''}"
        )
        if self._yes("Is a printer behind it to be driven by this agent?", default=True):
            greeting = ServerGreeting(trusts=server.trusts, gives_keys=server.gives_keys)
            self._add_server(kind, server.url, server.name, greeting)

    def _add_server(self, kind: PrinterKind[Any], url: str, title: str, greeting: ServerGreeting) -> None:
        name = self._ask_name(_Known(title, model(title), title or redacted(url)))
        try:
            printer = self._access.open(kind, url, name, greeting)
        except SkippedError:
            self._terminal.say(f"  {redacted(url)} is left out")
            return
        guess = model(title)
        if size := self._access.size(kind, printer):
            guess = Model(*size, guess.family)
        material, profile = self._ask_machine(_Known(title, guess, title or redacted(url)))
        protected = self._ask_protection(likely=kind.server is not None and kind.server.protects)
        self._keep(structs.replace(printer, material=material, profile=profile, thermal_protection=protected))

    def _ask_protection(self, *, likely: bool) -> bool:
        """Whether it may print alone."""
        return self._yes(
            "Does its firmware stop itself when a heater runs away (thermal protection)?\n"
            "If you don't know, say no: then somebody must be there while it prints",
            default=likely,
        )

    def _offer_another(self) -> bool:
        """Ask for one that was not found; whether there may be yet another."""
        where = self._terminal.ask(
            "\nAnother printer? Its port (/dev/ttyUSB0) or address (http://octopi.local);\nEnter for none: "
        ).strip()
        if not where or where.lower() in formats.NO:
            return False
        if not where.startswith(("http://", "https://")):
            if self._yes(
                f"May {where} be opened to see who is there? Many boards restart by that.", default=True
            ):
                port = self._finder.inspect(where)
                self._offer_port(port)
            else:
                self._add_port(FoundPort(path=where, device=where))
            return True
        known = servers.recognise(where)
        if known is None:
            self._offer_unrecognised(where)
        else:
            self._add_server(kind_named(known.kind), known.url, "", known)
        return True

    def _offer_unrecognised(self, url: str) -> None:
        """Ask what is at an address at which nobody answers that we know."""
        kinds = [kind for kind, _ in catalogue.servers()]
        names = either([kind.title for kind in kinds])
        self._terminal.say(f"  No {names} answers there now.")
        named = questions.choice(self._terminal, "What is it?", [*(kind.name for kind in kinds), NONE], NONE)
        if named != NONE:
            self._add_server(kind_named(named), url, "", ServerGreeting())

    def _ask_name(self, known: _Known) -> str:
        taken = {printer.name for printer in (*self._old, *self._draft.printers)}

        def check(answer: str) -> str:
            if not re.fullmatch(NAME[1:-1], answer):
                raise WrongAnswerError("small letters, digits and dashes, like left or prusa-2")
            if answer in taken:
                raise WrongAnswerError(f"you have a {answer} already")
            return answer

        return questions.text(self._terminal, "What do you call it", _suggestion(known.name, taken), check)

    def _ask_machine(self, known: _Known) -> tuple[str, Profile]:
        material = questions.choice(self._terminal, "Plastic that is loaded", sorted(MATERIALS), "pla")
        guess = known.model
        width, depth, height = questions.text(
            self._terminal,
            "How much it can print, width x depth x height in mm",
            f"{guess.width:g} x {guess.depth:g} x {guess.height:g}",
            formats.size,
        )
        nozzle = questions.text(self._terminal, "Nozzle in mm", "0.4", formats.nozzle)
        family = questions.choice(
            self._terminal, "Start and end scripts for", sorted(machine_families()), guess.family
        )
        profile = Profile(family=family, width=width, depth=depth, height=height, nozzle=nozzle)
        return material, profile

    def _ask_rest(self) -> None:
        asked = self._yes("\nShall each print be offered to you first, to accept or decline?", default=True)
        self._draft = structs.replace(self._draft, consent="ask" if asked else "auto")
        quiet = questions.text(
            self._terminal, "\nWhen must nothing print? Spans of the day, or none", QUIET, formats.spans
        )
        place = questions.text(
            self._terminal,
            "About where are you? Latitude, longitude; it leaves this machine rounded to\n10 km. Enter for no answer",
            "",
            formats.place,
        )
        self._draft = structs.replace(self._draft, quiet=quiet, place=place)
        self._save()

    # The file

    def write(self) -> Loaded:
        """Show what would be written, ask, and write it."""
        text = self._path.read_text(encoding="utf-8") if self._before else ""
        fresh = drafts.added(text, self._draft) if self._before else drafts.whole(self._draft)
        loaded = settings.check(self._path, fresh.encode())
        for warning in loaded.warnings:
            self._terminal.say(f"\n{warning}.")
        self._terminal.say("\n" + (owner_file.difference(self._path, text, fresh) if self._before else fresh))
        if not self._yes(f"Write that to {self._path}?", default=True):
            raise SetupError("nothing was written; what you answered is kept for the next time")
        if self._before and self._path.read_text(encoding="utf-8") != text:
            raise SetupError(
                f"{self._path} was changed meanwhile: nothing was written; run muster-agent setup again"
            )
        owner_file.write(self._path, fresh)
        self._kept.unlink(missing_ok=True)
        self._terminal.say(NEXT)
        return loaded

    def _keep(self, printer: PrinterSettings) -> None:
        self._draft = structs.replace(self._draft, printers=(*self._draft.printers, printer))
        self._save()

    def _save(self) -> None:
        owner_file.write(self._kept, drafts.encode(self._draft).decode())

    @property
    def _old(self) -> tuple[PrinterSettings, ...]:
        return self._before.settings.printer if self._before else ()

    def _yes(self, prompt: str, *, default: bool) -> bool:
        return questions.yes(self._terminal, prompt, default=default)


def _suggestion(title: str, taken: set[str]) -> str:
    """A name made of what the printer calls itself, that no other has."""
    word = re.sub("[^a-z0-9]+", "-", title.lower()).strip("-")[:30].strip("-") or "printer"
    return next(name for name in (word, *(f"{word}-{n}" for n in range(2, 999))) if name not in taken)
