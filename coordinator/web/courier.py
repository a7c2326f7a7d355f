"""Picking up at makers' homes: what waits where, and, for who goes, the address."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from coordinator.errors import Conflict, Forbidden, Invalid, Missing, Unauthorised
from coordinator.model.records import Pickup
from coordinator.model.roles import Permission
from coordinator.model.views import PickupView
from coordinator.web import clusters, rendering, shapes
from coordinator.web.access import By, Who, needs, principal_of
from coordinator.web.dependencies import Desk, Entered, Here
from coordinator.web.forms import Refused, submit
from coordinator.web.problem import documented
from coordinator.web.shapes import Id

router = APIRouter()

_ANSWERS = documented(Unauthorised, Forbidden, Missing, Conflict, Invalid)


# ── for programs ──────────────────────────────────────────────────────────────────────────────────────────


@router.get("/api/pickups", tags=["pickups"], summary="Where something waits", responses=_ANSWERS)
@needs(Permission.COLLECT)
def waiting(desk: Here, who: Who) -> list[PickupView]:
    """`place` is a cell of 0.1°. The address is for who takes the pickup on."""
    return clusters.pickups(who, desk.care.pickups(), desk.store)


@router.post(
    "/api/agents/{agent}/pickup",
    status_code=201,
    tags=["pickups"],
    summary="Take a pickup on",
    responses=_ANSWERS,
)
@needs(Permission.COLLECT)
def taken(desk: Here, by: By, agent: Id) -> Pickup:
    """It is yours for 48 hours, or until all is collected."""
    return desk.care.take_pickup(agent, by=by)


@router.get("/api/pickups/{pickup}", tags=["pickups"], summary="Where to go", responses=_ANSWERS)
@needs(Permission.COLLECT)
def stop(desk: Here, by: By, pickup: Id) -> shapes.Stop:
    """For who has taken it on, as long as it is open. Each look is in the trail."""
    known, doorstep = desk.care.look_at_address(pickup, by=by)
    return shapes.Stop(pickup=known, doorstep=doorstep)


@router.post("/api/pickups/{pickup}/give-back", tags=["pickups"], summary="Not go", responses=_ANSWERS)
@needs(Permission.COLLECT)
def given_back(desk: Here, by: By, pickup: Id) -> Pickup:
    """Somebody else may go."""
    return desk.care.give_back_pickup(pickup, by=by)


# ── for people ────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/pickups", include_in_schema=False)
@needs(Permission.COLLECT)
def pickups(desk: Here, request: Request, by: By) -> Response:
    """What waits where."""
    return _pickups(desk, request, by)


@router.post("/pickups/agents/{agent}/take", include_in_schema=False)
@needs(Permission.COLLECT)
def take(desk: Here, request: Request, by: By, entered: Entered, agent: Id) -> Response:
    """Take a pickup on; then see where to go."""

    def act() -> str:
        return f"/pickups/{desk.care.take_pickup(agent, by=by).id}"

    return submit(f"take-{agent}", entered, act, lambda refused: _pickups(desk, request, by, refused))


@router.get("/pickups/{pickup}", include_in_schema=False)
@needs(Permission.COLLECT)
def pickup(desk: Here, request: Request, by: By, pickup: Id) -> Response:
    """Where to go, for who has taken it on."""
    known, doorstep = desk.care.look_at_address(pickup, by=by)
    view = next((each for each in desk.care.pickups() if each.agent == known.agent), None)
    return rendering.page(request, "pickup.html", pickup=known, doorstep=doorstep, view=view)


@router.post("/pickups/{pickup}/give-back", include_in_schema=False)
@needs(Permission.COLLECT)
def give_back(desk: Here, request: Request, by: By, entered: Entered, pickup: Id) -> Response:
    """Not go after all."""

    def act() -> str:
        desk.care.give_back_pickup(pickup, by=by)
        return "/pickups"

    return submit(f"give-back-{pickup}", entered, act, lambda refused: _pickups(desk, request, by, refused))


def _pickups(desk: Desk, request: Request, by: str, refused: Refused | None = None) -> Response:
    return rendering.page(
        request,
        "pickups.html",
        status=refused.problem.status if refused else 200,
        views=clusters.pickups(principal_of(request), desk.care.pickups(), desk.store),
        me=by,
        refused=refused,
    )
