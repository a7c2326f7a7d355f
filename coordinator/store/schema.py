"""The tables. Rows of `event`, `movement` and `audit_log` are only added: triggers refuse all else (`guards.py`)."""

from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from coordinator.model.ledger import Account
from coordinator.model.records import OfferStatus
from coordinator.model.roles import Role
from gcode.profile import Profile
from wire.lifecycle import State, Step
from wire.messages import Parts


class Json(TypeDecorator[Any]):
    """Any value that msgspec can write, kept as JSON text and read back as its type."""

    impl = Text
    cache_ok = True

    def __init__(self, type_: Any) -> None:
        super().__init__()
        self.type_ = type_

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002, D102
        return None if value is None else msgspec.json.encode(value, order="deterministic").decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002, D102
        return None if value is None else msgspec.json.decode(value, type=self.type_)


class Word(TypeDecorator[Any]):
    """A member of a StrEnum, kept as its value."""

    impl = String(20)
    cache_ok = True

    def __init__(self, words: type[State | Step | Account | Role | OfferStatus]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002, D102
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002, D102
        return None if value is None else self.words(value)


class Said(TypeDecorator[str]):
    """Text in an agent's words. PostgreSQL can't keep a NUL, and an agent's log may hold one."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002, D102
        return None if value is None else value.replace("\0", "\N{REPLACEMENT CHARACTER}")


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

FORMER = frozenset({"trail", "entry", "answer"})
"""Tables of older versions, which are called otherwise since migration 0011."""

_Name = String(48)
_Count = BigInteger().with_variant(Integer, "sqlite")  # an agent's counter: the wire lets it reach 2**53

hospital = Table(
    "hospital",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("contact", String(200), nullable=False),
    Column("latitude", Float, nullable=False),
    Column("longitude", Float, nullable=False),
    Column("created", Float, nullable=False),
    Column("approved_by", String(100)),
    Column("approved", Float),
    Column("cluster", _Name, nullable=False, server_default="home"),
)

need = Table(
    "need",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("hospital", _Name, ForeignKey("hospital.id"), nullable=False),
    Column("part", _Name, nullable=False),
    Column("version", String(32), nullable=False),
    Column("parameters", Json(dict[str, float]), nullable=False),
    Column("quantity", Integer, CheckConstraint("quantity > 0", "quantity"), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("deadline", Float),
    Column("created", Float, nullable=False),
    Column("cancelled", Float),
    Column("held", Float),
    Column("held_why", String(400), nullable=False, server_default=""),
    Column("released", Float),
    Column("token", String(64), nullable=False, unique=True),  # its SHA-256
    Column("token_expires", Float, nullable=False, server_default="0"),
)

agent = Table(
    "agent",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("enrolled", Float, nullable=False),
    Column("epoch", String(32)),
    Column("seq", _Count, nullable=False),
    Column("connection", _Count, nullable=False),
    Column("online", Boolean, nullable=False),
    Column("seen", Float, nullable=False),
    Column("software", Said(64), nullable=False),
    Column("place", Json(tuple[float, float])),
    Column("cluster", _Name, nullable=False, server_default="home"),
    Column("revoked", Float),
    Column("revoked_by", String(100), nullable=False, server_default=""),
    Column("revoked_why", String(400), nullable=False, server_default=""),
)

certificate = Table(
    "certificate",
    metadata,
    Column("serial", String(40), primary_key=True),  # in hex
    Column("agent", _Name, ForeignKey("agent.name"), nullable=False, index=True),
    Column("key", String(64), nullable=False),  # the SHA-256 of its public key
    Column("pem", Text, nullable=False),
    Column("issued", Float, nullable=False),
    Column("ends", Float, nullable=False),
    Column("revoked", Float),
)

printer = Table(
    "printer",
    metadata,
    Column("agent", _Name, ForeignKey("agent.name"), primary_key=True),
    Column("name", _Name, primary_key=True),
    Column("driver", Said(16), nullable=False),
    Column("profile", Json(Profile), nullable=False),
    Column("material", _Name, nullable=False),
    Column("counter", _Count, nullable=False),
    Column("sequence", _Count, nullable=False, server_default="0"),
)

ready = Table(
    "ready",
    metadata,
    Column("agent", _Name, primary_key=True),
    Column("printer", _Name, primary_key=True),
    Column("nonce", Said(64), nullable=False),
    Column("counter", _Count, nullable=False),
    Column("expires", Float, nullable=False),
    Column("window_ends", Float, nullable=False),
    Column("material", _Name, nullable=False),
    Column("epoch", String(32), nullable=False),
    Column("seq", _Count, nullable=False),
    Column("held", Json(tuple[str, ...]), nullable=False),
    Column("parts", Json(Parts), nullable=False, server_default='{"every":true,"but":[]}'),
    Column("offer", _Name),
    ForeignKeyConstraint(["agent", "printer"], ["printer.agent", "printer.name"]),
)

opening = Table(
    "opening",
    metadata,
    Column("agent", _Name, primary_key=True),
    Column("printer", _Name, primary_key=True),
    Column("counter", _Count, nullable=False),
    Column("epoch", String(32), nullable=False),
    Column("expires", Float, nullable=False),
    Column("window_ends", Float, nullable=False),
    Column("material", _Name, nullable=False),
    Column("parts", Json(Parts), nullable=False),
    ForeignKeyConstraint(["agent", "printer"], ["printer.agent", "printer.name"]),
)

offer = Table(
    "offer",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("need", _Name, ForeignKey("need.id"), nullable=False),
    Column("agent", _Name, ForeignKey("agent.name"), nullable=False),
    Column("printer", _Name, nullable=False),
    Column("part", _Name, nullable=False),
    Column("version", String(32), nullable=False),
    Column("material", _Name, nullable=False),
    Column("count", Integer, CheckConstraint("count > 0", "count"), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("grams", Float, nullable=False),
    Column("made", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("status", Word(OfferStatus), nullable=False),
    Column("changed", Float, nullable=False),
    Column("why", Said(400), nullable=False),
    Column("seen", Boolean, nullable=False),
    Index(None, "agent", "printer", "status"),
    Index(None, "status", "changed"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("need", _Name, ForeignKey("need.id"), nullable=False, index=True),
    Column("agent", _Name, ForeignKey("agent.name"), nullable=False),
    Column("printer", _Name, nullable=False),
    Column("nonce", Said(64), nullable=False, unique=True),
    Column("epoch", String(32), nullable=False),
    Column("counter", _Count, nullable=False),
    Column("part", _Name, nullable=False),
    Column("version", String(32), nullable=False),
    Column("material", _Name, nullable=False),
    Column("count", Integer, CheckConstraint("count > 0", "count"), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("grams", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("state", Word(State), nullable=False),
    Column("granted", Float, nullable=False),
    Column("changed", Float, nullable=False),
    Column("why", Said(400), nullable=False),
    Column("blame", String(8), nullable=False, server_default="nobody"),
    Column("good", Integer),
    Column("scrapped", Integer),
    Column("inspected_by", String(100)),
    Column("sequence", _Count, nullable=False, server_default="0"),
    CheckConstraint("good is null or good + scrapped = count", "counted"),
    Index(None, "agent", "printer", "state"),
    Index(None, "state", "changed"),
)

event = Table(
    "event",
    metadata,
    Column("agent", _Name, ForeignKey("agent.name"), primary_key=True),
    Column("epoch", String(32), primary_key=True),
    Column("seq", _Count, primary_key=True),
    Column("attempt", _Name, nullable=False, index=True),
    Column("step", Word(Step), nullable=False),
    Column("at", Float, nullable=False),
    Column("why", Said(400), nullable=False),
    Column("heard", Float, nullable=False),
    Column("applied", Boolean, nullable=False),
)

parcel = Table(
    "parcel",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("need", _Name, ForeignKey("need.id"), nullable=False, index=True),
    Column("units", Integer, CheckConstraint("units > 0", "units"), nullable=False),
    Column("packed", Float, nullable=False),
    Column("packed_by", String(100), nullable=False),
    Column("sent", Float),
    Column("received", Float),
    Column("received_by", String(100)),
    Column("received_units", Integer),
    Column("note", String(400), nullable=False),
)

_ACCOUNTS = ", ".join(f"'{each}'" for each in Account)
_OF_NEED = "('demand', 'needed')"

movement = Table(
    "movement",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("need", _Name, ForeignKey("need.id"), nullable=False),
    Column("lot", _Name, nullable=False),  # empty where no account of the movement is divided by lot
    Column("source", Word(Account), nullable=False),
    Column("target", Word(Account), nullable=False),
    Column("units", Integer, nullable=False),
    Column("cause", String(120), nullable=False),
    Column("by", String(100), nullable=False),
    Column("at", Float, nullable=False),
    CheckConstraint("units > 0", "units"),
    CheckConstraint("source <> target", "moves"),
    CheckConstraint("id > 0", "numbered"),
    CheckConstraint(f"source in ({_ACCOUNTS}) and target in ({_ACCOUNTS})", "accounts"),
    CheckConstraint(
        "(source <> 'demand' or target = 'needed') and (target <> 'demand' or source = 'needed')", "demand"
    ),
    CheckConstraint(f"lot <> '' or (source in {_OF_NEED} and target in {_OF_NEED})", "divided"),
    UniqueConstraint("cause", "need", "lot", "source", "target"),
    Index(None, "need", "lot"),
)

invite = Table(
    "invite",
    metadata,
    Column("code", String(64), primary_key=True),  # its SHA-256
    Column("expires", Float, nullable=False),
    Column("by", String(100), nullable=False),
    Column("used", Float),
    Column("agent", _Name),
    Column("key", String(64)),  # the SHA-256 of the public key that it was used with
    Column("meant_for", _Name),
)

release = Table(
    "release",
    metadata,
    Column("part", _Name, primary_key=True),
    Column("version", String(32), primary_key=True),
    Column("document", Text, nullable=False),  # its exact bytes, which are UTF-8
    Column("key", String(64), nullable=False),
    Column("signature", String(128), nullable=False),  # in hex
    Column("signed", Float, nullable=False),
)

restoration = Table(
    "restoration",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("taken", Float, nullable=False),
    Column("restored", Float, nullable=False),
    Column("settled", Float),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("by", String(100), nullable=False),
    Column("role", String(20), nullable=False),
    Column("via", String(12), nullable=False),
    Column("act", String(64), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("details", Text, nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)

maker = Table(
    "maker",
    metadata,
    Column("agent", _Name, ForeignKey("agent.name"), primary_key=True),
    Column("ref", _Name, nullable=False, unique=True),
    Column("token", String(64), unique=True),  # its SHA-256
    Column("expires", Float),
    Column("address", Text),  # sealed, see `privacy/address.py`
    Column("given", Float),
)

pickup = Table(
    "pickup",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("agent", _Name, ForeignKey("agent.name"), nullable=False, index=True),
    Column("by", String(100), nullable=False),
    Column("taken", Float, nullable=False),
    Column("until", Float, nullable=False),
    Column("ended", Float),
)

person = Table(
    "person",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("shown", String(80), nullable=False),
    Column("created", Float, nullable=False),
    Column("password", String(200)),  # argon2id, with its parameters
    Column("disabled", Float),
    Column("factor", String(200)),  # sealed
    Column("factor_since", Float),
    Column("factor_step", _Count, nullable=False),
    Column("factor_due", Float),
)

membership = Table(
    "membership",
    metadata,
    Column("person", _Name, ForeignKey("person.name"), primary_key=True),
    Column("cluster", _Name, primary_key=True),
    Column("role", Word(Role), primary_key=True),
)

recovery = Table(
    "recovery",
    metadata,
    Column("person", _Name, ForeignKey("person.name"), primary_key=True),
    Column("code", String(64), primary_key=True),  # its SHA-256
)

password_link = Table(
    "password_link",
    metadata,
    Column("code", String(64), primary_key=True),  # its SHA-256
    Column("person", _Name, ForeignKey("person.name"), nullable=False),
    Column("expires", Float, nullable=False),
    Column("by", String(100), nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("token", String(64), primary_key=True),  # its SHA-256
    Column("id", _Name, nullable=False, unique=True),
    Column("person", _Name, ForeignKey("person.name"), index=True),  # none: the machine's administrator
    Column("by", String(100), nullable=False),
    Column("created", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("ends", Float, nullable=False),
    Column("browser", String(120), nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("token", String(64), primary_key=True),  # its SHA-256
    Column("id", _Name, nullable=False, unique=True),
    Column("person", _Name, ForeignKey("person.name"), nullable=False, index=True),
    Column("label", String(80), nullable=False),
    Column("cluster", _Name, nullable=False),
    Column("role", Word(Role), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("used", Float),
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("key", String(64), primary_key=True),  # of who asked, what, and with which form or key
    Column("at", Float, nullable=False, index=True),
    Column(
        "request", String(64), nullable=False
    ),  # its digest, keyed, as a form may hold what can be guessed
    Column("response", Text, nullable=False),  # sealed: it may hold a hospital's link
)
