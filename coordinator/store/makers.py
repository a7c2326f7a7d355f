"""What is kept of a maker beside the agent: a name for good, the own link, a sealed address; and pickups there."""

from coordinator.ids import fresh
from coordinator.model.records import Maker, Pickup
from coordinator.store import schema
from coordinator.store.engine import Tx
from coordinator.store.repository import Repository

makers = Repository(schema.maker, Maker)
pickups = Repository(schema.pickup, Pickup)


def of(tx: Tx, agent: str) -> Maker:
    """The maker behind an agent that is known; to be called in a writing transaction, as it may be the first time."""
    known = makers.get(tx, agent)
    if known is None:
        known = Maker(agent=agent, ref=fresh("m"))
        makers.add(tx, known)
    return known


def by_token(tx: Tx, digest: str, now: float) -> Maker | None:
    """Whose link has this SHA-256, if it still holds."""
    found = makers.find(tx, schema.maker.c.token == digest, schema.maker.c.expires > now)
    return found[0] if found else None


def open_pickups(tx: Tx, now: float, agent: str | None = None) -> list[Pickup]:
    """Pickups that somebody has taken on, and that are neither done nor too old; of one agent, or all."""
    pickup = schema.pickup.c
    of_one = [] if agent is None else [pickup.agent == agent]
    return pickups.find(tx, pickup.ended.is_(None), pickup.until > now, *of_one)


def end_pickups(tx: Tx, agent: str, now: float) -> None:
    """Nothing is left to pick up there."""
    for each in open_pickups(tx, now, agent):
        pickups.change(tx, each.id, ended=now)


def with_address(tx: Tx) -> set[str]:
    """The agents whose makers said where they are."""
    given = makers.find(tx, schema.maker.c.address.is_not(None))
    return {each.agent for each in given}
