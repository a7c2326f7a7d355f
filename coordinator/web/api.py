"""What the pages can do, for programs: the coordinator's HTTP API under `/api`."""

from typing import Annotated

from fastapi import APIRouter, Query

from coordinator import acts
from coordinator.errors import Conflict, Forbidden, Invalid, Missing, Unauthorised
from coordinator.model.records import Attempt, Hospital, Need, Parcel
from coordinator.model.roles import Permission
from coordinator.model.views import LedgerView, NeedDetail, NeedView, PartView
from coordinator.web import clusters, shapes
from coordinator.web.access import Who, performs
from coordinator.web.access import needs as needs_act
from coordinator.web.dependencies import Agents, Here, Repeatable
from coordinator.web.problem import documented
from coordinator.web.shapes import Id
from coordinator.work import lots, overview
from wire.messages import Wish

router = APIRouter(
    prefix="/api",
    responses=documented(Unauthorised, Forbidden, Invalid),
    generate_unique_id_function=lambda r: r.name,
)

_MISSING = documented(Missing)
_CHANGES = documented(Missing, Conflict)


# ── hospitals and parts ───────────────────────────────────────────────────────────────────────────────────


@router.post("/hospitals", status_code=201, tags=["hospitals"], summary="Take a hospital in, to be vetted")
@performs(acts.hospitals.add_hospital)
def add_hospital(services: Here, who: Who, asked: shapes.HospitalAsked, once: Repeatable) -> Hospital:
    """Nothing is printed for it until somebody has approved it."""
    return once(
        Hospital,
        lambda: acts.hospitals.add_hospital(
            services,
            who,
            name=asked.name,
            contact=asked.contact,
            latitude=asked.latitude,
            longitude=asked.longitude,
            cluster=asked.cluster,
        ),
    )


@router.get("/hospitals", tags=["hospitals"], summary="All hospitals, vetted or not")
@needs_act(Permission.LOOK)
def hospitals(services: Here, who: Who) -> list[Hospital]:
    """`approved_by` is null where somebody must still vet who asks."""
    return clusters.hospitals(who, services.read(overview.hospitals))


@router.post(
    "/hospitals/{hospital}/approve", tags=["hospitals"], summary="Vouch for a hospital", responses=_CHANGES
)
@performs(acts.hospitals.approve_hospital)
def approve_hospital(services: Here, who: Who, hospital: Id, once: Repeatable) -> Hospital:
    """Whoever approves has checked that the hospital exists and that the contact speaks for it."""
    return once(Hospital, lambda: acts.hospitals.approve_hospital(services, who, hospital))


@router.get("/parts", tags=["parts"], summary="What can be asked for")
@needs_act(Permission.LOOK)
def parts(services: Here) -> list[PartView]:
    """With each part's version, materials, default parameters in mm and what its inspection looks at."""
    return services.plates.parts()


# ── needs ─────────────────────────────────────────────────────────────────────────────────────────────────


@router.post(
    "/needs",
    status_code=201,
    tags=["needs"],
    summary="Ask for parts",
    responses=documented(Missing, Forbidden, Conflict),
)
@performs(acts.needs.file_need)
def file_need(services: Here, who: Who, asked: shapes.NeedAsked, once: Repeatable) -> shapes.NeedFiled:
    """Printing begins as soon as a fitting printer says that it is ready.

    `tracking` is the path of the hospital's own page; it is shown only in this answer, and needs no key.
    """

    def act() -> shapes.NeedFiled:
        need, token = acts.needs.file_need(
            services,
            who,
            hospital=asked.hospital,
            part=asked.part,
            quantity=asked.quantity,
            priority=asked.priority,
            deadline=asked.deadline,
            parameters=asked.parameters,
        )
        return shapes.NeedFiled(need=need, tracking=f"/t/{token}")

    return once(shapes.NeedFiled, act)


@router.get("/needs", tags=["needs"], summary="All needs, and where their units stand")
@needs_act(Permission.LOOK)
def needs(services: Here, who: Who) -> list[NeedView]:
    """Every count is a sum over the ledger's movements."""
    return clusters.needs(who, services.read(overview.needs_))


@router.get("/needs/{need}", tags=["needs"], summary="One need with its lots and parcels", responses=_MISSING)
@needs_act(Permission.LOOK)
def need(services: Here, need: Id) -> NeedDetail:
    """Lots and parcels come newest first."""
    return services.read(overview.need, need)


@router.post("/needs/{need}/cancel", tags=["needs"], summary="Ask for no more of it", responses=_CHANGES)
@performs(acts.needs.cancel_need)
def cancel_need(services: Here, who: Who, need: Id, once: Repeatable) -> Need:
    """What is not yet promised is asked for no more; what is being printed goes on."""
    return once(Need, lambda: acts.needs.cancel_need(services, who, need))


@router.post(
    "/needs/{need}/release", tags=["needs"], summary="Give a held need out again", responses=_CHANGES
)
@performs(acts.needs.release_need)
def release_need(services: Here, who: Who, need: Id, once: Repeatable) -> Need:
    """A need is held when its plates came to nothing on three printers; `held_why` is what they said."""
    return once(Need, lambda: acts.needs.release_need(services, who, need))


# ── printers and attempts ─────────────────────────────────────────────────────────────────────────────────


