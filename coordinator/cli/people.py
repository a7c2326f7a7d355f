"""`muster person`: who may look and act here."""

import click
from rich.console import ConsoleRenderable

from coordinator.cli.formatting import example
from coordinator.cli.remote import Remote, remote_command
from coordinator.cli.tables import table
from coordinator.client import PersonLink
from coordinator.model.roles import Role
from coordinator.people.accounts import PersonView

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
@remote_command
def add(remote: Remote, login: str, shown: str | None, role: str, cluster: str | None) -> None:
    """Take somebody in: prints the link by which they choose a password. Good once, for three days."""
    made = remote.client.add_person(name=login, shown=shown, role=role, cluster=cluster)
    remote.tell(made, lambda: _link(made))


@person.command("list", epilog=example("muster person list"))
@remote_command
def list_(remote: Remote) -> None:
    """Everybody, by log-in name."""
    known = remote.client.people()
    remote.tell(known, lambda: _table(known))


@person.command(epilog=example("muster person role ines inspector", "muster person role ines courier --take"))
@click.argument("login")
@click.argument("role", type=_ROLES)
@_cluster
@click.option("--take", is_flag=True, help="Take the role away instead.")
@remote_command
def role(remote: Remote, login: str, role: str, cluster: str | None, *, take: bool) -> None:
    """Give somebody one role more. It counts at once."""
    done = (remote.client.take_role if take else remote.client.give_role)(login, role, cluster)
    remote.tell(done, lambda: f"{done.name}: {_roles(done)}")


@person.command(epilog=example("muster person reset ines", "muster person reset ines --second-factor"))
@click.argument("login")
@click.option("--second-factor", is_flag=True, help="Forget the second factor too: its device is lost.")
@remote_command
def reset(remote: Remote, login: str, *, second_factor: bool) -> None:
    """Let somebody choose a new password: prints the link. All their sessions and tokens end."""
    made = remote.client.reset_person(login, second_factor=second_factor)
    remote.tell(made, lambda: _link(made))


@person.command(epilog=example("muster person disable ines", "muster person disable ines --undo"))
@click.argument("login")
@click.option("--undo", is_flag=True, help="Open the account again.")
@remote_command
def disable(remote: Remote, login: str, *, undo: bool) -> None:
    """Shut an account at once. What they did stays in the records."""
    done = (remote.client.enable_person if undo else remote.client.disable_person)(login)
    remote.tell(done, lambda: f"{done.name} {'may log in again' if undo else 'gets in no more'}")


def _link(made: PersonLink) -> str:
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
