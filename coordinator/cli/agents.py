"""`muster agent`: who joined, until when each may stay, and who may not any more."""

import time

import click
from rich.console import ConsoleRenderable

from coordinator.cli.formatting import ago, example
from coordinator.cli.makers import link
from coordinator.cli.remote import Remote, remote_command
from coordinator.cli.tables import table
from coordinator.model.views import AgentView


@click.group()
def agent() -> None:
    """Agents: the makers' machines that joined."""


agent.add_command(link)


@agent.command("list", epilog=example("muster agent list"))
@remote_command
def list_agents(remote: Remote) -> None:
    """All agents, and until when their certificates are good.

    Agents renew theirs by themselves, from twenty days before the end.
    """
    known = remote.client.agents()
    remote.tell(known, lambda: _agents(known, time.time()))


@agent.command(epilog=example('muster agent revoke anna --why "machine was stolen"'))
@click.argument("name")
@click.option("--why", metavar="TEXT", required=True, help="For the records.")
@remote_command
def revoke(remote: Remote, name: str, why: str) -> None:
    """Take an agent's access back, within seconds.

    Its connection is ended, nothing that it says counts, and what it holds is in doubt. What it prints now, it may
    print to its end. `muster invite --agent NAME` lets it join again.
    """
    revoked = remote.client.revoke(name, why=why)
    remote.tell(
        revoked, lambda: f"{revoked.name} is revoked; what it held is in doubt: look at `muster attempt list`"
    )


def _agents(known: list[AgentView], now: float) -> ConsoleRenderable:
    return table(
        ("AGENT", "IS", "SEEN", "CERTIFICATE"),
        [
            (
                each.name,
                "revoked" if each.revoked else "online" if each.online else "offline",
                ago(each.seen, now) if each.seen else "never",
                _certificate(each, now),
            )
            for each in known
        ],
        empty="no agent has joined yet: invite its owner with `muster invite`",
    )


def _certificate(view: AgentView, now: float) -> str:
    if view.revoked:
        return f"revoked {ago(view.revoked, now)} by {view.revoked_by}: {view.revoked_why}"
    if view.ends is None:
        return "none: it must join again (muster invite --agent)"
    return f"until {time.strftime('%Y-%m-%d', time.gmtime(view.ends))}, {(view.ends - now) / 86_400:.0f} days"
