"""Errors that end at the person at the keyboard."""


class OwnerError(Exception):
    """What whoever runs the agent can mend: one sentence that says what is wrong and what to do."""
