"""The coordinator's settings: one TOML file, every value with a default, so that no file is fine too.

`settings.example.toml` beside this file shows and explains each of them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from coordinator.endpoint import PATTERN, Endpoint
from coordinator.errors import StartError
from gcode.document import DocumentError, decode

EXAMPLE = Path(__file__).with_name("settings.example.toml")
VARIABLE = "MUSTER_CONFIG"
"""The environment's variable that names a file, if `--config` does not."""
PLACES = (Path("muster.toml"), Path("/etc/muster/coordinator.toml"))
"""Where a file is looked for when none is named; a relative one in the current directory."""
DATA = "muster-data"

Port = Annotated[int, Meta(ge=0, le=65535)]
Text = Annotated[str, Meta(min_length=1, max_length=253)]
BrokerUrl = Annotated[str, Meta(pattern=f"^$|{PATTERN}")]
WebUrl = Annotated[str, Meta(pattern=r"^$|^https?://[^/\s]+(/[^/\s]+)*$", max_length=200)]

_ANYWHERE = "0.0.0.0"  # noqa: S104 - to be recognised, not bound


class WebSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pages and API."""

    host: Text = "127.0.0.1"
    port: Port = 8765
    public_url: WebUrl = ""


class PeopleSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who must show a second factor."""

    second_factor: Literal["admins", "everyone"] = "admins"
    grace_hours: Annotated[float, Meta(ge=0, le=720)] = 24


class DatabaseSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the truth is kept."""

    url: Annotated[str, Meta(pattern=r"^$|^(sqlite|postgresql\+psycopg)://")] = ""


class BrokerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The MQTT broker: one of ours, or one that is named."""

    kind: Literal["auto", "embedded", "mosquitto", "external"] = "auto"
    host: Text = "127.0.0.1"
    port: Port = 0
    public_url: BrokerUrl = ""
    url: BrokerUrl = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    username: str = ""
    password_file: str = ""
    directory: str = ""
    pid_file: str = ""

    def __post_init__(self) -> None:
        """Hold against each other what can't be judged alone."""
        if (self.kind == "external") != bool(self.url):
            raise ValueError('url and kind = "external" go together (set both, or neither)')
        for url in (self.url, self.public_url):
            if url.startswith("mqtt:") and not _is_loopback(url):
                raise ValueError(f"{url} is not encrypted (use mqtts:// between machines)")
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key go together (set both, or neither)")
        if (self.directory or self.pid_file) and self.kind != "external":
            raise ValueError(
                'directory and pid_file are for kind = "external" (our own broker needs neither)'
            )
        if ":" in self.host:
            raise ValueError(f"host {self.host} can't be used (give an IPv4 address or a name)")
        if self.host == _ANYWHERE and not self.public_url:
            raise ValueError(f"host {self.host} needs public_url (set what agents reach the broker by)")


class DispatchSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long is waited for whom."""

    suspect_after_minutes: Annotated[float, Meta(gt=0, le=10_080)] = 30
    request_lifetime_minutes: Annotated[float, Meta(gt=0, le=1440)] = 10
    nonce_margin_seconds: Annotated[float, Meta(ge=0, le=30)] = 5


class LimitSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What bounds the memory and the work that agents can cause."""

    messages_per_second: Annotated[float, Meta(gt=0, le=10_000)] = 50
    messages_at_once: Annotated[int, Meta(ge=10, le=100_000)] = 1000
    messages_waiting: Annotated[int, Meta(ge=100, le=1_000_000)] = 2000


class LogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written to stderr."""

    format: Literal["auto", "text", "json"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class CoordinatorSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of the coordinator."""

    data: str = ""
    web: WebSettings = field(default_factory=WebSettings)
    people: PeopleSettings = field(default_factory=PeopleSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    dispatch: DispatchSettings = field(default_factory=DispatchSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    log: LogSettings = field(default_factory=LogSettings)

    @property
    def directory(self) -> Path:
        """Where keys, the database and files lie."""
        return Path(self.data or DATA)

    @property
    def database_url(self) -> str:
        """The database as SQLAlchemy names it; may hold a password."""
        return self.database.url or f"sqlite:///{self.directory / 'muster.db'}"


def load(named: str | None, environ: Mapping[str, str], here: Path) -> CoordinatorSettings:
    """The settings of the file that is `named` (by `--config`), else by the environment, else found.

    `here` is the current directory. Paths in a file are relative to that file. Without a file or without
    `data`, data lie where systemd says, or below `here`.

    Raises:
        StartError: the file can't be read or used; one line that says where, and what to do.
    """
    named = named or environ.get(VARIABLE) or None
    path = here / named if named else _found(here)
    settings = read(path) if path else CoordinatorSettings()
    if not settings.data:
        state = environ.get("STATE_DIRECTORY", "").split(":")[0]
        settings = msgspec.structs.replace(settings, data=state or str(here / DATA))
    return settings


def read(path: Path) -> CoordinatorSettings:
    """The settings in one file, its paths made absolute; errors as in `load`."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise StartError(f"can't read the settings in {path}: {error.strerror}") from None
    try:
        settings = decode(source, CoordinatorSettings, str(path))
    except DocumentError as error:
        raise StartError(str(error)) from None
    base = path.absolute().parent

    def placed(text: str) -> str:
        return str(base / text) if text else ""

    broker = settings.broker
    return msgspec.structs.replace(
        settings,
        data=placed(settings.data),
        broker=msgspec.structs.replace(
            broker,
            ca=placed(broker.ca),
            certificate=placed(broker.certificate),
            key=placed(broker.key),
            password_file=placed(broker.password_file),
            directory=placed(broker.directory),
            pid_file=placed(broker.pid_file),
        ),
    )


def _is_loopback(url: str) -> bool:
    host = Endpoint(url=url).host
    return host == "localhost" or host.startswith("127.")


def _found(here: Path) -> Path | None:
    return next((here / place for place in PLACES if (here / place).is_file()), None)
