"""The demo's run, from nothing to the hospital's signature."""

import json
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live

from coordinator.demo import display
from coordinator.demo.people import DemoPeople, has_signed
from coordinator.demo.processes import MAKERS, PATIENCE, DemoProcesses
from coordinator.errors import StartError

LONGEST = 1800.0
"""Seconds after which a demo that does not come to its end is given up."""
LOOK = 0.25
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person may choose. `octoprint` is the command of a real OctoPrint, for one of the agents."""

    units: int
    speed: float
    once: bool
    as_json: bool
    broker: str
    database: str
    octoprint: Path | None


def run(options: Options) -> bool:
    """Run the demo; whether the hospital has signed, or a person ended it.

    Raises:
        StartError: something that it needs did not start.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends us: nothing stays behind
    console = Console(stderr=options.as_json or options.once)
    with tempfile.TemporaryDirectory(prefix="muster-demo-", ignore_cleanup_errors=True) as directory:
        processes = DemoProcesses(Path(directory))
        try:
            return _run(options, processes, console)
        except KeyboardInterrupt:
            console.print("ending all that was started …")
            return True
        finally:
            processes.close()


def _run(options: Options, processes: DemoProcesses, console: Console) -> bool:
    began = time.monotonic()
    console.print("starting a coordinator, three agents and their printers …")
    url, key = processes.coordinator(options.broker, options.database)
    people = DemoPeople(url, key)
    for number, maker in enumerate(MAKERS):
        if options.octoprint and number == len(MAKERS) - 1:
            driver = processes.octoprint(maker, options.octoprint, options.speed)
        else:
            driver = processes.serial_printer(maker, options.speed)
        processes.agent(maker, people.office.invite(), driver)
    _wait_for_printers(processes, people)
    people.ask(options.units)
    console.print(f"  the pages     {url}/  (log in once with {people.office.login()} )", soft_wrap=True)
    console.print(f"  the hospital  {people.tracking}", soft_wrap=True)
    signed = _follow(processes, people, began, console, quiet=options.once)
    result = people.result(time.monotonic() - began)
    if options.as_json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        console.print(display.ending(result))
    if signed and not options.once:
        console.print("the pages stay up until Ctrl-C")
        while True:
            time.sleep(1)
    return signed


def _wait_for_printers(processes: DemoProcesses, people: DemoPeople) -> None:
    deadline = time.monotonic() + PATIENCE
    while sum(view.waiting for view in people.printers()) < len(MAKERS):
        processes.check()
        if time.monotonic() > deadline:
            raise StartError("the printers did not get ready within a minute")
        time.sleep(LOOK)


def _follow(
    processes: DemoProcesses, people: DemoPeople, began: float, console: Console, *, quiet: bool
) -> bool:
    """Look and act until the hospital has signed, or too long."""
    with Live(console=console, auto_refresh=False) as live:
        while time.monotonic() - began < LONGEST:
            processes.check()
            detail = people.look()
            if not quiet:
                live.update(display.view(detail, people.printers()), refresh=True)
            if has_signed(detail):
                return True
            people.act(detail)
            time.sleep(LOOK)
    return False
