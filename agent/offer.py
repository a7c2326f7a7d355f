"""What a printer said it is ready for, and what there is to object to an answer. Pure."""

from msgspec import Struct

from gcode.profile import Profile
from wire.manifest import Manifest

LIFETIME = 60.0
"""Seconds for which a nonce is good."""
RENEWAL = 10.0
"""Seconds before its end at which the printer says ready again, so that it is never without an offer."""


class Offer(Struct, frozen=True, kw_only=True):
    """One `ready` as it was said. `until` is monotonic seconds; `window` are seconds that a job may take."""

    nonce: str
    counter: int
    until: float
    window: float
    material: str
    profile: Profile


def objection(manifest: Manifest, offer: Offer) -> str:
    """Why a manifest that answers this offer will not be printed, for a person; empty if it will."""
    if manifest.material != offer.material:
        return f"it is for {manifest.material}, but {offer.material} is loaded"
    if manifest.profile != offer.profile.digest:
        return "it was drawn for another profile of this printer: its settings have changed"
    if manifest.seconds > offer.window:
        minutes, left = manifest.seconds / 60, offer.window / 60
        return f"it takes {minutes:.0f} minutes, but its owner's quiet hours begin in {left:.0f}"
    return ""
