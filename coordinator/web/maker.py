"""A maker's own page, behind a link that nobody can guess: what was made, where to pick it up, and the way out."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from coordinator.errors import Invalid, Missing, Slow
from coordinator.model.views import MakerPage
from coordinator.privacy.address import PickupAddress
from coordinator.web import rendering, shapes
from coordinator.web.dependencies import Desk, Entered, Here, link
from coordinator.web.forms import Refused, submit
from coordinator.web.problem import documented
from coordinator.web.shapes import Token

router = APIRouter()


def _held(desk: Here, request: Request, token: Token) -> str:
    with link(request, token):
        desk.care.is_maker(token)
    return token


Held = Annotated[str, Depends(_held)]
"""A maker's link that holds."""
_ANSWERS = documented(Missing, Invalid, Slow)


# ── for programs ──────────────────────────────────────────────────────────────────────────────────────────


@router.get("/api/maker/{token}", tags=["maker"], summary="What a maker's link shows", responses=_ANSWERS)
def shown(desk: Here, token: Held) -> MakerPage:
    """Needs no key: the link is one. Never says for whom a part is, and nothing of other makers."""
    return desk.care.maker(token)


@router.post(
    "/api/maker/{token}/doorstep",
    status_code=204,
    tags=["maker"],
    summary="Say where to pick up",
    responses=_ANSWERS,
)
def given(desk: Here, token: Held, asked: shapes.DoorstepGiven) -> None:
    """Replaces what was said before. Only who has taken on a pickup there sees it, and each look is noted."""
    desk.care.give_address(token, _doorstep(asked))


@router.delete(
    "/api/maker/{token}/doorstep",
    status_code=204,
    tags=["maker"],
    summary="Take the address away",
    responses=_ANSWERS,
)
def withdrawn(desk: Here, token: Held) -> None:
    """Nobody sees it any more; what waits there has to be brought."""
    desk.care.withdraw_address(token)


@router.get(
    "/api/maker/{token}/export", tags=["maker"], summary="All that is held of a maker", responses=_ANSWERS
)
def exported(desk: Here, token: Held) -> dict[str, Any]:
    """With the address as it was entered."""
    return desk.care.export_own(token)


@router.post("/api/maker/{token}/erase", status_code=204, tags=["maker"], summary="Leave", responses=_ANSWERS)
def erased(desk: Here, token: Held, asked: shapes.Farewell) -> None:
    """Address, place and name go; the lots stay under a name that says nothing. Can't be undone."""
    desk.care.erase_own(token, name=asked.name)


# ── for people ────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/m/{token}", include_in_schema=False)
def page(desk: Here, request: Request, token: Held) -> Response:
    """The maker's page."""
    return _show(desk, request, token)


@router.post("/m/{token}/doorstep", include_in_schema=False)
def give(desk: Here, request: Request, token: Held, entered: Entered) -> Response:
    """The form to say where to pick up."""

    def act() -> str:
        desk.care.give_address(token, _doorstep(shapes.DoorstepGiven.entered(entered)))
        return f"/m/{token}"

    return submit("doorstep", entered, act, lambda refused: _show(desk, request, token, refused))


@router.post("/m/{token}/withdraw", include_in_schema=False)
def withdraw(desk: Here, request: Request, token: Held, entered: Entered) -> Response:
    """The button that takes the address away."""

    def act() -> str:
        desk.care.withdraw_address(token)
        return f"/m/{token}"

    return submit("withdraw", entered, act, lambda refused: _show(desk, request, token, refused))


@router.post("/m/{token}/export", include_in_schema=False)
def export(desk: Here, token: Held) -> Response:
    """All that is held, as a file."""
    held = msgspec.json.format(msgspec.json.encode(desk.care.export_own(token)), indent=2)
    return Response(
        held,
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="muster-my-data.json"'},
    )


@router.post("/m/{token}/erase", include_in_schema=False)
def erase(desk: Here, request: Request, token: Held, entered: Entered) -> Response:
    """The way out."""
    name = desk.care.maker(token).agent

    def act() -> str:
        desk.care.erase_own(token, name=shapes.Farewell.entered(entered).name)
        return ""

    done = submit("erase", entered, act, lambda refused: _show(desk, request, token, refused))
    return done if done.status_code != 303 else rendering.page(request, "farewell.html", name=name)


def _doorstep(asked: shapes.DoorstepGiven) -> PickupAddress:
    return PickupAddress(address=asked.address, contact=asked.contact, hours=asked.hours)


def _show(desk: Desk, request: Request, token: str, refused: Refused | None = None) -> Response:
    return rendering.page(
        request,
        "maker.html",
        status=refused.problem.status if refused else 200,
        maker=desk.care.maker(token),
        token=token,
        refused=refused,
    )
