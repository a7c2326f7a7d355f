"""Links that are keys, given anew: a hospital's and a maker's."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from coordinator import acts
from coordinator.errors import Forbidden, Invalid, Missing, Unauthorised
from coordinator.web import cookies, rendering, shapes
from coordinator.web.access import Who, performs
from coordinator.web.dependencies import Here
from coordinator.web.problem import documented
from coordinator.web.shapes import Id

router = APIRouter()

_ANSWERS = documented(Unauthorised, Forbidden, Missing, Invalid)


@router.post("/api/needs/{need}/relink", tags=["needs"], summary="A new link", responses=_ANSWERS)
@performs(acts.needs.relink_need)
def relink_need(services: Here, who: Who, need: Id) -> shapes.LinkShown:
    """For the hospital. The link before leads nowhere from now on."""
    return shapes.LinkShown(link=f"/t/{acts.needs.relink_need(services, who, need)}")


@router.post("/needs/{need}/relink", include_in_schema=False)
@performs(acts.needs.relink_need)
def relink(services: Here, request: Request, who: Who, need: Id) -> Response:
    """The same, on the need's page, which shows it once."""
    response = RedirectResponse(f"/needs/{need}", 303)
    link = f"/t/{acts.needs.relink_need(services, who, need)}"
    cookies.put(request, response, cookies.LINK, link, seconds=120, path=f"/needs/{need}")
    return response


@router.post("/api/agents/{agent}/link", tags=["agents"], summary="A maker's link", responses=_ANSWERS)
@performs(acts.makers.link_agent)
def link_agent(services: Here, who: Who, agent: Id) -> shapes.LinkShown:
    """To the maker's own page. The link before leads nowhere from now on."""
    return shapes.LinkShown(link=f"/m/{acts.makers.link_agent(services, who, agent)}")


@router.post("/printers/agents/{agent}/link", include_in_schema=False)
@performs(acts.makers.link_agent)
def link_page(services: Here, request: Request, who: Who, agent: Id) -> Response:
    """The same, for a person to pass on; shown only now."""
    base = request.app.state.public_url or str(request.base_url).rstrip("/")
    link = f"{base}/m/{acts.makers.link_agent(services, who, agent)}"
    return rendering.page(request, "handover.html", agent=agent, link=link)
