"""The real application over a real desk, served by the real server on a free port."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import uvicorn

from coordinator.web.access import Access
from coordinator.web.server import Server
from coordinator.web.site import create
from tests.unit.coordinator.office import KEY, Office


@dataclass
class House:
    """Where the pages are, and the office behind them."""

    url: str
    office: Office
    access: Access
    server: Server

    def client(self, by: str = "coordinator") -> httpx.Client:
        """Who has the key."""
        headers = {"Authorization": f"Bearer {KEY}".encode(), "Muster-By": by.encode()}
        return httpx.Client(base_url=self.url, headers=headers)

    def stranger(self) -> httpx.Client:
        """Who has nothing."""
        return httpx.Client(base_url=self.url)

    def browser(self, by: str = "") -> httpx.Client:
        """A browser that has logged in, as far as HTTP goes."""
        client = httpx.Client(
            base_url=self.url, headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        )
        assert client.post("/login", data={"key": KEY, "by": by}).status_code == 303
        return client


@contextmanager
def open_house(office: Office) -> Iterator[House]:
    """Serve an office's pages until the end of the context."""
    app = create(
        office.desk,
        version="1.2.3",
        metrics=lambda: (b"muster_up 1\n", "text/plain; version=0.0.4"),
        clock=lambda: office.now[0],
    )
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(uvicorn.Config(app, lifespan="off", log_config=None), office.desk.news)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.005)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        yield House(url, office, app.state.access, server)
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
