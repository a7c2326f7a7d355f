"""`muster person`: who may look and act here."""

import click
from rich.console import ConsoleRenderable

from coordinator.cli.far import Far, talks
from coordinator.cli.tables import table
from coordinator.cli.words import example
from coordinator.client import Welcomed
from coordinator.model.roles import Role
from coordinator.model.views import PersonView

_ROLES = click.Choice([each.value for each in Role])
_cluster = click.option("--cluster", metavar="NAME", help="Where. Default: yours, else home.")


@click.group()
def person() -> None:
    """Take people in, give them roles, reset and disable accounts."""


@person.command(epilog=example('muster person add ines --name "Inès Puig" --role coordinator'))
@click.argument("login")
@click.option("--name", "shown", metavar="TEXT", help="What the others call them. Default: LOGIN.")
@click.option("--role", type=_ROLES, required=True, help="What they are in the cluster.")
@_cluster
@talks
def add(far: Far, login: str, shown: str | None, role: str, cluster: str | None) -> None:
    """Take somebody in: prints the link by which they choose a password. Good once, for three days."""
    made = far.desk.add_person(name=login, shown=shown, role=role, cluster=cluster)
    far.tell(made, lambda: _link(made))


@person.command("list", epilog=example("muster person list"))
@talks
def list_(far: Far) -> None:
    """Everybody, by log-in name."""
    known = far.desk.people()
    far.tell(known, lambda: _table(known))


@person.command(epilog=example("muster person role ines inspector", "muster person role ines courier --take"))
@click.argument("login")
@click.argument("role", type=_ROLES)
@_cluster
@click.option("--take", is_flag=True, help="Take the role away instead.")
@talks
def role(far: Far, login: str, role: str, cluster: str | None, *, take: bool) -> None:
    """Give somebody one role more. It counts at once."""
    done = (far.desk.take_role if take else far.desk.give_role)(login, role, cluster)
    far.tell(done, lambda: f"{done.name}: {_roles(done)}")


@person.command(epilog=example("muster person reset ines", "muster person reset ines --second-factor"))
@click.argument("login")
@click.option("--second-factor", is_flag=True, help="Forget the second factor too: its device is lost.")
@talks
def reset(far: Far, login: str, *, second_factor: bool) -> None:
    """Let somebody choose a new password: prints the link. All their sessions and tokens end."""
    made = far.desk.reset_person(login, second_factor=second_factor)
    far.tell(made, lambda: _link(made))


@person.command(epilog=example("muster person disable ines", "muster person disable ines --undo"))
@click.argument("login")
@click.option("--undo", is_flag=True, help="Open the account again.")
@talks
def disable(far: Far, login: str, *, undo: bool) -> None:
    """Shut an account at once. What they did stays in the records."""
    done = (far.desk.enable_person if undo else far.desk.disable_person)(login)
    far.tell(done, lambda: f"{done.name} {'may log in again' if undo else 'gets in no more'}")


def _link(made: Welcomed) -> str:
    return (
        f"Give {made.person.shown} this link, and nobody else: whoever opens it first chooses the password.\n"
        f"  {made.path}"
    )


def _roles(known: PersonView) -> str:
    return ", ".join(f"{each.role} in {each.cluster}" for each in known.roles) or "no role"


def _state(known: PersonView) -> str:
    if known.disabled is not None:
        return "disabled"
    if not known.ready:
        return "has not come yet"
    return "with second factor" if known.second_factor else "by password"


def _table(known: list[PersonView]) -> ConsoleRenderable:
    return table(
        ("LOGIN", "NAME", "ROLES", "LOGS IN"),
        [(each.name, each.shown, _roles(each), _state(each)) for each in known],
        empty="nobody has an account yet: take somebody in with `muster person add`",
    )
