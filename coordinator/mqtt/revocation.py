"""Keeps off the broker who was revoked: gives it the list, then ends the connections that still stand.

A list is looked at when a client connects. A connection that stands is ended by taking its place: we are the authority,
so we come under the agent's name, and a broker keeps only one client of a name (MQTT 3.1.1, 3.1.4-2). Whoever comes
back before the broker has read its list is ended by the next try.
"""

import contextlib
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from coordinator.endpoint import Endpoint
from coordinator.errors import StartError
from coordinator.keys.ca import Authority
from coordinator.model.records import RevocationList
from coordinator.mqtt.broker import Broker

log = structlog.get_logger("revoker")

PAUSES = (0.3, 1.5, 4.0)
"""Seconds before each try to end the connections of who is revoked; a broker of others may read its list late."""

Evict = Callable[[Endpoint, str], bool]
"""Takes the place of the client of this name, and leaves; whether that worked."""


class Revoker:
    """One thread; idle until the list changes."""

    def __init__(
        self,
        broker: Broker,
        authority: Authority,
        look: Callable[[], RevocationList],
        evict: Evict,
        known: RevocationList,
    ) -> None:
        """`look` reads who is revoked now; `known` is what the broker was told at its start."""
        self._broker = broker
        self._authority = authority
        self._look = look
        self._evict = evict
        self._known = known
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="revoker", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the connection that is being ended."""
        self._stopping.set()
        self._changed.set()
        self._thread.join()

    def wake(self) -> None:
        """The list has changed; returns at once."""
        self._changed.set()

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._changed.clear()
            if self._stopping.is_set():
                return
            try:
                self._keep_off()
            except Exception:
                log.exception("could not tell the broker who is revoked; it will be tried again")
                self._stopping.wait(1)
                self._changed.set()

    def _keep_off(self) -> None:
        before, revocations = self._known, self._look()
        self._broker.revoke(revocations)
        self._known = revocations
        named = {serial for serial, _ in before.serials}
        if revocations.agents == before.agents and {serial for serial, _ in revocations.serials} <= named:
            return
        gone = revocations.agents - before.agents
        # Whose certificate was replaced may be back with the new one already: ended once only.
        replaced = revocations.replaced - before.replaced
        for pause in PAUSES:
            if self._stopping.wait(pause):
                return
            for agent in sorted(gone | replaced):
                self._end(agent)
            replaced = frozenset[str]()

    def _end(self, agent: str) -> None:
        endpoint = self._broker.endpoint
        if not endpoint.tls:
            return  # nobody has a certificate there; the embedded broker ends connections by itself
        with contextlib.ExitStack() as closing:
            directory = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="muster-")))
            try:
                double = self._authority.issue_double(agent, directory)
                done = self._evict(Endpoint(url=endpoint.url, credentials=double), agent)
            except StartError as error:
                log.error("can't end a connection", agent=agent, why=str(error))  # noqa: TRY400  one readable line
                return
        if not done:
            log.warning("could not take a revoked agent's place at the broker", agent=agent)
