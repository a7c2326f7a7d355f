"""For each registered act: what must be there before, and what it is called with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyotp.totp import TOTP
from sqlalchemy import text

from coordinator.acts.account import pending
from coordinator.acts.act import ACTS
from coordinator.acts.keys import KeyServices
from coordinator.model.roles import HOME, Permission, Role, permissions
from coordinator.people import accounts, factor
from coordinator.people.principal import AGENT, HOSPITAL, MAKER, NOBODY, Principal, Via
from coordinator.privacy.address import PickupAddress
from coordinator.store import people
from coordinator.work import catalogue
from gcode_templates import part_source
from tests.unit.coordinator.authentication.house import KEPT
from tests.unit.coordinator.office import Office
from tests.unit.coordinator.test_enrolment import certificate_request
from wire import release
from wire.enrolment import EnrolmentRequest, Invite, parse
from wire.lifecycle import Step

INES = Principal(name="ines", via=Via.KEY, role="machine", everywhere=True)
_BY_PERMISSION = {
    Permission.HOSPITAL_LINK: HOSPITAL,
    Permission.MAKER_LINK: MAKER,
    Permission.JOIN: AGENT,
    Permission.ENTER: NOBODY,
}


@dataclass(frozen=True)
class Scenario:
    """`prepare` makes what must be there, and gives the arguments; `more` are those that need nothing made."""

    prepare: Callable[[Office], tuple[Any, ...]] = lambda _: ()
    more: dict[str, Any] = field(default_factory=dict)
    tells: bool = True
    """Whether anybody is told of it."""


def play(office: Office, name: str, there: Sequence[Any]) -> Any:
    """Do the act of this name; of what is `there`, a mapping at the end are named arguments."""
    act, scenario = ACTS[name], SCENARIOS[name]
    services: Any = office.services
    if name.startswith(("key.", "part.")):
        services = KeyServices(units=office.services.units, keyring=office.keyring)
    who = _BY_PERMISSION.get(act.permission, INES)
    if act.permission is Permission.SELF:
        who = of_person(office)
    more = scenario.more
    if there and isinstance(there[-1], dict):
        *there, made = there
        more = more | made
    return act(services, who, *there, **more)


# ── what may be there ─────────────────────────────────────────────────────────────────────────────────────


def a_lot(office: Office, units: int = 2) -> tuple[str, str, str]:
    """(need, token, lot) of a plate that is being printed."""
    need, token = office.needs(units)
    anna = office.agent("anna")
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
    return need.id, token, lot


def off_the_bed(office: Office) -> tuple[str, str, str]:
    need, token = office.needs(2)
    anna = office.agent("anna")
    anna.is_ready()
    lot = anna.grants[-1].attempt
    anna.prints(lot)
    return need.id, token, lot


def counted(office: Office) -> tuple[str, str, str]:
    need, token, lot = off_the_bed(office)
    office.desk.inspect(lot, good=2, scrapped=0, by="ines")
    return need, token, lot


def at_hub(office: Office) -> str:
    need, _, lot = counted(office)
    office.desk.collect(lot, by="carl")
    return need


def packed(office: Office) -> tuple[str, str]:
    need, token, lot = counted(office)
    office.desk.collect(lot, by="carl")
    return token, office.desk.pack(need, by="paul").id


def sent(office: Office) -> tuple[str, str]:
    token, parcel = packed(office)
    office.desk.send(parcel, by="paul")
    return token, parcel


def doubted(office: Office) -> str:
    lot = a_lot(office)[2]
    office.now[0] += 90_000
    with office.store.write() as tx:
        tx.execute(text("update agent set online = false, seen = 0"))
    office.conversation.sweep()
    return lot


def paused(office: Office) -> str:
    lot = a_lot(office)[2]
    anna = next(agent for agent in office.played if agent.name == "anna")
    anna.reports(lot, Step.PAUSE)
    return lot


def printed(office: Office) -> str:
    lot = a_lot(office)[2]
    anna = next(agent for agent in office.played if agent.name == "anna")
    anna.reports(lot, Step.FINISH)
    return lot


def a_hospital(office: Office) -> str:
    return office.desk.add_hospital(name="St Anna", contact="ward 3", latitude=48.2, longitude=16.3).id


def held(office: Office) -> str:
    need, _ = office.needs(5)
    office.is_held(need.id)
    return need.id


def linked(office: Office) -> str:
    office.agent("anna")
    return office.desk.link_agent("anna", by="ines")


def taken(office: Office) -> str:
    off_the_bed(office)
    return office.desk.take_pickup("anna", by="ines").id


def invited(office: Office) -> EnrolmentRequest:
    invite: Invite = parse(office.desk.invite(by="ines"))
    return EnrolmentRequest(invite.code, "anna", certificate_request("anna"))


def a_person(office: Office, name: str = "ines", role: Role = Role.ADMIN) -> str:
    with office.store.write() as tx:
        accounts.add(tx, name=name, shown=name.title(), now=office.now[0])
        people.persons.change(tx, name, password=KEPT)
        people.give_role(tx, name, HOME, role)
    return name


def of_person(office: Office) -> Principal:
    with office.store.read() as tx:
        (session,) = [each for each in people.sessions_of(tx, "ines") if each.browser == "here"]
    return Principal(
        name="ines",
        via=Via.SESSION,
        person="ines",
        role="admin",
        session=session.id,
        permissions=permissions([(HOME, Role.ADMIN)]),
    )


def logged_in(office: Office) -> tuple[()]:
    a_person(office)
    office.desk.open_session("ines", "ines", "here")
    return ()


def with_factor(office: Office) -> tuple[str]:
    logged_in(office)
    secret = factor.fresh()
    with office.store.write() as tx:
        code = TOTP(secret).at(int(office.now[0]))
        seal = office.services.authenticator.seal
        accounts.set_factor(tx, accounts.get(tx, "ines"), secret, seal, code, office.now[0])
    office.now[0] += 60
    return (TOTP(secret).at(int(office.now[0])),)


def about_to_set_factor(office: Office) -> tuple[str, str]:
    logged_in(office)
    secret = factor.fresh()
    sealed = office.services.authenticator.seal.close(secret, pending(of_person(office)))
    return sealed, TOTP(secret).at(int(office.now[0]))


def elsewhere(office: Office) -> tuple[str]:
    logged_in(office)
    office.desk.open_session("ines", "ines", "elsewhere")
    with office.store.read() as tx:
        return (next(each for each in people.sessions_of(tx, "ines") if each.browser == "elsewhere").id,)


def with_token(office: Office) -> tuple[str]:
    logged_in(office)
    play(office, "token.make", ())
    with office.store.read() as tx:
        return (people.tokens_of(tx, "ines")[0].id,)


def welcomed(office: Office) -> tuple[str, str, str]:
    _, code = office.desk.add_person(name="carl", shown="Carl", role=Role.VIEWER)
    return code, KEPT, "here"


def signed_part(office: Office) -> tuple[bytes, release.Release]:
    document = part_source("ear-saver").replace(b'version = "1', b'version = "7')
    part = catalogue.read(document)
    key = office.keyring.private("release")
    assert key is not None
    return document, release.sign(part.name, part.version, document, key)


# ── the acts ──────────────────────────────────────────────────────────────────────────────────────────────

_NEW_PERSON = {"name": "carl", "shown": "Carl", "role": Role.VIEWER}

SCENARIOS: dict[str, Scenario] = {
    "hospital.add": Scenario(
        more={"name": "St Anna", "contact": "ward 3", "latitude": 48.2, "longitude": 16.3}
    ),
    "hospital.approve": Scenario(lambda office: (a_hospital(office),)),
    "need.file": Scenario(
        lambda office: ({"hospital": office.vetted()},), {"part": "ear-saver", "quantity": 3}
    ),
    "need.cancel": Scenario(lambda office: (office.needs(3)[0].id,)),
    "need.release": Scenario(lambda office: (held(office),)),
    "need.relink": Scenario(lambda office: (office.needs(1)[0].id,), tells=False),
    "attempt.cancel": Scenario(lambda office: (a_lot(office)[2],)),
    "attempt.pause": Scenario(lambda office: (a_lot(office)[2],)),
    "attempt.resume": Scenario(lambda office: (paused(office),)),
    "attempt.cleared": Scenario(lambda office: (printed(office),)),
    "attempt.inspect": Scenario(lambda office: (off_the_bed(office)[2],), {"good": 1, "scrapped": 1}),
    "attempt.collect": Scenario(lambda office: (counted(office)[2],)),
    "attempt.vouch": Scenario(lambda office: (doubted(office),), {"why": "she rang me"}),
    "attempt.write-off": Scenario(lambda office: (doubted(office),), {"why": "she moved away"}),
    "parcel.pack": Scenario(lambda office: (at_hub(office),)),
    "parcel.send": Scenario(lambda office: (packed(office)[1],)),
    "parcel.receive": Scenario(sent, {"units": 2, "signed_by": "sister Agnes", "remark": "thank you"}),
    "agent.invite": Scenario(tells=False),
    "agent.enrol": Scenario(lambda office: (invited(office),)),
    "agent.revoke": Scenario(lambda office: (office.agent("anna").name,), {"why": "stolen"}),
    "agent.place": Scenario(lambda office: (office.agent("anna").name, "west"), tells=False),
    "maker.link": Scenario(lambda office: (office.agent("anna").name,), tells=False),
    "address.give": Scenario(lambda office: (linked(office), PickupAddress(address="moved")), tells=False),
    "address.withdraw": Scenario(lambda office: (linked(office),), tells=False),
    "address.look": Scenario(lambda office: (taken(office),), tells=False),
    "pickup.take": Scenario(lambda office: (off_the_bed(office) and "anna",)),
    "pickup.give-back": Scenario(lambda office: (taken(office),)),
    "privacy.export-own": Scenario(lambda office: (linked(office),), tells=False),
    "privacy.erase-own": Scenario(lambda office: (linked(office),), {"name": "anna"}),
    "privacy.export": Scenario(lambda office: (office.agent("anna").name,), tells=False),
    "privacy.erase": Scenario(lambda office: (office.agent("anna").name,)),
    "privacy.export-hospital": Scenario(lambda office: (a_hospital(office),), tells=False),
    "privacy.erase-hospital": Scenario(lambda office: (a_hospital(office),)),
    "person.add": Scenario(more=_NEW_PERSON, tells=False),
    "role.give": Scenario(lambda office: (a_person(office, "carl"), Role.COURIER), tells=False),
    "role.take": Scenario(lambda office: (a_person(office, "carl"), Role.ADMIN), tells=False),
    "person.reset": Scenario(
        lambda office: (a_person(office, "carl"),), {"second_factor": True}, tells=False
    ),
    "person.disable": Scenario(lambda office: (a_person(office, "carl"),), tells=False),
    "person.enable": Scenario(
        lambda office: (office.desk.disable_person(a_person(office, "carl"), by="ines").name,), tells=False
    ),
    "person.enter": Scenario(lambda office: (a_person(office), "ines", "here"), tells=False),
    "person.first": Scenario(lambda _: ("ines", "Ines", KEPT, "here"), tells=False),
    "person.choose-password": Scenario(welcomed, tells=False),
    "person.password": Scenario(lambda office: (*logged_in(office), KEPT), tells=False),
    "factor.set": Scenario(about_to_set_factor, tells=False),
    "factor.remove": Scenario(with_factor, {"address": "192.0.2.1"}, tells=False),
    "factor.codes": Scenario(with_factor, {"address": "192.0.2.1"}, tells=False),
    "session.end": Scenario(elsewhere, tells=False),
    "session.end-all": Scenario(logged_in, tells=False),
    "session.leave": Scenario(logged_in, tells=False),
    "token.make": Scenario(
        logged_in, {"label": "robot", "cluster": HOME, "role": Role.VIEWER, "days": 1}, tells=False
    ),
    "token.revoke": Scenario(with_token, tells=False),
    "part.approve": Scenario(signed_part, tells=False),
    "key.take-out": Scenario(lambda _: ("root",), tells=False),
    "key.rotate": Scenario(lambda _: ("dispatch",), tells=False),
    "key.revoke": Scenario(lambda _: ("3f9c2a7be01d4c55",), tells=False),
    "key.install": Scenario(lambda _: ("12",), tells=False),
}
