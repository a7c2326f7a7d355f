"""What is said once of a kind of printer, and read wherever kinds differ: the settings, the agent, the search, setup.

Each kind has a folder here, and in it a `kind.py` with its settings and its record; `catalogue.py` lists the records.
A record is loaded by everybody who reads settings: what is heavy in a kind (its driver, its libraries) is imported by
the record's functions, when they are called.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from agent.printers.driver import Driver, Onlooker
from gcode.profile import Profile
from wire.manifest import Name

if TYPE_CHECKING:
    from agent.http.response import Response

NOTHING: Mapping[str, str] = MappingProxyType({})

T = TypeVar("T")
Size = tuple[float, float, float]
"""Width, depth and height of a printer's volume, in mm."""


class PrinterSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="driver"):
    """What every printer has in the settings, of whatever kind. `script` is the file of its own start and end scripts.

    Without `thermal_protection`, it has what its firmware tells of itself; without that too, somebody must be there
    while it prints.
    """

    name: Name
    material: Name
    profile: Profile = Profile()
    script: str = ""
    thermal_protection: bool | None = None

    @property
    def driver(self) -> str:
        """The name of its kind, as in the file."""
        return str(self.__struct_config__.tag)


P = TypeVar("P", bound=PrinterSettings)


Get = Callable[[str], "Response"]
"""Asks a server for a path. Raises `NoAnswerError` where it does not answer."""


class ServerGreeting(Struct, frozen=True, kw_only=True):
    """What a server tells of itself to who has no key. Empty where it tells nothing."""

    version: str = ""
    state: str = ""
    trusts: bool = False
    """Whether it needs no key from this machine."""
    gives_keys: bool = False
    """Whether its owner can confirm a key there, so that none is typed."""


class Remarks(Struct, frozen=True, kw_only=True):
    """What a server can do for us, and what is missing until it does; for its owner."""

    can: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class WordQuestion(Struct, frozen=True, kw_only=True):
    """Something that setup asks for: the answer becomes this setting."""

    setting: str
    prompt: str
    default: str


class SecretQuestion(Struct, frozen=True, kw_only=True):
    """A secret that setup asks for: it goes into a file, and the file's name becomes the setting `{secret}_file`.

    `confirm` gets one without typing, where the server `gives_keys`: it is given the server's address and who is to be
    told of the page where its owner confirms, and raises `PrinterError` where that is refused or not possible.
    """

    secret: str
    prompt: str
    confirm: Callable[[str, Callable[[str], object]], str] | None = None


class ServerTraits(Struct, frozen=True, kw_only=True):
    """How printers of a kind that is behind a server are found, and opened for the first time.

    Args:
        ports: where it listens by default: its own port, then that of a proxy.
        services: the DNS-SD types under which it announces itself, like `_octoprint._tcp.local.`.
        recognise: who answers there; None if it is another kind. Asks with a few GETs and without a key; what `Get`
            raises, and an answer of another shape, mean that it is another kind.
        remarks: what is to be said of one that was found.
        questions: what its owner is asked; those for secrets not where it `trusts` this machine.
        size: asks for the printer's volume, with a key; raises like `recognise`.
        protects: whether the firmware behind it mostly stops itself when a heater runs away.
    """

    ports: tuple[int, ...]
    services: tuple[str, ...]
    recognise: Callable[[Get], ServerGreeting | None]
    remarks: Callable[[ServerGreeting], Remarks]
    questions: tuple[WordQuestion | SecretQuestion, ...]
    size: Callable[[Get], Size | None] = lambda _get: None
    protects: bool = False


class SaysClear(Struct, frozen=True, kw_only=True):
    """How a person says at the printer itself that its bed is clear: `where`, and `how`."""

    where: str
    how: str


class PrinterKind(Struct, Generic[P], frozen=True, kw_only=True):
    """One kind of printer.

    Args:
        title: what people call it.
        settings: how one stands in the settings' file; its tag is the kind's name.
        driver: makes the driver of one printer, and no contact yet; what that keeps, it keeps in the given folder (the
            agent's state). Raises `PrinterError`: the settings can't be right.
        onlooker: who looks at a printer while the agent drives it; the driver, if None.
        place: where a printer is; two with the same place are one, whatever they are called.
        secrets: the settings that are secret. Each may stand in a file of its own instead, named by `{secret}_file`.
        about: what setup writes as a comment to a setting, beside what all kinds have.
        always: the settings that setup writes even at their default: its owner should see them.
        says_clear: how a person at this printer can say that its bed is clear, if its owner wants that.
        has_watchdog: whether the driver watches the heaters itself; else the agent does it from what the driver tells.
        look_seconds: seconds between two looks of a person who watches.
        find: sees that a printer can be there, before it is waited for. Raises `PrinterError`: it is not plugged in.
        elsewhere: where and how its owner takes it up again after a fault, if not here; None where the driver and the
            onlooker can (`Resettable`).
        server: for a kind that is behind a server.
    """

    title: str
    settings: type[P]
    driver: Callable[[P, Path], Driver]
    place: Callable[[P], str]
    onlooker: Callable[[P, Path], Onlooker] | None = None
    secrets: tuple[str, ...] = ()
    about: Mapping[str, str] = NOTHING
    always: frozenset[str] = frozenset()
    says_clear: Callable[[P], SaysClear | None] = lambda _printer: None
    has_watchdog: bool = False
    look_seconds: float = 2.0
    find: Callable[[P, Path], object] = lambda _printer, _state: None
    elsewhere: Callable[[P], str] | None = None
    server: ServerTraits | None = None

    @property
    def name(self) -> str:
        """What the kind is called in the settings, `driver = "…"`."""
        return str(self.settings.__struct_config__.tag)
