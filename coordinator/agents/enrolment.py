"""Letting agents in, renewing their certificates, and showing them the door.

A person hands over an invite, once. Who has the coordinator's own certificate asks for the next one by itself. Who is
revoked gets nothing any more, and nothing that it says counts.
"""

import secrets

from coordinator.errors import Conflict, Forbidden, Missing
from coordinator.ids import digest
from coordinator.keys import ca
from coordinator.keys.ca import Authority
from coordinator.keys.keyring import Keyring
from coordinator.model.records import RevocationList
from coordinator.store import agents, certificates
from coordinator.store.engine import Tx
from coordinator.work import reports
from wire.enrolment import EnrolmentAnswer, EnrolmentRequest, Invite, Renewal, to_be_signed

LIFETIME = 15 * 60.0
"""Seconds for which an invite can be used."""
MOST = 8
"""Certificates of one agent that are good at the same time; one and its successor is what is usual."""


class InviteUnknown(Forbidden):
    """There is no such invite: copy it whole, from the coordinator that made it."""

    kind = "invite-unknown"
    title = "There is no such invite"


class InviteUsed(Forbidden):
    """The invite was used already: ask your coordinator for a new one."""

    kind = "invite-used"
    title = "The invite was used already"


class InviteExpired(Forbidden):
    """The invite is over 15 minutes old: ask your coordinator for a new one, and use it at once."""

    kind = "invite-expired"
    title = "The invite is too old"


class Revoked(Forbidden):
    """This agent's access was taken back: ask your coordinator."""

    kind = "revoked"
    title = "This agent's access was taken back"


def invite(
    tx: Tx,
    authority: Authority,
    keyring: Keyring,
    *,
    url: str,
    by: str,
    now: float,
    agent: str | None = None,
) -> Invite:
    """A new invite, good once: for one agent that is new, or for the one named to join again.

    Only the hash of its code is kept.

    Raises:
        Missing: no agent has that name.
    """
    if agent is not None and agents.agents.get(tx, agent) is None:
        raise Missing(f"no agent is called {agent[:60]!r}: `muster agent list` shows them")
    code = secrets.token_urlsafe(16)
    certificates.add_invite(tx, code=digest(code), expires=now + LIFETIME, by=by, meant_for=agent)
    return Invite(url, code, authority.fingerprint, keyring.root, agent)


def look(tx: Tx, code: str, now: float) -> certificates.IssuedInvite:
    """The invite with this code.

    Raises:
        InviteUnknown, InviteExpired: see there.
    """
    found = certificates.invites.get(tx, digest(code))
    if found is None:
        raise InviteUnknown("copy it whole, from the coordinator that made it, or ask for a new one")
    if found.expires <= now:
        raise InviteExpired("it was good for 15 minutes: ask your coordinator for a new one")
    return found


def enrol(
    tx: Tx,
    authority: Authority,
    keyring: Keyring,
    request: EnrolmentRequest,
    *,
    url: str,
    broker: str,
    now: float,
) -> EnrolmentAnswer:
    """Spend an invite on an agent: it gets its certificate, and learns whom to believe.

    Asked again with the same key, it answers the same again: the first answer may have been lost.

    Raises:
        Forbidden: the invite was used, is too old, or never was.
        Conflict: another agent has this name, or the invite is for another agent.
        Invalid: not a certificate request.
    """
    found = look(tx, request.code, now)
    public = ca.requested_key(request.csr)
    key = ca.key_digest(public)
    if found.used is not None:
        if (found.agent, found.key) != (request.name, key):
            raise InviteUsed("each is good for one agent: ask your coordinator for a new one")
        again = next((each for each in certificates.of_agent(tx, request.name, now) if each.key == key), None)
        if again is None:
            raise Revoked("ask your coordinator why, and for a new invite")
        return _answer(authority, keyring, again, url, broker)
    known = agents.agents.get(tx, request.name)
    if found.meant_for is not None and found.meant_for != request.name:
        raise Conflict(f"this invite is for {found.meant_for}, to join again: use --name {found.meant_for}")
    # Only whom we invited learns who is here; the invite, which is not spent after all, serves for the next try.
    if known is not None and found.meant_for is None:
        raise Conflict(
            f"there is an agent called {request.name} already: choose another name, or, if it is yours, ask your "
            f"coordinator for an invite to join again (muster invite --agent {request.name})"
        )
    if not certificates.spend(tx, code=found.code, agent=request.name, key=key, now=now):
        raise InviteUsed("each is good for one agent: ask your coordinator for a new one")
    if known is None:
        authority.check_name(request.name)
        agents.agents.add(tx, agents.Agent(name=request.name, enrolled=now))
    else:
        certificates.revoke(tx, request.name, now)
        agents.agents.change(tx, request.name, revoked=None, revoked_by="", revoked_why="")
    return _answer(authority, keyring, _issue(tx, authority, public, request.name, now), url, broker)


