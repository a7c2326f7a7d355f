"""Agents: who may join, until when each may stay, and who may not any more; for programs, and as a page."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from coordinator.agents import qr
from coordinator.errors import Conflict, Invalid, Missing, Problem, Unauthorised
from coordinator.model.roles import HOME, Permission
from coordinator.model.views import AgentView
from coordinator.people.principal import Principal
from coordinator.web import clusters, problem, rendering, shapes
from coordinator.web.access import By, Who, needs, require
from coordinator.web.clusters import home_of
from coordinator.web.dependencies import Desk, Entered, Here, Repeatable
from coordinator.web.forms import Refused, submit
from coordinator.web.problem import documented
from coordinator.web.shapes import Id

router = APIRouter(generate_unique_id_function=lambda r: r.name)

_API = documented(Unauthorised, Invalid)


@router.get("/api/agents", tags=["agents"], summary="All agents and their access", responses=_API)
@needs(Permission.LOOK)
def agents(desk: Here, who: Who) -> list[AgentView]:
    """`ends` is until when the newest certificate is good; agents renew theirs by themselves."""
    return clusters.agents(who, desk.agents(), desk.store)


@router.post(
    "/api/agents/{agent}/revoke",
    tags=["agents"],
    summary="Take an agent's access back",
    responses=_API | documented(Missing, Conflict),
)
@needs(Permission.REVOKE)
def revoke(desk: Here, by: By, agent: Id, asked: shapes.Revocation) -> AgentView:
    """Within seconds: its connection is ended, nothing that it says counts, what it holds is in doubt."""
    return desk.revoke(agent, by=by, why=asked.why)


@router.post(
    "/api/invites",
    status_code=201,
    tags=["agents"],
    summary="Invite an agent",
    responses=_API | documented(Missing),
)
@needs(Permission.INVITE)
def invite(desk: Here, who: Who, once: Repeatable, asked: shapes.InviteAsked | None = None) -> shapes.Invited:
    """The invite is good once, for 15 minutes; a maker gives it to `muster-agent enroll`.

    A new agent belongs to the cluster `home`.
    """
    agent = _invitable(desk, who, asked.agent if asked else None)

    def act() -> shapes.Invited:
        made = desk.invite(by=who.name, agent=agent)
        return shapes.Invited(invite=made, qr=qr.svg(made))

    return once(shapes.Invited, act)


# ── the page ──────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/agents", include_in_schema=False)
@needs(Permission.LOOK)
def page(desk: Here, request: Request, who: Who) -> Response:
    """All agents."""
    return _page(desk, request, who)


@router.post("/agents/invite", include_in_schema=False)
@needs(Permission.INVITE)
def invite_on_page(desk: Here, request: Request, who: Who, entered: Entered) -> Response:
    """The invite stands in this answer, and nowhere else: who loads the page again gets another one."""
    try:
        asked = shapes.InviteAsked.entered(entered)
        made = desk.invite(by=who.name, agent=_invitable(desk, who, asked.agent))
    except ValidationError as error:
        found = problem.fields(error)
        return _page(desk, request, who, refused=Refused("invite", entered, found, found.fields))
    except Problem as error:
        return _page(desk, request, who, refused=Refused("invite", entered, error))
    return _page(desk, request, who, invite=made, wanted=asked.agent or "")


@router.post("/agents/{agent}/revoke", include_in_schema=False)
@needs(Permission.REVOKE)
def revoke_on_page(desk: Here, request: Request, who: Who, entered: Entered, agent: Id) -> Response:
    """Take an agent's access back."""

    def act() -> str:
        desk.revoke(agent, by=who.name, why=shapes.Revocation.entered(entered).why)
        return "/agents"

    return submit(f"revoke-{agent}", entered, act, lambda refused: _page(desk, request, who, refused=refused))


def _invitable(desk: Desk, who: Principal, agent: str | None) -> str | None:
    """The agent that may be invited again; without one, who asks must be at home where new ones come to."""
    if agent is None:
        home_of(who, Permission.INVITE, HOME)
    else:
        require(desk.store, who, Permission.INVITE, agent=agent)
    return agent


def _page(
    desk: Desk,
    request: Request,
    who: Principal,
    *,
    invite: str = "",
    wanted: str = "",
    refused: Refused | None = None,
) -> Response:
    return rendering.page(
        request,
        "agents.html",
        status=refused.problem.status if refused else 200,
        views=clusters.agents(who, desk.agents(), desk.store),
        invite=invite,
        wanted=wanted,
        qr=qr.svg(invite) if invite else "",
        refused=refused,
    )
