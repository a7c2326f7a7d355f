"""Looks for printers that could be driven: at the serial ports of this machine, and behind servers here and at home.

All are asked at the same time and within a bound; who has not answered by then is left out. Threads, and sockets
in them, are made here: this runs in the owner's command, never in the agent.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from msgspec import Struct

from agent.discovery import servers
from agent.discovery.findings import Found, FoundPort, inspect, merge
from agent.discovery.interview import PortAnswer
from agent.discovery.mdns import Announced, browse
from agent.discovery.probe import ask
from agent.discovery.servers import RecognisedServer
from agent.printers import catalogue
from agent.printers.kind import PrinterSettings
from agent.printers.serial import port
from agent.printers.serial.port import Outlet

SECONDS = 4.0
"""How long is looked by default; with what comes before and after, the command ends within five."""
RESERVE = 1.2
"""Seconds of it in which servers that were announced are asked."""
LATE = 0.3
"""Seconds that the answers of ports may be late, which keep the time themselves."""
T = TypeVar("T")


class Scope(Struct, frozen=True, kw_only=True):
    """Where to look.

    `given` are ports that the owner named: they are asked. `ports` are those of this machine; they are asked where
    `opens` says so. `urls` are where the owner says that servers are, `usual_urls` where they usually are on this
    machine. `interfaces` are addresses of this machine whose networks are asked; None for all.
    """

    given: tuple[Outlet, ...] = ()
    ports: tuple[Outlet, ...] = ()
    opens: bool = False
    urls: tuple[str, ...] = ()
    usual_urls: tuple[str, ...] = ()
    interfaces: tuple[str, ...] | None = None
    seconds: float = SECONDS


def this_machine(
    *, given: Iterable[str], urls: Iterable[str], interfaces: Iterable[str] | None, seconds: float
) -> Scope:
    """All the ports and usual addresses of this machine, beside what was given."""
    named = tuple(Outlet(path=path, device=os.path.realpath(path)) for path in given)
    taken = {outlet.device for outlet in named}
    return Scope(
        given=named,
        ports=tuple(outlet for outlet in port.ports() if outlet.device not in taken),
        urls=tuple(urls),
        usual_urls=usual_urls(),
        interfaces=None if interfaces is None else tuple(interfaces),
        seconds=seconds,
    )


def unknown(scope: Scope, known: Iterable[PrinterSettings]) -> list[Outlet]:
    """The ports that are asked only where the scope opens them."""
    ours = tuple(known)
    return [
        each for each in scope.ports if each.usb and not any(_is_plugged(printer, each) for printer in ours)
    ]


def usual_urls() -> tuple[str, ...]:
    """Where servers listen on this machine if nobody changed it."""
    numbers = dict.fromkeys(number for _, traits in catalogue.servers() for number in traits.ports)
    return tuple(f"http://127.0.0.1{'' if number == 80 else f':{number}'}" for number in numbers)


def discover(scope: Scope, known: Iterable[PrinterSettings] = ()) -> Found:
    """Look everywhere at once. `known` are the printers of the settings: their ports are not opened."""
    ours = tuple(known)
    until = time.monotonic() + scope.seconds
    asked = [_ask(port, until, ours, opens=True) for port in scope.given]
    asked += [_ask(port, until, ours, opens=scope.opens and port.usb) for port in scope.ports]
    named = [Task(lambda url=url: servers.recognise(url), None) for url in scope.urls]
    tried = [Task(lambda url=url: servers.recognise(url), None) for url in scope.usual_urls]
    why: list[str] = []
    announced: list[Announced] = []
    try:
        if scope.interfaces != ():
            services = dict.fromkeys(each for _, traits in catalogue.servers() for each in traits.services)
            announced = browse(max(0.1, scope.seconds - RESERVE), services, scope.interfaces)
    except OSError as error:
        why.append(f"the home network can't be asked: {error.strerror or error}")
    followed = [(each, Task(lambda each=each: _behind(each), None)) for each in announced]
    heard = [(each, server) for each, task in followed if (server := task.result(until)) is not None]
    return Found(
        servers=merge(heard, _answers(named, until), _answers(tried, until), ours),
        ports=tuple(task.result(until + LATE) for task in asked),
        why=tuple(why),
    )


def _answers(tasks: Iterable["Task[RecognisedServer | None]"], until: float) -> list[RecognisedServer]:
    return [server for task in tasks if (server := task.result(until)) is not None]


def _ask(
    outlet: Outlet, until: float, known: tuple[PrinterSettings, ...], *, opens: bool
) -> "Task[FoundPort]":
    late = inspect(outlet, PortAnswer(why="it can't be opened: the system waits for it"))
    return Task(lambda: _port(outlet, until, known, opens=opens), late)


def _port(outlet: Outlet, until: float, known: tuple[PrinterSettings, ...], *, opens: bool) -> FoundPort:
    ours = next((each.name for each in known if _is_plugged(each, outlet)), "")
    if ours:
        return inspect(outlet, PortAnswer(), ours)
    if not opens:
        how = "--open" if outlet.usb else f"--port {outlet.path}"
        return inspect(outlet, PortAnswer(why=f"not opened; {how} asks who is there"))
    return inspect(outlet, ask(outlet.path, until))


def _is_plugged(printer: PrinterSettings, outlet: Outlet) -> bool:
    return catalogue.kind_of(printer).place(printer) == os.path.realpath(outlet.path)


def _behind(announced: Announced) -> RecognisedServer | None:
    """Who answers where somebody announced a server."""
    for url in announced.urls:
        if server := servers.recognise(url):
            return server
    return None


class Task(Generic[T]):
    """A question in a thread of its own. One that hangs is left behind: the command ends without it."""

    def __init__(self, question: Callable[[], T], late: T) -> None:
        """Begin to ask; `late` is the answer where none comes in time."""
        self._late = late
        self._answer: SimpleQueue[T] = SimpleQueue()
        threading.Thread(target=lambda: self._answer.put(question()), daemon=True).start()

    def result(self, until: float) -> T:
        """The answer, or the late one if there is none by the monotonic time `until`."""
        try:
            return self._answer.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            return self._late
