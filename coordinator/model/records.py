"""What the coordinator knows, as it is kept and shown. Times are seconds since 1970 UTC on its own clock."""

from dataclasses import dataclass, field
from enum import StrEnum

from coordinator.model.roles import HOME
from gcode.profile import Profile
from wire.lifecycle import State
from wire.messages import Blame, Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Hospital:
    """Who asks for parts. Nothing is printed for one that nobody has vetted (`approved_by` is None)."""

    id: str
    name: str
    contact: str
    latitude: float
    longitude: float
    created: float
    approved_by: str | None = None
    approved: float | None = None
    cluster: str = HOME


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """So many of one part for one hospital. `priority` 0 (routine) to 9 (now); `deadline` or None.

    One that is `held` since then, for the reason `held_why`, gets no plates until a person has released it.
    """

    id: str
    hospital: str
    part: str
    version: str
    parameters: dict[str, float] = field(default_factory=dict[str, float])
    quantity: int
    priority: int = 5
    deadline: float | None = None
    created: float
    cancelled: float | None = None
    held: float | None = None
    held_why: str = ""
    released: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredPrinter:
    """A printer as its agent described it; `place` is (latitude, longitude) in a 0.1° cell."""

    agent: str
    name: str
    driver: str
    profile: Profile
    material: str
    online: bool
    seen: float
    place: tuple[float, float] | None = None
    cluster: str = HOME


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenReady:
    """A printer that waits for work; good until `expires`, for a job that ends before `window_ends`.

    `held` are the attempts that its agent held as of event `seq` of its journal; `parts` are those that its owner lets
    it print. With an `offer`, it waits for that and nothing else.
    """

    agent: str
    printer: str
    nonce: str
    counter: int
    expires: float
    window_ends: float
    material: str
    epoch: str
    seq: int
    held: tuple[str, ...]
    parts: Parts = field(default_factory=Parts)
    offer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A printer whose owner may be asked about `parts`, until `expires`; for a job that ends before `window_ends`."""

    agent: str
    printer: str
    counter: int
    epoch: str
    expires: float
    window_ends: float
    material: str
    parts: Parts


class OfferStatus(StrEnum):
    """What became of an offer."""

    OPEN = "open"
    """Nobody has said anything yet."""
    ACCEPTED = "accepted"
    """The owner said yes, and the printer may say ready for it."""
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    """It did not stand any more: nothing of it was needed, its agent forgot it, or its time was over."""
    GRANTED = "granted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateOffer:
    """What a printer's owner was asked: so many of a need's part. It binds no unit; it is over at `expires`."""

    id: str
    need: str
    agent: str
    printer: str
    part: str
    version: str
    material: str
    count: int
    seconds: float
    grams: float
    made: float
    expires: float
    status: OfferStatus = OfferStatus.OPEN
    changed: float
    why: str = ""
    seen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One plate on one printer, and the lot. `good` and `scrapped` are set when a person has counted.

    `sequence` numbers what its printer was granted.
    """

    id: str
    need: str
    agent: str
    printer: str
    nonce: str
    epoch: str
    counter: int
    part: str
    version: str
    material: str
    count: int
    digest: str
    size: int
    grams: float
    seconds: float
    state: State
    granted: float
    changed: float
    why: str = ""
    blame: str = Blame.NOBODY
    good: int | None = None
    scrapped: int | None = None
    inspected_by: str | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Units of one need on their way to its hospital."""

    id: str
    need: str
    units: int
    packed: float
    packed_by: str
    sent: float | None = None
    received: float | None = None
    received_by: str | None = None
    received_units: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Who is behind an agent. `ref` names them for good, also where the agent's name must not stand any more.

    `token` is the SHA-256 of the own link's, `address` is sealed.
    """

    agent: str
    ref: str
    token: str | None = None
    expires: float | None = None
    address: str | None = field(default=None, repr=False)
    given: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickup:
    """Somebody goes to a maker, until then, for what waits there."""

    id: str
    agent: str
    by: str
    taken: float
    until: float
    ended: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedProgress:
    """Where the units of one need stand; each a sum over movements."""

    requested: int
    needed: int
    promised: int
    printing: int
    printed: int
    good: int
    scrapped: int
    at_hub: int
    packed: int
    in_transit: int
    received: int
    suspect: int
    written_off: int

    @property
    def surplus(self) -> int:
        """Units above what was requested that are expected or here (a suspect lot that came back)."""
        expected = (
            self.promised
            + self.printing
            + self.printed
            + self.good
            + self.at_hub
            + self.packed
            + self.in_transit
            + self.received
        )
        return max(0, expected - self.requested)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterTelemetry:
    """A printer's latest telemetry; may be old or lost, no decision hangs on it."""

    condition: str
    bed_clear: bool
    attempt: str | None
    progress: float
    nozzle: float | None
    bed: float | None
    why: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """Whom the broker must not let in: agents by name, certificates by serial (in hex) with when they were revoked.

    `replaced` are agents that have a certificate now, but also a revoked one.
    """

    agents: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    serials: tuple[tuple[str, float], ...] = ()
