"""Agents: who may join, until when each may stay, and who may not any more; for programs, and as a page."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from coordinator import acts
from coordinator.acts.services import Services
from coordinator.agents import qr
from coordinator.errors import Conflict, Invalid, Missing, Problem, Unauthorised
from coordinator.model.roles import Permission
from coordinator.model.views import AgentView
from coordinator.people.principal import Principal
from coordinator.web import clusters, problem, rendering, shapes
from coordinator.web.access import Who, needs, performs
from coordinator.web.dependencies import Entered, Here, Repeatable
from coordinator.web.forms import RefusedForm, submit
from coordinator.web.problem import documented
from coordinator.web.shapes import Id
from coordinator.work import overview

router = APIRouter(generate_unique_id_function=lambda r: r.name)

_API = documented(Unauthorised, Invalid)


@router.get("/api/agents", tags=["agents"], summary="All agents and their access", responses=_API)
@needs(Permission.LOOK)
def agents(services: Here, who: Who) -> list[AgentView]:
    """`ends` is until when the newest certificate is good; agents renew theirs by themselves."""
    return clusters.agents(who, services.read(overview.agents_, services.clock()), services.store)


@router.post(
    "/api/agents/{agent}/revoke",
    tags=["agents"],
    summary="Take an agent's access back",
    responses=_API | documented(Missing, Conflict),
)
@performs(acts.agents.revoke)
def revoke(services: Here, who: Who, agent: Id, asked: shapes.Revocation) -> AgentView:
    """Within seconds: its connection is ended, nothing that it says counts, what it holds is in doubt."""
    return acts.agents.revoke(services, who, agent, why=asked.why)


@router.post(
    "/api/invites",
    status_code=201,
    tags=["agents"],
    summary="Invite an agent",
    responses=_API | documented(Missing),
)
@performs(acts.agents.invite)
def invite(
    services: Here, who: Who, once: Repeatable, asked: shapes.InviteAsked | None = None
) -> shapes.Invited:
    """The invite is good once, for 15 minutes; a maker gives it to `muster-agent enroll`.

    A new agent belongs to the cluster `home`.
    """
    agent = asked.agent if asked else None

    def act() -> shapes.Invited:
        made = acts.agents.invite(services, who, agent)
        return shapes.Invited(invite=made, qr=qr.svg(made))

    return once(shapes.Invited, act)


# ── the page ──────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/agents", include_in_schema=False)
@needs(Permission.LOOK)
def page(services: Here, request: Request, who: Who) -> Response:
    """All agents."""
    return _page(services, request, who)


@router.post("/agents/invite", include_in_schema=False)
@performs(acts.agents.invite)
def invite_on_page(services: Here, request: Request, who: Who, entered: Entered) -> Response:
    """The invite stands in this answer, and nowhere else: who loads the page again gets another one."""
    try:
        asked = shapes.InviteAsked.entered(entered)
        made = acts.agents.invite(services, who, asked.agent)
    except ValidationError as error:
        found = problem.fields(error)
        return _page(services, request, who, refused=RefusedForm("invite", entered, found, found.fields))
    except Problem as error:
        return _page(services, request, who, refused=RefusedForm("invite", entered, error))
    return _page(services, request, who, invite=made, wanted=asked.agent or "")


@router.post("/agents/{agent}/revoke", include_in_schema=False)
@performs(acts.agents.revoke)
def revoke_on_page(services: Here, request: Request, who: Who, entered: Entered, agent: Id) -> Response:
    """Take an agent's access back."""

    def act() -> str:
        acts.agents.revoke(services, who, agent, why=shapes.Revocation.entered(entered).why)
        return "/agents"

    return submit(
        f"revoke-{agent}", entered, act, lambda refused: _page(services, request, who, refused=refused)
    )


def _page(
    services: Services,
    request: Request,
    who: Principal,
    *,
    invite: str = "",
    wanted: str = "",
    refused: RefusedForm | None = None,
) -> Response:
    return rendering.page(
        request,
        "agents.html",
        status=refused.problem.status if refused else 200,
        views=clusters.agents(who, services.read(overview.agents_, services.clock()), services.store),
        invite=invite,
        wanted=wanted,
        qr=qr.svg(invite) if invite else "",
        refused=refused,
    )
