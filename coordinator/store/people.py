"""People with accounts, their sessions and programs, and which cluster things belong to."""

from dataclasses import dataclass

from sqlalchemy import delete, exists, insert, or_, select, update

from coordinator.model.roles import Role
from coordinator.store import schema
from coordinator.store.engine import Tx
from coordinator.store.repository import Repository

_membership = schema.membership
_recovery = schema.recovery
_password_link = schema.password_link


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an account. `password` is argon2id's; `factor` the sealed second factor, in force `factor_since`.

    `factor_step` is the last step whose code was used; `factor_due` when a required second factor must be there.
    """

    name: str
    shown: str
    created: float
    password: str | None = None
    disabled: float | None = None
    factor: str | None = None
    factor_since: float | None = None
    factor_step: int = 0
    factor_due: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSession:
    """A browser that is logged in; without a `person` it is the machine's administrator's."""

    token: str
    id: str
    person: str | None
    by: str
    created: float
    seen: float
    ends: float
    browser: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A person's program, which may do what `role` may in `cluster`, as long as that person may."""

    token: str
    id: str
    person: str
    label: str
    cluster: str
    role: Role
    created: float
    expires: float
    used: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLink:
    """A link by which a person chooses a password, once. `code` is its SHA-256."""

    code: str
    person: str
    expires: float
    by: str


persons = Repository(schema.person, Person)
sessions = Repository(schema.session, BrowserSession)
tokens = Repository(schema.token, Token)
password_links = Repository(_password_link, PasswordLink)


def anybody(tx: Tx) -> bool:
    """Whether somebody has an account that they can log in with."""
    return bool(tx.execute(select(exists().where(schema.person.c.password.is_not(None)))).scalar())


def roles(tx: Tx, person: str) -> list[tuple[str, Role]]:
    """(cluster, role) of one person."""
    rows = tx.execute(
        select(_membership.c.cluster, _membership.c.role)
        .where(_membership.c.person == person)
        .order_by(_membership.c.cluster, _membership.c.role)
    )
    return [(row.cluster, row.role) for row in rows]


def all_roles(tx: Tx) -> dict[str, list[tuple[str, Role]]]:
    """(cluster, role) of everybody, by person."""
    found: dict[str, list[tuple[str, Role]]] = {}
    for row in tx.execute(select(_membership).order_by(*_membership.primary_key.columns)):
        found.setdefault(row.person, []).append((row.cluster, row.role))
    return found


def give_role(tx: Tx, person: str, cluster: str, role: Role) -> None:
    """From now on they have it; who has it already keeps it."""
    if (cluster, role) not in roles(tx, person):
        tx.execute(insert(_membership).values(person=person, cluster=cluster, role=role))


def take_role(tx: Tx, person: str, cluster: str, role: Role) -> bool:
    """From now on they do not; whether they had it."""
    mine = _membership.c
    gone = tx.execute(
        delete(_membership).where(mine.person == person, mine.cluster == cluster, mine.role == role)
    )
    return gone.rowcount == 1


# ── recovery codes and links ──────────────────────────────────────────────────────────────────────────────


def keep_recovery(tx: Tx, person: str, digests: list[str]) -> None:
    """These codes and no others recover the account."""
    tx.execute(delete(_recovery).where(_recovery.c.person == person))
    if digests:
        tx.execute(insert(_recovery), [{"person": person, "code": each} for each in digests])


def use_recovery(tx: Tx, person: str, digest: str) -> bool:
    """Spend a recovery code; whether there was one like this."""
    gone = tx.execute(delete(_recovery).where(_recovery.c.person == person, _recovery.c.code == digest))
    return gone.rowcount == 1


def recovery_left(tx: Tx, person: str) -> int:
    """How many recovery codes are left."""
    return len(tx.execute(select(_recovery.c.code).where(_recovery.c.person == person)).all())


def forget_password_links(tx: Tx, person: str) -> None:
    """No link chooses this person's password any more."""
    tx.execute(delete(_password_link).where(_password_link.c.person == person))


# ── sessions and programs ─────────────────────────────────────────────────────────────────────────────────


def end_sessions(tx: Tx, person: str, *, but: str = "") -> int:
    """End a person's sessions but the one with the id `but`; how many there were."""
    mine = schema.session.c
    return tx.execute(delete(schema.session).where(mine.person == person, mine.id != but)).rowcount


