"""The coordinator, put together: the only place that makes clocks, sockets, threads and child processes."""

import hmac
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from apscheduler.schedulers.background import BackgroundScheduler

from coordinator import data_directory, settings
from coordinator.acts.services import Services
from coordinator.agents import enrolment
from coordinator.agents.allowlist import Allowlist
from coordinator.changes import ChangeFeed
from coordinator.conversation import Conversation, Patience
from coordinator.errors import StartError
from coordinator.keys.ca import Authority
from coordinator.keys.keyring import Keyring
from coordinator.metrics import Metrics
from coordinator.model.records import RevocationList
from coordinator.mqtt import broker
from coordinator.mqtt.link import CoordinatorLink, evict
from coordinator.mqtt.revocation import Revoker
from coordinator.people.authentication import Authenticator, Rules
from coordinator.privacy.address import AddressCipher
from coordinator.rate_limit import TokenBuckets
from coordinator.store import audit_log, releases
from coordinator.store.engine import Store
from coordinator.unit_of_work import Outlets, UnitsOfWork
from coordinator.web import application
from coordinator.web.server import WebServer
from coordinator.work import catalogue, overview
from coordinator.work.plates import PlateLibrary
from wire.messages import Down

log = structlog.get_logger("app")

RESYNC = 0.005
"""Seconds between two agents that are asked what we lack, on average."""
KEYS = 2
"""Seconds between two looks at whether a command has changed the keys, or brought a part."""
SWEEP = 30
"""Seconds between two looks for silent agents and readies that are over."""


