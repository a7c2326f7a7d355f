"""A hospital's own page, behind a link that nobody can guess: look, and sign for what arrived."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from coordinator import acts, ids
from coordinator.acts.services import Services
from coordinator.errors import Conflict, Invalid, Missing, Slow
from coordinator.model.records import Parcel
from coordinator.model.views import Tracking
from coordinator.people.links import Astray
from coordinator.people.principal import HOSPITAL
from coordinator.web import rendering, shapes
from coordinator.web.dependencies import Changes, Entered, Here, Repeatable, link
from coordinator.web.forms import RefusedForm, submit
from coordinator.web.problem import documented
from coordinator.web.shapes import Id, Token
from coordinator.web.stream import told
from coordinator.work import intake, overview

router = APIRouter()


# ── for programs ──────────────────────────────────────────────────────────────────────────────────────────


def _held(services: Here, request: Request, token: Token) -> str:
    with link(request, token):
        services.read(intake.by_link, ids.digest(token), services.clock())
    return token


Held = Annotated[str, Depends(_held)]
"""A hospital's link that holds."""
_ANSWERS = documented(Missing, Invalid, Slow)


@router.get(
    "/api/track/{token}",
    tags=["hospital"],
    summary="What a hospital's link shows",
    responses=_ANSWERS,
)
def tracked(services: Here, token: Held) -> Tracking:
    """Needs no key: the link is one. Never says who printed, or where."""
    return _shown(services, token)


@router.post(
    "/api/track/{token}/parcels/{parcel}/receive",
    tags=["hospital"],
    summary="Sign for a parcel",
    responses=_ANSWERS | documented(Conflict),
)
def received(services: Here, token: Held, parcel: Id, asked: shapes.Receipt, once: Repeatable) -> Parcel:
    """`units` is what was counted on arrival; what is missing is printed again."""
    return once(
        Parcel,
        lambda: acts.parcels.receive(
            services, HOSPITAL, token, parcel, units=asked.units, signed_by=asked.by, remark=asked.note
        ),
    )


# ── for people ────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/t/{token}", include_in_schema=False)
def page(services: Here, request: Request, token: Held) -> Response:
    """The hospital's page."""
    return _show(_shown(services, token), request, token)


@router.post("/t/{token}/parcels/{parcel}/receive", include_in_schema=False)
def receive(services: Here, request: Request, token: Held, parcel: Id, entered: Entered) -> Response:
    """The page's form to sign for a parcel."""

    def act() -> str:
        asked = shapes.Receipt.entered(entered)
        acts.parcels.receive(
            services, HOSPITAL, token, parcel, units=asked.units, signed_by=asked.by, remark=asked.note
        )
        return f"/t/{token}"

    def again(refused: RefusedForm) -> Response:
        return _show(_shown(services, token), request, token, refused)

    return submit(f"receive-{parcel}", entered, act, again)


async def _need(services: Here, token: Held) -> str:
    return (await run_in_threadpool(_shown, services, token)).need


@router.get("/t/{token}/events", response_class=EventSourceResponse, include_in_schema=False)
async def events(
    services: Here, changes: Changes, token: Token, need: Annotated[str, Depends(_need)]
) -> AsyncIterator[ServerSentEvent]:
    """That something about this need changed; not what."""

    def may() -> bool:
        try:
            services.read(intake.by_link, ids.digest(token), services.clock())
        except Astray:
            return False
        return True

    with changes.listen(f"need/{need}") as listener:
        async for event in told(listener, may, silent=True):
            yield event


def _show(tracking: Tracking, request: Request, token: str, refused: RefusedForm | None = None) -> Response:
    return rendering.page(
        request,
        "tracking.html",
        status=refused.problem.status if refused else 200,
        tracking=tracking,
        token=token,
        refused=refused,
    )


def _shown(services: Services, token: str) -> Tracking:
    return services.read(overview.tracked, ids.digest(token), services.plates, services.clock())
