"""The porter: who gets in by what, for how long, and who does not."""

import pytest
from argon2 import PasswordHasher
from pyotp import random_base32
from pyotp.totp import TOTP

from coordinator import ids
from coordinator.errors import Conflict, Forbidden, Invalid, Missing, Slow, Unauthorised
from coordinator.model.roles import HOME, Act, Role
from coordinator.people import accounts, passwords
from coordinator.people.asker import NOBODY, Via
from coordinator.people.factor import RECOVERY
from coordinator.people.porter import IDLE, ONCE, SESSION, TICKET, Link, Opened, Porter, Rules, Ticket
from coordinator.people.throttle import PAIR
from coordinator.store import people, restorations
from coordinator.store.restorations import Restoration
from tests.unit.coordinator.office import KEY, Office

WORDS = "seven printers hum"
HERE = "192.0.2.1"


class House:
    """A porter on a database, and people who come to the door."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.porter = Porter(office.store, office.desk.check_key, lambda: office.now[0], b"s" * 32)

    def person(self, name: str = "ines", *roles: tuple[str, Role]) -> None:
        with self.office.store.write() as tx:
            accounts.add(tx, name=name, shown=name.title(), now=self.office.now[0])
            people.persons.change(tx, name, password=_kept)
            for cluster, role in roles or ((HOME, Role.COORDINATOR),):
                people.give_role(tx, name, cluster, role)

    def comes(self, name: str = "ines", password: str = WORDS, *, address: str = HERE, device: str = ""):
        return self.porter.enter(name, password, address=address, browser="Firefox on Linux", device=device)

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
                tx, accounts.get(tx, name), secret, self.porter.seal, code, self.office.now[0]
            )
        self.goes(60)
        return totp, codes

    def code(self, totp: TOTP) -> str:
        return totp.at(int(self.office.now[0]))

    def second(self, ticket: object, code: str, *, address: str = HERE) -> Opened:
        assert isinstance(ticket, Ticket)
        return self.porter.second(ticket.value, code, address=address, browser="Firefox on Linux")


_cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_kept = _cheap.hash(WORDS)


@pytest.fixture
def database(tmp_path) -> str:
    """SQLite: what differs between databases is tested with the desk and with `test_staff.py`."""
    return f"sqlite:///{tmp_path}/muster.db"


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch):
    """What is kept by less work, that hundreds of tries take no minutes."""
    monkeypatch.setattr(passwords, "_hasher", _cheap)
    monkeypatch.setattr(passwords, "_nobody", _kept)


@pytest.fixture
def house(office: Office) -> House:
    return House(office)


# ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_person_logs_in_and_is_known_with_their_roles(house: House):
    house.person("ines", ("west", Role.COURIER))
    asker = house.porter.browser(house.opens(" Ines "))
    assert (asker.by, asker.person, asker.via) == ("ines", "ines", Via.SESSION)
    assert asker.may(Act.SEND, "west")
    assert not asker.may(Act.FILE, "west")
    assert not asker.everywhere


def test_neither_password_nor_token_stand_in_the_database(house: House):
    house.person()
    token = house.opens()
    with house.office.store.read() as tx:
        rows = [
            str(tx.exec_driver_sql(f"SELECT * FROM {table}").all())
            for table in ("person", "session", "token", "entry", "recovery")
        ]
    assert not any(WORDS in row or token in row for row in rows)


@pytest.mark.parametrize("made_up", ["", "x", "é", "0" * 64, KEY])
def test_a_session_cannot_be_made_up(house: House, made_up):
    house.person()
    house.opens()
    assert house.porter.browser(made_up) is NOBODY


def test_a_session_ends_when_it_rests_and_in_any_case(house: House):
    house.person()
    token = house.opens()
    house.goes(IDLE - 1)
    assert house.porter.browser(token).is_known
    house.goes(IDLE + 1)
    assert not house.porter.browser(token).is_known
    token = house.opens()
    for _ in range(SESSION // (IDLE // 2) - 1):
        house.goes(IDLE // 2)
        assert house.porter.browser(token).is_known
    house.goes(IDLE // 2)
    assert not house.porter.browser(token).is_known


def test_a_new_password_ends_the_other_sessions(house: House):
    house.person()
    here, there = house.opens(), house.opens()
    session = house.porter.browser(here).session
    with house.office.store.write() as tx:
        accounts.change(tx, "ines", passwords.keep("nine spools turn"), session=session)
    assert house.porter.browser(here).is_known
    assert not house.porter.browser(there).is_known
    with pytest.raises(Unauthorised):
        house.comes()
    house.opens(password="nine spools turn")


def test_a_role_that_is_taken_counts_at_once(house: House):
    house.person("ines", (HOME, Role.COORDINATOR))
    token = house.opens()
    with house.office.store.write() as tx:
        accounts.take(tx, "ines", HOME, Role.COORDINATOR)
    assert not house.porter.browser(token).may(Act.LOOK)


def test_who_is_disabled_gets_in_by_no_way(house: House):
    house.person()
    token = house.opens()
    with house.office.store.write() as tx:
        code = accounts.welcome(tx, "ines", by="carl", now=house.office.now[0])
        accounts.disable(tx, "ines", now=house.office.now[0])
    assert not house.porter.browser(token).is_known
    with pytest.raises(Unauthorised):
        house.comes()
    with pytest.raises(Missing):
        house.porter.link(code)
    with house.office.store.write() as tx, pytest.raises(Forbidden):
        accounts.welcome(tx, "ines", by="carl", now=house.office.now[0])
    with house.office.store.write() as tx:
        accounts.enable(tx, "ines")
    house.opens()
    assert not house.porter.browser(token).is_known


def test_a_session_that_a_back_up_brings_back_is_over(house: House):
    house.person()
    token = house.opens()
    house.goes(10)
    with house.office.store.write() as tx:
        restorations.restorations.add(
            tx, Restoration(id="b-1", taken=house.office.now[0] - 5, restored=house.office.now[0])
        )
    house.goes(1)
    again = House(house.office)
    assert not again.porter.browser(token).is_known
    again.opens()


# ── guesses ───────────────────────────────────────────────────────────────────────────────────────────────


def test_unknown_wrong_disabled_and_without_password_are_told_alike(house: House):
    house.person("ines")
    house.person("carl")
    with house.office.store.write() as tx:
        accounts.add(tx, name="dora", shown="Dora", now=0)
        accounts.disable(tx, "carl", now=house.office.now[0])
    told: set[str] = set()
    for name in ("ines", "carl", "dora", "nobody", "", "x" * 500):
        with pytest.raises(Unauthorised) as refused:
            house.comes(name, WORDS if name == "carl" else "wrong, I guess")
        told.add(str(refused.value))
    assert len(told) == 1


def test_a_guesser_is_slowed_down_even_when_they_guess_right(house: House):
    house.person()
    for _ in range(PAIR.free):
        with pytest.raises(Unauthorised):
            house.comes(password="wrong, I guess")
    with pytest.raises(Slow):
        house.comes()
    house.goes(3)
    house.opens()


def test_names_that_nobody_has_are_slowed_down_just_the_same(house: House):
    for _ in range(PAIR.free):
        with pytest.raises(Unauthorised):
            house.comes("nobody", "wrong, I guess")
    with pytest.raises(Slow):
        house.comes("nobody", "wrong, I guess")


def test_nobody_is_shut_out_by_a_strangers_guesses(house: House):
    house.person()
    opened = house.comes(address="203.0.113.5")
    assert isinstance(opened, Opened)
    for number in range(60):
        with pytest.raises((Unauthorised, Slow)):
            house.comes(password="wrong, I guess", address=f"10.0.0.{number}")
    with pytest.raises(Slow):
        house.comes(address="198.51.100.9")  # somewhere she has never been
    house.opens(address="203.0.113.5")
    house.opens(address="198.51.100.9", device=opened.device)
    with pytest.raises(Slow):
        house.comes(address="198.51.100.10", device=opened.device[:-1] + "x")
    assert house.porter.browser(opened.token).is_known


def test_a_browser_is_known_for_its_own_person_only(house: House):
    house.person("ines")
    house.person("carl")
    opened = house.comes("ines", address="203.0.113.5")
    assert isinstance(opened, Opened)
    for number in range(60):
        with pytest.raises((Unauthorised, Slow)):
            house.comes("carl", "wrong, I guess", address=f"10.0.0.{number}")
    with pytest.raises(Slow):
        house.comes("carl", address="198.51.100.9", device=opened.device)


# ── second factor ─────────────────────────────────────────────────────────────────────────────────────────


def test_with_a_second_factor_the_password_alone_opens_nothing(house: House):
    house.person()
    totp, _ = house.factor()
    ticket = house.comes()
    assert isinstance(ticket, Ticket)
    assert not house.porter.browser(ticket.value).is_known
    with pytest.raises(Unauthorised):
        house.second(ticket, "000000")
    assert house.porter.browser(house.second(ticket, house.code(totp)).token).is_known


def test_a_code_is_never_good_twice(house: House):
    house.person()
    totp, _ = house.factor()
    code = house.code(totp)
    house.second(house.comes(), code)
    with pytest.raises(Unauthorised):
        house.second(house.comes(), code)
    house.goes(30)
    with pytest.raises(Unauthorised):
        house.second(house.comes(), code)
    house.second(house.comes(), house.code(totp))


def test_a_recovery_code_is_good_once(house: House):
    house.person()
    _, codes = house.factor()
    assert len(codes) == RECOVERY
    house.second(house.comes(), codes[3].upper())
    with pytest.raises(Unauthorised):
        house.second(house.comes(), codes[3])
    house.second(house.comes(), codes[4])


def test_codes_are_guessed_slowly(house: House):
    house.person()
    totp, _ = house.factor()
    ticket = house.comes()
    for _ in range(PAIR.free):
        with pytest.raises(Unauthorised):
            house.second(ticket, "000000")
    with pytest.raises(Slow):
        house.second(ticket, house.code(totp))


@pytest.mark.parametrize(
    "spoilt", [lambda t: t + "0", lambda t: "A" + t[1:], lambda t: "", lambda t: "é.é", lambda t: "."]
)
def test_a_ticket_cannot_be_made_up(house: House, spoilt):
    house.person()
    totp, _ = house.factor()
    ticket = house.comes()
    assert isinstance(ticket, Ticket)
    with pytest.raises(Unauthorised):
        house.second(Ticket(spoilt(ticket.value)), house.code(totp))


def test_a_ticket_is_over_with_time_and_with_the_password(house: House):
    house.person()
    totp, _ = house.factor()
    late, stale = house.comes(), house.comes()
    with house.office.store.write() as tx:
        accounts.change(tx, "ines", passwords.keep("nine spools turn"))
    with pytest.raises(Unauthorised):
        house.second(stale, house.code(totp))
    late = house.comes(password="nine spools turn")
    house.goes(TICKET + 1)
    with pytest.raises(Unauthorised):
        house.second(late, house.code(totp))


def test_an_admin_must_have_a_second_factor_after_the_grace(house: House):
    house.person("ines", (HOME, Role.ADMIN))
    token = house.opens()
    fresh = house.porter.browser(token)
    assert fresh.may(Act.PEOPLE)
    assert fresh.due == pytest.approx(house.office.now[0] + Rules().grace)
    house.goes(Rules().grace + 1)
    house.opens()  # a second log-in begins no second grace
    late = house.porter.browser(house.opens())
    assert late.confined
    assert not any(late.may(act) for act in Act if act is not Act.SELF)
    assert late.may(Act.SELF)
    token = house.opens()
    house.factor()
    assert house.porter.browser(token).may(Act.PEOPLE)


def test_others_need_none_unless_the_house_wants_it(house: House):
    house.person("ines", (HOME, Role.COORDINATOR))
    assert house.porter.browser(house.opens()).due is None
    house.porter.rules = Rules(everyone=True, grace=0)
    asker = house.porter.browser(house.opens())
    assert asker.confined


# ── links ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_account_is_made_by_a_link_and_only_one(house: House):
    code = house.porter.first()
    assert code
    assert house.porter.link(code)[0] is Link.FIRST
    with pytest.raises(Invalid):
        house.porter.enter_first(code, name="ines", shown="Inès", password="short", browser="")
    with pytest.raises(Invalid):
        house.porter.enter_first(code, name="no good name", shown="", password=WORDS, browser="")
    opened = house.porter.enter_first(code, name="Ines", shown="Inès", password=WORDS, browser="")
    assert isinstance(opened, Opened)
    assert house.porter.browser(opened.token).may(Act.PEOPLE, HOME)
    with pytest.raises(Missing):
        house.porter.link(code)
    assert house.porter.first() is None


def test_two_links_make_no_two_first_accounts(house: House):
    one, two = house.porter.first(), house.porter.first()
    assert one
    assert two
    house.porter.enter_first(one, name="ines", shown="", password=WORDS, browser="")
    with pytest.raises(Conflict):
        house.porter.enter_first(two, name="carl", shown="", password=WORDS, browser="")


def test_a_welcome_is_good_once_for_three_days_and_the_newest_only(house: House):
    house.person()
    with house.office.store.write() as tx:
        older = accounts.welcome(tx, "ines", by="carl", now=house.office.now[0])
        code = accounts.welcome(tx, "ines", by="carl", now=house.office.now[0])
    with pytest.raises(Missing):
        house.porter.link(older)
    assert house.porter.link(code) == (Link.WELCOME, "ines")
    token = house.opens()
    house.porter.choose(code, "nine spools turn", "")
    assert not house.porter.browser(token).is_known
    with pytest.raises(Missing):
        house.porter.choose(code, "ten spools turn", "")
    with house.office.store.write() as tx:
        late = accounts.welcome(tx, "ines", by="carl", now=house.office.now[0])
    house.goes(accounts.WELCOME + 1)
    with pytest.raises(Missing):
        house.porter.choose(late, "ten spools turn", "")


def test_a_link_alone_does_not_go_round_the_second_factor(house: House):
    house.person()
    totp, _ = house.factor()
    with house.office.store.write() as tx:
        code = accounts.reset(tx, "ines", by="carl", now=house.office.now[0], second_factor=False)
    ticket = house.porter.choose(code, "nine spools turn", "")
    assert house.porter.browser(house.second(ticket, house.code(totp)).token).is_known
    with house.office.store.write() as tx:
        code = accounts.reset(tx, "ines", by="carl", now=house.office.now[0], second_factor=True)
    assert isinstance(house.porter.choose(code, "ten spools turn", ""), Opened)


def test_a_local_link_opens_an_administrators_session_once(house: House):
    code = house.porter.once()
    opened = house.porter.enter_locally(code, "Núria", "")
    asker = house.porter.browser(opened.token)
    assert (asker.by, asker.via, asker.everywhere) == ("Núria", Via.LINK, True)
    with pytest.raises(Missing):
        house.porter.enter_locally(code, "Núria", "")
    late = house.porter.once()
    house.goes(ONCE + 1)
    with pytest.raises(Missing):
        house.porter.enter_locally(late, "Núria", "")


# ── programs ──────────────────────────────────────────────────────────────────────────────────────────────


def given(house: House, role: Role, *, cluster: str = HOME, days: int = 1) -> str:
    with house.office.store.write() as tx:
        people.tokens.add(
            tx,
            people.Token(
                token=ids.digest("muster_t"),
                id="k-1",
                person="ines",
                label="a script",
                cluster=cluster,
                role=role,
                created=house.office.now[0],
                expires=house.office.now[0] + days * 86_400,
            ),
        )
    return "muster_t"


def test_the_access_key_is_the_machines_administrator(house: House):
    asker = house.porter.program(KEY, "Núria")
    assert asker is not None
    assert (asker.by, asker.via) == ("Núria", Via.KEY)
    assert asker.may(Act.LOCAL)
    assert house.porter.program("wrong", "Núria") is None


def test_with_the_key_nobody_passes_for_somebody_who_has_an_account(house: House):
    house.person("ines")
    asker = house.porter.program(KEY, "ines")
    assert asker is not None
    assert asker.by == "ines (access key)"
    opened = house.porter.enter_locally(house.porter.once(), "ines", "")
    assert house.porter.browser(opened.token).by == "ines (access key)"


def test_a_token_may_what_its_role_may_as_long_as_its_person_may(house: House):
    house.person("ines", (HOME, Role.COORDINATOR), ("west", Role.COORDINATOR))
    token = given(house, Role.INSPECTOR)
    asker = house.porter.program(token, "somebody else")
    assert asker is not None
    assert (asker.by, asker.via) == ("ines", Via.TOKEN)
    assert asker.may(Act.INSPECT, HOME)
    assert not asker.may(Act.FILE, HOME)
    assert not asker.may(Act.LOOK, "west")
    assert not asker.may(Act.SELF)
    with house.office.store.write() as tx:
        accounts.take(tx, "ines", HOME, Role.COORDINATOR)
        accounts.give(tx, "ines", HOME, Role.VIEWER)
    asker = house.porter.program(token, "")
    assert asker is not None
    assert asker.may(Act.LOOK, HOME)
    assert not asker.may(Act.INSPECT, HOME)


def test_a_token_is_over_with_time_by_revoking_and_with_its_person(house: House):
    house.person()
    token = given(house, Role.VIEWER, days=2)
    house.goes(86_400)
    assert house.porter.program(token, "")
    house.goes(86_401)
    assert house.porter.program(token, "") is None
    with house.office.store.write() as tx:
        people.end_tokens(tx, "ines")
    token = given(house, Role.VIEWER)
    with house.office.store.write() as tx:
        assert not people.end_token(tx, "k-1", person="carl")
        assert people.end_token(tx, "k-1", person="ines")
    assert house.porter.program(token, "") is None
    token = given(house, Role.VIEWER)
    with house.office.store.write() as tx:
        accounts.disable(tx, "ines", now=house.office.now[0])
    assert house.porter.program(token, "") is None


def test_a_token_shows_when_it_was_used(house: House):
    house.person()
    token = given(house, Role.VIEWER)
    house.porter.program(token, "")
    with house.office.store.read() as tx:
        assert people.tokens_of(tx, "ines")[0].used is not None
