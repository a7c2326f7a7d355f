"""Hospitals: taken in, vetted."""

from coordinator.acts.act import ActCall, act
from coordinator.acts.services import Services
from coordinator.model.records import Hospital
from coordinator.model.roles import Permission
from coordinator.people.authorisation import cluster_for
from coordinator.work import intake


@act("hospital.add", Permission.ADD, on="hospital")
def add_hospital(
    call: ActCall[Services],
    *,
    name: str,
    contact: str,
    latitude: float,
    longitude: float,
    cluster: str | None = None,
) -> Hospital:
    """Take a hospital in, to be vetted; see `intake.add_hospital`."""
    hospital = intake.add_hospital(
        call.tx,
        name=name,
        contact=contact,
        latitude=latitude,
        longitude=longitude,
        cluster=cluster_for(call.who, Permission.ADD, cluster),
        now=call.now,
    )
    call.note(hospital.id)
    call.unit.changed(f"hospital/{hospital.id}")
    return hospital


@act("hospital.approve", Permission.APPROVE, on="hospital")
def approve_hospital(call: ActCall[Services], hospital: str) -> Hospital:
    """Vouch for a hospital; see `intake.approve`."""
    approved = intake.approve(call.tx, hospital, by=call.by, now=call.now)
    call.unit.changed(f"hospital/{hospital}")
    call.unit.replan()
    return approved
