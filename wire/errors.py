"""Errors of the conversation; each says whose fault it is."""


class WireError(Exception):
    """Something that the conversation does not allow. `code` is stable, for metrics and tests."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RemoteError(WireError):
    """The other side broke the protocol: drop its message, count it, go on."""


class LocalError(WireError):
    """We were about to break the protocol: a bug on this side, nothing was sent."""