def end_session(tx: Tx, session: str, *, person: str | None) -> bool:
    """End one session by its id, if it is this person's (None: the administrator's)."""
    mine = schema.session.c
    return tx.execute(delete(schema.session).where(mine.id == session, mine.person == person)).rowcount == 1


def end_old_sessions(tx: Tx, *, now: float, idle: float, made_before: float = 0.0) -> None:
    """Forget the sessions that are over, and those made before a moment."""
    mine = schema.session.c
    tx.execute(
        delete(schema.session).where(
            or_(mine.ends <= now, mine.seen <= now - idle, mine.created < made_before)
        )
    )


def sessions_of(tx: Tx, person: str) -> list[BrowserSession]:
    """A person's sessions, the one that was used last first."""
    return sessions.find(tx, schema.session.c.person == person, newest="seen")


def tokens_of(tx: Tx, person: str) -> list[Token]:
    """A person's programs, newest first."""
    return tokens.find(tx, schema.token.c.person == person, newest="created")


def end_token(tx: Tx, token: str, *, person: str) -> bool:
    """Revoke one program's token by its id, if it is this person's."""
    mine = schema.token.c
    return tx.execute(delete(schema.token).where(mine.id == token, mine.person == person)).rowcount == 1


def end_tokens(tx: Tx, person: str) -> None:
    """Revoke all of a person's programs' tokens."""
    tx.execute(delete(schema.token).where(schema.token.c.person == person))


def end_old_tokens(tx: Tx, now: float) -> None:
    """Forget the tokens that are over."""
    tx.execute(delete(schema.token).where(schema.token.c.expires <= now))


# ── clusters ──────────────────────────────────────────────────────────────────────────────────────────────


def clusters_of_hospital(tx: Tx, hospital: str) -> set[str]:
    """The cluster of a hospital; empty where there is no such one."""
    return set(
        tx.execute(select(schema.hospital.c.cluster).where(schema.hospital.c.id == hospital)).scalars()
    )


def clusters_of_need(tx: Tx, need: str) -> set[str]:
    """The cluster of the hospital that a need is for."""
    query = (
        select(schema.hospital.c.cluster)
        .join(schema.need, schema.need.c.hospital == schema.hospital.c.id)
        .where(schema.need.c.id == need)
    )
    return set(tx.execute(query).scalars())


def clusters_of_parcel(tx: Tx, parcel: str) -> set[str]:
    """The cluster of the hospital that a parcel is for."""
    need = tx.execute(select(schema.parcel.c.need).where(schema.parcel.c.id == parcel)).scalar()
    return clusters_of_need(tx, need) if need else set()


def clusters_of_attempt(tx: Tx, attempt: str) -> set[str]:
    """The clusters of an attempt: of the hospital that it is for, and of the agent that prints it."""
    row = tx.execute(
        select(schema.attempt.c.need, schema.agent.c.cluster)
        .join(schema.agent, schema.agent.c.name == schema.attempt.c.agent)
        .where(schema.attempt.c.id == attempt)
    ).first()
    return set() if row is None else {row.cluster} | clusters_of_need(tx, row.need)


def clusters_of_agent(tx: Tx, agent: str) -> set[str]:
    """The cluster of an agent."""
    return set(tx.execute(select(schema.agent.c.cluster).where(schema.agent.c.name == agent)).scalars())


def clusters_of_pickup(tx: Tx, pickup: str) -> set[str]:
    """The cluster of the agent at whose home a pickup is."""
    agent = tx.execute(select(schema.pickup.c.agent).where(schema.pickup.c.id == pickup)).scalar()
    return clusters_of_agent(tx, agent) if agent else set()


def belongings(tx: Tx) -> tuple[dict[str, str], dict[str, str]]:
    """Cluster by need, and by agent."""
    needs = tx.execute(
        select(schema.need.c.id, schema.hospital.c.cluster).join(
            schema.hospital, schema.hospital.c.id == schema.need.c.hospital
        )
    )
    agents = tx.execute(select(schema.agent.c.name, schema.agent.c.cluster))
    return {row.id: row.cluster for row in needs}, {row.name: row.cluster for row in agents}


def place_agent(tx: Tx, agent: str, cluster: str) -> bool:
    """The agent belongs to this cluster from now on; whether there is one."""
    return (
        tx.execute(update(schema.agent).where(schema.agent.c.name == agent).values(cluster=cluster)).rowcount
        == 1
    )
