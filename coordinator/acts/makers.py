"""Makers: their own link, their address, and the way out."""

from typing import Any

from coordinator import ids
from coordinator.acts.act import ActCall, act
from coordinator.acts.services import Services
from coordinator.errors import Invalid
from coordinator.model.records import Maker
from coordinator.model.roles import Permission
from coordinator.privacy import makers, personal_data
from coordinator.privacy.address import PickupAddress


@act("maker.link", Permission.INVITE, on="maker")
def link_agent(call: ActCall[Services], agent: str) -> str:
    """The token of a new link for the maker behind an agent, which is shown only now; see `makers.link`."""
    token, digest = makers.token()
    call.note(makers.link(call.tx, agent, token=digest, now=call.now).ref)
    return token


@act("address.give", Permission.MAKER_LINK, on="maker")
def give_address(call: ActCall[Services], token: str, address: PickupAddress) -> None:
    """Say where to pick up, for the maker whose link this is; see `makers.move_to`."""
    known = _own(call, token)
    makers.move_to(call.tx, known, address, call.services.addresses, call.now)


@act("address.withdraw", Permission.MAKER_LINK, on="maker")
def withdraw_address(call: ActCall[Services], token: str) -> None:
    """Take the address away, for the maker whose link this is."""
    makers.move_out(call.tx, _own(call, token))


@act("privacy.export-own", Permission.MAKER_LINK, on="maker")
def export_own(call: ActCall[Services], token: str) -> dict[str, Any]:
    """Take along all that is held, for the maker whose link this is; see `personal_data.export_agent`."""
    return personal_data.export_agent(call.tx, _own(call, token), call.services.addresses)


@act("privacy.erase-own", Permission.MAKER_LINK, on="maker")
def erase_own(call: ActCall[Services], token: str, *, name: str) -> None:
    """Leave, for the maker whose link this is; `name` is the agent's, typed once more."""
    known = _own(call, token)
    if name.strip() != known.agent:
        raise Invalid("type the name above, so that nothing is erased by mistake")
    personal_data.erase_agent(call.tx, known, call.now)
    call.unit.access_changed()
    call.unit.changed(f"printer/{known.agent}")


def _own(call: ActCall[Services], token: str) -> Maker:
    """Whose link this is; noted under the name that outlives the maker's.

    Raises:
        Astray: nobody's.
    """
    known = makers.by_link(call.tx, ids.digest(token), call.now)
    call.note(known.ref, by=f"maker/{known.ref}")
    return known
