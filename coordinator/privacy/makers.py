"""What a maker may see and say by the own link, without an account."""

from coordinator import ids
from coordinator.errors import Invalid, Missing
from coordinator.model.ledger import Account, Balance
from coordinator.model.records import Attempt, Maker
from coordinator.model.views import Made, MakerPage, MakerPrinter
from coordinator.people import links
from coordinator.privacy.address import AddressCipher, PickupAddress
from coordinator.store import agents, attempts, audit_log, makers, movements
from coordinator.store.engine import Tx
from coordinator.work.plates import PlateLibrary
from wire.lifecycle import State

SHOWN = 50
"""Plates that a maker's page shows, the latest ones."""
_LOOKS = 20
_ALONG = {
    Account.GOOD: "waiting to be picked up",
    Account.AT_HUB: "at the hub",
    Account.PACKED: "packed",
    Account.IN_TRANSIT: "on their way to a hospital",
    Account.RECEIVED: "received by a hospital",
    Account.SCRAPPED: "not usable",
    Account.WRITTEN_OFF: "lost on the way",
}


def get(tx: Tx, agent: str) -> Maker:
    """The maker behind an agent; in a writing transaction.

    Raises:
        Missing: no such agent.
    """
    if agents.agents.get(tx, agent) is None:
        raise Missing(f"there is no agent {agent!r}")
    return makers.of(tx, agent)


def link(tx: Tx, agent: str, *, token: str, now: float) -> Maker:
    """The maker gets a new link, whose SHA-256 `token` is; the one before it leads nowhere from now on.

    Raises:
        Missing: no such agent.
    """
    known = get(tx, agent)
    makers.makers.change(tx, agent, token=token, expires=now + links.MAKER)
    return known


def by_link(tx: Tx, token: str, now: float) -> Maker:
    """The maker whose link this is; `token` is its SHA-256.

    Raises:
        Astray: nobody's, or not any more.
    """
    known = makers.by_token(tx, token, now)
    if known is None:
        raise links.Astray
    return known


def move_to(tx: Tx, maker: Maker, address: PickupAddress, cipher: AddressCipher, now: float) -> None:
    """Parts are picked up there from now on.

    Raises:
        Invalid: no address.
    """
    if not address.address.strip():
        raise Invalid("say where the parts can be picked up")
    makers.makers.change(tx, maker.agent, address=cipher.seal(address, maker.agent), given=now)


def move_out(tx: Tx, maker: Maker) -> None:
    """Nobody knows any more where this maker is."""
    makers.makers.change(tx, maker.agent, address=None, given=None)


def page(tx: Tx, token: str, plates: PlateLibrary, now: float) -> MakerPage:
    """What the own link shows: never who the parts are for, or another maker's; `token` is its SHA-256.

    Raises:
        Astray: nobody's.
    """
    maker = by_link(tx, token, now)
    known = agents.agents.get(tx, maker.agent)
    assert known is not None  # a foreign key
    waiting = {(each.agent, each.printer) for each in agents.readies_of(tx, maker.agent)}
    lots = attempts.by_agent(tx, maker.agent, SHOWN)
    stands = movements.of_lots(tx, [each.id for each in lots])
    own = f"maker/{maker.ref}"
    looks = [
        each
        for act in ("address.look", "privacy.export")
        for each in audit_log.page(tx, act=act, on=own, most=_LOOKS)
        if each.by != own
    ]
    return MakerPage(
        agent=maker.agent,
        online=known.online,
        seen=known.seen,
        printers=[
            MakerPrinter(
                name=each.name,
                driver=each.driver,
                material=each.material,
                waiting=(each.agent, each.name) in waiting,
            )
            for each in agents.printers(tx, maker.agent)
        ],
        made=[_made(each, stands[each.id], plates) for each in lots],
        address_given=maker.given,
        looks=sorted(((each.at, each.by) for each in looks), reverse=True),
        expires=maker.expires or now,
    )


def _made(lot: Attempt, sums: Balance, plates: PlateLibrary) -> Made:
    return Made(
        lot=lot.id,
        printer=lot.printer,
        part=lot.part,
        title=plates.title(lot.part),
        version=lot.version,
        material=lot.material,
        count=lot.count,
        state=lot.state,
        granted=lot.granted,
        changed=lot.changed,
        why=lot.why if lot.state is State.REFUSED else "",  # the agent's own words, nobody else's
        whereabouts={said: sums[account] for account, said in _ALONG.items() if sums[account]},
    )


def token() -> tuple[str, str]:
    """A new link's secret, and its SHA-256."""
    made = ids.token()
    return made, ids.digest(made)
