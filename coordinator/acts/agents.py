"""Agents: invited, let in, kept in, moved between clusters, thrown out."""

import structlog

from coordinator import ids
from coordinator.acts.act import ActCall, act
from coordinator.acts.services import Services
from coordinator.agents import enrolment
from coordinator.errors import Forbidden, Missing
from coordinator.model.roles import HOME, Permission
from coordinator.model.views import AgentView
from coordinator.people import accounts
from coordinator.people.authorisation import cluster_for
from coordinator.people.principal import AGENT
from coordinator.store import makers, people
from coordinator.work import overview
from wire.enrolment import EnrolmentAnswer, EnrolmentRequest, Renewal, Renewed

log = structlog.get_logger("agents")


@act("agent.invite", Permission.INVITE, on="invite")
def invite(call: ActCall[Services], agent: str | None = None) -> str:
    """An invite for one agent, as text: for a new one, or for the one named to join again; see `enrolment.invite`."""
    if agent is None:
        cluster_for(call.who, Permission.INVITE, HOME)  # where new ones come to
    made = enrolment.invite(
        call.tx,
        call.services.authority,
        call.services.keyring,
        url=call.services.public_url,
        by=call.by,
        now=call.now,
        agent=agent,
    )
    call.note(ids.digest(made.code)[:12])
    return str(made)


def enrol(services: Services, request: EnrolmentRequest) -> EnrolmentAnswer:
    """Let an agent in. Who guesses does not keep others from writing: the invite is looked at before."""
    services.read(enrolment.look, request.code, services.clock())
    return _enrol(services, AGENT, request)


@act("agent.enrol", Permission.JOIN, on="maker")
def _enrol(call: ActCall[Services], request: EnrolmentRequest) -> EnrolmentAnswer:
    """Join with an invite; see `enrolment.enrol`."""
    answer = enrolment.enrol(
        call.tx,
        call.services.authority,
        call.services.keyring,
        request,
        url=call.services.public_url,
        broker=call.services.broker_url,
        now=call.now,
    )
    ref = makers.of(call.tx, answer.agent).ref
    call.note(ref, by=f"maker/{ref}")
    call.unit.access_changed()
    call.unit.changed(f"agent/{answer.agent}")
    call.unit.then(lambda: log.info("agent enrolled", agent=answer.agent))
    return answer


def renew(services: Services, request: Renewal) -> Renewed:
    """Give an agent its next certificate; see `enrolment.renew`. It changes nothing that anybody answers for."""
    with services.units.begin() as unit:
        renewed = enrolment.renew(unit.tx, services.authority, request, now=unit.now)
        unit.then(lambda: log.info("certificate renewed", agent=renewed.agent))
    return Renewed(renewed.pem)


@act("agent.revoke", Permission.REVOKE, on="maker")
def revoke(call: ActCall[Services], agent: str, *, why: str) -> AgentView:
    """Take an agent's access back, at once; see `enrolment.revoke`."""
    enrolment.revoke(call.tx, agent, by=call.by, why=why, now=call.now)
    call.note(makers.of(call.tx, agent).ref)
    call.unit.access_changed()
    call.unit.changed(f"agent/{agent}", f"printer/{agent}")
    call.unit.replan()  # what it held is needed again
    by = call.by
    call.unit.then(lambda: log.warning("agent revoked", agent=agent, by=by, why=why))
    return overview.agent(call.tx, agent, call.now)


@act("agent.place", Permission.PEOPLE, on="agent")
def place(call: ActCall[Services], agent: str, cluster: str) -> None:
    """Move an agent to a cluster.

    Raises:
        Forbidden: not an admin of both clusters.
        Missing: no such agent.
    """
    for each in (accounts.cluster_name(cluster), *people.clusters_of_agent(call.tx, agent)):
        if not call.who.may(Permission.PEOPLE, each):
            raise Forbidden(f"you are no admin of {each}")
    if not people.place_agent(call.tx, agent, cluster):
        raise Missing(f"there is no agent {agent!r}")
    call.note(agent, {"cluster": cluster})
