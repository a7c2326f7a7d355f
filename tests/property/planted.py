"""Secrets that lie about in the house: no answer of the API may hold one, whoever asks."""

from coordinator import ids
from coordinator.acts import login
from coordinator.model.roles import HOME, Role
from coordinator.people import accounts, factor
from coordinator.people.authentication import Opened
from coordinator.privacy.address import PickupAddress
from coordinator.store import people
from tests.unit.coordinator.office import KEY
from tests.unit.coordinator.web.house import PASSWORD, House
from wire.enrolment import parse

HIDDEN = PickupAddress(address="Holunderhof 3", contact="5550177", hours="mornings-only")
"""Of a maker at whose home nothing waits: nobody goes there, and nobody but the own link leads there."""


def plant(house: House, victim: str) -> dict[str, str]:
    """Lay them there, many at the account of a `victim` without a password; the secrets, by what they are."""
    found = {"the access key": KEY, "a private key": "PRIVATE KEY"} | _of_account(house, victim)
    for file in sorted(house.office.authority.certificate_file.parent.rglob("*.key")):
        found[f"the private key {file.name}"] = file.read_text().splitlines()[1]
    office = house.office
    found |= _both("an invite", parse(office.desk.invite(by="coordinator")).code)
    found |= _both("a one-time link", house.authenticator.once())
    office.agent("carl")
    link = office.desk.link_agent("carl", by="ines")
    office.desk.give_address(link, HIDDEN)
    found |= _both("another maker's link", link)
    return found | {"an address": HIDDEN.address, "a phone": HIDDEN.contact, "hours": HIDDEN.hours}


def _of_account(house: House, victim: str) -> dict[str, str]:
    """A password, a second factor, recovery codes, a link to choose a password; and the session of somebody else."""
    now = house.office.now[0]
    secret = factor.fresh()
    sealed = house.authenticator.seal.close(secret, victim)
    with house.office.store.write() as tx:
        people.persons.change(tx, victim, factor=sealed, factor_since=now)
        recovery = accounts.new_recovery(tx, victim)
        welcome = accounts.welcome(tx, victim, by="ines", now=now)
    house.person("sonja", (HOME, Role.VIEWER))
    opened = login.log_in(house.office.services, "sonja", PASSWORD, address="192.0.2.7", browser="a browser")
    assert isinstance(opened, Opened)
    with house.office.store.read() as tx:
        session = people.sessions_of(tx, "sonja")[0]
    found = {"a password": PASSWORD, "a kept password": "$argon2", "a second factor": secret}
    found |= {"a sealed second factor": sealed, "a device": opened.device, "a session's id": session.id}
    found |= _both("a session", opened.token) | _both("a link to choose a password", welcome)
    for number, code in enumerate(recovery):
        found |= {f"recovery code {number}": code, f"recovery digest {number}": factor.recovery_digest(code)}
    return found


def _both(what: str, token: str) -> dict[str, str]:
    return {what: token, f"{what}, as it is kept": ids.digest(token)}
