"""What opens a printer's server: a key or a password, asked for, kept in a file of its own, and tried out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent import settings
from agent.discovery import servers
from agent.printers.catalogue import onlooker
from agent.printers.driver import Condition, PrinterError
from agent.printers.kind import PrinterKind, SecretQuestion, ServerGreeting, Size
from agent.printers.server.kind import ServedPrinter
from agent.settings import SettingsError
from agent.setup import owner_file, questions
from agent.setup.questions import Terminal, WrongAnswerError

MATERIAL = "pla"
"""Stands in until the owner is asked."""


class SkippedError(Exception):
    """The owner has nothing that opens this server, and leaves the printer out."""


class ServerAccess:
    """Asks for what opens servers, for the settings at `path`, beside which it keeps that."""

    def __init__(self, path: Path, terminal: Terminal) -> None:
        self._path = path
        self._terminal = terminal
        self._doubted = False

    def open(self, kind: PrinterKind[Any], url: str, name: str, greeting: ServerGreeting) -> ServedPrinter:
        """A printer with what opens its server, tried out as far as its owner has patience.

        `greeting` is what the server said, or an empty one if nobody has answered yet.

        Raises:
            SkippedError: its owner leaves the printer out.
        """
        self._doubted = False
        trusts = greeting.trusts
        while True:
            printer = self._ask(kind, url, name, trusts=trusts, gives_keys=greeting.gives_keys)
            why = self._trouble(printer)
            if not why:
                return printer
            self._terminal.say(f"  {why}")
            if not questions.yes(self._terminal, "Try again?", default=True):
                return printer
            trusts, self._doubted = False, True

    def size(self, kind: PrinterKind[Any], printer: ServedPrinter) -> Size | None:
        """How large the server says that the printer is, in mm."""
        try:
            usable = settings.with_secrets(self._path, printer)
        except SettingsError:
            return None
        return servers.size(kind, printer.url, usable.key)

    def _ask(
        self, kind: PrinterKind[Any], url: str, name: str, *, trusts: bool, gives_keys: bool
    ) -> ServedPrinter:
        answers: dict[str, str] = {}
        for question in kind.server.questions if kind.server else ():
            if not isinstance(question, SecretQuestion):
                answers[question.setting] = questions.text(
                    self._terminal, question.prompt, question.default, _word
                )
            elif not trusts:
                file = f"{kind.name}-{name}.{question.secret}"
                confirm = question.confirm if gives_keys else None
                if not (self._reused(file) or (confirm and self._confirmed(kind.title, url, file, confirm))):
                    self._typed(file, question.prompt)
                answers[f"{question.secret}_file"] = file
        return kind.settings(name=name, material=MATERIAL, url=url, **answers)

    def _confirmed(
        self, title: str, url: str, file: str, confirm: Callable[[str, Callable[[str], object]], str]
    ) -> bool:
        """Get a secret by hand-shake; whether that went well. It is on disk at once."""

        def show(page: str) -> None:
            self._terminal.say(
                f"  Open {page}\n  or any page of that {title}, log in, and allow muster-agent within five minutes."
            )

        self._terminal.say(f"{title} gives a key when you confirm it there; nothing has to be typed.")
        try:
            secret = confirm(url, show)
        except PrinterError as error:
            self._terminal.say(f"  {error}")
            return False
        owner_file.write(self._path.with_name(file), f"{secret}\n")
        return True

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

    def _trouble(self, printer: ServedPrinter) -> str:
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
