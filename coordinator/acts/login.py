"""Coming in: by a password and a second factor, or by a link that is good once."""

from coordinator.acts.act import ActCall, act
from coordinator.acts.services import Services
from coordinator.errors import Missing, Unauthorised
from coordinator.model.roles import Permission
from coordinator.people import accounts, passwords
from coordinator.people.authentication import IDLE, LATE, STALE, OneTimeLink, Opened, Ticket
from coordinator.people.principal import NOBODY
from coordinator.store import people


def log_in(
    services: Services, name: str, password: str, *, address: str, browser: str, device: str = ""
) -> Opened | Ticket:
    """By name and password; with a second factor, that comes next, with the ticket.

    Raises:
        Unauthorised: they do not go together.
        Slow: too many tries.
    """
    person, anew = services.authenticator.by_password(name, password, address=address, device=device)
    with services.units.begin() as unit:
        if anew and people.persons.get(unit.tx, person.name) == person:
            people.persons.change(unit.tx, person.name, password=anew)
        return _admit(services, person.name, browser)


def log_in_by_code(
    services: Services, ticket: str, code: str, *, address: str, browser: str, device: str = ""
) -> Opened:
    """By the second factor, after the password.

    Raises:
        Unauthorised: the ticket is over, or the code is wrong.
        Slow: too many tries.
    """
    authenticator = services.authenticator
    name = services.read(authenticator.owner, ticket)
    with authenticator.counted(name, address, device), services.units.begin() as unit:
        name = authenticator.owner(unit.tx, ticket)
        accounts.use_factor(unit.tx, name, code, authenticator.seal, unit.now)
        return open_session(services, NOBODY, name, name, browser)


def log_in_locally(services: Services, code: str, by: str, browser: str) -> Opened:
    """As the machine's administrator, who calls themselves `by`, by a one-time link.

    Raises:
        Missing: the link is good no more.
    """
    services.authenticator.redeem(code)
    return open_session(services, NOBODY, None, services.read(services.authenticator.named, by), browser)


def make_first_account(
    services: Services, code: str, *, name: str, shown: str, password: str, browser: str
) -> Opened | Ticket:
    """By a one-time link, where there is no account yet.

    Raises:
        Missing: the link is good no more.
        Invalid: a name or password that can't be one.
    """
    passwords.check(password, name)
    if services.authenticator.link(code)[0] is not OneTimeLink.FIRST:
        raise Missing(STALE)
    opened = _make_first(services, NOBODY, name, shown, passwords.keep(password), browser)
    services.authenticator.redeem(code.removeprefix("first-"))
    return opened


def choose_password(services: Services, code: str, password: str, browser: str) -> Opened | Ticket:
    """By the link that an admin sent; errors as in `make_first_account`."""
    what, name = services.authenticator.link(code)
    if what is not OneTimeLink.WELCOME:
        raise Missing(STALE)
    passwords.check(password, name)
    return _choose(services, NOBODY, code, passwords.keep(password), browser)


@act("person.enter", Permission.ENTER, on="person")
def open_session(call: ActCall[Services], person: str | None, by: str, browser: str) -> Opened:
    """Come in: `person` has an account, or is None at the machine itself."""
    people.end_old_sessions(call.tx, now=call.now, idle=IDLE)
    kept, opened = call.services.authenticator.session(person, by, browser)
    people.sessions.add(call.tx, kept)
    call.note(person or "", by=by, kind="" if person else "machine")
    return opened


@act("person.first", Permission.ENTER, on="person")
def _make_first(
    call: ActCall[Services], name: str, shown: str, password: str, browser: str
) -> Opened | Ticket:
    """Make the first account, which is an admin's; `password` as it is kept."""
    person = accounts.first(call.tx, name=name, shown=shown, password=password, now=call.now)
    call.note(person.name, by=person.name)
    return _admit(call.services, person.name, browser)


@act("person.choose-password", Permission.ENTER, on="person")
def _choose(call: ActCall[Services], code: str, password: str, browser: str) -> Opened | Ticket:
    """Choose a password by a link; `password` as it is kept."""
    person = accounts.choose(call.tx, code, password, call.now)
    call.note(person.name, by=person.name)
    return _admit(call.services, person.name, browser)


def _admit(services: Services, name: str, browser: str) -> Opened | Ticket:
    """A session, or, where there is a second factor, a ticket for it. The grace begins with the first log-in."""
    rules = services.authenticator.rules
    with services.units.begin() as unit:
        person = accounts.get(unit.tx, name)
        if person.disabled is not None:
            raise Unauthorised(LATE)
        if person.factor_since is not None:
            return services.authenticator.ticket(person)
        required = accounts.needs_factor(people.roles(unit.tx, name), everyone=rules.everyone)
        if required and person.factor_due is None:
            people.persons.change(unit.tx, name, factor_due=unit.now + rules.grace)
        return open_session(services, NOBODY, name, name, browser)