@router.get("/printers", tags=["printers"], summary="All printers and what they do")
@needs_act(Permission.LOOK)
def printers(services: Here, conversation: Agents, who: Who) -> list[shapes.PrinterLook]:
    """`looks` is the latest telemetry; it may be old or missing, and no decision hangs on it."""
    return [
        shapes.look(view)
        for view in clusters.printers(
            who, services.read(overview.printers, conversation.looks(), services.clock())
        )
    ]


@router.get("/attempts", tags=["attempts"], summary="Plates on printers: the lots")
@needs_act(Permission.LOOK)
def attempts(
    services: Here,
    who: Who,
    only_open: Annotated[bool, Query(alias="open", description="Only those that are not over")] = False,
) -> list[Attempt]:
    """An attempt is one plate on one printer, and the lot for traceability."""
    return clusters.attempts(who, services.read(overview.attempts_, only_open=only_open), services.store)


@router.get("/attempts/{attempt}", tags=["attempts"], summary="One attempt", responses=_MISSING)
@needs_act(Permission.LOOK)
def attempt(services: Here, attempt: Id) -> Attempt:
    """Its `state` is one of the table in the architecture's *The attempt*."""
    return services.read(lots.get, attempt)


@router.post("/attempts/{attempt}/inspect", tags=["attempts"], summary="Say what is good", responses=_CHANGES)
@performs(acts.attempts.inspect)
def inspect(services: Here, who: Who, attempt: Id, asked: shapes.Inspection, once: Repeatable) -> Attempt:
    """Units count only now. `good` and `scrapped` together are the whole lot; what is scrapped is printed again."""
    return once(
        Attempt,
        lambda: acts.attempts.inspect(services, who, attempt, good=asked.good, scrapped=asked.scrapped),
    )


@router.post(
    "/attempts/{attempt}/collect", tags=["attempts"], summary="Bring a lot to the hub", responses=_CHANGES
)
@performs(acts.attempts.collect)
def collect(services: Here, who: Who, attempt: Id, once: Repeatable) -> Attempt:
    """Its good units stand at the hub from now on."""
    return once(Attempt, lambda: acts.attempts.collect(services, who, attempt))


@router.post(
    "/attempts/{attempt}/write-off", tags=["attempts"], summary="Give a suspect lot up", responses=_CHANGES
)
@performs(acts.attempts.write_off)
def write_off(services: Here, who: Who, attempt: Id, asked: shapes.Ruling, once: Repeatable) -> Attempt:
    """A person rules that a lot which nobody heard of again will bring nothing."""
    return once(Attempt, lambda: acts.attempts.write_off(services, who, attempt, why=asked.why))


@router.post(
    "/attempts/{attempt}/vouch",
    tags=["attempts"],
    summary="Say that a suspect lot is here",
    responses=_CHANGES,
)
@performs(acts.attempts.vouch)
def vouch(services: Here, who: Who, attempt: Id, asked: shapes.Ruling, once: Repeatable) -> Attempt:
    """A person rules that a lot which nobody heard of again was printed: it can be inspected."""
    return once(Attempt, lambda: acts.attempts.vouch(services, who, attempt, why=asked.why))


@router.post(
    "/attempts/{attempt}/{wish}",
    status_code=202,
    tags=["attempts"],
    summary="Ask the printer's agent for something",
    responses=_CHANGES,
)
@performs(*acts.attempts.ASKING.values())
def ask(services: Here, who: Who, attempt: Id, wish: Wish) -> Attempt:
    """The agent decides and reports: the answer shows the attempt as it stands, before the wish is heard.

    `cleared` says that a person took the parts off; it counts only where the printer's owner allows that.
    """
    return acts.attempts.ASKING[wish](services, who, attempt)


# ── parcels, ledger, access ───────────────────────────────────────────────────────────────────────────────


@router.post("/parcels", status_code=201, tags=["parcels"], summary="Pack a parcel", responses=_CHANGES)
@performs(acts.parcels.pack)
def pack(services: Here, who: Who, asked: shapes.ParcelAsked, once: Repeatable) -> Parcel:
    """Takes what stands at the hub for one need: all of it, or `units`."""
    return once(Parcel, lambda: acts.parcels.pack(services, who, asked.need, units=asked.units))


@router.post("/parcels/{parcel}/send", tags=["parcels"], summary="Hand a parcel over", responses=_CHANGES)
@performs(acts.parcels.send)
def send(services: Here, who: Who, parcel: Id, once: Repeatable) -> Parcel:
    """It is in transit until the hospital signs for it."""
    return once(Parcel, lambda: acts.parcels.send(services, who, parcel))


@router.get("/ledger", tags=["ledger"], summary="Whether the ledger adds up")
@needs_act(Permission.LEDGER)
def ledger(services: Here) -> LedgerView:
    """Checks every movement against every lot."""
    return services.read(overview.ledger_)


@router.post("/logins", status_code=201, tags=["access"], summary="A link that logs one browser in")
@needs_act(Permission.LOCAL)
def login_link(services: Here) -> shapes.LoginLink:
    """Good once, within ten minutes: for the administrator of the coordinator's machine, who has the access key."""
    return shapes.LoginLink(path=f"/login/{services.authenticator.once()}")
