"""The authenticator: lets people and programs in by what they show, and knows them again.

Whoever is in is a `Principal`. What lets somebody in is looked at here; coming in is an act (`acts/login.py`).
"""

import base64
import contextlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import StrEnum

import structlog

from coordinator import ids
from coordinator.errors import Missing, Unauthorised
from coordinator.model.roles import PERMISSIONS, Permission, Role, permissions
from coordinator.people import accounts, passwords
from coordinator.people.factor import Seal
from coordinator.people.principal import NOBODY, Principal, Via
from coordinator.rate_limit import Backoff
from coordinator.store import people, restorations
from coordinator.store.engine import Store, Tx
from coordinator.store.people import BrowserSession, Person

SESSION = 7 * 86_400
"""Seconds after which a session ends, whatever happens."""
IDLE = 12 * 3600
"""Seconds without a request after which it ends."""
ONCE = 600
"""Seconds that a one-time link of the machine's administrator is good for."""
TICKET = 300
"""Seconds between the password and the second factor."""
PREFIX = "muster_"
"""How a person's programs' tokens begin."""
MACHINE = "machine"
"""What the audit log calls the machine's administrator, beside people's roles."""
_TOUCH = 300
"""Seconds between two notes of when a session or a token was used last."""

_WRONG = "this name and password do not go together"
STALE = "this link was used already, or is too old: ask for a new one, or log in with your password"
LATE = "that took too long, or something changed: log in again"

log = structlog.get_logger("authenticator")


@dataclass(frozen=True, slots=True)
class Rules:
    """Who must have a second factor, and how many seconds they have for setting it up."""

    everyone: bool = False
    grace: float = 86_400


@dataclass(frozen=True, slots=True)
class Opened:
    """A session, for its browser to keep; `device` marks that browser as one that this person uses."""

    token: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """The password was right: with this and a second factor, a session is opened."""

    value: str


class OneTimeLink(StrEnum):
    """What a one-time link is good for."""

    LOCAL = "local"
    """A session as the machine's administrator."""
    FIRST = "first"
    """Making the first account."""
    WELCOME = "welcome"
    """Choosing the password of an account."""


