"""What is held of somebody: handed out, or taken away, when they ask."""

from typing import Any

from fastapi import APIRouter

from coordinator import acts
from coordinator.errors import Forbidden, Invalid, Missing, Unauthorised
from coordinator.web import shapes
from coordinator.web.access import Who, performs
from coordinator.web.dependencies import Here
from coordinator.web.problem import documented
from coordinator.web.shapes import Id

router = APIRouter()

_ANSWERS = documented(Unauthorised, Forbidden, Missing, Invalid)


@router.get(
    "/api/privacy/agents/{agent}", tags=["privacy"], summary="All that is held of a maker", responses=_ANSWERS
)
@performs(acts.privacy.export_agent)
def export_agent(services: Here, who: Who, agent: Id) -> dict[str, Any]:
    """With the address: it is for the maker who asks. That it was taken out is in the audit log."""
    return acts.privacy.export_agent(services, who, agent)


@router.post(
    "/api/privacy/agents/{agent}/erase", tags=["privacy"], summary="A maker leaves", responses=_ANSWERS
)
@performs(acts.privacy.erase_agent)
def erase_agent(services: Here, who: Who, agent: Id) -> shapes.Erased:
    """Address, place and name go; the lots stay under the name that comes back. Can't be undone."""
    return shapes.Erased(name=acts.privacy.erase_agent(services, who, agent))


@router.get(
    "/api/privacy/hospitals/{hospital}",
    tags=["privacy"],
    summary="All that is held of a hospital",
    responses=_ANSWERS,
)
@performs(acts.privacy.export_hospital)
def export_hospital(services: Here, who: Who, hospital: Id) -> dict[str, Any]:
    """With its contact, and who signed for its parcels."""
    return acts.privacy.export_hospital(services, who, hospital)


@router.post(
    "/api/privacy/hospitals/{hospital}/erase",
    status_code=204,
    tags=["privacy"],
    summary="Forget who spoke for a hospital",
    responses=_ANSWERS,
)
@performs(acts.privacy.erase_hospital)
def erase_hospital(services: Here, who: Who, hospital: Id) -> None:
    """Its contact and signers go, and its links with them; needs and parcels stay. Can't be undone."""
    acts.privacy.erase_hospital(services, who, hospital)
