"""The person at the terminal in which `muster-agent setup` was started."""

from getpass import getpass


class Keyboard:
    """Who sits there; see `questions.Terminal`."""

    def ask(self, prompt: str) -> str:
        """One line of an answer."""
        return input(prompt)

    def ask_secret(self, prompt: str) -> str:
        """The same, without showing what is typed."""
        return getpass(prompt)

    def say(self, text: str) -> None:
        """Show something."""
        print(text)  # noqa: T201  the terminal is what this is for
