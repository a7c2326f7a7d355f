"""Questions to a person at a terminal: each has a default, says what is wrong with an answer, and asks again."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class WrongAnswerError(ValueError):
    """An answer that can't be. Says what one looks like."""


class Terminal(Protocol):
    """Where a person sits. Over ssh as well: lines in, lines out."""

    def ask(self, prompt: str) -> str:
        """One line of an answer.

        Raises:
            EOFError: nobody is there any more.
        """
        ...

    def ask_secret(self, prompt: str) -> str:
        """The same, without showing what is typed."""
        ...

    def say(self, text: str) -> None:
        """Show something."""
        ...


def text(terminal: Terminal, prompt: str, default: str, check: Callable[[str], T]) -> T:
    """An answer that `check` takes; Enter is the default, shown in brackets."""
    shown = f" [{default}]" if default else ""
    while True:
        answer = terminal.ask(f"{prompt}{shown}: ").strip() or default
        try:
            return check(answer)
        except WrongAnswerError as wrong:
            terminal.say(f"  {wrong}")


def yes(terminal: Terminal, prompt: str, *, default: bool) -> bool:
    """Yes or no."""

    def check(answer: str) -> bool:
        if answer.lower() in {"y", "yes"}:
            return True
        if answer.lower() in {"n", "no"}:
            return False
        raise WrongAnswerError("say y or n")

    shown = "Y/n" if default else "y/N"
    while True:
        answer = terminal.ask(f"{prompt} [{shown}] ").strip()
        try:
            return check(answer) if answer else default
        except WrongAnswerError as wrong:
            terminal.say(f"  {wrong}")


def choice(terminal: Terminal, prompt: str, options: Sequence[str], default: str) -> str:
    """One of some words; its beginning is enough if no other begins so."""

    def check(answer: str) -> str:
        fitting = [option for option in options if option.startswith(answer.lower())]
        if answer.lower() in options:
            return answer.lower()
        if len(fitting) != 1:
            raise WrongAnswerError(f"say one of: {', '.join(options)}")
        return fitting[0]

    return text(terminal, f"{prompt} ({' / '.join(options)})", default, check)
