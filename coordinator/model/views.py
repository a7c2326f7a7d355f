"""What pages, API and command line show: records put together for one look."""

from dataclasses import dataclass

from coordinator.model.ledger_check import Difference
from coordinator.model.records import (
    Attempt,
    Hospital,
    Need,
    NeedProgress,
    Parcel,
    Pickup,
    PrinterTelemetry,
    RegisteredPrinter,
)
from coordinator.model.roles import Role
from wire.lifecycle import State

STATES: dict[State, str] = {
    State.GRANTED: "granted",
    State.FETCHING: "fetching the file",
    State.CHECKED: "file checked",
    State.STARTING: "starting",
    State.PRINTING: "printing",
    State.PAUSED: "paused",
    State.PRINTED: "printed, on the bed",
    State.CLEARED: "to be inspected",
    State.INSPECTED: "inspected",
    State.REFUSED: "refused",
    State.FAILED: "failed",
    State.CANCELLED: "cancelled",
    State.SUSPECT: "out of contact",
}
"""The states of an attempt as a coordinator reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedView:
    """A need, who asks, and where its units stand."""

    need: Need
    hospital: Hospital
    progress: NeedProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedDetail:
    """A need with its lots and parcels, newest first.

    `uncollected` are the good units that are still with their makers, by lot; lots that have none are left out.
    """

    need: Need
    hospital: Hospital
    progress: NeedProgress
    attempts: list[Attempt]
    parcels: list[Parcel]
    uncollected: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterView:
    """A printer, how it looks, what it works on (an attempt not yet over), and whether it waits for work."""

    printer: RegisteredPrinter
    looks: PrinterTelemetry | None
    attempt: Attempt | None
    waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """An agent and its access: its certificate is good until `ends` (None: it has none), unless it was `revoked`."""

    name: str
    enrolled: float
    online: bool
    seen: float
    software: str
    ends: float | None
    revoked: float | None
    revoked_by: str
    revoked_why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """What a hospital sees of an attempt: never who printed it, or where."""

    id: str
    part: str
    version: str
    material: str
    state: str
    count: int
    good: int | None
    changed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """What a hospital's link shows."""

    need: str
    hospital: str
    part: str
    title: str
    version: str
    priority: int
    deadline: float | None
    created: float
    cancelled: float | None
    progress: NeedProgress
    parcels: list[Parcel]
    lots: list[Lot]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """A part that can be asked for. `parameters` are the defaults, in mm."""

    name: str
    version: str
    title: str
    purpose: str
    materials: list[str]
    parameters: dict[str, float]
    checklist: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """Whether the ledger adds up, and what does not."""

    balanced: bool
    objections: list[str]
    movements: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerReport:
    """What the ledger check found: the first figures that differ, and the guards that are gone.

    `differing` counts all of them.
    """

    right: bool
    first: Difference | None
    differences: list[Difference]
    differing: int
    unguarded: list[str]
    movements: int
    needs: int
    lots: int
    parcels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MakerPrinter:
    """One of a maker's own printers, and whether it waits for work."""

    name: str
    driver: str
    material: str
    waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A plate that a maker printed, and what became of its units, in words for the maker."""

    lot: str
    printer: str
    part: str
    title: str
    version: str
    material: str
    count: int
    state: State
    granted: float
    changed: float
    why: str
    whereabouts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MakerPage:
    """What a maker's link shows. The address itself is not in it; `looks` are (when, who) saw it."""

    agent: str
    online: bool
    seen: float
    printers: list[MakerPrinter]
    made: list[Made]
    address_given: float | None
    looks: list[tuple[float, str]]
    expires: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PickupView:
    """A maker with whom something waits; `place` is (latitude, longitude) in a 0.1° cell. Never the address."""

    agent: str
    lots: list[str]
    units: int
    place: tuple[float, float] | None
    has_address: bool
    pickup: Pickup | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What somebody is in a cluster."""

    cluster: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """Somebody with an account, as others see it: no secrets. `ready` is whether they have chosen a password."""

    name: str
    shown: str
    created: float
    disabled: float | None
    ready: bool
    second_factor: bool
    roles: list[Membership]
