"""What the options of all commands say: settings, address, who acts. And the two ways in which a command stops."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from coordinator import settings
from coordinator.errors import StartError

F = TypeVar("F", bound=Callable[..., Any])


class Wrong(click.ClickException):
    """What was asked can't be done: one line on stderr that says what to do."""

    exit_code = 2


class Failed(click.ClickException):
    """The coordinator is not there, or in trouble: one line on stderr."""

    exit_code = 1


@dataclass
class CommonOptions:
    """What the options say, wherever in the command they stand; the last one counts."""

    config: str | None = None
    url: str | None = None
    by: str | None = None
    json: bool = False


def config_option(command: F) -> F:
    """`--config FILE`, for all commands that know settings."""
    return click.option(
        "--config",
        metavar="FILE",
        expose_value=False,
        callback=_kept,
        help="Settings. Default: $MUSTER_CONFIG, ./muster.toml, /etc/muster/coordinator.toml, else none.",
    )(command)


def json_option(command: F) -> F:
    """`--json`, for all commands that answer."""
    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_kept,
        help="Print JSON, for programs.",
    )(command)


def remote_options(command: F) -> F:
    """The options of all commands that talk to a coordinator; they may stand before or after the command."""
    options = (
        config_option,
        click.option(
            "--url",
            expose_value=False,
            callback=_kept,
            help="The coordinator's address. Default: $MUSTER_URL, else the one of this machine's settings.",
        ),
        click.option(
            "--as",
            "by",
            metavar="NAME",
            expose_value=False,
            callback=_kept,
            help="Who acts, for the records. Default: $MUSTER_BY, else your login name.",
        ),
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def common_options(context: click.Context) -> CommonOptions:
    """What the options said."""
    return context.ensure_object(CommonOptions)


def _kept(context: click.Context, parameter: click.Parameter, value: str | bool | None) -> None:
    if value and parameter.name:
        setattr(context.ensure_object(CommonOptions), parameter.name, value)


def load(config: str | None) -> settings.CoordinatorSettings:
    """The settings; what is wrong with them is told in one line."""
    try:
        return settings.load(config, os.environ, Path.cwd())
    except StartError as error:
        raise Wrong(str(error)) from None