def renew(tx: Tx, authority: Authority, request: Renewal, *, now: float) -> certificates.Certificate:
    """The next certificate for who proves to have the present one's key. The present one stays good until its end.

    One that we signed and don't know is of the time that a restored database has forgotten; then the agent must be
    known at least.

    Raises:
        Forbidden: the certificate is not ours, has ended or was revoked, or the proof is wrong.
        Conflict: it has asked too often.
        Invalid: not a certificate request.
    """
    shown = authority.recognised(request.certificate)
    serial, name, ends = shown or ("", "", 0.0)
    agent = agents.agents.get(tx, name)
    if agent is None:
        raise Forbidden("this certificate is not known here: ask your coordinator for an invite")
    present = certificates.certificates.get(tx, serial)
    if agent.revoked is not None or (present is not None and present.revoked is not None):
        raise Revoked("ask your coordinator why, and for an invite to join again")
    if ends <= now:
        raise Forbidden(
            "this certificate has ended: ask your coordinator for an invite to join again"
            f" (muster invite --agent {name})"
        )
    if not ca.is_signed(request.certificate, request.proof, to_be_signed(request.csr)):
        raise Forbidden("the request is not signed by the present certificate's key")
    public = ca.requested_key(request.csr)
    good = certificates.of_agent(tx, name, now)
    again = next((each for each in good if each.key == ca.key_digest(public)), None)
    if again is None:
        if len(good) >= MOST:
            raise Conflict("there are enough certificates for this agent: use the newest, or wait for an end")
        again = _issue(tx, authority, public, name, now)
    return again


def revoke(tx: Tx, agent: str, *, by: str, why: str, now: float) -> agents.Agent:
    """Take an agent's access back: its certificates, its readies; what it holds is in doubt.

    Raises:
        Missing: no such agent.
        Conflict: it is revoked already.
    """
    known = agents.agents.get(tx, agent)
    if known is None:
        raise Missing(f"no agent is called {agent[:60]!r}: `muster agent list` shows them")
    if known.revoked is not None:
        raise Conflict(f"{agent} was revoked already; an invite lets it join again")
    certificates.revoke(tx, agent, now)
    agents.forget(tx, agent)
    reports.doubt_all(tx, agent, now, "its agent's access was taken back")
    agents.agents.change(tx, agent, online=False, seen=now, revoked=now, revoked_by=by, revoked_why=why)
    changed = agents.agents.get(tx, agent)
    assert changed is not None
    return changed


def revocations(tx: Tx, now: float) -> RevocationList:
    """Whom the broker must not let in."""
    out = certificates.revoked_agents(tx)
    return RevocationList(
        agents=frozenset(out),
        replaced=frozenset(certificates.replaced(tx, now) - out),
        serials=tuple(sorted(certificates.revoked(tx, now).items())),
    )


def _issue(
    tx: Tx, authority: Authority, key: ca.PublicKey, agent: str, now: float
) -> certificates.Certificate:
    pem = authority.issue_for(key, agent)
    serial, ends = ca.particulars(pem)
    issued = certificates.Certificate(
        serial=serial, agent=agent, key=ca.key_digest(key), pem=pem, issued=now, ends=ends
    )
    certificates.certificates.add(tx, issued)
    return issued


def _answer(
    authority: Authority, keyring: Keyring, certificate: certificates.Certificate, url: str, broker: str
) -> EnrolmentAnswer:
    return EnrolmentAnswer(
        agent=certificate.agent,
        certificate=certificate.pem,
        ca=authority.certificate,
        broker=broker,
        keys=keyring.signed,
        url=url,
    )
