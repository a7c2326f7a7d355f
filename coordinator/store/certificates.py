"""Invites and certificates: by what an agent gets in, and stays in."""

from dataclasses import dataclass

from sqlalchemy import func, insert, select, update

from coordinator.store import schema
from coordinator.store.engine import Tx
from coordinator.store.repository import Repository

_agent = schema.agent
_certificate = schema.certificate
_invite = schema.invite


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedInvite:
    """`code` is the SHA-256 of the invite's; `agent` used it with `key`; `meant_for` alone may use it."""

    code: str
    expires: float
    used: float | None = None
    agent: str | None = None
    key: str | None = None
    meant_for: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """`serial` in hex; `key` is the SHA-256 of the public key, in hex. It ends at `ends`, or when `revoked`."""

    serial: str
    agent: str
    key: str
    pem: str
    issued: float
    ends: float
    revoked: float | None = None


invites = Repository(_invite, IssuedInvite)
certificates = Repository(_certificate, Certificate)


def add_invite(tx: Tx, *, code: str, expires: float, by: str, meant_for: str | None) -> None:
    """Keep the SHA-256 of a new invite's code."""
    tx.execute(insert(_invite).values(code=code, expires=expires, by=by, meant_for=meant_for))


def spend(tx: Tx, *, code: str, agent: str, key: str, now: float) -> bool:
    """Use an invite up; False if that was done already."""
    spent = tx.execute(
        update(_invite)
        .where(_invite.c.code == code, _invite.c.used.is_(None))
        .values(used=now, agent=agent, key=key)
    )
    return spent.rowcount == 1


def of_agent(tx: Tx, agent: str, now: float) -> list[Certificate]:
    """The agent's certificates that are good now, the newest first."""
    return certificates.find(
        tx,
        _certificate.c.agent == agent,
        _certificate.c.revoked.is_(None),
        _certificate.c.ends > now,
        newest="issued",
    )


def ends(tx: Tx, now: float) -> dict[str, float]:
    """Until when each agent's newest certificate is good, for those that have one."""
    query = (
        select(_certificate.c.agent, func.max(_certificate.c.ends).label("ends"))
        .where(_certificate.c.revoked.is_(None), _certificate.c.ends > now)
        .group_by(_certificate.c.agent)
    )
    return {row.agent: row.ends for row in tx.execute(query)}


def revoke(tx: Tx, agent: str, now: float) -> None:
    """None of the agent's certificates is good any more."""
    tx.execute(
        update(_certificate)
        .where(_certificate.c.agent == agent, _certificate.c.revoked.is_(None))
        .values(revoked=now)
    )


def revoked(tx: Tx, now: float) -> dict[str, float]:
    """Each serial that would still be good had it not been revoked, and when that was."""
    query = select(_certificate.c.serial, _certificate.c.revoked).where(
        _certificate.c.revoked.is_not(None), _certificate.c.ends > now
    )
    return {row.serial: row.revoked for row in tx.execute(query)}


def replaced(tx: Tx, now: float) -> set[str]:
    """The agents of those serials."""
    query = select(_certificate.c.agent).where(_certificate.c.revoked.is_not(None), _certificate.c.ends > now)
    return {row.agent for row in tx.execute(query)}


def revoked_agents(tx: Tx) -> set[str]:
    """The agents that are revoked."""
    return {row.name for row in tx.execute(select(_agent.c.name).where(_agent.c.revoked.is_not(None)))}


def welcome(tx: Tx) -> set[str]:
    """The agents that joined and are not revoked."""
    return {row.name for row in tx.execute(select(_agent.c.name).where(_agent.c.revoked.is_(None)))}
