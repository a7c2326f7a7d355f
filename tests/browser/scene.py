"""A house with people and printers in it, for a browser to look at; run it to take the README's pictures.

python -m tests.browser.scene DIRECTORY
"""

import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, ViewportSize

from coordinator.privacy.address import PickupAddress
from gcode.profile import Profile
from tests.farend import chromium
from tests.unit.coordinator.office import Office, PlayedAgent, open_office
from tests.unit.coordinator.web.house import House, open_house
from wire.lifecycle import Step
from wire.messages import Request, Telemetry


@dataclass
class Scene:
    """An office whose pages are served."""

    house: House
    office: Office

    @property
    def url(self) -> str:
        return self.house.url

    def log_in(self, page: Page, by: str = "Ines") -> None:
        page.goto(f"{self.url}/login/{self.house.authenticator.once()}")
        page.get_by_label("Your name").fill(by)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{self.url}/")

    def prints(self, agent: PlayedAgent, progress: float = 0.5) -> None:
        lot = agent.attempt().id
        agent.reports(lot, Step.FETCH, Step.CHECK, Step.START, Step.PRINT)
        agent.says(
            Telemetry(
                printer="one",
                condition="printing",
                bed_clear=False,
                attempt=lot,
                progress=progress,
                nozzle=239.6,
                bed=80.1,
            )
        )

    def finishes(self, agent: PlayedAgent) -> None:
        lot = agent.attempt().id
        agent.reports(lot, Step.FINISH)
        agent.says(
            Telemetry(
                printer="one",
                condition="idle",
                bed_clear=False,
                attempt=lot,
                progress=1,
                nozzle=41,
                bed=33,
                why="Take the parts off, then say that the bed is clear.",
            )
        )

    def wishes(self) -> list[str]:
        return [str(message.wish) for _, message in self.office.posted if isinstance(message, Request)]

    def sent(self, units: int) -> str:
        """The token of a need whose units are all in transit."""
        anna = self.office.agent("anna")
        need, token = self.office.needs(units)
        anna.is_ready()
        self.brings(anna, units, 0)
        parcel = self.office.desk.pack(need.id, by="Ines")
        self.office.desk.send(parcel.id, by="Ines")
        return token

    def brings(self, agent: PlayedAgent, good: int, scrapped: int) -> None:
        """What the agent was granted is printed, inspected and brought to the hub."""
        lot = agent.attempt().id
        agent.prints(lot)
        self.office.desk.inspect(lot, good=good, scrapped=scrapped, by="Ines")
        self.office.desk.collect(lot, by="Ines")

    def busy(self) -> tuple[str, str]:
        """An ordinary afternoon; (name, token) of the need that has units everywhere."""
        office, desk = self.office, self.office.desk
        clinic = office.vetted("Hospital Clínic, Barcelona")
        anna_hospital = office.vetted("St Anna, Vienna")
        desk.add_hospital(
            name="Residència Les Corts", contact="Marta Puig, +34 555 0199", latitude=41.4, longitude=2.1
        )
        anna = office.agent("anna")
        bert = office.agent("bert", profile=Profile(width=250, depth=210))
        carl = office.agent("carl", profile=Profile(width=180, depth=180))
        office.agent("dora")
        need, token = office.needs(60, hospital=clinic, priority=8, deadline=office.now[0] + 5 * 86_400)
        for agent in (anna, bert):
            agent.is_ready()
        self.brings(anna, 10, 1)
        parcel = desk.pack(need.id, by="Ines", units=8)
        desk.send(parcel.id, by="Ines")
        desk.receive(token, parcel.id, units=8, signed_by="sister Agnes", remark="all fine, thank you")
        self.brings(bert, 13, 0)
        desk.send(desk.pack(need.id, by="Ines", units=6).id, by="Ines")
        desk.pack(need.id, by="Ines", units=4)
        for agent in (anna, bert, carl):
            agent.is_ready()
        self.prints(anna, progress=0.43)
        self.prints(bert)
        self.finishes(bert)
        carl.prints(carl.attempt().id)
        office.needs(200, part="strap-clip", hospital=anna_hospital)
        carl.is_ready()
        office.needs(12, hospital=anna_hospital, priority=0)
        withdrawn, _ = office.needs(9, hospital=anna_hospital)
        desk.cancel_need(withdrawn.id, by="Ines")
        return need.id, token

    def own_page(self, agent: str = "carl") -> str:
        """The token of a maker's own page."""
        return self.office.desk.link_agent(agent, by="Ines")

    def stop(self, agent: str = "carl") -> str:
        """Where a courier reads where to go: to a maker with whom something waits."""
        self.office.desk.give_address(
            self.own_page(agent), PickupAddress(address="Quittenweg 17\n1140 Wien", contact="ring twice")
        )
        return f"/pickups/{self.office.desk.take_pickup(agent, by='Ines').id}"

    @contextmanager
    def restarted(self) -> Generator[None]:
        """The server is gone inside this context, and back on its port after it."""
        port = self.house.port
        self.house.stop()
        yield
        self.house.start(port)


@contextmanager
def open_scene(directory: Path) -> Generator[Scene]:
    """A scene on a database in `directory`."""
    office = open_office(directory, f"sqlite:///{directory}/muster.db")
    with open_house(office) as house:
        yield Scene(house, office)
    assert office.desk.ledger().objections == []
    office.store.close()


def take_pictures(into: Path) -> None:
    """Each page as PNG: on a desk in light and dark, and on a phone."""
    looks: dict[str, tuple[ViewportSize, chromium.Scheme]] = {
        "desk": (chromium.DESK, "light"),
        "dark": (chromium.DESK, "dark"),
        "phone": (chromium.PHONE, "light"),
    }
    with tempfile.TemporaryDirectory() as directory, open_scene(Path(directory)) as scene:
        need, token = scene.busy()
        with chromium.browser() as browser:
            for name, (viewport, scheme) in looks.items():
                with chromium.page(browser, viewport=viewport, scheme=scheme) as page:
                    scene.log_in(page)
                    for shown, path in (
                        ("needs", "/"),
                        ("need", f"/needs/{need}"),
                        ("printers", "/printers"),
                        ("tracking", f"/t/{token}"),
                    ):
                        page.goto(scene.url + path)
                        page.locator("#pulse").wait_for()
                        page.screenshot(path=into / f"{shown}-{name}.png", full_page=True)
                    for shown, path in (
                        ("pickup", scene.stop()),
                        ("pickups", "/pickups"),
                        ("audit-log", "/audit-log"),
                        ("maker", f"/m/{scene.own_page()}"),
                        ("reference", "/api/docs"),
                    ):
                        page.goto(scene.url + path)
                        page.screenshot(path=into / f"{shown}-{name}.png", full_page=True)


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]))
