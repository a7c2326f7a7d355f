"""The demo's course, from an empty stage to the hospital's signature."""

import json
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live

from coordinator.demo import show
from coordinator.demo.people import People, has_signed
from coordinator.demo.stage import MAKERS, PATIENCE, Stage
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


def play(options: Options) -> bool:
    """Run the demo; whether the hospital has signed, or a person ended it.

    Raises:
        StartError: something that it needs did not start.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends us: nothing stays behind
    console = Console(stderr=options.as_json or options.once)
    with tempfile.TemporaryDirectory(prefix="muster-demo-", ignore_cleanup_errors=True) as directory:
        stage = Stage(Path(directory))
        try:
            return _play(options, stage, console)
        except KeyboardInterrupt:
            console.print("ending all that was started …")
            return True
        finally:
            stage.close()


def _play(options: Options, stage: Stage, console: Console) -> bool:
    began = time.monotonic()
    console.print("starting a coordinator, three agents and their printers …")
    url, key = stage.coordinator(options.broker, options.database)
    people = People(url, key)
    for number, maker in enumerate(MAKERS):
        if options.octoprint and number == len(MAKERS) - 1:
            driver = stage.octoprint(maker, options.octoprint, options.speed)
        else:
            driver = stage.serial_printer(maker, options.speed)
        stage.agent(maker, people.office.invite(), driver)
    _wait_for_printers(stage, people)
    people.ask(options.units)
    console.print(f"  the pages     {url}/  (log in once with {people.office.login()} )", soft_wrap=True)
    console.print(f"  the hospital  {people.tracking}", soft_wrap=True)
    signed = _follow(stage, people, began, console, quiet=options.once)
    result = people.result(time.monotonic() - began)
    if options.as_json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        console.print(show.ending(result))
    if signed and not options.once:
        console.print("the pages stay up until Ctrl-C")
        while True:
            time.sleep(1)
    return signed


def _wait_for_printers(stage: Stage, people: People) -> None:
    deadline = time.monotonic() + PATIENCE
    while sum(view.waiting for view in people.printers()) < len(MAKERS):
        stage.check()
        if time.monotonic() > deadline:
            raise StartError("the printers did not get ready within a minute")
        time.sleep(LOOK)


def _follow(stage: Stage, people: People, began: float, console: Console, *, quiet: bool) -> bool:
    """Look and act until the hospital has signed, or too long."""
    with Live(console=console, auto_refresh=False) as live:
        while time.monotonic() - began < LONGEST:
            stage.check()
            detail = people.look()
            if not quiet:
                live.update(show.view(detail, people.printers()), refresh=True)
            if has_signed(detail):
                return True
            people.act(detail)
            time.sleep(LOOK)
    return False
