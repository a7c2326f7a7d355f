"""Why no answer came. What a server answered, even if it is no, is not a failure."""

import http.client
import ssl
from enum import StrEnum


class Cause(StrEnum):
    """What went wrong."""

    UNKNOWN_NAME = "there is no such host"
    LATE_NAME = "looking up its name takes too long"
    UNREACHABLE = "it is out of reach"
    UNTRUSTED = "its certificate is not trusted on this machine"
    LATE = "it does not answer in time"
    BROKEN = "it broke off"
    STRANGE = "it does not speak HTTP"
    TOO_LONG = "it answers with more than can be"


class NoAnswerError(Exception):
    """No whole answer came. The message says why in a few words, and names neither the link nor a secret."""

    def __init__(self, cause: Cause, detail: str = "", *, sent: bool = False) -> None:
        super().__init__(f"{cause}: {detail}" if detail else str(cause))
        self.cause = cause
        self.detail = detail
        self.sent = sent
        """Whether the request had gone out whole: then it may have been heard."""


def why(error: OSError | http.client.HTTPException, *, sent: bool = False) -> NoAnswerError:
    """The failure behind what the standard library raised."""
    if isinstance(error, TimeoutError):
        return NoAnswerError(Cause.LATE, sent=sent)
    if isinstance(error, ssl.SSLCertVerificationError):
        return NoAnswerError(Cause.UNTRUSTED, error.verify_message)
    if isinstance(error, http.client.IncompleteRead | http.client.RemoteDisconnected):
        return NoAnswerError(Cause.BROKEN, sent=sent)
    if isinstance(error, http.client.HTTPException):
        return NoAnswerError(Cause.STRANGE, sent=sent)
    if sent or isinstance(error, BrokenPipeError | ConnectionResetError):
        return NoAnswerError(Cause.BROKEN, sent=sent)
    return NoAnswerError(Cause.UNREACHABLE, error.strerror or str(error))
