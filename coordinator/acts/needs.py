"""Needs: filed, withdrawn, given out again, followed by a link."""

from coordinator import ids
from coordinator.acts.act import ActCall, act
from coordinator.acts.services import Services
from coordinator.model.records import Need
from coordinator.model.roles import Permission
from coordinator.work import intake


@act("need.file", Permission.FILE, on="need")
def file_need(
    call: ActCall[Services],
    *,
    hospital: str,
    part: str,
    quantity: int,
    priority: int = 5,
    deadline: float | None = None,
    parameters: dict[str, float] | None = None,
) -> tuple[Need, str]:
    """Ask for parts: the need, and the token of its tracking link, which is shown only now; see `intake.file`."""
    token = ids.token()
    need = intake.file(
        call.tx,
        call.services.plates,
        hospital=hospital,
        part=part,
        quantity=quantity,
        priority=priority,
        deadline=deadline,
        parameters=parameters or {},
        token=ids.digest(token),
        by=call.by,
        now=call.now,
    )
    call.note(
        need.id,
        {
            "hospital": hospital,
            "part": part,
            "version": need.version,
            "quantity": quantity,
            "priority": priority,
        },
    )
    call.unit.changed(f"need/{need.id}")
    call.unit.replan()
    return need, token


@act("need.cancel", Permission.WITHDRAW, on="need")
def cancel_need(call: ActCall[Services], need: str) -> Need:
    """Ask for no more of it; see `intake.cancel`."""
    cancelled = intake.cancel(call.tx, need, by=call.by, now=call.now)
    call.unit.changed(f"need/{need}")
    return cancelled


@act("need.release", Permission.RELEASE, on="need")
def release_need(call: ActCall[Services], need: str) -> Need:
    """Give a need that is held out again; see `intake.release`."""
    released = intake.release(call.tx, need, by=call.by, now=call.now)
    call.unit.changed(f"need/{need}")
    call.unit.replan()
    return released


@act("need.relink", Permission.FILE, on="need")
def relink_need(call: ActCall[Services], need: str) -> str:
    """The token of a new link for the hospital, which is shown only now; see `intake.relink`."""
    token = ids.token()
    intake.relink(call.tx, need, token=ids.digest(token), now=call.now)
    return token
