"""What opens a printer's server: a key or a password, asked for, kept in a file of its own, and tried out."""

from collections.abc import Callable
from pathlib import Path

from agent import settings
from agent.discovery import servers
from agent.discovery.servers import Kind
from agent.intervention.onlooker import onlooker
from agent.printers.driver import Condition, PrinterError
from agent.settings import (
    MoonrakerPrinter,
    OctoPrintPrinter,
    PrusaLinkPrinter,
    SerialPrinter,
    SettingsError,
)
from agent.setup import owner_file, questions
from agent.setup.questions import Terminal, WrongAnswerError

MATERIAL = "pla"
"""Stands in until the owner is asked."""

Served = OctoPrintPrinter | MoonrakerPrinter | PrusaLinkPrinter
KeyGiver = Callable[[str, Callable[[str], object]], str]
"""Gets a key from the OctoPrint at an address; its second argument is told where the owner confirms."""


class SkippedError(Exception):
    """The owner has nothing that opens this server, and leaves the printer out."""


class Opening:
    """Opens servers for the settings at `path`, beside which it keeps what opens them."""

    def __init__(self, path: Path, terminal: Terminal, octoprint_key: KeyGiver) -> None:
        self._path = path
        self._terminal = terminal
        self._octoprint_key = octoprint_key
        self._doubted = False

    def open(self, kind: Kind, url: str, name: str, *, trusts: bool, gives: bool) -> Served:
        """A printer with what opens its server, tried out as far as its owner has patience.

        `trusts` if the server wants no key from this machine, `gives` if its owner can confirm one there.

        Raises:
            SkippedError: its owner leaves the printer out.
        """
        self._doubted = False
        while True:
            printer = self._ask(kind, url, name, trusts=trusts, gives=gives)
            why = self._trouble(printer)
            if not why:
                return printer
            self._terminal.say(f"  {why}")
            if not questions.yes(self._terminal, "Try again?", default=True):
                return printer
            trusts, self._doubted = False, True

    def size(self, kind: Kind, printer: Served) -> tuple[float, float, float] | None:
        """How large the server says that the printer is, in mm."""
        try:
            usable = settings.with_secrets(self._path, printer)
        except SettingsError:
            return None
        key = "" if isinstance(usable, SerialPrinter) else usable.key
        return servers.size(kind, printer.url, key)

    def _ask(self, kind: Kind, url: str, name: str, *, trusts: bool, gives: bool) -> Served:
        if kind == "moonraker":
            if trusts:
                return MoonrakerPrinter(name=name, material=MATERIAL, url=url)
            file = self._secret(
                f"moonraker-{name}.key", "Its API key (Mainsail or Fluidd: Settings, API key)"
            )
            return MoonrakerPrinter(name=name, material=MATERIAL, url=url, key_file=file)
        if kind == "prusalink":
            user = questions.text(
                self._terminal, "User, as the printer shows it under Network", "maker", _word
            )
            file = self._secret(f"prusalink-{name}.password", "Password, as it shows it there")
            return PrusaLinkPrinter(name=name, material=MATERIAL, url=url, user=user, password_file=file)
        file = f"octoprint-{name}.key"
        if not (self._reused(file) or (gives and self._confirmed(url, file))):
            self._typed(file, "Its application key (OctoPrint: Settings, Application Keys)")
        return OctoPrintPrinter(name=name, material=MATERIAL, url=url, key_file=file)

    def _confirmed(self, url: str, file: str) -> bool:
        """Get a key by hand-shake; whether that went well. It is on disk at once."""

        def show(page: str) -> None:
            self._terminal.say(
                f"  Open {page}\n  or any page of that OctoPrint, log in, and allow muster-agent within five minutes."
            )

        self._terminal.say("OctoPrint gives a key when you confirm it there; nothing has to be typed.")
        try:
            key = self._octoprint_key(url, show)
        except PrinterError as error:
            self._terminal.say(f"  {error}")
            return False
        owner_file.write(self._path.with_name(file), f"{key}\n")
        return True

    def _secret(self, file: str, prompt: str) -> str:
        if not self._reused(file):
            self._typed(file, prompt)
        return file

    def _reused(self, file: str) -> bool:
        """Whether what was kept before, perhaps in an earlier sitting, is good."""
        path = self._path.with_name(file)
        question = f"Use what is in {path}?"
        return path.exists() and questions.yes(self._terminal, question, default=not self._doubted)

    def _typed(self, file: str, prompt: str) -> None:
        secret = self._terminal.ask_secret(f"{prompt}; Enter to leave this printer out: ").strip()
        if not secret:
            raise SkippedError
        owner_file.write(self._path.with_name(file), f"{secret}\n")

    def _trouble(self, printer: Served) -> str:
        """Why a printer can't be looked at; empty if it can."""
        try:
            looking = onlooker(settings.with_secrets(self._path, printer), self._path.parent)
        except (PrinterError, SettingsError) as error:
            return str(error)
        try:
            status = looking.status()
        finally:
            looking.close()
        if status.condition is not Condition.UNREACHABLE:
            return ""
        return status.why or "it does not answer"


def _word(answer: str) -> str:
    if not answer.isprintable() or len(answer) > 100:
        raise WrongAnswerError("one word, as the printer shows it")
    return answer
