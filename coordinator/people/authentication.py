"""The authenticator: lets people and programs in by what they show, and knows them again.

Whoever is in is an `Principal`. Each call is one transaction; passwords are worked on outside of any.
"""

import base64
import hmac
import json
import secrets
import threading
from collections.abc import Callable
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
from coordinator.store import audit_log, people, restorations
from coordinator.store.engine import Store, Tx
from coordinator.store.people import Person, Session

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
"""What the trail calls the machine's administrator, beside people's roles."""
_TOUCH = 300
"""Seconds between two notes of when a session or a token was used last."""

_WRONG = "this name and password do not go together"
_STALE = "this link was used already, or is too old: ask for a new one, or log in with your password"
_LATE = "that took too long, or something changed: log in again"

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


class Link(StrEnum):
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
        self._throttle = Backoff(clock)
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

    # ── letting people in ─────────────────────────────────────────────────────────────────────────────────

    def enter(
        self, name: str, password: str, *, address: str, browser: str, device: str = ""
    ) -> Opened | Ticket:
        """Somebody logs in.

        Raises:
            Unauthorised: name and password do not go together; it does not say, nor take, more for either.
            Slow: too many tries.
        """
        name = name.strip().lower()[:48]
        known = self._device(device, name)
        self._throttle.enter(name, address, known)
        with self.store.read() as tx:
            person = people.persons.get(tx, name)
        kept = person.password if person else None
        if not passwords.matches(kept, password) or person is None or person.disabled is not None:
            log.info("log-in refused", address=address)
            raise Unauthorised(_WRONG)
        self._throttle.succeed(name, address, known)
        anew = passwords.keep(password) if kept and passwords.is_outdated(kept) else None
        with self.store.write() as tx:
            if anew and people.persons.get(tx, name) == person:
                people.persons.change(tx, name, password=anew)
            return self._admit(tx, accounts.get(tx, name), browser)

    def second(self, ticket: str, code: str, *, address: str, browser: str, device: str = "") -> Opened:
        """The second factor, after the password.

        Raises:
            Unauthorised: the ticket is over, or the code is wrong.
            Slow: too many tries.
        """
        name = self.ticket_of(ticket)
        known = self._device(device, name)
        self._throttle.enter(f"{name} code", address, known, strict=True)
        with self.store.write() as tx:
            self._checked(tx, ticket)
            accounts.use_factor(tx, name, code, self.seal, self._now())
            opened = self._open(tx, name, name, browser)
        self._throttle.succeed(f"{name} code", address, known)
        return opened

    def ticket_of(self, ticket: str) -> str:
        """Whose ticket this is.

        Raises:
            Unauthorised: it is over, or not ours.
        """
        with self.store.read() as tx:
            return self._checked(tx, ticket)

    def prove(self, name: str, session: str, address: str, right: Callable[[Person], bool]) -> None:
        """That somebody who is logged in is who they were: by what `right` looks at.

        Raises:
            Unauthorised: it is wrong.
            Slow: too many tries.
        """
        self._throttle.enter(name, address, session)
        with self.store.read() as tx:
            person = accounts.get(tx, name)
        if not right(person):
            raise Unauthorised("this is not right: look again")
        self._throttle.succeed(name, address, session)

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

    def link(self, code: str) -> tuple[Link, str]:
        """What a link is good for, and the person that it is for, if there is one. Does not use it up.

        Raises:
            Missing: it is good no more, or never was.
        """
        with self._lock:
            here = self._codes.get(ids.digest(code.removeprefix("first-")), 0) > self._now()
        if here:
            return (Link.FIRST if code.startswith("first-") else Link.LOCAL), ""
        with self.store.read() as tx:
            person = accounts.welcomed(tx, code, self._now())
        if person is None:
            raise Missing(_STALE)
        return Link.WELCOME, person.name

    def enter_locally(self, code: str, by: str, browser: str) -> Opened:
        """A browser of the machine's administrator, who calls themselves `by`; errors as in `link`."""
        self._redeem(code)
        with self.store.write() as tx:
            return self._open(tx, None, self._named(tx, by), browser)

    def enter_first(
        self, code: str, *, name: str, shown: str, password: str, browser: str
    ) -> Opened | Ticket:
        """Make the first account by a link; errors as in `link`, and of a name or password that can't be."""
        passwords.check(password, name)
        if self.link(code)[0] is not Link.FIRST:
            raise Missing(_STALE)
        kept = passwords.keep(password)
        with self.store.write() as tx:
            person = accounts.first(tx, name=name, shown=shown, password=kept, now=self._now())
            self.note(tx, "person.first", person.name)
            opened = self._admit(tx, person, browser)
        self._redeem(code.removeprefix("first-"))
        return opened

    def choose(self, code: str, password: str, browser: str) -> Opened | Ticket:
        """Choose a password by a link; errors as in `link`, and of a password that can't be one."""
        what, name = self.link(code)
        if what is not Link.WELCOME:
            raise Missing(_STALE)
        passwords.check(password, name)
        kept = passwords.keep(password)
        with self.store.write() as tx:
            person = accounts.choose(tx, code, kept, self._now())
            self.note(tx, "person.password", person.name)
            return self._admit(tx, person, browser)

    def note(self, tx: Tx, act: str, person: str | None, by: str = "") -> None:
        """Into the trail: what somebody does with the own account, or, without one, at this machine."""
        audit_log.note(
            tx,
            by=by or person or "",
            act=act,
            on=f"person/{person}" if person else "machine",
            now=self._now(),
        )

    # ── private ───────────────────────────────────────────────────────────────────────────────────────────

    def _administrator(self, by: str) -> Principal:
        with self.store.read() as tx:
            return Principal(name=self._named(tx, by), via=Via.KEY, role=MACHINE, everywhere=True)

    @staticmethod
    def _named(tx: Tx, by: str) -> str:
        """The administrator's name for the records: nobody checked it, so it is never just an account's."""
        return f"{by} (access key)" if people.persons.get(tx, by) is not None else by

    def _is_confined(self, person: Person, roles: list[tuple[str, Role]], now: float) -> bool:
        if person.factor_since is not None or not accounts.needs_factor(roles, everyone=self.rules.everyone):
            return False
        return person.factor_due is not None and person.factor_due <= now

    def _admit(self, tx: Tx, person: Person, browser: str) -> Opened | Ticket:
        """A session, or, where there is a second factor, a ticket for it. The grace begins with the first log-in."""
        if person.factor_since is not None:
            until = round(self._now() + TICKET)
            body = json.dumps([person.name, until, self._sign("kept", person.password or "")]).encode()
            return Ticket(base64.urlsafe_b64encode(body).decode() + "." + self._sign("ticket", body.decode()))
        required = accounts.needs_factor(people.roles(tx, person.name), everyone=self.rules.everyone)
        if required and person.factor_due is None:
            people.persons.change(tx, person.name, factor_due=self._now() + self.rules.grace)
        return self._open(tx, person.name, person.name, browser)

    def _checked(self, tx: Tx, ticket: str) -> str:
        body, _, signature = ticket.partition(".")
        try:
            said = base64.urlsafe_b64decode(body).decode()
        except ValueError:
            raise Unauthorised(_LATE) from None
        if not hmac.compare_digest(signature.encode(), self._sign("ticket", said).encode()):
            raise Unauthorised(_LATE)
        name, until, kept = json.loads(said)
        person = people.persons.get(tx, name)
        stands = (
            person is not None
            and person.disabled is None
            and until > self._now()
            and kept == self._sign("kept", person.password or "")
        )
        if not stands:
            raise Unauthorised(_LATE)
        return name

    def _open(self, tx: Tx, person: str | None, by: str, browser: str) -> Opened:
        now = self._now()
        people.end_old_sessions(tx, now=now, idle=IDLE)
        token = ids.token()
        people.sessions.add(
            tx,
            Session(
                token=ids.digest(token),
                id=ids.fresh("s"),
                person=person,
                by=by,
                created=now,
                seen=now,
                ends=now + SESSION,
                browser="".join(each for each in browser if each.isprintable())[:120],
            ),
        )
        self.note(tx, "person.enter", person, by)
        device = ids.fresh("d")
        return Opened(token, f"{device}.{self._sign('device', f'{device} {person}')}" if person else "")

    def _device(self, cookie: str, name: str) -> str:
        """The browser that this cookie names, if it is one that this person logged in with before; else empty."""
        device, _, signature = cookie.partition(".")
        right = hmac.compare_digest(signature.encode(), self._sign("device", f"{device} {name}").encode())
        return device if right else ""

    def _redeem(self, code: str) -> None:
        with self._lock:
            if self._codes.pop(ids.digest(code), 0) <= self._now():
                raise Missing(_STALE)

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._secret, f"muster {purpose} 1\0{text}".encode(), "sha256").hexdigest()


def _highest(roles: list[tuple[str, Role]]) -> str:
    held = {role for _, role in roles}
    return max(held, key=list(Role).index, default="")
