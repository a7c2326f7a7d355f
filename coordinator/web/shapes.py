"""What people and programs may send, with its bounds, and the answers that are not records as they are."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

import msgspec
from fastapi import Path
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    Strict,
    StringConstraints,
    WithJsonSchema,
)

from coordinator.model.records import Attempt, Need, Pickup, PrinterTelemetry, RegisteredPrinter
from coordinator.model.roles import HOME, Role
from coordinator.model.views import PersonView, PrinterView
from coordinator.privacy.address import PickupAddress

Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="A SHA-256, in hex")]
Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,128}$", description="The unguessable part of a link")]


def _line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("one line of plain text")
    return text


def _lines(text: str) -> str:
    text = text.replace("\r\n", "\n")
    if not text.replace("\n", "").replace("\t", "").isprintable():
        raise ValueError("plain text only")
    return text


def _moment(value: object) -> float:
    """An ISO date (its end, UTC) or datetime (UTC unless it says otherwise) as seconds since 1970."""
    try:
        text = str(value)
        if len(text) == len("2020-04-01"):
            moment = dt.datetime.combine(dt.date.fromisoformat(text), dt.time(23, 59, 59))
        else:
            moment = dt.datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError("a date such as 2020-04-01, or a time such as 2020-04-01T12:00Z") from None


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_line)
]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=400), AfterValidator(_lines)]
Person = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(_line)
]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Units = Annotated[int, Field(ge=0, le=100_000)]
Moment = Annotated[
    float,
    PlainValidator(_moment),
    WithJsonSchema({"type": "string", "description": "ISO date (its end, UTC) or datetime"}),
]


class Asked(BaseModel):
    """What someone sends: nothing unknown, nothing guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def entered(cls, values: Mapping[str, str]) -> Self:
        """The same from a form's fields; an empty field counts as not given.

        Raises:
            pydantic.ValidationError: a field is missing, unknown or out of bounds.
        """
        return cls.model_validate_strings({name: text for name, text in values.items() if text.strip()})


class HospitalAsked(Asked):
    """A hospital that wants to ask for parts; somebody vets it before anything is printed."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Hospital Clínic",
                "contact": "procurement@clinic.example",
                "latitude": 41.389,
                "longitude": 2.153,
            }
        }
    )
    name: Line
    contact: Line
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    cluster: Identifier | None = None


class NeedAsked(Asked):
    """So many of one part for one hospital."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "hospital": "h1",
                "part": "ear-saver",
                "quantity": 24,
                "priority": 7,
                "deadline": "2020-04-01",
            }
        }
    )
    hospital: Identifier
    part: Identifier
    quantity: Annotated[int, Field(ge=1, le=100_000)]
    priority: Annotated[int, Field(ge=0, le=9, description="0 routine, 9 now")] = 5
    deadline: Moment | None = None
    parameters: Annotated[
        dict[
            Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,48}$")],
            Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)],
        ]
        | None,
        Field(max_length=32, description="Where they differ from the part's own, in mm"),
    ] = None


class Inspection(Asked):
    """What a person counted in a lot; both together are the whole lot."""

    good: Units
    scrapped: Units


class Ruling(Asked):
    """Why a lot that nobody heard of again is given up, or how somebody knows that it is here."""

    why: Line


class ParcelAsked(Asked):
    """Pack what stands at the hub for a need; without `units`, all of it."""

    need: Identifier
    units: Annotated[int, Field(ge=1, le=100_000)] | None = None


class Receipt(Asked):
    """A hospital's signature: how many arrived, who counted."""

    units: Units
    by: Person
    note: Note = ""


Cluster = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$")]
Login = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]
Position = Annotated[Role, Strict(strict=False)]


class PersonAsked(Asked):
    """Somebody to be taken in, with a first role; they choose the password themselves, by a link."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "ines", "shown": "Inès Puig", "role": "coordinator"}}
    )
    name: Login
    shown: Person | None = None
    role: Position
    cluster: Cluster | None = None


class RoleAsked(Asked):
    """A role in a cluster, to be given or taken."""

    role: Position
    cluster: Cluster | None = None


class ResetAsked(Asked):
    """Whether the second factor is forgotten too, as its device is lost."""

    second_factor: Annotated[bool, Strict(strict=False)] = False


class ClusterAsked(Asked):
    """The cluster that something shall belong to."""

    cluster: Cluster


class TokenAsked(Asked):
    """A token for a program: what it may do, and for how many days."""

    label: Person
    role: Position
    cluster: Cluster = HOME
    days: Annotated[int, Field(ge=1, le=366)] = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcomed:
    """A person, and the path of the link by which they choose a password, which is shown only now."""

    person: PersonView
    path: str


class AddressGiven(Asked):
    """Where a maker's parts can be picked up."""

    address: Annotated[Note, Field(min_length=1)]
    contact: Annotated[Note, Field(max_length=200)] = ""
    hours: Annotated[Note, Field(max_length=200)] = ""


class Farewell(Asked):
    """The agent's name, typed once more."""

    name: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkShown:
    """A link's path, which is shown only now; the one before it leads nowhere."""

    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A pickup, and where to go; null if the maker did not say."""

    pickup: Pickup
    address: PickupAddress | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """The name under which the lots of a maker that left stay."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedFiled:
    """A need, and the hospital's link, which is shown only now."""

    need: Need
    tracking: str


class InviteAsked(Asked):
    """For an agent that is new; or for the one named, which joins again (its disk died, its certificate ended)."""

    agent: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")] | None = None


class Revocation(Asked):
    """Why an agent's access is taken back."""

    why: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """An invite for one agent, which is shown only now; `qr` is the same as a picture, in SVG."""

    invite: str
    qr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginLink:
    """Where one browser may log in, once, within ten minutes."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterShown:
    """A printer as its agent described it; `profile` in mm, °C, mm/min and mm³/s."""

    agent: str
    name: str
    driver: str
    profile: dict[str, Any]
    material: str
    online: bool
    seen: float
    place: tuple[float, float] | None
    cluster: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterLook:
    """A printer, how it looks, what it works on, and whether it waits for work."""

    printer: PrinterShown
    looks: PrinterTelemetry | None
    attempt: Attempt | None
    waiting: bool


def look(view: PrinterView) -> PrinterLook:
    """A printer's view in a shape that JSON and OpenAPI know."""
    return PrinterLook(
        printer=_printer(view.printer), looks=view.looks, attempt=view.attempt, waiting=view.waiting
    )


def _printer(printer: RegisteredPrinter) -> PrinterShown:
    return PrinterShown(
        agent=printer.agent,
        name=printer.name,
        driver=printer.driver,
        profile=msgspec.to_builtins(printer.profile),
        material=printer.material,
        online=printer.online,
        seen=printer.seen,
        place=printer.place,
        cluster=printer.cluster,
    )
