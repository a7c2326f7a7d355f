"""The coordinator from afar: its own HTTP API, with its words and records."""

import json
import secrets
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec
from msgspec import Struct

from coordinator.model.records import Attempt, Hospital, Need, Parcel, Pickup
from coordinator.model.views import (
    AgentView,
    LedgerView,
    NeedDetail,
    NeedView,
    PartView,
    PersonView,
    PickupView,
    PrinterView,
    Tracking,
)
from coordinator.privacy.address import PickupAddress
from wire.messages import Wish

T = TypeVar("T")

TIMEOUT = 20.0
"""Seconds that the coordinator has for an answer."""
_NO_ADDRESS = "an address is like http://127.0.0.1:8765, without names, passwords or a query in it"
_JSON = {"Content-Type": "application/json", "Accept": "application/json, application/problem+json"}
_NEAR = ("127.0.0.1", "localhost", "::1")


class RequestRefused(Exception):
    """The coordinator says no, in one line: what is wrong and what to do. `kind` as in `coordinator.errors`."""

    def __init__(self, status: int, kind: str, title: str, detail: str) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.status = status
        self.kind = kind
        self.detail = detail


class CoordinatorUnavailable(Exception):
    """No coordinator answers, or it can't do its work; the request may or may not have been carried out."""


class FiledNeed(Struct, frozen=True):
    """A need, and the hospital's link, which is shown only now."""

    need: Need
    tracking: str


class PersonLink(Struct, frozen=True):
    """A person, and where they choose a password, which is shown only now."""

    person: PersonView
    path: str


class PickupDetail(Struct, frozen=True):
    """A pickup, and where to go; None if the maker did not say."""

    pickup: Pickup
    address: PickupAddress | None


