"""What is held of a maker, or of who speaks for a hospital: all of it for them to have, or to be taken away.

Of a maker that left, the lots stay, under a name that says nothing, so that a recall reaches what they printed. The
audit log names makers by that name from the start. Back-ups and logs that were made before are not reached: they go as
they grow old.
"""

from dataclasses import asdict
from typing import Any

from coordinator import request_context
from coordinator.errors import Forbidden, Missing
from coordinator.model.records import Maker
from coordinator.privacy import makers
from coordinator.privacy.address import AddressCipher
from coordinator.store import audit_log, needs, privacy
from coordinator.store import makers as rows
from coordinator.store.engine import Tx

_ENTRIES = 10_000


def export_agent(tx: Tx, maker: Maker, cipher: AddressCipher) -> dict[str, Any]:
    """All that is held of a maker; the address as it was entered. For the maker, or an administrator on request.

    Raises:
        Forbidden: not in this role.
        Unreadable: the address was sealed with another key.
    """
    if (role := request_context.here().role) not in ("", "machine", "admin"):
        raise Forbidden(f"as {role} you don't take a maker's data out: an admin does, when the maker asks")
    address = None if maker.address is None else asdict(cipher.open(maker.address, maker.agent))
    acts = audit_log.page(tx, on=f"maker/{maker.ref}", most=_ENTRIES)
    return {
        "agent": maker.agent,
        "address": address,
        "held": privacy.of_agent(tx, maker.agent),
        "audit_log": [asdict(each) for each in acts],
    }


def erase_agent(tx: Tx, maker: Maker, now: float) -> str:
    """Address, place and name are gone; what is left stands under the name that comes back."""
    makers.move_out(tx, maker)
    rows.makers.change(tx, maker.agent, token=None, expires=None)
    rows.end_pickups(tx, maker.agent, now)
    if maker.agent != maker.ref:
        privacy.rename_agent(tx, maker.agent, maker.ref, now)
    return maker.ref


def export_hospital(tx: Tx, hospital: str) -> dict[str, Any]:
    """All that is held of a hospital and of who signed there.

    Raises:
        Missing: no such hospital.
    """
    _known(tx, hospital)
    return {"hospital": hospital, "held": privacy.of_hospital(tx, hospital)}


def erase_hospital(tx: Tx, hospital: str) -> None:
    """Its contact and its signers are gone, and its links with them; the house itself is no person.

    Raises:
        Missing: no such hospital.
    """
    _known(tx, hospital)
    privacy.forget_contact(tx, hospital)


def _known(tx: Tx, hospital: str) -> None:
    if needs.hospitals.get(tx, hospital) is None:
        raise Missing(f"there is no hospital {hospital!r}")
