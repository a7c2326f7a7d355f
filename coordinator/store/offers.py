"""Printers whose owners may be asked, and what they were asked."""

from sqlalchemy import delete, select

from coordinator.model.records import OfferStatus, Opening, PlateOffer
from coordinator.store import schema
from coordinator.store.engine import Tx
from coordinator.store.repository import Repository

offers = Repository(schema.offer, PlateOffer)
openings = Repository(schema.opening, Opening)
_of = schema.offer.c
_open = schema.opening.c
STANDING = (OfferStatus.OPEN, OfferStatus.ACCEPTED)


def await_answers(tx: Tx, opening: Opening) -> None:
    """This opening replaces the one before it."""
    table = schema.opening
    tx.execute(delete(table).where(_open.agent == opening.agent, _open.printer == opening.printer))
    openings.add(tx, opening)


def open_now(tx: Tx, now: float) -> list[Opening]:
    """The openings that are not over, of agents that are there."""
    agent = schema.agent.c
    there = select(agent.name).where(agent.name == _open.agent, agent.online, agent.epoch == _open.epoch)
    return openings.find(tx, _open.expires > now, there.exists())


def standing(tx: Tx, agent: str | None = None, printer: str | None = None) -> list[PlateOffer]:
    """Those that stand, until somebody has found that their time is over; of every printer, or of one."""
    of = [] if agent is None else [_of.agent == agent, _of.printer == printer]
    return offers.find(tx, _of.status.in_(STANDING), *of)


def accepted(tx: Tx, now: float) -> dict[str, PlateOffer]:
    """What a printer may say ready for, by name: its ready is the owner's yes."""
    return {each.id: each for each in offers.find(tx, _of.status.in_(STANDING), _of.expires > now)}


def declined(tx: Tx, since: float) -> set[tuple[str, str, str]]:
    """(agent, printer, need) wherever an owner has said no since then."""
    found = offers.find(tx, _of.status == OfferStatus.DECLINED, _of.changed > since)
    return {(each.agent, each.printer, each.need) for each in found}


def tell(tx: Tx, offer: PlateOffer, status: OfferStatus, now: float, why: str = "") -> None:
    """Keep what became of an offer."""
    offers.change(tx, offer.id, status=status, changed=now, why=why, seen=True)


def prune(tx: Tx, before: float) -> None:
    """Forget what has been over since then."""
    tx.execute(delete(schema.offer).where(_of.status.not_in(STANDING), _of.changed < before))
