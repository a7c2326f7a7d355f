"""What every bench needs of people: a hospital that may ask, and printers that wait."""

import time

from coordinator.client import Client
from coordinator.demo.processes import DemoProcesses
from tests.bench.figures import Failed


def vetted(client: Client) -> str:
    """A hospital that somebody has approved."""
    added = client.add_hospital(name="Hospital del Mar", contact="ward 7", latitude=41.384, longitude=2.194)
    return client.approve_hospital(added.id).id


def wait_for_printers(stage: DemoProcesses, client: Client, count: int = 1) -> None:
    """Until so many printers wait for work."""
    deadline = time.monotonic() + 60
    while sum(each.waiting for each in client.printers()) < count:
        stage.check()
        if time.monotonic() > deadline:
            raise Failed("no printer got ready within a minute")
        time.sleep(0.05)
