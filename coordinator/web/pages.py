"""The coordinator's pages: needs, one need, printers; each form does one thing and leads back."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from coordinator import acts
from coordinator.acts.services import Services
from coordinator.conversation import Conversation
from coordinator.model.records import Attempt
from coordinator.model.roles import Permission
from coordinator.model.views import NeedView
from coordinator.web import clusters, cookies, rendering, shapes
from coordinator.web.access import Who, needs, performs, principal_of
from coordinator.web.dependencies import Agents, Entered, Here, Sheet
from coordinator.web.forms import Filed, RefusedForm, submit
from coordinator.web.shapes import Id
from coordinator.work import overview
from wire.messages import Wish

router = APIRouter(include_in_schema=False)


# ── what is shown ─────────────────────────────────────────────────────────────────────────────────────────


@router.get("/")
@needs(Permission.LOOK)
def front(services: Here, request: Request) -> Response:
    """All needs, the form to file one, and the hospitals to vet."""
    return _needs(services, request)


@router.get("/needs")
@needs(Permission.LOOK)
def needs_elsewhere() -> Response:
    """Needs are the front page."""
    return RedirectResponse("/", 303)


@router.get("/needs/{need}")
@needs(Permission.LOOK)
def need(services: Here, request: Request, need: Id) -> Response:
    """One need, its lots and its parcels."""
    link = cookies.read(request, cookies.LINK)
    response = _need(services, request, need, link=link if link.startswith("/t/") else "")
    if link:
        cookies.drop(request, response, cookies.LINK, path=f"/needs/{need}")
    return response


@router.get("/printers")
@needs(Permission.LOOK)
def printers(services: Here, conversation: Agents, request: Request) -> Response:
    """Printers and what they do."""
    return _printers(services, conversation, request)


# ── hospitals and needs ───────────────────────────────────────────────────────────────────────────────────


@router.post("/hospitals")
@performs(acts.hospitals.add_hospital)
def add_hospital(services: Here, request: Request, who: Who, entered: Entered) -> Response:
    """Take a hospital in."""

    def act() -> str:
        asked = shapes.HospitalAsked.entered(entered)
        acts.hospitals.add_hospital(
            services,
            who,
            name=asked.name,
            contact=asked.contact,
            latitude=asked.latitude,
            longitude=asked.longitude,
            cluster=asked.cluster,
        )
        return "/"

    return submit("hospital", entered, act, lambda refused: _needs(services, request, refused))


@router.post("/hospitals/{hospital}/approve")
@performs(acts.hospitals.approve_hospital)
def approve_hospital(services: Here, request: Request, who: Who, entered: Entered, hospital: Id) -> Response:
    """Vouch for a hospital."""

    def act() -> str:
        acts.hospitals.approve_hospital(services, who, hospital)
        return "/"

    return submit(f"approve-{hospital}", entered, act, lambda refused: _needs(services, request, refused))


@router.post("/needs")
@performs(acts.needs.file_need)
def file_need(services: Here, request: Request, who: Who, entered: Entered) -> Response:
    """Ask for parts; the need's page then shows the hospital's link, once."""

    def act() -> Filed:
        asked = shapes.NeedAsked.entered(entered)
        need, token = acts.needs.file_need(
            services,
            who,
            hospital=asked.hospital,
            part=asked.part,
            quantity=asked.quantity,
            priority=asked.priority,
            deadline=asked.deadline,
        )
        return Filed(f"/needs/{need.id}", f"/t/{token}")

    def carry(response: Response, filed: Filed) -> None:
        cookies.put(request, response, cookies.LINK, filed.link, seconds=120, path=filed.page)

    return submit("need", entered, act, lambda refused: _needs(services, request, refused), carry)


@router.post("/needs/{need}/cancel")
@performs(acts.needs.cancel_need)
def cancel_need(services: Here, request: Request, who: Who, entered: Entered, need: Id) -> Response:
    """Ask for no more of it."""

    def act() -> str:
        acts.needs.cancel_need(services, who, need)
        return f"/needs/{need}"

    return submit("cancel", entered, act, lambda refused: _need(services, request, need, refused))


@router.post("/needs/{need}/release")
@performs(acts.needs.release_need)
def release_need(services: Here, request: Request, who: Who, entered: Entered, need: Id) -> Response:
    """Give a held need out again."""

    def act() -> str:
        acts.needs.release_need(services, who, need)
        return f"/needs/{need}"

    return submit("release", entered, act, lambda refused: _need(services, request, need, refused))


@router.post("/needs/{need}/pack")
@performs(acts.parcels.pack)
def pack(services: Here, request: Request, who: Who, entered: Entered, need: Id) -> Response:
    """Put what stands at the hub into a parcel."""

    def act() -> str:
        asked = shapes.ParcelAsked.entered({**entered, "need": need})
        acts.parcels.pack(services, who, need, units=asked.units)
        return f"/needs/{need}"

    return submit("pack", entered, act, lambda refused: _need(services, request, need, refused))


@router.post("/needs/{need}/parcels/{parcel}/send")
@performs(acts.parcels.send)
def send(services: Here, request: Request, who: Who, entered: Entered, need: Id, parcel: Id) -> Response:
    """Hand a parcel over."""

    def act() -> str:
        acts.parcels.send(services, who, parcel)
        return f"/needs/{need}"

    return submit(f"send-{parcel}", entered, act, lambda refused: _need(services, request, need, refused))


# ── attempts: on a need's page, or on the printers' ───────────────────────────────────────────────────────


@router.post("/needs/{need}/attempts/{attempt}/inspect")
@performs(acts.attempts.inspect)
def inspect(services: Here, request: Request, who: Who, entered: Entered, need: Id, attempt: Id) -> Response:
    """Say what is good."""

    def act() -> Attempt:
        asked = shapes.Inspection.entered(entered)
        return acts.attempts.inspect(services, who, attempt, good=asked.good, scrapped=asked.scrapped)

    return _on_need(services, request, need, f"inspect-{attempt}", entered, act)


@router.post("/needs/{need}/attempts/{attempt}/collect")
@performs(acts.attempts.collect)
def collect(services: Here, request: Request, who: Who, entered: Entered, need: Id, attempt: Id) -> Response:
    """Bring a lot to the hub."""
    act = lambda: acts.attempts.collect(services, who, attempt)  # noqa: E731 (one line says it)
    return _on_need(services, request, need, f"collect-{attempt}", entered, act)


@router.post("/needs/{need}/attempts/{attempt}/write-off")
@performs(acts.attempts.write_off)
def write_off(
    services: Here, request: Request, who: Who, entered: Entered, need: Id, attempt: Id
) -> Response:
    """Give a suspect lot up."""

    def act() -> Attempt:
        return acts.attempts.write_off(services, who, attempt, why=shapes.Ruling.entered(entered).why)

    return _on_need(services, request, need, f"write-off-{attempt}", entered, act)


@router.post("/needs/{need}/attempts/{attempt}/vouch")
@performs(acts.attempts.vouch)
def vouch(services: Here, request: Request, who: Who, entered: Entered, need: Id, attempt: Id) -> Response:
    """Say that a suspect lot is here."""

    def act() -> Attempt:
        return acts.attempts.vouch(services, who, attempt, why=shapes.Ruling.entered(entered).why)

    return _on_need(services, request, need, f"vouch-{attempt}", entered, act)


@router.post("/needs/{need}/attempts/{attempt}/{wish}")
@performs(*acts.attempts.ASKING.values())
def ask_on_need(
    services: Here, request: Request, who: Who, entered: Entered, need: Id, attempt: Id, wish: Wish
) -> Response:
    """Ask the printer's agent for something, from the need's page."""
    return _on_need(
        services,
        request,
        need,
        f"{wish}-{attempt}",
        entered,
        lambda: acts.attempts.ASKING[wish](services, who, attempt),
    )


@router.post("/printers/{attempt}/{wish}")
@performs(*acts.attempts.ASKING.values())
def ask(
    services: Here,
    conversation: Agents,
    request: Request,
    who: Who,
    entered: Entered,
    attempt: Id,
    wish: Wish,
) -> Response:
    """Ask the printer's agent for something, from the printers' page."""

    def act() -> str:
        acts.attempts.ASKING[wish](services, who, attempt)
        return "/printers"

    return submit(
        f"{wish}-{attempt}", entered, act, lambda refused: _printers(services, conversation, request, refused)
    )


# ── private ───────────────────────────────────────────────────────────────────────────────────────────────


def _on_need(
    services: Services,
    request: Request,
    need: str,
    form: str,
    entered: Sheet,
    act: Callable[[], Attempt],
) -> Response:
    def done() -> str:
        act()
        return f"/needs/{need}"

    return submit(form, entered, done, lambda refused: _need(services, request, need, refused))


def _needs(services: Services, request: Request, refused: RefusedForm | None = None) -> Response:
    principal = principal_of(request)
    views = clusters.needs(principal, services.read(overview.needs_))
    hospitals = clusters.hospitals(principal, services.read(overview.hospitals))
    parts = services.plates.parts()
    return rendering.page(
        request,
        "needs.html",
        status=refused.problem.status if refused else 200,
        under_way=sorted(filter(_under_way, views), key=_urgency),
        over=[view for view in views if not _under_way(view)],
        approved=[
            each
            for each in hospitals
            if each.approved is not None and principal.may(Permission.FILE, each.cluster)
        ],
        waiting=[each for each in hospitals if each.approved is None],
        adds=sorted(principal.within(Permission.ADD) or ()),
        parts=parts,
        titles={part.name: part.title for part in parts},
        refused=refused,
    )


def _need(
    services: Services, request: Request, need: str, refused: RefusedForm | None = None, link: str = ""
) -> Response:
    detail = services.read(overview.need, need)
    return rendering.page(
        request,
        "need.html",
        status=refused.problem.status if refused else 200,
        detail=detail,
        part=next((part for part in services.plates.parts() if part.name == detail.need.part), None),
        link=rendering.outside(request, link) if link else "",
        refused=refused,
    )


def _printers(
    services: Services, conversation: Conversation, request: Request, refused: RefusedForm | None = None
) -> Response:
    return rendering.page(
        request,
        "printers.html",
        status=refused.problem.status if refused else 200,
        views=clusters.printers(
            principal_of(request), services.read(overview.printers, conversation.looks(), services.clock())
        ),
        refused=refused,
    )


def _under_way(view: NeedView) -> bool:
    return view.need.cancelled is None and view.progress.received < view.progress.requested


def _urgency(view: NeedView) -> tuple[int, float, float]:
    return -view.need.priority, view.need.deadline or float("inf"), view.need.created
