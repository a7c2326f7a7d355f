"""The real application over a real desk, served by the real server on a free port."""

import re
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import httpx
import uvicorn

from coordinator import ids
from coordinator.model.roles import HOME, Role
from coordinator.people import accounts, passwords
from coordinator.people.authentication import Authenticator
from coordinator.store import people
from coordinator.web.application import create
from coordinator.web.server import WebServer
from tests.unit.coordinator.office import KEY, Office
from tests.waiting import PATIENCE

PASSWORD = "seven printers hum"


class House:
    """Where the pages are, and the office behind them."""

    def __init__(self, office: Office, public_url: str) -> None:
        self.office = office
        self.app = create(
            office.services,
            office.conversation,
            office.changes,
            version="1.2.3",
            metrics=lambda: (b"muster_up 1\n", "text/plain; version=0.0.4"),
            public_url=public_url,
        )
        self.authenticator: Authenticator = office.services.authenticator

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, port: int = 0) -> None:
        listening = socket.create_server(("127.0.0.1", port))
        self.port: int = listening.getsockname()[1]
        config = uvicorn.Config(self.app, lifespan="off", log_config=None, timeout_graceful_shutdown=5)
        self.server = WebServer(config, self.office.changes)
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listening]})
        self._thread.start()
        while not self.server.started:
            time.sleep(0.005)

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def client(self, by: str = "coordinator") -> httpx.Client:
        """Who has the key."""
        headers = {b"Authorization": f"Bearer {KEY}".encode(), b"Muster-By": by.encode()}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE)

    def stranger(self) -> httpx.Client:
        """Who has nothing."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE)

    @contextmanager
    def browser(self, by: str = "") -> Generator[httpx.Client]:
        """A browser that has logged in, as far as HTTP goes."""
        with self.visitor() as client:
            assert client.post(f"/login/{self.authenticator.once()}", data={"by": by}).status_code == 303
            yield client

    def visitor(self) -> "Browser":
        """A browser that has not logged in, as far as HTTP goes."""
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        return Browser(base_url=self.url, headers=headers, timeout=PATIENCE)

    def person(self, name: str, *roles: tuple[str, Role], password: str = PASSWORD) -> None:
        """Somebody with an account, and these (cluster, role)."""
        with self.office.store.write() as tx:
            accounts.add(tx, name=name, shown=name.title(), now=self.office.now[0])
            people.persons.change(tx, name, password=passwords.keep(password))
            for cluster, role in roles:
                people.give_role(tx, name, cluster, role)

    def token(self, name: str, role: Role, cluster: str = HOME, lasts: float = 86_400) -> None:
        """`muster_{name}` lets a program of theirs in, in one cluster and role."""
        now = self.office.now[0]
        with self.office.store.write() as tx:
            people.tokens.add(
                tx,
                people.Token(
                    token=ids.digest(f"muster_{name}"),
                    id=f"k-{name}",
                    person=name,
                    label="a script",
                    cluster=cluster,
                    role=role,
                    created=now,
                    expires=now + lasts,
                ),
            )

    @contextmanager
    def logged_in(self, name: str, password: str = PASSWORD) -> Generator["Browser"]:
        """The browser of somebody with an account."""
        with self.visitor() as client:
            answer = client.post("/login", data={"name": name, "password": password})
            assert answer.status_code == 303, answer.text
            yield client


class Browser(httpx.Client):
    """Sends with each form what the page that it is from holds: the session's token."""

    def post(self, url, *, data=None, **more):
        if not str(url).startswith(("/login", "/t/")):
            found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.get("/account").text)
            data = {"csrf": found[1] if found else ""} | (data or {})
        return super().post(url, data=data, **more)


@contextmanager
def open_house(office: Office, public_url: str = "") -> Generator[House]:
    """Serve an office's pages until the end of the context."""
    house = House(office, public_url)
    house.start()
    try:
        yield house
    finally:
        house.stop()
