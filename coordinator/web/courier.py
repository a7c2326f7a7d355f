"""Picking up at makers' homes: what waits where, and, for who goes, the address."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from coordinator import acts
from coordinator.acts.services import Services
from coordinator.errors import Conflict, Forbidden, Invalid, Missing, Unauthorised
from coordinator.model.records import Pickup
from coordinator.model.roles import Permission
from coordinator.model.views import PickupView
from coordinator.privacy.pickups import every
from coordinator.web import clusters, rendering, shapes
from coordinator.web.access import Who, needs, performs, principal_of
from coordinator.web.dependencies import Entered, Here
from coordinator.web.forms import RefusedForm, submit
from coordinator.web.problem import documented
from coordinator.web.shapes import Id

router = APIRouter()

_ANSWERS = documented(Unauthorised, Forbidden, Missing, Conflict, Invalid)


# ── for programs ──────────────────────────────────────────────────────────────────────────────────────────


@router.get("/api/pickups", tags=["pickups"], summary="Where something waits", responses=_ANSWERS)
@needs(Permission.COLLECT)
def waiting(services: Here, who: Who) -> list[PickupView]:
    """`place` is a cell of 0.1°. The address is for who takes the pickup on."""
    return clusters.pickups(who, _waiting(services), services.store)


@router.post(
    "/api/agents/{agent}/pickup",
    status_code=201,
    tags=["pickups"],
    summary="Take a pickup on",
    responses=_ANSWERS,
)
@performs(acts.pickups.take_pickup)
def taken(services: Here, who: Who, agent: Id) -> Pickup:
    """It is yours for 48 hours, or until all is collected."""
    return acts.pickups.take_pickup(services, who, agent)


@router.get("/api/pickups/{pickup}", tags=["pickups"], summary="Where to go", responses=_ANSWERS)
@performs(acts.pickups.look_at_address)
def stop(services: Here, who: Who, pickup: Id) -> shapes.Stop:
    """For who has taken it on, as long as it is open. Each look is in the audit log."""
    known, address = acts.pickups.look_at_address(services, who, pickup)
    return shapes.Stop(pickup=known, address=address)


@router.post("/api/pickups/{pickup}/give-back", tags=["pickups"], summary="Not go", responses=_ANSWERS)
@performs(acts.pickups.give_back_pickup)
def given_back(services: Here, who: Who, pickup: Id) -> Pickup:
    """Somebody else may go."""
    return acts.pickups.give_back_pickup(services, who, pickup)


# ── for people ────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/pickups", include_in_schema=False)
@needs(Permission.COLLECT)
def pickups(services: Here, request: Request, who: Who) -> Response:
    """What waits where."""
    return _pickups(services, request, who.name)


@router.post("/pickups/agents/{agent}/take", include_in_schema=False)
@performs(acts.pickups.take_pickup)
def take(services: Here, request: Request, who: Who, entered: Entered, agent: Id) -> Response:
    """Take a pickup on; then see where to go."""

    def act() -> str:
        return f"/pickups/{acts.pickups.take_pickup(services, who, agent).id}"

    return submit(
        f"take-{agent}", entered, act, lambda refused: _pickups(services, request, who.name, refused)
    )


@router.get("/pickups/{pickup}", include_in_schema=False)
@performs(acts.pickups.look_at_address)
def pickup(services: Here, request: Request, who: Who, pickup: Id) -> Response:
    """Where to go, for who has taken it on."""
    known, address = acts.pickups.look_at_address(services, who, pickup)
    view = next((each for each in _waiting(services) if each.agent == known.agent), None)
    return rendering.page(request, "pickup.html", pickup=known, address=address, view=view)


@router.post("/pickups/{pickup}/give-back", include_in_schema=False)
@performs(acts.pickups.give_back_pickup)
def give_back(services: Here, request: Request, who: Who, entered: Entered, pickup: Id) -> Response:
    """Not go after all."""

    def act() -> str:
        acts.pickups.give_back_pickup(services, who, pickup)
        return "/pickups"

    return submit(
        f"give-back-{pickup}", entered, act, lambda refused: _pickups(services, request, who.name, refused)
    )


def _pickups(services: Services, request: Request, by: str, refused: RefusedForm | None = None) -> Response:
    return rendering.page(
        request,
        "pickups.html",
        status=refused.problem.status if refused else 200,
        views=clusters.pickups(principal_of(request), _waiting(services), services.store),
        me=by,
        refused=refused,
    )


def _waiting(services: Services) -> list[PickupView]:
    return services.read(every, services.clock())