class Authenticator:
    """Safe to use from any thread. The administrator's one-time links and counts of failures live in this process."""

    def __init__(
        self,
        store: Store,
        check_key: Callable[[str], bool],
        clock: Callable[[], float],
        secret: bytes,
        rules: Rules | None = None,
    ) -> None:
        """`check_key` says whether something is the machine's access key, in the same time for each wrong one."""
        self.store = store
        self.rules = rules or Rules()
        self.seal = Seal(secret, "second factor")
        self._check_key = check_key
        self._now = clock
        self._secret = secret
        self._backoff = Backoff(clock)
        self._lock = threading.Lock()
        self._codes: dict[str, float] = {}
        with store.write() as tx:
            # A back-up may hold sessions that were ended since it was made.
            restored = restorations.latest(tx)
            before = restored.restored if restored else 0.0
            people.end_old_sessions(tx, now=clock(), idle=IDLE, made_before=before)
            people.end_old_tokens(tx, clock())

    def now(self) -> float:
        """Seconds since 1970 UTC."""
        return self._now()

    # ── who is it ─────────────────────────────────────────────────────────────────────────────────────────

    def program(self, key: str, by: str) -> Principal | None:
        """Who shows this key: the machine's administrator, calling themselves `by`, or a person's program."""
        if not key.startswith(PREFIX):
            return self._administrator(by) if self._check_key(key) else None
        now = self._now()
        with self.store.read() as tx:
            token = people.tokens.get(tx, ids.digest(key))
            person = people.persons.get(tx, token.person) if token else None
            if token is None or person is None or person.disabled is not None or token.expires <= now:
                return None
            roles = people.roles(tx, person.name)
        if token.used is None or now - token.used > _TOUCH:
            with self.store.write() as tx:
                people.tokens.change(tx, token.token, used=now)
        confined = self._is_confined(person, roles, now)
        mine = (
            permissions([] if confined else roles).get(token.cluster, frozenset[Permission]())
            & PERMISSIONS[token.role]
        )
        return Principal(
            name=person.name,
            via=Via.TOKEN,
            person=person.name,
            role=token.role,
            permissions={token.cluster: mine},
            confined=confined,
            due=person.factor_due,
        )

    def browser(self, cookie: str) -> Principal:
        """Who shows this cookie; `NOBODY` if it is not ours, or has ended."""
        if not cookie:
            return NOBODY
        now = self._now()
        with self.store.read() as tx:
            session = people.sessions.get(tx, ids.digest(cookie))
            if session is None or session.ends <= now or session.seen + IDLE <= now:
                return NOBODY
            person = people.persons.get(tx, session.person) if session.person else None
            roles = people.roles(tx, person.name) if person else []
        if session.person and (person is None or person.disabled is not None):
            return NOBODY
        if now - session.seen > _TOUCH:
            with self.store.write() as tx:
                people.sessions.change(tx, session.token, seen=now)
        csrf = self._sign("csrf", session.token)
        if person is None:
            return Principal(
                name=session.by, via=Via.LINK, role=MACHINE, session=session.id, csrf=csrf, everywhere=True
            )
        confined = self._is_confined(person, roles, now)
        return Principal(
            name=person.name,
            via=Via.SESSION,
            person=person.name,
            role=_highest(roles),
            session=session.id,
            csrf=csrf,
            permissions={} if confined else permissions(roles),
            confined=confined,
            due=person.factor_due if person.factor_since is None else None,
        )

    # ── what lets people in ───────────────────────────────────────────────────────────────────────────────

    def by_password(
        self, name: str, password: str, *, address: str, device: str = ""
    ) -> tuple[Person, str | None]:
        """Whose name and password these are, and the password as it should be kept from now on, if otherwise.

        Raises:
            Unauthorised: they do not go together; it does not say, nor take, more for either.
            Slow: too many tries.
        """
        name = name.strip().lower()[:48]
        known = self._device(device, name)
        self._backoff.enter(name, address, known)
        with self.store.read() as tx:
            person = people.persons.get(tx, name)
        kept = person.password if person else None
        if not passwords.matches(kept, password) or person is None or person.disabled is not None:
            log.info("log-in refused", address=address)
            raise Unauthorised(_WRONG)
        self._backoff.succeed(name, address, known)
        return person, passwords.keep(password) if kept and passwords.is_outdated(kept) else None

    def ticket(self, person: Person) -> Ticket:
        """For who showed the right password, and has a second factor."""
        until = round(self._now() + TICKET)
        body = json.dumps([person.name, until, self._sign("kept", person.password or "")]).encode()
        return Ticket(base64.urlsafe_b64encode(body).decode() + "." + self._sign("ticket", body.decode()))

    def owner(self, tx: Tx, ticket: str) -> str:
        """Whose ticket this is.

        Raises:
            Unauthorised: it is over, or not ours.
        """
        body, _, signature = ticket.partition(".")
        try:
            said = base64.urlsafe_b64decode(body).decode()
        except ValueError:
            raise Unauthorised(LATE) from None
        if not hmac.compare_digest(signature.encode(), self._sign("ticket", said).encode()):
            raise Unauthorised(LATE)
        name, until, kept = json.loads(said)
        person = people.persons.get(tx, name)
        stands = (
            person is not None
            and person.disabled is None
            and until > self._now()
            and kept == self._sign("kept", person.password or "")
        )
        if not stands:
            raise Unauthorised(LATE)
        return name

    @contextlib.contextmanager
    def counted(self, name: str, address: str, device: str) -> Generator[None]:
        """Around a try of a second factor's code.

        Raises:
            Slow: too many tries.
        """
        known, tried = self._device(device, name), f"{name} code"
        self._backoff.enter(tried, address, known, strict=True)
        yield
        self._backoff.succeed(tried, address, known)

    def prove(self, who: Principal, address: str, right: Callable[[], bool]) -> None:
        """That somebody who is logged in is who they were: by what `right` looks at.

        Raises:
            Unauthorised: it is wrong.
            Slow: too many tries.
        """
        self._backoff.enter(who.person, address, who.session)
        if not right():
            raise Unauthorised("this is not right: look again")
        self._backoff.succeed(who.person, address, who.session)

    def prove_by_code(self, tx: Tx, who: Principal, address: str, code: str) -> None:
        """The same, by a code of the second factor, which is spent."""

        def right() -> bool:
            try:
                accounts.use_factor(tx, who.person, code, self.seal, self._now())
            except Unauthorised:
                return False
            return True

        self.prove(who, address, right)

    def session(self, person: str | None, by: str, browser: str) -> tuple[BrowserSession, Opened]:
        """A session that begins now: as it is kept, and as its browser keeps it. `person` is None at this machine."""
        now, token, device = self._now(), ids.token(), ids.fresh("d")
        kept = BrowserSession(
            token=ids.digest(token),
            id=ids.fresh("s"),
            person=person,
            by=by,
            created=now,
            seen=now,
            ends=now + SESSION,
            browser="".join(each for each in browser if each.isprintable())[:120],
        )
        mark = f"{device}.{self._sign('device', f'{device} {person}')}" if person else ""
        return kept, Opened(token, mark)

    # ── one-time links ────────────────────────────────────────────────────────────────────────────────────

    def once(self) -> str:
        """A code that lets one browser in, once, within ten minutes; it belongs into `/login/{code}`."""
        code = secrets.token_urlsafe(24)
        now = self._now()
        with self._lock:
            self._codes = {each: until for each, until in self._codes.items() if until > now}
            self._codes[ids.digest(code)] = now + ONCE
        return code

    def first(self) -> str | None:
        """A code for making the first account; None where there are accounts."""
        with self.store.read() as tx:
            if people.anybody(tx):
                return None
        return f"first-{self.once()}"

    def link(self, code: str) -> tuple[OneTimeLink, str]:
        """What a link is good for, and the person that it is for, if there is one. Does not use it up.

        Raises:
            Missing: it is good no more, or never was.
        """
        with self._lock:
            here = self._codes.get(ids.digest(code.removeprefix("first-")), 0) > self._now()
        if here:
            return (OneTimeLink.FIRST if code.startswith("first-") else OneTimeLink.LOCAL), ""
        with self.store.read() as tx:
            person = accounts.welcomed(tx, code, self._now())
        if person is None:
            raise Missing(STALE)
        return OneTimeLink.WELCOME, person.name

    def redeem(self, code: str) -> None:
        """Use a one-time link of the administrator's up.

        Raises:
            Missing: it is good no more.
        """
        with self._lock:
            if self._codes.pop(ids.digest(code), 0) <= self._now():
                raise Missing(STALE)

    @staticmethod
    def named(tx: Tx, by: str) -> str:
        """The administrator's name for the records: nobody checked it, so it is never just an account's."""
        return f"{by} (access key)" if people.persons.get(tx, by) is not None else by

    # ── private ───────────────────────────────────────────────────────────────────────────────────────────

    def _administrator(self, by: str) -> Principal:
        with self.store.read() as tx:
            return Principal(name=self.named(tx, by), via=Via.KEY, role=MACHINE, everywhere=True)

    def _is_confined(self, person: Person, roles: list[tuple[str, Role]], now: float) -> bool:
        if person.factor_since is not None or not accounts.needs_factor(roles, everyone=self.rules.everyone):
            return False
        return person.factor_due is not None and person.factor_due <= now

    def _device(self, cookie: str, name: str) -> str:
        """The browser that this cookie names, if it is one that this person logged in with before; else empty."""
        device, _, signature = cookie.partition(".")
        right = hmac.compare_digest(signature.encode(), self._sign("device", f"{device} {name}").encode())
        return device if right else ""

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._secret, f"muster {purpose} 1\0{text}".encode(), "sha256").hexdigest()


def _highest(roles: list[tuple[str, Role]]) -> str:
    held = {role for _, role in roles}
    return max(held, key=list(Role).index, default="")