class App:
    """Everything that `muster serve` runs. `url` is where its pages are."""

    def __init__(self, wanted: settings.CoordinatorSettings) -> None:
        """Start all but the web server; what was started before a failure is ended again.

        Raises:
            StartError: something that it needs can't be had; the message says what to do.
        """
        self._closing = ExitStack()
        try:
            self._start(wanted)
        except BaseException:
            self._closing.close()
            raise

    def run(self, announce: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM; `announce` is called when the pages answer."""
        threading.Thread(target=self._announce, args=(announce,), daemon=True).start()
        with self._closing:
            self._server.run(sockets=[self._socket])

    def welcome(self) -> str:
        """A link to make the first account, good for ten minutes; empty where there are accounts."""
        code = self.services.authenticator.first()
        return f"{self.url}/login/{code}" if code else ""

    def _start(self, wanted: settings.CoordinatorSettings) -> None:
        data = data_directory.own(wanted.directory, self._closing)
        self._socket = _listen(wanted.web.host, wanted.web.port)
        self._closing.callback(self._socket.close)
        self.url = f"http://{_host(wanted.web.host)}:{self._socket.getsockname()[1]}"

        authority = Authority(data / "keys", time.time)
        self._keyring = keyring = Keyring(data / "keys", time.time)
        store = Store(wanted.database_url)
        self._closing.callback(store.close)
        self._store = store
        allowlist = Allowlist(store)
        with store.read() as tx:
            barred = enrolment.revocations(tx, time.time())
        running = broker.start(wanted.broker, data, authority, barred)
        self._closing.callback(running.stop)
        self.broker = running.kind
        self._allowlist = allowlist
        self._revoker = Revoker(running, authority, lambda: self._barred(store), evict, barred)

        metrics = Metrics()
        self._planning = threading.Event()
        self.changes = ChangeFeed()
        units = UnitsOfWork(
            store,
            Outlets(
                publish=self.changes.publish,
                post=self._post,
                replan=self._planning.set,
                readmit=self._readmit,
            ),
            time.time,
        )
        self._units = units
        with store.write() as tx:
            self._plates = plates = PlateLibrary(data / "plates", catalogue.stock(tx, keyring, time.time()))
            self._released = releases.latest(tx)
        public_url = wanted.web.public_url or self.url
        self._conversation = Conversation(
            store,
            units,
            plates,
            keyring,
            metrics,
            files=f"{public_url}/files",
            file_secret=_secret(data / "files.key"),
            patience=Patience(
                suspect_after=wanted.dispatch.suspect_after_minutes * 60,
                nonce_margin=wanted.dispatch.nonce_margin_seconds,
            ),
            clock=time.time,
        )
        secret, key = _secret(data / "session.key"), access_key(data).encode()
        services = Services(
            store=store,
            units=units,
            plates=plates,
            authority=authority,
            keyring=keyring,
            addresses=AddressCipher(_secret(data / "addresses.key")),
            authenticator=Authenticator(
                store,
                lambda shown: hmac.compare_digest(shown.encode(), key),
                time.time,
                secret,
                Rules(
                    everyone=wanted.people.second_factor == "everyone",
                    grace=wanted.people.grace_hours * 3600,
                ),
            ),
            clock=time.time,
            public_url=public_url,
            broker_url=running.agents_url,
            request_lifetime=wanted.dispatch.request_lifetime_minutes * 60,
        )
        self.services = services
        metrics.watch(lambda: services.read(overview.standing, time.time()))
        self._conversation.lose_touch()
        self._linked = threading.Event()
        self._link = CoordinatorLink(
            running.endpoint,
            self._conversation.hear,
            metrics,
            lost=self._conversation.lose_touch,
            found=self._linked.set,
            capacity=wanted.limits.messages_waiting,
            quota=TokenBuckets(wanted.limits.messages_per_second, wanted.limits.messages_at_once),
            admits=self._allowlist.__contains__,
        )
        self._link.start()
        self._closing.callback(self._link.stop)
        self._revoker.start()
        self._closing.callback(self._revoker.stop)
        self._plan_always()
        self._resync_always()
        self._recur(metrics)

        self.site = application.create(
            services,
            self._conversation,
            self.changes,
            version=version("muster"),
            metrics=metrics.render,
            secret=secret,
            public_url=wanted.web.public_url,
        )
        configuration = uvicorn.Config(
            self.site, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=3
        )
        self._server = WebServer(configuration, self.changes)
        address = data / "address"
        address.write_text(self.url + "\n")
        self._closing.callback(address.unlink, missing_ok=True)

    def _post(self, agent: str, message: Down) -> None:
        self._link.publish(agent, message)

    def _readmit(self) -> None:
        self._allowlist.reload()
        self._revoker.wake()

    @staticmethod
    def _barred(store: Store) -> RevocationList:
        with store.read() as tx:
            return enrolment.revocations(tx, time.time())

    def _plan_always(self) -> None:
        """The planner's thread: gives out work whenever something changed."""
        stopping = threading.Event()

        def planner() -> None:
            while True:
                self._planning.wait()
                self._planning.clear()
                if stopping.is_set():
                    return
                try:
                    self._conversation.plan()
                except Exception:
                    log.exception("planning failed; it will be tried again")
                    stopping.wait(1)
                    self._planning.set()

        thread = threading.Thread(target=planner, name="planner", daemon=True)

        def stop() -> None:
            stopping.set()
            self._planning.set()
            thread.join()

        thread.start()
        self._closing.callback(stop)

    def _resync_always(self) -> None:
        """The resync's thread: whenever the link is new, it asks each agent for what we lack, one after the other.

        They must not all answer at once.
        """
        stopping = threading.Event()

        def resync() -> None:
            while True:
                self._linked.wait()
                self._linked.clear()
                for known in self._conversation.known():
                    if stopping.wait(random.uniform(0, 2 * RESYNC)):
                        return
                    self._conversation.resync(*known)
                if stopping.is_set():
                    return

        thread = threading.Thread(target=resync, name="resync", daemon=True)

        def stop() -> None:
            stopping.set()
            self._linked.set()
            thread.join()

        thread.start()
        self._closing.callback(stop)

    def _recur(self, metrics: Metrics) -> None:
        """What APScheduler's thread does from time to time."""
        scheduler: Any = BackgroundScheduler(  # APScheduler 3 has no types
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 60}
        )

        def counted(name: str, job: Callable[[], None]) -> Callable[[], None]:
            def run() -> None:
                well = False
                try:
                    job()
                    well = True
                finally:
                    metrics.ran(name, well=well)

            return run

        def summarise() -> None:
            log.info("how things stand", **self.services.read(overview.summary))
            entries, head = self.services.read(audit_log.head)
            log.info("the audit log's head, for whoever verifies it", entries=entries, head=head)

        scheduler.add_job(counted("keys", self._look_at_keys), "interval", seconds=KEYS, id="keys")
        scheduler.add_job(counted("sweep", self._conversation.sweep), "interval", seconds=SWEEP, id="sweep")
        scheduler.add_job(counted("summary", summarise), "interval", hours=1, id="summary")
        scheduler.start()
        self._closing.callback(scheduler.shutdown)

    def _look_at_keys(self) -> None:
        """Go by what `muster keys` has changed meanwhile."""
        try:
            changed = self._keyring.reload()
        except StartError as error:
            log.error("the new keys can't be used", why=str(error))  # noqa: TRY400  one readable line
            return
        with self._store.read() as tx:
            released = releases.latest(tx)
        if not changed and released == self._released:
            return
        with self._units.begin() as unit:
            approved = catalogue.stock(unit.tx, self._keyring, unit.now)
            self._released = releases.latest(unit.tx)
            unit.then(lambda: self._plates.stock(approved))
            unit.replan()
        if changed:
            log.info("the keys have changed", version=self._keyring.keys.version)
            self._conversation.renew_keys()

    def _announce(self, announce: Callable[[], None]) -> None:
        while not self._server.started:
            if self._server.should_exit:
                return
            time.sleep(0.02)
        announce()


def access_key(data: Path) -> str:
    """The coordinator's access key, made at the first start."""
    return _secret(data / "access.key").hex()


def _secret(path: Path) -> bytes:
    """32 random bytes, kept as hex in a file that only we can read."""
    try:
        return bytes.fromhex(path.read_text())
    except FileNotFoundError:
        made = secrets.token_bytes(32)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(made.hex())
        return made
    except (OSError, ValueError) as error:
        raise StartError(f"{path} can't be read: {error}") from None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StartError(f"can't listen on {host}:{port}: {reason} (set another [web] port)") from None


def _host(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - recognised, not bound
