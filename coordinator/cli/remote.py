"""The coordinator that a command talks to: where it is, the key to it, who acts; and how answers are shown."""

import functools
import getpass
import os
from collections.abc import Callable
from typing import Concatenate, ParamSpec

import click
import msgspec
from rich.console import ConsoleRenderable

from coordinator.cli.formatting import line, plain
from coordinator.cli.options import CommonOptions, Failed, Wrong, common_options, load, remote_options
from coordinator.cli.tables import print_
from coordinator.client import Client, CoordinatorUnavailable, RequestRefused
from coordinator.settings import CoordinatorSettings

P = ParamSpec("P")

_NO_KEY = (
    "no access key was found: set MUSTER_KEY, or run this where the coordinator's data directory can be read"
    " (--config names its settings)"
)


class Remote:
    """A coordinator that runs somewhere, and the terminal that its answers go to."""

    def __init__(self, client: Client, *, as_json: bool) -> None:
        self.client = client
        self.as_json = as_json

    def tell(self, answer: object, shown: Callable[[], str | ConsoleRenderable]) -> None:
        """Print an answer: as JSON if that is wanted, else the text or table that `shown` makes of it."""
        if self.as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2))
            return
        what = shown()
        if isinstance(what, str):
            click.echo(plain(what))
        else:
            print_(what)


def remote_command(command: Callable[Concatenate[Remote, P], None]) -> Callable[P, None]:
    """Give a command its coordinator, and turn what goes wrong there into one line."""

    @remote_options
    @click.pass_context
    @functools.wraps(command)
    def wrapped(context: click.Context, *args: P.args, **kwargs: P.kwargs) -> None:
        options = common_options(context)
        with _reach(options) as client:
            try:
                command(Remote(client, as_json=options.json), *args, **kwargs)
            except RequestRefused as no:
                keyless = no.kind == "unauthorised" and not client.has_key
                raise Wrong(_NO_KEY if keyless else line(str(no))) from None
            except CoordinatorUnavailable as trouble:
                raise Failed(line(str(trouble))) from None

    return wrapped


def _reach(options: CommonOptions) -> Client:
    url = options.url or os.environ.get("MUSTER_URL", "")
    key = os.environ.get("MUSTER_KEY", "").strip()
    public = ""
    if not url or not key:
        here = load(options.config)
        public = "" if url else here.web.public_url
        url = url or _address(here)
        key = key or _key(here)
    by = options.by or os.environ.get("MUSTER_BY") or _login_name()
    try:
        return Client(url, key, by=by, public=public)
    except ValueError as error:
        raise Wrong(str(error)) from None


def _address(here: CoordinatorSettings) -> str:
    """Where the coordinator said that it listens, else where these settings would let it."""
    try:
        return (here.directory / "address").read_text().strip()
    except OSError:
        if here.web.port:
            return f"http://{_reachable(here.web.host)}:{here.web.port}"
        raise Failed(f"no coordinator runs on {here.directory}: start it with `muster serve`") from None


def _reachable(host: str) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - recognised, not bound
    return f"[{host}]" if ":" in host else host


def _key(here: CoordinatorSettings) -> str:
    """This machine's key; none is no error yet, as the coordinator may be missing altogether."""
    path = here.directory / "access.key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a key"
        raise Wrong(
            f"can't read {path}: {why} (run this as the coordinator's user, or set MUSTER_KEY)"
        ) from None


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user that the machine has no name for
        return ""
