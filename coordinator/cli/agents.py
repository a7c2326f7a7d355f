"""`muster agent`: the makers' machines that joined."""

import click

from coordinator.cli.makers import link


@click.group()
def agent() -> None:
    """Agents: the makers' machines that joined."""


agent.add_command(link)
