"""What can be wrong with what a person or a program asked; each says what to do instead.

`kind` is stable and travels as the problem's type; `status` is the HTTP status it maps to.
"""

from math import ceil
from typing import Self


class Problem(Exception):
    """The request can't be done as it stands. Nothing was changed."""

    kind = "problem"
    title = "The request can't be done"
    status = 400


class Missing(Problem):
    """There is no such thing."""

    kind = "missing"
    title = "There is no such thing"
    status = 404


class Unauthorised(Problem):
    """Who asks has not shown who they are."""

    kind = "unauthorised"
    title = "A key or a link is needed"
    status = 401


class Forbidden(Problem):
    """Who asks may not do this."""

    kind = "forbidden"
    title = "This is not allowed"
    status = 403


class Conflict(Problem):
    """It does not fit what has happened already."""

    kind = "conflict"
    title = "It does not fit what has happened already"
    status = 409


class Invalid(Problem):
    """A value is out of bounds."""

    kind = "invalid"
    title = "A value is out of bounds"
    status = 422


class Slow(Problem):
    """Too many tries; the next one is looked at after `wait` seconds."""

    kind = "slow"
    title = "Too many tries"
    status = 429

    wait = 60

    @classmethod
    def down(cls, wait: float, then: str = "try again") -> Self:
        """With how long to wait, in seconds, and what to do `then`."""
        whole = max(1, ceil(wait))
        slow = cls(f"wait {whole} s, then {then}")
        slow.wait = whole
        return slow


class StartError(Exception):
    """The coordinator can't start; the message says what to change."""
