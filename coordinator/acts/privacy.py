"""What is held of somebody: handed out, or taken away, when they ask."""

from typing import Any

from coordinator.acts.act import ActCall, act
from coordinator.acts.services import Services
from coordinator.model.roles import Permission
from coordinator.privacy import makers, personal_data


@act("privacy.export", Permission.PRIVACY, on="maker")
def export_agent(call: ActCall[Services], agent: str) -> dict[str, Any]:
    """Hand out all that is held of the maker behind an agent; see `personal_data.export_agent`."""
    known = makers.get(call.tx, agent)
    call.note(known.ref)
    return personal_data.export_agent(call.tx, known, call.services.addresses)


@act("privacy.erase", Permission.PRIVACY, on="maker")
def erase_agent(call: ActCall[Services], agent: str) -> str:
    """Forget the maker behind an agent; the name under which the lots stay. See `personal_data.erase_agent`."""
    known = makers.get(call.tx, agent)
    call.note(known.ref)
    call.unit.access_changed()
    call.unit.changed(f"printer/{agent}")
    return personal_data.erase_agent(call.tx, known, call.now)


@act("privacy.export-hospital", Permission.PRIVACY, on="hospital")
def export_hospital(call: ActCall[Services], hospital: str) -> dict[str, Any]:
    """Hand out all that is held of a hospital; see `personal_data.export_hospital`."""
    return personal_data.export_hospital(call.tx, hospital)


@act("privacy.erase-hospital", Permission.PRIVACY, on="hospital")
def erase_hospital(call: ActCall[Services], hospital: str) -> None:
    """Forget a hospital's contact and signers; see `personal_data.erase_hospital`."""
    personal_data.erase_hospital(call.tx, hospital)
    call.unit.changed(f"hospital/{hospital}")
