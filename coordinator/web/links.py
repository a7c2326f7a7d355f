"""Links that are keys, given anew: a hospital's and a maker's."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from coordinator.errors import Forbidden, Invalid, Missing, Unauthorised
from coordinator.model.roles import Permission
from coordinator.web import cookies, rendering, shapes
from coordinator.web.access import By, needs
from coordinator.web.dependencies import Here
from coordinator.web.problem import documented
from coordinator.web.shapes import Id

router = APIRouter()

_ANSWERS = documented(Unauthorised, Forbidden, Missing, Invalid)


@router.post("/api/needs/{need}/relink", tags=["needs"], summary="A new link", responses=_ANSWERS)
@needs(Permission.FILE)
def relink_need(desk: Here, by: By, need: Id) -> shapes.Link:
    """For the hospital. The link before leads nowhere from now on."""
    return shapes.Link(link=f"/t/{desk.relink_need(need, by=by)}")


@router.post("/needs/{need}/relink", include_in_schema=False)
@needs(Permission.FILE)
def relink(desk: Here, request: Request, by: By, need: Id) -> Response:
    """The same, on the need's page, which shows it once."""
    response = RedirectResponse(f"/needs/{need}", 303)
    link = f"/t/{desk.relink_need(need, by=by)}"
    cookies.put(request, response, cookies.LINK, link, seconds=120, path=f"/needs/{need}")
    return response


@router.post("/api/agents/{agent}/link", tags=["agents"], summary="A maker's link", responses=_ANSWERS)
@needs(Permission.INVITE)
def link_agent(desk: Here, by: By, agent: Id) -> shapes.Link:
    """To the maker's own page. The link before leads nowhere from now on."""
    return shapes.Link(link=f"/m/{desk.care.link_agent(agent, by=by)}")


@router.post("/printers/agents/{agent}/link", include_in_schema=False)
@needs(Permission.INVITE)
def link_page(desk: Here, request: Request, by: By, agent: Id) -> Response:
    """The same, for a person to pass on; shown only now."""
    base = request.app.state.public_url or str(request.base_url).rstrip("/")
    link = f"{base}/m/{desk.care.link_agent(agent, by=by)}"
    return rendering.page(request, "handover.html", agent=agent, link=link)
