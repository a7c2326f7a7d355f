"""The coordinator's pages: needs, one need, printers; each form does one thing and leads back."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from coordinator.model.records import Attempt
from coordinator.model.roles import Permission
from coordinator.model.views import NeedView
from coordinator.web import clusters, cookies, rendering, shapes
from coordinator.web.access import By, Who, needs, principal_of, require
from coordinator.web.clusters import home_of
from coordinator.web.dependencies import Desk, Entered, Here, Sheet
from coordinator.web.forms import Filed, Refused, submit
from coordinator.web.shapes import Id
from wire.messages import Wish

router = APIRouter(include_in_schema=False)


# ── what is shown ─────────────────────────────────────────────────────────────────────────────────────────


@router.get("/")
@needs(Permission.LOOK)
def front(desk: Here, request: Request) -> Response:
    """All needs, the form to file one, and the hospitals to vet."""
    return _needs(desk, request)


@router.get("/needs")
@needs(Permission.LOOK)
def needs_elsewhere() -> Response:
    """Needs are the front page."""
    return RedirectResponse("/", 303)


@router.get("/needs/{need}")
@needs(Permission.LOOK)
def need(desk: Here, request: Request, need: Id) -> Response:
    """One need, its lots and its parcels."""
    link = cookies.read(request, cookies.LINK)
    response = _need(desk, request, need, link=link if link.startswith("/t/") else "")
    if link:
        cookies.drop(request, response, cookies.LINK, path=f"/needs/{need}")
    return response


@router.get("/printers")
@needs(Permission.LOOK)
def printers(desk: Here, request: Request) -> Response:
    """Printers and what they do."""
    return _printers(desk, request)


# ── hospitals and needs ───────────────────────────────────────────────────────────────────────────────────


@router.post("/hospitals")
@needs(Permission.ADD)
def add_hospital(desk: Here, request: Request, who: Who, entered: Entered) -> Response:
    """Take a hospital in."""

    def act() -> str:
        asked = shapes.HospitalAsked.entered(entered)
        desk.add_hospital(
            name=asked.name,
            contact=asked.contact,
            latitude=asked.latitude,
            longitude=asked.longitude,
            cluster=home_of(who, Permission.ADD, asked.cluster),
            by=who.name,
        )
        return "/"

    return submit("hospital", entered, act, lambda refused: _needs(desk, request, refused))


@router.post("/hospitals/{hospital}/approve")
@needs(Permission.APPROVE)
def approve_hospital(desk: Here, request: Request, by: By, entered: Entered, hospital: Id) -> Response:
    """Vouch for a hospital."""

    def act() -> str:
        desk.approve_hospital(hospital, by=by)
        return "/"

    return submit(f"approve-{hospital}", entered, act, lambda refused: _needs(desk, request, refused))


@router.post("/needs")
@needs(Permission.FILE)
def file_need(desk: Here, request: Request, who: Who, entered: Entered) -> Response:
    """Ask for parts; the need's page then shows the hospital's link, once."""

    def act() -> Filed:
        asked = shapes.NeedAsked.entered(entered)
        require(desk.store, who, Permission.FILE, hospital=asked.hospital)
        need, token = desk.file_need(
            hospital=asked.hospital,
            part=asked.part,
            quantity=asked.quantity,
            by=who.name,
            priority=asked.priority,
            deadline=asked.deadline,
        )
        return Filed(f"/needs/{need.id}", f"/t/{token}")

    def carry(response: Response, filed: Filed) -> None:
        cookies.put(request, response, cookies.LINK, filed.link, seconds=120, path=filed.page)

    return submit("need", entered, act, lambda refused: _needs(desk, request, refused), carry)


@router.post("/needs/{need}/cancel")
@needs(Permission.WITHDRAW)
def cancel_need(desk: Here, request: Request, by: By, entered: Entered, need: Id) -> Response:
    """Ask for no more of it."""

    def act() -> str:
        desk.cancel_need(need, by=by)
        return f"/needs/{need}"

    return submit("cancel", entered, act, lambda refused: _need(desk, request, need, refused))


@router.post("/needs/{need}/release")
@needs(Permission.RELEASE)
def release_need(desk: Here, request: Request, by: By, entered: Entered, need: Id) -> Response:
    """Give a held need out again."""

    def act() -> str:
        desk.release_need(need, by=by)
        return f"/needs/{need}"

    return submit("release", entered, act, lambda refused: _need(desk, request, need, refused))


@router.post("/needs/{need}/pack")
@needs(Permission.PACK)
def pack(desk: Here, request: Request, by: By, entered: Entered, need: Id) -> Response:
    """Put what stands at the hub into a parcel."""

    def act() -> str:
        asked = shapes.ParcelAsked.entered({**entered, "need": need})
        desk.pack(need, by=by, units=asked.units)
        return f"/needs/{need}"

    return submit("pack", entered, act, lambda refused: _need(desk, request, need, refused))


@router.post("/needs/{need}/parcels/{parcel}/send")
@needs(Permission.SEND)
def send(desk: Here, request: Request, by: By, entered: Entered, need: Id, parcel: Id) -> Response:
    """Hand a parcel over."""

    def act() -> str:
        desk.send(parcel, by=by)
        return f"/needs/{need}"

    return submit(f"send-{parcel}", entered, act, lambda refused: _need(desk, request, need, refused))


# ── attempts: on a need's page, or on the printers' ───────────────────────────────────────────────────────


@router.post("/needs/{need}/attempts/{attempt}/inspect")
@needs(Permission.INSPECT)
def inspect(desk: Here, request: Request, by: By, entered: Entered, need: Id, attempt: Id) -> Response:
    """Say what is good."""

    def act() -> Attempt:
        asked = shapes.Inspection.entered(entered)
        return desk.inspect(attempt, good=asked.good, scrapped=asked.scrapped, by=by)

    return _on_need(desk, request, need, f"inspect-{attempt}", entered, act)


@router.post("/needs/{need}/attempts/{attempt}/collect")
@needs(Permission.COLLECT)
def collect(desk: Here, request: Request, by: By, entered: Entered, need: Id, attempt: Id) -> Response:
    """Bring a lot to the hub."""
    act = lambda: desk.collect(attempt, by=by)  # noqa: E731 (one line says it)
    return _on_need(desk, request, need, f"collect-{attempt}", entered, act)


@router.post("/needs/{need}/attempts/{attempt}/write-off")
@needs(Permission.RULE)
def write_off(desk: Here, request: Request, by: By, entered: Entered, need: Id, attempt: Id) -> Response:
    """Give a suspect lot up."""

    def act() -> Attempt:
        return desk.write_off(attempt, by=by, why=shapes.Ruling.entered(entered).why)

    return _on_need(desk, request, need, f"write-off-{attempt}", entered, act)


@router.post("/needs/{need}/attempts/{attempt}/vouch")
@needs(Permission.RULE)
def vouch(desk: Here, request: Request, by: By, entered: Entered, need: Id, attempt: Id) -> Response:
    """Say that a suspect lot is here."""

    def act() -> Attempt:
        return desk.vouch(attempt, by=by, why=shapes.Ruling.entered(entered).why)

    return _on_need(desk, request, need, f"vouch-{attempt}", entered, act)


@router.post("/needs/{need}/attempts/{attempt}/{wish}")
@needs(Permission.STEER)
def ask_on_need(
    desk: Here, request: Request, by: By, entered: Entered, need: Id, attempt: Id, wish: Wish
) -> Response:
    """Ask the printer's agent for something, from the need's page."""
    return _on_need(desk, request, need, f"{wish}-{attempt}", entered, lambda: desk.ask(attempt, wish, by=by))


@router.post("/printers/{attempt}/{wish}")
@needs(Permission.STEER)
def ask(desk: Here, request: Request, by: By, entered: Entered, attempt: Id, wish: Wish) -> Response:
    """Ask the printer's agent for something, from the printers' page."""

    def act() -> str:
        desk.ask(attempt, wish, by=by)
        return "/printers"

    return submit(f"{wish}-{attempt}", entered, act, lambda refused: _printers(desk, request, refused))


# ── private ───────────────────────────────────────────────────────────────────────────────────────────────


def _on_need(
    desk: Desk,
    request: Request,
    need: str,
    form: str,
    entered: Sheet,
    act: Callable[[], Attempt],
) -> Response:
    def done() -> str:
        act()
        return f"/needs/{need}"

    return submit(form, entered, done, lambda refused: _need(desk, request, need, refused))


def _needs(desk: Desk, request: Request, refused: Refused | None = None) -> Response:
    principal = principal_of(request)
    views = clusters.needs(principal, desk.needs())
    hospitals = clusters.hospitals(principal, desk.hospitals())
    parts = desk.parts()
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
    desk: Desk, request: Request, need: str, refused: Refused | None = None, link: str = ""
) -> Response:
    detail = desk.need(need)
    return rendering.page(
        request,
        "need.html",
        status=refused.problem.status if refused else 200,
        detail=detail,
        part=next((part for part in desk.parts() if part.name == detail.need.part), None),
        link=rendering.outside(request, link) if link else "",
        refused=refused,
    )


def _printers(desk: Desk, request: Request, refused: Refused | None = None) -> Response:
    return rendering.page(
        request,
        "printers.html",
        status=refused.problem.status if refused else 200,
        views=clusters.printers(principal_of(request), desk.printers()),
        refused=refused,
    )


def _under_way(view: NeedView) -> bool:
    return view.need.cancelled is None and view.progress.received < view.progress.requested


def _urgency(view: NeedView) -> tuple[int, float, float]:
    return -view.need.priority, view.need.deadline or float("inf"), view.need.created
