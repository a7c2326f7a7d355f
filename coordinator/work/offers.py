"""What owners who want to be asked are offered, and what they answer. An offer moves no unit and starts nothing."""

from dataclasses import dataclass, field

from coordinator.ids import fresh
from coordinator.model import dispatch
from coordinator.model.records import OfferStatus, Opening, OpenReady, PlateOffer
from coordinator.store import agents, attempts, movements, needs, offers
from coordinator.store.engine import Tx
from coordinator.work import grants
from coordinator.work.plates import PlateLibrary, PlateOrder
from wire import messages

REST = 12 * 3600.0
"""Seconds for which an owner is not asked again about a need that was declined."""
KEPT = 30 * 86_400.0
"""Seconds for which is kept what became of an offer."""

_ANSWERS = {messages.Answer.YES: OfferStatus.ACCEPTED, messages.Answer.NO: OfferStatus.DECLINED}


@dataclass(frozen=True, slots=True)
class EndedOffer:
    """An offer that its agent need not keep any more, and why."""

    agent: str
    offer: str
    why: str


@dataclass(frozen=True, slots=True)
class OfferRound:
    """What is to be said to agents now, and what must be drawn before more can be offered."""

    offered: list[PlateOffer] = field(default_factory=list[PlateOffer])
    over: list[EndedOffer] = field(default_factory=list[EndedOffer])
    undrawn: list[PlateOrder] = field(default_factory=list[PlateOrder])


def note(tx: Tx, agent: str, message: messages.Open, now: float) -> OfferRound | None:
    """A printer's owner may be asked, and has perhaps answered. None if that is old news, which changes nothing.

    What stands and never arrived is said again. What had arrived and is not there any more was forgotten: the agent's
    word counts. What is there and does not stand is withdrawn.
    """
    known = agents.agents.get(tx, agent)
    if known is None or known.epoch != message.epoch or agents.printer(tx, agent, message.printer) is None:
        return None
    before = offers.openings.get(tx, agent, message.printer)
    if before and before.epoch == message.epoch and message.counter <= before.counter:
        return None
    offers.await_answers(
        tx,
        Opening(
            agent=agent,
            printer=message.printer,
            counter=message.counter,
            epoch=message.epoch,
            expires=now + message.lifetime,
            window_ends=now + message.window,
            material=message.material,
            parts=message.parts,
        ),
    )
    round_ = OfferRound()
    standing = {each.id: each for each in offers.standing(tx, agent, message.printer)}
    for has in message.has:
        offer = standing.pop(has.offer, None)
        if offer is None:
            round_.over.append(EndedOffer(agent, has.offer, "it does not stand any more"))
        elif (answer := _ANSWERS.get(has.answer, OfferStatus.OPEN)) != offer.status or not offer.seen:
            offers.tell(tx, offer, answer, now, has.why)
            if answer is OfferStatus.DECLINED:
                round_.over.append(EndedOffer(agent, offer.id, "its owner said no"))
    for offer in standing.values():
        if offer.seen:
            offers.tell(tx, offer, OfferStatus.WITHDRAWN, now, "its agent does not have it any more")
        else:
            round_.offered.append(offer)
    return round_


def make(tx: Tx, plates: PlateLibrary, now: float, lifetime: float) -> OfferRound:
    """Withdraw what is not needed any more, and ask owners who may be asked, each about one plate.

    Units that others are being asked about are left to them, so that few say yes in vain; but nothing is promised.
    """
    round_ = OfferRound()
    standing = offers.standing(tx)
    openings = offers.open_now(tx, now)
    if not standing and not openings:
        return round_
    left = movements.needed(tx)
    asked = {
        need.id: dispatch.OpenNeed(need, hospital, left.get(need.id, 0))
        for need, hospital in needs.open_needs(tx)
    }
    kept: list[PlateOffer] = []
    for offer in standing:
        wanted = offer.need in asked and left.get(offer.need, 0) > 0
        if wanted and offer.expires > now:
            kept.append(offer)
            left[offer.need] = max(0, left[offer.need] - offer.count)
        else:
            why = "its time is over" if wanted else "nothing of it is needed any more"
            offers.tell(tx, offer, OfferStatus.WITHDRAWN, now, why)
            round_.over.append(EndedOffer(offer.agent, offer.id, why))
    has = {(each.agent, each.printer) for each in kept} | attempts.busy(tx)
    printers = {(each.agent, each.name): each for each in agents.printers(tx)}
    waiting = [
        dispatch.WaitingPrinter(_as_ready(each), printers[each.agent, each.printer])
        for each in openings
        if (each.agent, each.printer) not in has
    ]
    wanted_ = [dispatch.OpenNeed(want.need, want.hospital, left.get(name, 0)) for name, want in asked.items()]
    declined = offers.declined(tx, now - REST)
    for need, wait, order, plate in grants.choose(tx, plates, wanted_, waiting, now, but=declined):
        if plate is None:
            round_.undrawn.append(order)
            continue
        offer = PlateOffer(
            id=fresh("o"),
            need=need.id,
            agent=wait.ready.agent,
            printer=wait.ready.printer,
            part=order.part,
            version=order.version,
            material=order.material,
            count=order.count,
            seconds=plate.seconds,
            grams=plate.grams,
            made=now,
            expires=now + lifetime,
            changed=now,
        )
        offers.offers.add(tx, offer)
        round_.offered.append(offer)
    return round_


def _as_ready(opening: Opening) -> OpenReady:
    """What it will say if its owner says yes."""
    return OpenReady(
        agent=opening.agent,
        printer=opening.printer,
        nonce="",
        counter=opening.counter,
        expires=opening.expires,
        window_ends=opening.window_ends,
        material=opening.material,
        epoch=opening.epoch,
        seq=0,
        held=(),
        parts=opening.parts,
    )
