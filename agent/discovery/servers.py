"""Which printer server answers at an address: OctoPrint, Moonraker or PrusaLink. Asked with a few GETs, no key."""

from typing import Generic, Literal, TypeVar

import msgspec
from msgspec import Struct

from agent.http.address import AddressError, parse
from agent.http.client import HttpClient
from agent.http.deadline import within
from agent.http.failure import Cause, NoAnswerError
from agent.http.response import Response
from agent.http.status import HTTPStatus

Kind = Literal["octoprint", "moonraker", "prusalink"]

PATIENCE = 3.0
"""Seconds for an answer."""
NOBODY = {Cause.LATE, Cause.UNREACHABLE, Cause.UNKNOWN_NAME, Cause.LATE_NAME}
"""After these no other question is asked."""
MOST = 65_536
OCTOPRINT_DOOR = "/plugin/appkeys/probe"
"""Answers 204 where a key can be asked for; documented for this purpose."""
REALM = 'realm="Printer API"'
"""What PrusaLink in a printer's own firmware asks a password for; on a Raspberry Pi it tells its name instead."""


class Server(Struct, frozen=True, kw_only=True):
    """A server that was recognised. `open` if it needs no key from this machine; `state` as it tells itself."""

    kind: Kind
    url: str
    version: str = ""
    state: str = ""
    open: bool = False
    gives_keys: bool = False
    """Whether its owner can confirm a key there, so that none is typed."""


T = TypeVar("T")


class _Info(Struct):
    """`/server/info`."""

    klippy_state: str
    moonraker_version: str = ""


class _Access(Struct):
    """`/access/info`, which anybody may read."""

    trusted: bool


class _Volume(Struct):
    width: float
    depth: float
    height: float


class _Profile(Struct):
    volume: _Volume
    current: bool = False


class _Profiles(Struct):
    """`/api/printerprofiles`."""

    profiles: dict[str, _Profile]


class _Axes(Struct):
    axis_maximum: tuple[float, float, float, float]


class _Toolhead(Struct):
    toolhead: _Axes


class _Objects(Struct):
    """`/printer/objects/query`."""

    status: _Toolhead


class _Result(Struct, Generic[T]):
    """What Moonraker puts its answers into."""

    result: T


_TROUBLE = (NoAnswerError, AddressError, ValueError, msgspec.MsgspecError)
"""All that an address of a home network may answer with."""


def recognise(url: str) -> Server | None:
    """The server at this address; None if nobody answers, or it is none of them."""
    url = url.rstrip("/")
    for look in (_moonraker, _octoprint, _prusalink):
        try:
            if server := look(url):
                return server
        except NoAnswerError as failure:
            if failure.cause in NOBODY:
                return None
        except _TROUBLE:
            continue
    return None


def size(kind: Kind, url: str, key: str) -> tuple[float, float, float] | None:
    """Width, depth and height in mm, where the server tells them to who has this key."""
    try:
        if kind == "octoprint":
            told = _read(_get(url, "/api/printerprofiles", key), _Profiles)
            volume = next((each.volume for each in told.profiles.values() if each.current), None)
            return (volume.width, volume.depth, volume.height) if volume else None
        if kind == "moonraker":
            reply = _get(url, "/printer/objects/query?toolhead=axis_maximum", key)
            return _read(reply, _Result[_Objects]).result.status.toolhead.axis_maximum[:3]
    except _TROUBLE:
        pass
    return None


def _moonraker(url: str) -> Server | None:
    reply = _get(url, "/server/info")
    if reply.status == HTTPStatus.UNAUTHORIZED:
        _read(_get(url, "/access/info"), _Result[_Access])
        return Server(kind="moonraker", url=url)
    told = _read(reply, _Result[_Info]).result
    return Server(
        kind="moonraker",
        url=url,
        version=_word(told.moonraker_version),
        state=_word(told.klippy_state),
        open=True,
    )


def _octoprint(url: str) -> Server | None:
    if _get(url, OCTOPRINT_DOOR).status == HTTPStatus.NO_CONTENT:
        return Server(kind="octoprint", url=url, gives_keys=True)
    return None


def _prusalink(url: str) -> Server | None:
    reply = _get(url, "/api/version")
    asks = reply.header("WWW-Authenticate")
    is_it = REALM in asks or reply.header("Server") == "PrusaLink"
    return Server(kind="prusalink", url=url) if is_it and reply.status == HTTPStatus.UNAUTHORIZED else None


def _get(url: str, path: str, key: str = "") -> Response:
    headers = {"Accept": "application/json"} | ({"X-Api-Key": key} if key else {})
    return HttpClient(parse(url), headers=headers).ask("GET", path, within(PATIENCE), most=MOST)


def _read(response: Response, kind: type[T]) -> T:
    """An answer's content, as JSON of this kind.

    Raises:
        msgspec.MsgspecError, ValueError: it is none.
    """
    return msgspec.json.decode(response.content, type=kind)


def _word(text: str) -> str:
    return "".join(char for char in text if char.isprintable())[:60]
