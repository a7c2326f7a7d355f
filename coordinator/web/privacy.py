"""What is held of somebody: handed out, or taken away, when they ask."""

from typing import Any

from fastapi import APIRouter

from coordinator.errors import Forbidden, Invalid, Missing, Unauthorised
from coordinator.model.roles import Permission
from coordinator.web import shapes
from coordinator.web.access import By, needs
from coordinator.web.dependencies import Here
from coordinator.web.problem import documented
from coordinator.web.shapes import Id

router = APIRouter()

_ANSWERS = documented(Unauthorised, Forbidden, Missing, Invalid)


@router.get(
    "/api/privacy/agents/{agent}", tags=["privacy"], summary="All that is held of a maker", responses=_ANSWERS
)
@needs(Permission.PRIVACY)
def export_agent(desk: Here, by: By, agent: Id) -> dict[str, Any]:
    """With the address: it is for the maker who asks. That it was taken out is in the trail."""
    return desk.care.export_agent(agent, by=by)


@router.post(
    "/api/privacy/agents/{agent}/erase", tags=["privacy"], summary="A maker leaves", responses=_ANSWERS
)
@needs(Permission.PRIVACY)
def erase_agent(desk: Here, by: By, agent: Id) -> shapes.Erased:
    """Address, place and name go; the lots stay under the name that comes back. Can't be undone."""
    return shapes.Erased(name=desk.care.erase_agent(agent, by=by))


@router.get(
    "/api/privacy/hospitals/{hospital}",
    tags=["privacy"],
    summary="All that is held of a hospital",
    responses=_ANSWERS,
)
@needs(Permission.PRIVACY)
def export_hospital(desk: Here, by: By, hospital: Id) -> dict[str, Any]:
    """With its contact, and who signed for its parcels."""
    return desk.care.export_hospital(hospital, by=by)


@router.post(
    "/api/privacy/hospitals/{hospital}/erase",
    status_code=204,
    tags=["privacy"],
    summary="Forget who spoke for a hospital",
    responses=_ANSWERS,
)
@needs(Permission.PRIVACY)
def erase_hospital(desk: Here, by: By, hospital: Id) -> None:
    """Its contact and signers go, and its links with them; needs and parcels stay. Can't be undone."""
    desk.care.erase_hospital(hospital, by=by)
