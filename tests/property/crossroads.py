"""A house where everything is: things in each state, somebody of each role, links, and words to look out for."""

from dataclasses import dataclass
from pathlib import Path

from coordinator import ids
from coordinator.model.roles import HOME, PERMISSIONS, Permission, Role
from coordinator.privacy.address import PickupAddress
from tests.property.planted import plant
from tests.unit.coordinator.office import KEY, PlayedAgent, open_office
from tests.unit.coordinator.web.house import House

STREET, PHONE, HOURS = "Quittenweg", "5550142", "after-six-only"
ADDRESS = (STREET, PHONE, HOURS)
THEIRS = "Quellbach"
"""In the name of each hospital of the first cluster; who is in the other one never reads it."""
VICTIM = "victor"
"""Somebody with an account who may be given roles, disabled and reset at will."""
LEAVING = ("bert", "anna")
"""Agents; the first may be revoked and forgotten, at the second's home somebody goes to pick up."""


@dataclass(frozen=True)
class Visitor:
    """Who asks: how they show who they are, what they may do, and where."""

    name: str
    headers: dict[str, str]
    acts: frozenset[Permission] = frozenset()
    known: bool = True
    stranger_to_home: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass
class Crossroads:
    """The house, who comes there, what there is to name in a request, and secrets by what they are."""

    house: House
    visitors: list[Visitor]
    names: dict[str, list[str]]
    secrets: dict[str, str]
    database: Path


def build(directory: Path) -> Crossroads:
    """Furnish a house on an empty SQLite database. Its requests are made in this process."""
    database = directory / "muster.db"
    office = open_office(directory, f"sqlite:///{database}")
    house = House(office, "")
    secrets: dict[str, str] = {}
    visitors = [
        Visitor("nobody", {}, known=False),
        Visitor("a wrong token", _bearer("muster_nobody-has-this"), known=False),
        Visitor("an expired token", _bearer("muster_stale"), known=False),
        Visitor("the access key", _bearer(KEY), frozenset(set(Permission) - {Permission.SELF})),
    ]
    for role in Role:
        _join(house, role.value, HOME, role)
        visitors.append(Visitor(role.value, _bearer(f"muster_{role.value}"), PERMISSIONS[role]))
        secrets[f"{role.value}'s token"] = f"muster_{role.value}"
        secrets[f"{role.value}'s token, as it is kept"] = ids.digest(f"muster_{role.value}")
    _join(house, "wanda", "west", Role.ADMIN)
    visitors.append(
        Visitor(
            "another cluster's admin", _bearer("muster_wanda"), PERMISSIONS[Role.ADMIN], stranger_to_home=True
        )
    )
    _join(house, "stale", HOME, Role.ADMIN, lasts=-1)
    house.person(VICTIM, (HOME, Role.VIEWER))
    secrets |= plant(house, VICTIM)
    names = _furnish(house)
    for kind in ("track", "maker", "left"):
        secrets[f"a {kind} link"] = names[kind][0]
        secrets[f"a {kind} link, as it is kept"] = ids.digest(names[kind][0])
    secrets["a plate's link"] = names["file"][0]
    return Crossroads(house, visitors, names, secrets, database)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _join(house: House, name: str, cluster: str, role: Role, lasts: float = 86_400) -> None:
    house.person(name, (cluster, role))
    house.token(name, role, cluster, lasts)


def _furnish(house: House) -> dict[str, list[str]]:
    """What may be named, by the name of the parameter."""
    office, desk = house.office, house.office.desk
    hospital = office.vetted(f"{THEIRS} North")
    unvetted = desk.add_hospital(name=f"{THEIRS} South", contact="ward 9", latitude=48, longitude=16).id
    anna = office.agent("anna")
    office.agent("bert")
    makers = {name: desk.link_agent(name, by="ines") for name in ("anna", "bert")}
    desk.give_address(makers["anna"], PickupAddress(address=f"{STREET} 17", contact=PHONE, hours=HOURS))
    need, tracking = office.needs(4, hospital=hospital)
    sent = _printed(anna)
    desk.inspect(sent, good=desk.attempt(sent).count, scrapped=0, by="inspector")
    desk.collect(sent, by="courier")
    parcel = desk.send(desk.pack(need.id, by="courier").id, by="courier").id
    desk.file_need(hospital=hospital, part="ear-saver", quantity=4, by="coordinator")
    fresh = _printed(anna)
    pickup = desk.take_pickup("anna", by="courier").id
    return {
        "hospital": [hospital, unvetted],
        "need": [need.id],
        "attempt": [sent, fresh],
        "parcel": [parcel],
        "agent": list(LEAVING),
        "pickup": [pickup],
        "person": [VICTIM],
        "part": ["ear-saver"],
        "wish": ["pause"],
        "cluster": [HOME],
        "track": [tracking],
        "maker": [makers["anna"]],
        "left": [makers["bert"]],
        "file": [anna.grants[-1].url.rpartition("/")[2]],
        "token": [tracking, *makers.values()],
    }


def _printed(agent: PlayedAgent) -> str:
    """A lot that waits at the agent's home."""
    agent.is_ready()
    lot = agent.grants[-1].attempt
    agent.prints(lot)
    return lot
