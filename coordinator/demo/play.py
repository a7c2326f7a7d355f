"""The demo's course, from an empty stage to the hospital's signature."""

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live

from coordinator.demo import show
from coordinator.demo.people import People
from coordinator.demo.stage import MAKERS, Stage
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
    try:
        for number, maker in enumerate(MAKERS):
            if options.octoprint and number == len(MAKERS) - 1:
                driver = stage.octoprint(maker, options.octoprint, options.speed)
            else:
                driver = stage.serial_printer(maker, options.speed)
            stage.agent(maker, people.invite(), driver)
        _wait_for_printers(stage, people)
        people.ask(options.units)
        links = {
            "coordinator": url + people.login() + "  (works once)",
            "printers": url + "/printers",
            "hospital": url + people.tracking,
        }
        signed = _follow(stage, people, links, began, console, quiet=options.once)
        result = people.result(time.monotonic() - began)
        if options.as_json:
            sys.stdout.write(json.dumps(result) + "\n")
        else:
            console.print(f"the hospital has signed: {result}" if signed else f"came to no end: {result}")
        if signed and not options.once:
            console.print("the pages stay up until Ctrl-C")
            while True:
                time.sleep(1)
        return signed
    finally:
        people.close()


def _wait_for_printers(stage: Stage, people: People) -> None:
    deadline = time.monotonic() + 60
    while people.waiting_printers() < len(MAKERS):
        stage.check()
        if time.monotonic() > deadline:
            raise StartError("the printers did not get ready within a minute")
        time.sleep(LOOK)


def _follow(
    stage: Stage, people: People, links: dict[str, str], began: float, console: Console, *, quiet: bool
) -> bool:
    """Look and act until the hospital has signed, or too long."""
    detail = people.look()
    with Live(console=console, auto_refresh=False, screen=False, transient=False) as live:
        while time.monotonic() - began < LONGEST:
            stage.check()
            detail = people.look()
            if not quiet:
                live.update(show.view(detail, people.printers(), links), refresh=True)
            if people.has_signed(detail):
                return True
            people.act(detail)
            time.sleep(LOOK)
    return False
