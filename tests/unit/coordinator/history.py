"""A ledger in which all of it has happened: lots that failed, came back, were counted, packed, lost on the way."""

from dataclasses import dataclass

from tests.unit.coordinator.office import Office
from wire.lifecycle import Step


@dataclass
class Told:
    """What the history left."""

    need: str
    lot: str
    parcel: str
    now: float
    """When it ended."""


def live(office: Office) -> Told:
    """Live through it all; leaves one lot received in part, one on its way, one under way, one in doubt, one lost."""
    anna, ben, carla = (office.agent(name) for name in ("anna", "ben", "carla"))
    need, token = office.needs(40)
    anna.is_ready()
    ben.is_ready()
    first = anna.grants[-1].attempt
    anna.prints(first)
    ben.reports(ben.grants[-1].attempt, Step.FETCH, Step.REFUSE, why="too large")
    count = office.desk.attempt(first).count
    office.desk.inspect(first, good=count - 2, scrapped=2, by="ines")
    office.desk.collect(first, by="carl")
    parcel = office.desk.pack(need.id, by="paul", units=count - 3).id
    office.desk.send(parcel, by="paul")
    office.desk.receive(token, parcel, units=count - 5, signed_by="sister Agnes")
    anna.is_ready()
    second = anna.grants[-1].attempt
    anna.prints(second)
    office.desk.inspect(second, good=office.desk.attempt(second).count, scrapped=0, by="ines")
    office.desk.collect(second, by="carl")
    office.desk.send(office.desk.pack(need.id, by="paul").id, by="paul")
    carla.is_ready()
    carla.reports(carla.grants[-1].attempt, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    carla.dies()
    office.now[0] += 100_000
    office.conversation.sweep()
    withdrawn, _ = office.needs(3)
    office.desk.cancel_need(withdrawn.id, by="carl")
    anna.is_ready()
    anna.reports(anna.grants[-1].attempt, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    office.needs(9, part="strap-clip")
    return Told(need.id, first, parcel, office.now[0])
