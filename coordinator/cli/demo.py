"""`muster demo`: the whole chain on this machine, to see how it works."""

from pathlib import Path

import click

from coordinator.cli.formatting import example, line
from coordinator.cli.options import Failed
from coordinator.client import CoordinatorUnavailable, RequestRefused
from coordinator.errors import StartError


@click.command(
    epilog=example("muster demo", "muster demo --units 50 --speed 200", "muster demo --once --json")
)
@click.option(
    "--units", type=click.IntRange(2, 200), default=24, show_default=True, help="Ear savers needed."
)
@click.option(
    "--speed",
    type=click.FloatRange(1, 800),
    default=400,
    show_default=True,
    help="How much faster than real printers the virtual ones run.",
)
@click.option("--once", is_flag=True, help="No view; end when the hospital has signed.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option(
    "--broker",
    type=click.Choice(["embedded", "mosquitto"]),
    default="embedded",
    show_default=True,
    help="Which broker the coordinator starts.",
)
@click.option("--database", default="", metavar="URL", help="PostgreSQL instead of SQLite.")
@click.option(
    "--octoprint",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="COMMAND",
    help="A real OctoPrint to run beside one of the agents.",
)
def demo(
    *, units: int, speed: float, once: bool, as_json: bool, broker: str, database: str, octoprint: Path | None
) -> None:
    """Play a hospital's need from request to signature, with real processes and virtual printers.

    Starts a coordinator, three agents with a printer each, and plays the people: the hospital that asks,
    makers who clear their beds, who inspects, packs and signs. Everything listens on loopback only, lies in
    a temporary directory, and is gone when the demo ends.
    """
    from coordinator.demo.run import Options, run  # noqa: PLC0415 - not needed for help

    options = Options(
        units=units,
        speed=speed,
        once=once,
        as_json=as_json,
        broker=broker,
        database=database,
        octoprint=octoprint,
    )
    try:
        signed = run(options)
    except (StartError, RequestRefused, CoordinatorUnavailable) as error:
        raise Failed(line(str(error))) from None
    if not signed:
        raise Failed("the hospital has not signed: something went wrong on the way")
