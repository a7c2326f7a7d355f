"""A maker's own page, behind a link that nobody can guess: what was made, where to pick it up, and the way out."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from coordinator import acts, ids
from coordinator.acts.services import Services
from coordinator.errors import Invalid, Missing, Slow
from coordinator.model.views import MakerPage
from coordinator.people.principal import MAKER
from coordinator.privacy import makers
from coordinator.privacy.address import PickupAddress
from coordinator.web import rendering, shapes
from coordinator.web.dependencies import Entered, Here, link
from coordinator.web.forms import RefusedForm, submit
from coordinator.web.problem import documented
from coordinator.web.shapes import Token

router = APIRouter()


def _held(services: Here, request: Request, token: Token) -> str:
    with link(request, token):
        services.read(makers.by_link, ids.digest(token), services.clock())
    return token


Held = Annotated[str, Depends(_held)]
"""A maker's link that holds."""
_ANSWERS = documented(Missing, Invalid, Slow)


# ── for programs ──────────────────────────────────────────────────────────────────────────────────────────


@router.get("/api/maker/{token}", tags=["maker"], summary="What a maker's link shows", responses=_ANSWERS)
def shown(services: Here, token: Held) -> MakerPage:
    """Needs no key: the link is one. Never says for whom a part is, and nothing of other makers."""
    return _shown(services, token)


@router.post(
    "/api/maker/{token}/address",
    status_code=204,
    tags=["maker"],
    summary="Say where to pick up",
    responses=_ANSWERS,
)
def given(services: Here, token: Held, asked: shapes.AddressGiven) -> None:
    """Replaces what was said before. Only who has taken on a pickup there sees it, and each look is noted."""
    acts.makers.give_address(services, MAKER, token, _address(asked))


@router.delete(
    "/api/maker/{token}/address",
    status_code=204,
    tags=["maker"],
    summary="Take the address away",
    responses=_ANSWERS,
)
def withdrawn(services: Here, token: Held) -> None:
    """Nobody sees it any more; what waits there has to be brought."""
    acts.makers.withdraw_address(services, MAKER, token)


@router.get(
    "/api/maker/{token}/export", tags=["maker"], summary="All that is held of a maker", responses=_ANSWERS
)
def exported(services: Here, token: Held) -> dict[str, Any]:
    """With the address as it was entered."""
    return acts.makers.export_own(services, MAKER, token)


@router.post("/api/maker/{token}/erase", status_code=204, tags=["maker"], summary="Leave", responses=_ANSWERS)
def erased(services: Here, token: Held, asked: shapes.Farewell) -> None:
    """Address, place and name go; the lots stay under a name that says nothing. Can't be undone."""
    acts.makers.erase_own(services, MAKER, token, name=asked.name)


# ── for people ────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/m/{token}", include_in_schema=False)
def page(services: Here, request: Request, token: Held) -> Response:
    """The maker's page."""
    return _show(services, request, token)


@router.post("/m/{token}/address", include_in_schema=False)
def give(services: Here, request: Request, token: Held, entered: Entered) -> Response:
    """The form to say where to pick up."""

    def act() -> str:
        acts.makers.give_address(services, MAKER, token, _address(shapes.AddressGiven.entered(entered)))
        return f"/m/{token}"

    return submit("address", entered, act, lambda refused: _show(services, request, token, refused))


@router.post("/m/{token}/withdraw", include_in_schema=False)
def withdraw(services: Here, request: Request, token: Held, entered: Entered) -> Response:
    """The button that takes the address away."""

    def act() -> str:
        acts.makers.withdraw_address(services, MAKER, token)
        return f"/m/{token}"

    return submit("withdraw", entered, act, lambda refused: _show(services, request, token, refused))


@router.post("/m/{token}/export", include_in_schema=False)
def export(services: Here, token: Held) -> Response:
    """All that is held, as a file."""
    held = msgspec.json.format(msgspec.json.encode(acts.makers.export_own(services, MAKER, token)), indent=2)
    return Response(
        held,
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="muster-my-data.json"'},
    )


@router.post("/m/{token}/erase", include_in_schema=False)
def erase(services: Here, request: Request, token: Held, entered: Entered) -> Response:
    """The way out."""
    name = _shown(services, token).agent

    def act() -> str:
        acts.makers.erase_own(services, MAKER, token, name=shapes.Farewell.entered(entered).name)
        return ""

    done = submit("erase", entered, act, lambda refused: _show(services, request, token, refused))
    return done if done.status_code != 303 else rendering.page(request, "farewell.html", name=name)


def _address(asked: shapes.AddressGiven) -> PickupAddress:
    return PickupAddress(address=asked.address, contact=asked.contact, hours=asked.hours)


def _show(services: Services, request: Request, token: str, refused: RefusedForm | None = None) -> Response:
    return rendering.page(
        request,
        "maker.html",
        status=refused.problem.status if refused else 200,
        maker=_shown(services, token),
        token=token,
        refused=refused,
    )


def _shown(services: Services, token: str) -> MakerPage:
    return services.read(makers.page, ids.digest(token), services.plates, services.clock())
