"""A authenticator on a database, and people who come to the door."""

from dataclasses import replace

from argon2 import PasswordHasher
from pyotp import random_base32
from pyotp.totp import TOTP

from coordinator.acts import login
from coordinator.model.roles import HOME, Role
from coordinator.people import accounts
from coordinator.people.authentication import Authenticator, Opened, Ticket
from coordinator.store import people
from tests.unit.coordinator.office import KEY, Office

WORDS = "seven printers hum"


HERE = "192.0.2.1"


class House:
    """A authenticator on a database, and people who come to the door."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.authenticator = Authenticator(
            office.store, lambda shown: shown == KEY, lambda: office.now[0], b"s" * 32
        )
        self.services = replace(office.services, authenticator=self.authenticator)

    def person(self, name: str = "ines", *roles: tuple[str, Role]) -> None:
        with self.office.store.write() as tx:
            accounts.add(tx, name=name, shown=name.title(), now=self.office.now[0])
            people.persons.change(tx, name, password=KEPT)
            for cluster, role in roles or ((HOME, Role.COORDINATOR),):
                people.give_role(tx, name, cluster, role)

    def comes(self, name: str = "ines", password: str = WORDS, *, address: str = HERE, device: str = ""):
        return login.log_in(
            self.services, name, password, address=address, browser="Firefox on Linux", device=device
        )

    def opens(self, name: str = "ines", **more) -> str:
        opened = self.comes(name, **more)
        assert isinstance(opened, Opened)
        return opened.token

    def goes(self, seconds: float) -> None:
        self.office.now[0] += seconds

    def factor(self, name: str = "ines") -> tuple[TOTP, list[str]]:
        """The person has an authenticator, and recovery codes, from now on."""
        secret = random_base32()
        totp = TOTP(secret)
        with self.office.store.write() as tx:
            code = totp.at(int(self.office.now[0]))
            codes = accounts.set_factor(
                tx, accounts.get(tx, name), secret, self.authenticator.seal, code, self.office.now[0]
            )
        self.goes(60)
        return totp, codes

    def code(self, totp: TOTP) -> str:
        return totp.at(int(self.office.now[0]))

    def second(self, ticket: object, code: str, *, address: str = HERE) -> Opened:
        assert isinstance(ticket, Ticket)
        return login.log_in_by_code(
            self.services, ticket.value, code, address=address, browser="Firefox on Linux"
        )


CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


KEPT = CHEAP.hash(WORDS)
