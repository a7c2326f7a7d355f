"""`muster serve`: the coordinator itself."""

import contextlib
import signal

import click

from coordinator import logs
from coordinator.cli.formatting import example, line
from coordinator.cli.options import Wrong, common_options, config_option, load
from coordinator.errors import StartError


@click.command(epilog=example("muster serve", "muster serve --config /etc/muster/coordinator.toml"))
@config_option
@click.pass_context
def serve(context: click.Context) -> None:
    """Run the coordinator: queue, dispatch, ledger, broker and pages, until Ctrl-C.

    Prints the pages' address and, the first time, a link to make the first account. Every setting has a default;
    settings.example.toml, beside the program, explains each.
    """
    # uvicorn raises the signal again when it has stopped: both must unwind us, not cut us off.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        _serve(common_options(context).config)


def _serve(config: str | None) -> None:
    settings = load(config)

    from coordinator.app import App  # noqa: PLC0415 - a second or two; first what is wrong with the settings

    logs.configure(settings.log.format, settings.log.level)
    try:
        app = App(settings)
    except StartError as error:
        raise Wrong(line(str(error))) from None

    def announce() -> None:
        with contextlib.suppress(OSError):  # whoever started us need not listen
            link = app.welcome()
            first = f" - make the first account, within ten minutes: {link}" if link else ""
            click.echo(f"Muster is at {app.url}{first}")

    app.run(announce)
