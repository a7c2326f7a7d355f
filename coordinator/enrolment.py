"""Letting agents in: a person hands over an invite, once."""

import secrets

from coordinator.ca import Authority
from coordinator.errors import Conflict, Forbidden
from coordinator.ids import digest
from coordinator.keyring import Keyring
from coordinator.store import agents
from coordinator.store.engine import Tx
from wire.enrolment import Answer, Invite, Request

LIFETIME = 15 * 60.0
"""Seconds for which an invite can be used."""


def invite(tx: Tx, authority: Authority, keyring: Keyring, *, url: str, by: str, now: float) -> Invite:
    """A new invite, good for one agent. Only its hash is kept."""
    code = secrets.token_urlsafe(16)
    agents.add_invite(tx, code=digest(code), expires=now + LIFETIME, by=by)
    return Invite(url, code, authority.fingerprint, keyring.root)


def enrol(
    tx: Tx,
    authority: Authority,
    keyring: Keyring,
    request: Request,
    *,
    url: str,
    broker: str,
    now: float,
) -> Answer:
    """Spend an invite on an agent: it gets its certificate, and learns whom to believe.

    Raises:
        Forbidden: the invite was used, is too old, or never was.
        Conflict: another agent has this name.
        Invalid: not a certificate request.
    """
    if not agents.use_invite(tx, code=digest(request.code), agent=request.name, now=now):
        raise Forbidden("this invite was used already, or is over 15 minutes old: ask for a new one")
    # Only whom we invited learns who is here; the invite, which is not spent after all, serves for the next try.
    if agents.agents.get(tx, request.name) is not None:
        raise Conflict(f"there is an agent called {request.name} already: choose another name")
    certificate = authority.issue_client(request.csr, request.name)
    agents.agents.add(tx, agents.Agent(name=request.name, enrolled=now))
    return Answer(
        agent=request.name,
        certificate=certificate,
        ca=authority.certificate,
        broker=broker,
        keys=keyring.signed,
        url=url,
    )
