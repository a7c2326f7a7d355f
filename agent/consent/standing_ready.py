"""What a printer said it is ready for, and what there is to object to an answer. Pure."""

from msgspec import Struct

from gcode.profile import Profile
from wire.manifest import Manifest
from wire.messages import Offer, Parts

LIFETIME = 60.0
"""Seconds for which a nonce is good."""
RENEWAL = 10.0
"""Seconds before its end at which the printer says ready again, so that it is never without one."""
HOURS = "quiet hours, hours a day and a week, presence"
SLACK = 1.01
"""An estimate that was said twice may differ by its rounding."""


class StandingReady(Struct, frozen=True, kw_only=True):
    """One `ready` as it was said. `until` is monotonic seconds; `window` are seconds that a job may take.

    `parts` are those that may be printed unasked; `accepted` is what the owner said yes to: then that, and no other.
    """

    nonce: str
    counter: int
    until: float
    window: float
    material: str
    profile: Profile
    parts: Parts = Parts()
    accepted: Offer | None = None


def objection(manifest: Manifest, ready: StandingReady) -> str:
    """Why a manifest that answers this ready will not be printed, for a person; empty if it will."""
    if manifest.material != ready.material:
        return f"it is for {manifest.material}, but {ready.material} is loaded"
    if manifest.profile != ready.profile.digest:
        return "it was drawn for another profile of this printer: its settings have changed"
    if manifest.seconds > ready.window:
        minutes, left = manifest.seconds / 60, ready.window / 60
        return f"it takes {minutes:.0f} minutes, but its owner's hours leave {left:.0f} ({HOURS})"
    return _consent(manifest, ready)


def _consent(manifest: Manifest, ready: StandingReady) -> str:
    """What the owner would object to."""
    accepted = ready.accepted
    if accepted is None:
        return (
            ""
            if manifest.part in ready.parts
            else f"its owner lets nobody print {manifest.part} here unasked"
        )
    if (manifest.part, manifest.version) != (accepted.part, accepted.version):
        return f"its owner said yes to {accepted.part} {accepted.version}, not to {manifest.part} {manifest.version}"
    if manifest.count > accepted.count:
        return f"its owner said yes to {accepted.count} of them, not to {manifest.count}"
    if manifest.seconds > accepted.seconds * SLACK:
        minutes, said = manifest.seconds / 60, accepted.seconds / 60
        return f"its owner said yes to {said:.0f} minutes, not to {minutes:.0f}"
    return ""
