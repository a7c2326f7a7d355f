"""How long our certificate is good, and when it is time to ask for the next one."""

import re
from datetime import datetime, timedelta

from agent.membership.identity import Identity

_told = re.compile(rb"good from ([0-9T:+-]{25}) until ([0-9T:+-]{25})\n")


def lifetime(known: Identity) -> tuple[datetime, datetime]:
    """From when until when our present certificate is good.

    Raises:
        IdentityError: it is damaged or gone.
    """
    found = _told.match(known.credentials())
    if found is None:
        from agent.membership.credentials import certificate  # noqa: PLC0415  it was written by an older agent

        read = certificate(known)
        return read.not_valid_before_utc, read.not_valid_after_utc
    begins, ends = (datetime.fromisoformat(each.decode()) for each in found.groups())
    return begins, ends


def renewal_due(begins: datetime, ends: datetime) -> datetime:
    """When to ask for the next certificate: after two thirds of its life, so that twenty days are left to get it."""
    return ends - max((ends - begins) / 3, timedelta())