class Client:
    """Talks to one running coordinator. Every method raises `Refused` or `Trouble`; safe to use from any thread."""

    def __init__(
        self, url: str, key: str, *, by: str = "", public: str = "", timeout: float = TIMEOUT
    ) -> None:
        """`url` is where the pages are, `key` a token or the access key, "" without.

        `by` is the name of who acts, with the latter.

        `public` is what links for people begin with, if not with `url`.

        Raises:
            ValueError: `url`, `key` or `by` can't be one; the message never repeats the key.
        """
        self.url = _checked(url)
        self._public = _checked(public) if public else self.url
        self.has_key = bool(key)
        headers: dict[bytes, bytes] = {b"Muster-Via": b"cli"}
        if key:
            if not (key.isascii() and key.isprintable() and " " not in key):
                raise ValueError("a key or token is one word, without blanks")
            headers[b"Authorization"] = b"Bearer " + key.encode()
        if by.strip():
            if not by.isprintable():
                raise ValueError("a name is one line of plain text")
            headers[b"Muster-By"] = by.strip().encode()
        # A proxy of the environment leads out of the house; what runs on this machine is not there.
        near = urlsplit(self.url).hostname in _NEAR
        self._http = httpx.Client(
            base_url=self.url, headers=headers, timeout=timeout, trust_env=not near, follow_redirects=False
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ── hospitals and parts ───────────────────────────────────────────────────────────────────────────────

    def add_hospital(self, *, name: str, contact: str, latitude: float, longitude: float) -> Hospital:
        """Take a hospital in; nothing is printed for it until someone has approved it. Degrees."""
        asked = {"name": name, "contact": contact, "latitude": latitude, "longitude": longitude}
        return self._post("/api/hospitals", Hospital, asked)

    def approve_hospital(self, hospital: str) -> Hospital:
        """Vouch for a hospital."""
        return self._post(f"/api/hospitals/{_word(hospital)}/approve", Hospital)

    def hospitals(self) -> list[Hospital]:
        """Every hospital, newest first."""
        return self._get("/api/hospitals", list[Hospital])

    def parts(self) -> list[PartView]:
        """What can be asked for."""
        return self._get("/api/parts", list[PartView])

    # ── needs ─────────────────────────────────────────────────────────────────────────────────────────────

    def file_need(
        self,
        *,
        hospital: str,
        part: str,
        quantity: int,
        priority: int = 5,
        deadline: str | None = None,
        parameters: dict[str, float] | None = None,
    ) -> FiledNeed:
        """Ask for parts. `deadline` is an ISO date (its end, UTC) or datetime; `tracking` comes back as a URL."""
        asked = {
            "hospital": hospital,
            "part": part,
            "quantity": quantity,
            "priority": priority,
            "deadline": deadline,
            "parameters": parameters,
        }
        filed = self._post("/api/needs", FiledNeed, asked)
        return FiledNeed(filed.need, self._public + filed.tracking)

    def needs(self) -> list[NeedView]:
        """Every need, newest first."""
        return self._get("/api/needs", list[NeedView])

    def need(self, need: str) -> NeedDetail:
        """One need with its lots and parcels."""
        return self._get(f"/api/needs/{_word(need)}", NeedDetail)

    def cancel_need(self, need: str) -> Need:
        """Withdraw a need."""
        return self._post(f"/api/needs/{_word(need)}/cancel", Need)

    def release_need(self, need: str) -> Need:
        """Give a held need out again."""
        return self._post(f"/api/needs/{_word(need)}/release", Need)

    def relink_need(self, need: str) -> str:
        """A new link for the hospital; the one before leads nowhere."""
        return self._public + self._post(f"/api/needs/{_word(need)}/relink", dict[str, str])["link"]

    # ── makers ────────────────────────────────────────────────────────────────────────────────────────────

    def link_agent(self, agent: str) -> str:
        """A new link to a maker's own page; the one before leads nowhere."""
        return self._public + self._post(f"/api/agents/{_word(agent)}/link", dict[str, str])["link"]

    def pickups(self) -> list[PickupView]:
        """Where something waits."""
        return self._get("/api/pickups", list[PickupView])

    def take_pickup(self, agent: str) -> Pickup:
        """Go to a maker for what waits there."""
        return self._post(f"/api/agents/{_word(agent)}/pickup", Pickup)

    def pickup(self, pickup: str) -> PickupDetail:
        """Where to go, for who has taken it on."""
        return self._get(f"/api/pickups/{_word(pickup)}", PickupDetail)

    def give_back_pickup(self, pickup: str) -> Pickup:
        """Not go after all."""
        return self._post(f"/api/pickups/{_word(pickup)}/give-back", Pickup)

    def export_agent(self, agent: str) -> dict[str, Any]:
        """All that is held of a maker."""
        return self._get(f"/api/privacy/agents/{_word(agent)}", dict[str, Any])

    def erase_agent(self, agent: str) -> str:
        """Forget a maker; the name under which the lots stay."""
        return self._post(f"/api/privacy/agents/{_word(agent)}/erase", dict[str, str])["name"]

    def export_hospital(self, hospital: str) -> dict[str, Any]:
        """All that is held of a hospital."""
        return self._get(f"/api/privacy/hospitals/{_word(hospital)}", dict[str, Any])

    def erase_hospital(self, hospital: str) -> None:
        """Forget who spoke and signed for a hospital."""
        self._post(f"/api/privacy/hospitals/{_word(hospital)}/erase", type(None))

    # ── printers and attempts ─────────────────────────────────────────────────────────────────────────────

    def printers(self) -> list[PrinterView]:
        """Every printer and what it does."""
        return self._get("/api/printers", list[PrinterView])

    def attempts(self, *, open_only: bool = False) -> list[Attempt]:
        """Attempts, newest first."""
        return self._get("/api/attempts" + ("?open=true" if open_only else ""), list[Attempt])

    def attempt(self, attempt: str) -> Attempt:
        """One attempt."""
        return self._get(f"/api/attempts/{_word(attempt)}", Attempt)

    def ask(self, attempt: str, wish: Wish) -> Attempt:
        """Ask the printer's agent for something; the attempt comes back as it stood before."""
        return self._post(f"/api/attempts/{_word(attempt)}/{wish}", Attempt)

    def inspect(self, attempt: str, *, good: int, scrapped: int) -> Attempt:
        """Say how many units of a lot are good."""
        asked = {"good": good, "scrapped": scrapped}
        return self._post(f"/api/attempts/{_word(attempt)}/inspect", Attempt, asked)

    def collect(self, attempt: str) -> Attempt:
        """Bring a lot's good units to the hub."""
        return self._post(f"/api/attempts/{_word(attempt)}/collect", Attempt)

    def write_off(self, attempt: str, *, why: str) -> Attempt:
        """Give a suspect lot up."""
        return self._post(f"/api/attempts/{_word(attempt)}/write-off", Attempt, {"why": why})

    def vouch(self, attempt: str, *, why: str) -> Attempt:
        """Say that a suspect lot is here."""
        return self._post(f"/api/attempts/{_word(attempt)}/vouch", Attempt, {"why": why})

    # ── parcels, ledger, access ───────────────────────────────────────────────────────────────────────────

    def pack(self, need: str, *, units: int | None = None) -> Parcel:
        """Pack what is at the hub for a need: all of it, or `units`."""
        return self._post("/api/parcels", Parcel, {"need": need, "units": units})

    def send(self, parcel: str) -> Parcel:
        """Hand a parcel to the courier."""
        return self._post(f"/api/parcels/{_word(parcel)}/send", Parcel)

    def ledger(self) -> LedgerView:
        """Whether every unit stands where it should."""
        return self._get("/api/ledger", LedgerView)

    def invite(self, agent: str | None = None) -> str:
        """An invite for one agent that is new, or for the one named to join again."""
        return self._post("/api/invites", dict[str, str], {"agent": agent})["invite"]

    def agents(self) -> list[AgentView]:
        """Every agent and its access."""
        return self._get("/api/agents", list[AgentView])

    def revoke(self, agent: str, *, why: str) -> AgentView:
        """Take an agent's access back."""
        return self._post(f"/api/agents/{_word(agent)}/revoke", AgentView, {"why": why})

    # ── people ────────────────────────────────────────────────────────────────────────────────────────────

    def people(self) -> list[PersonView]:
        """Who has an account."""
        return self._get("/api/people", list[PersonView])

    def add_person(self, *, name: str, shown: str | None, role: str, cluster: str | None) -> PersonLink:
        """Take somebody in; `path` comes back as the URL by which they choose a password, once."""
        asked = {"name": name, "shown": shown, "role": role, "cluster": cluster}
        return self._welcomed(self._post("/api/people", PersonLink, asked))

    def give_role(self, person: str, role: str, cluster: str | None) -> PersonView:
        """Somebody has a role from now on."""
        asked = {"role": role, "cluster": cluster}
        return self._post(f"/api/people/{_word(person)}/roles", PersonView, asked)

    def take_role(self, person: str, role: str, cluster: str | None) -> PersonView:
        """Somebody has a role no more."""
        asked = {"role": role, "cluster": cluster}
        return self._post(f"/api/people/{_word(person)}/roles/take", PersonView, asked)

    def reset_person(self, person: str, *, second_factor: bool) -> PersonLink:
        """Let somebody choose a new password, by a URL as in `add_person`."""
        asked = {"second_factor": second_factor}
        return self._welcomed(self._post(f"/api/people/{_word(person)}/reset", PersonLink, asked))

    def disable_person(self, person: str) -> PersonView:
        """Shut an account, at once."""
        return self._post(f"/api/people/{_word(person)}/disable", PersonView)

    def enable_person(self, person: str) -> PersonView:
        """Open an account again."""
        return self._post(f"/api/people/{_word(person)}/enable", PersonView)

    def _welcomed(self, answer: PersonLink) -> PersonLink:
        return PersonLink(answer.person, self._public + answer.path)

    def login(self) -> str:
        """A link that logs one browser in as the machine's administrator, once, within ten minutes."""
        return self._public + self._post("/api/logins", dict[str, str])["path"]

    # ── a hospital's link, which needs no key ─────────────────────────────────────────────────────────────

    def track(self, token: str) -> Tracking:
        """What a hospital's link shows; `token` is its last part."""
        return self._get(f"/api/track/{_word(token)}", Tracking)

    def receive(self, token: str, parcel: str, *, units: int, by: str, note: str = "") -> Parcel:
        """Sign for a parcel."""
        asked = {"units": units, "by": by, "note": note}
        return self._post(f"/api/track/{_word(token)}/parcels/{_word(parcel)}/receive", Parcel, asked)

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────

    def _get(self, path: str, shape: type[T]) -> T:
        return self._ask("GET", path, shape)

    def _post(self, path: str, shape: type[T], asked: dict[str, Any] | None = None) -> T:
        return self._ask("POST", path, shape, asked)

    def _send(self, method: str, path: str, body: bytes | None) -> httpx.Response:
        """One request. If it breaks off it is sent once more, by the same key: it is done once, whatever was lost."""
        headers = _JSON | {"Idempotency-Key": secrets.token_urlsafe(18)} if method == "POST" else _JSON
        try:
            return self._http.request(method, path, content=body, headers=headers)
        except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
            if isinstance(error, httpx.ConnectError):
                raise
            return self._http.request(method, path, content=body, headers=headers)

    def _ask(self, method: str, path: str, shape: type[T], asked: dict[str, Any] | None = None) -> T:
        # The standard library's: whatever a person typed, NaN too, gets there, and is refused there.
        body = None if asked is None else json.dumps(asked).encode()
        try:
            answer = self._send(method, path, body)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise CoordinatorUnavailable(
                f"no coordinator answers at {self.url}: start it with `muster serve`"
            ) from None
        except httpx.TimeoutException:
            raise CoordinatorUnavailable(
                f"the coordinator at {self.url} does not answer in time: try again"
            ) from None
        except httpx.TransportError as error:
            raise CoordinatorUnavailable(
                f"the coordinator at {self.url} broke off: {error or type(error).__name__}"
            ) from None
        if not answer.is_success:
            raise self._problem(answer)
        try:
            return msgspec.json.decode(answer.content or b"null", type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
            raise self._stranger() from None

    def _problem(self, answer: httpx.Response) -> RequestRefused | CoordinatorUnavailable:
        try:
            said = msgspec.json.decode(answer.content, type=_Problem)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._stranger()
        if answer.is_client_error:
            kind = said.type.removeprefix("urn:muster:")
            return RequestRefused(answer.status_code, kind, said.title, said.detail)
        return CoordinatorUnavailable(f"{said.title}: {said.detail}")

    def _stranger(self) -> CoordinatorUnavailable:
        return CoordinatorUnavailable(
            f"what answers at {self.url} is not this version's coordinator: check the address"
        )


class _Problem(Struct):
    type: str
    title: str
    detail: str = ""


def _word(name: str) -> str:
    """A name as one step of a path, whatever is in it; "." and ".." would lead elsewhere."""
    return quote(name, safe="", errors="replace").replace(".", "%2E") or "%20"


def _checked(url: str) -> str:
    url = url.strip().rstrip("/")
    try:
        split = urlsplit(url)
        good = split.scheme in ("http", "https") and bool(split.hostname) and split.port != 0
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise ValueError(_NO_ADDRESS) from None
    if not good or split.username is not None or split.query or split.fragment:
        raise ValueError(_NO_ADDRESS)
    return url
