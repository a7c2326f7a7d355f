"""The MQTT broker: one that runs as our child, or one that a setting names."""

import contextlib
import errno
import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from coordinator import settings
from coordinator.endpoint import Credentials, Endpoint
from coordinator.errors import StartError
from coordinator.keys.ca import Authority, publish
from coordinator.model.records import RevocationList
from coordinator.mqtt import child_process, mosquitto

log = structlog.get_logger("broker")

STARTS_WITHIN = 30.0
"""Seconds that a broker has for its start on a slow and busy machine."""
LONGEST_PAUSE = 30.0
"""Seconds between two restarts of a broker that keeps dying."""
LOOPBACK = "127.0.0.1"
"""Where the embedded broker listens, and nowhere else: it lets everyone do everything."""
FOR_GROUP = 0o640
"""The mode of files for a Mosquitto that runs as another user; its group is the directory's."""
RULES, REVOKED = "access", "revoked.pem"
"""Mosquitto's access rules, and the certificates that are revoked."""
_LISTENING = "listening"
_TRIES = 5  # for a free port that another program takes just then


NOBODY = RevocationList()


class Broker(Protocol):
    """A broker that takes connections."""

    kind: str
    """`embedded`, `mosquitto` or `external`."""
    endpoint: Endpoint
    """For the coordinator's own link."""
    agents_url: str
    """What agents are told: `mqtt://host:port` or `mqtts://host:port`."""

    @property
    def url(self) -> str:
        """Where the coordinator's own link connects to."""
        ...

    def revoke(self, revocations: RevocationList) -> None:
        """Let these in no more. A connection that stands may stand on for a moment, and reaches nothing."""
        ...

    def stop(self) -> None:
        """End what was started. A second call does nothing."""
        ...


def start(
    wanted: settings.BrokerSettings, data: Path, authority: Authority, revocations: RevocationList = NOBODY
) -> Broker:
    """Start the broker that the settings ask for, and wait until it takes connections; `revocations` are not let in.

    Raises:
        StartError: the port is taken, the program is missing, or it won't start.
    """
    kind = wanted.kind
    if kind == "auto":
        kind = "mosquitto" if mosquitto.program() else "embedded"
    if kind == "external":
        outside = External(wanted, authority)
        outside.revoke(revocations)
        return outside
    directory = data / "broker"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if kind == "mosquitto":
        return _start_mosquitto(wanted, directory, authority, revocations)
    return _start_embedded(wanted, directory, revocations)


class External:
    """A broker that others run. Nothing is started, and it need not be up yet."""

    kind = "external"

    def __init__(self, wanted: settings.BrokerSettings, authority: Authority) -> None:
        """Without certificates of its own in the settings, our own authority and certificate serve."""
        credentials = None
        if wanted.url.startswith("mqtts:"):
            own = authority.issue_coordinator()
            credentials = Credentials(
                Path(wanted.ca) if wanted.ca else own.ca,
                Path(wanted.certificate) if wanted.certificate else own.certificate,
                Path(wanted.key) if wanted.key else own.key,
            )
        self.endpoint = Endpoint(
            url=wanted.url,
            credentials=credentials,
            username=wanted.username or None,
            password_file=Path(wanted.password_file) if wanted.password_file else None,
        )
        self.agents_url = wanted.public_url or wanted.url
        self._authority = authority
        self._directory = Path(wanted.directory) if wanted.directory else None
        self._pid_file = Path(wanted.pid_file) if wanted.pid_file else None

    @property
    def url(self) -> str:
        """Where the coordinator's own link connects to."""
        return self.endpoint.url

    def revoke(self, revocations: RevocationList) -> None:
        """Write the lists into the directory that `muster broker-config` made, and have Mosquitto read them.

        That is systemd's part, which watches the directory; or we signal the process of `pid_file`.
        """
        if self._directory is None:
            if revocations.serials:
                log.warning(
                    "the broker does not learn who is revoked: set `directory` below [broker]",
                    agents=sorted(revocations.agents),
                )
            return
        try:
            write_lists(self._directory, self._authority, revocations, FOR_GROUP)
            if self._pid_file is not None and self._pid_file.exists():
                os.kill(int(self._pid_file.read_text()), signal.SIGHUP)
        except (StartError, OSError, ValueError) as error:
            log.error("can't tell the broker who is revoked", why=str(error))  # noqa: TRY400  one readable line

    def stop(self) -> None:
        """Nothing was started."""


class Child:
    """A broker in a process that ends with ours, and is started again if it dies before."""

    def __init__(
        self,
        kind: str,
        command: Sequence[str],
        endpoint: Endpoint,
        agents_url: str,
        *,
        is_ready: Callable[[str], bool],
        tell: Callable[[RevocationList], str],
        reads: bool = False,
        revocations: RevocationList = NOBODY,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`is_ready` knows the line by which the program says that it listens.

        `tell` prepares what the program needs to know of who is revoked, and gives the line to be written to it; one
        that `reads` what was prepared when it starts needs no line then.

        Raises:
            StartError: it ended, or said nothing for too long.
        """
        self.kind = kind
        self.endpoint = endpoint
        self.agents_url = agents_url
        self._command = list(command)
        self._is_ready = is_ready
        self._tell = tell
        self._reads = reads
        self._line = tell(revocations)
        self._jitter = jitter
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._changes = threading.Event()
        self._said: deque[str] = deque(maxlen=5)
        self._process = self._spawn()
        self._keeper = threading.Thread(target=self._keep, name=f"broker-{kind}", daemon=True)
        self._keeper.start()
        if not self._ready.wait(STARTS_WITHIN) or self._stopping.is_set():
            self.stop()
            raise StartError(f"the {kind} broker can't start: {' / '.join(self._said) or 'it says nothing'}")

    @property
    def url(self) -> str:
        """Where the coordinator's own link connects to."""
        return self.endpoint.url

    @property
    def pid(self) -> int:
        """The child's process id; another one after a restart."""
        return self._process.pid

    def revoke(self, revocations: RevocationList) -> None:
        """Let these in no more; see `Broker.revoke`. One that starts again has heard of them when it listens."""
        try:
            self._line = self._tell(revocations)
        except StartError as error:
            log.error("can't tell the broker who is revoked", why=str(error))  # noqa: TRY400  one readable line
            return
        self._changes.set()
        self._write(self._process)

    def stop(self) -> None:
        """End the child and wait for its end. A second call does nothing."""
        self._stopping.set()
        _cut(self._process)
        if threading.current_thread() is not self._keeper:
            self._keeper.join()

    def _write(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # it died: the next one is told at its start
            process.stdin.write(self._line)
            process.stdin.flush()

    def _spawn(self) -> "subprocess.Popen[str]":
        self._changes.clear()
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is for us; the broker goes last
        )

    def _keep(self) -> None:
        """Read what the child says; start it again when it dies."""
        deaths = 0
        while True:
            listened = self._listen()
            code = _bury(self._process)
            if self._stopping.is_set():
                return
            if not self._ready.is_set():  # the very first start failed
                self._stopping.set()
                self._ready.set()
                return
            deaths = 1 if listened else deaths + 1
            pause = min(LONGEST_PAUSE, 0.5 * 2**deaths) * (0.5 + self._jitter() / 2)
            log.error(
                "the broker died", kind=self.kind, code=code, said=list(self._said), again_in=round(pause, 1)
            )
            if self._stopping.wait(pause):
                return
            self._process = self._spawn()
            if self._stopping.is_set():
                _cut(self._process)

    def _listen(self) -> bool:
        """Take in the child's lines up to its end; whether it ever said that it listens."""
        assert self._process.stdout is not None
        listened = False
        for line in self._process.stdout:
            text = line.rstrip()
            self._said.append(text)
            if not listened and self._is_ready(text):
                listened = True
                if not self._reads or self._changes.is_set():  # while it starts, it may miss a line
                    self._write(self._process)
                self._ready.set()
                log.info("the broker listens", kind=self.kind, url=self.url)
            else:
                log.debug("the broker says", kind=self.kind, text=text)
        return listened


def write_lists(
    directory: Path, authority: Authority, revocations: RevocationList, mode: int = 0o600
) -> None:
    """Write Mosquitto's access rules and the list of revoked certificates, each as a whole.

    Raises:
        StartError: the directory can't be written.
    """
    rules = mosquitto.access_rules(revocations.agents)
    publish(directory / RULES, rules.encode(), replace=True, mode=mode)
    # Last: it is the one that systemd watches, where Mosquitto is not our child.
    publish(directory / REVOKED, authority.revocations(revocations.serials).encode(), replace=True, mode=mode)


def _start_embedded(wanted: settings.BrokerSettings, directory: Path, revocations: RevocationList) -> Child:
    def child(port: int) -> Child:
        url = f"mqtt://{LOOPBACK}:{port}"
        return Child(
            "embedded",
            [sys.executable, "-m", "coordinator.mqtt.amqtt_child", LOOPBACK, str(port), _LISTENING],
            Endpoint(url=url),
            wanted.public_url or url,
            is_ready=lambda line: line == _LISTENING,
            tell=lambda revocations: " ".join(sorted(revocations.agents)) + "\n",
            revocations=revocations,
        )

    return _on_port(child, LOOPBACK, wanted.port, directory)


def _start_mosquitto(
    wanted: settings.BrokerSettings, directory: Path, authority: Authority, revocations: RevocationList
) -> Child:
    program = mosquitto.program()
    if program is None:
        raise StartError(
            "there is no mosquitto on this machine: install it (Debian: apt install mosquitto), "
            'or set kind = "embedded" below [broker] to try Muster out'
        )
    reached_as = wanted.public_url.split("://")[-1].rsplit(":", 1)[0]
    # We connect by loopback where that is served, so that a moved public name can't cut us off.
    nearest = LOOPBACK if wanted.host in ("0.0.0.0", "localhost") else wanted.host  # noqa: S104
    hosts = [host for host in (reached_as, nearest, "localhost", LOOPBACK) if host]
    server = authority.issue_server(hosts)
    own = authority.issue_coordinator()
    configuration = directory / "mosquitto.conf"

    def tell(revocations: RevocationList) -> str:
        write_lists(directory, authority, revocations)
        return "\n"  # to `child_process`, which makes a SIGHUP of it

    def child(port: int) -> Child:
        configuration.write_text(
            mosquitto.configuration(
                host=wanted.host,
                port=port,
                server=server,
                rules=(directory / RULES).absolute(),
                revoked=(directory / REVOKED).absolute(),
                user=ourselves(),
            )
        )
        url = f"mqtts://{nearest}:{port}"
        return Child(
            "mosquitto",
            # Alone by its file, without our own packages: up in milliseconds.
            [
                sys.executable,
                "-I",
                "-S",
                child_process.__file__,
                program,
                "-c",
                str(configuration.absolute()),
            ],
            Endpoint(url=url, credentials=own),
            wanted.public_url or url,
            is_ready=lambda line: line.endswith(mosquitto.READY),
            tell=tell,
            reads=True,
            revocations=revocations,
        )

    return _on_port(child, wanted.host, wanted.port, directory)


def ourselves() -> str:
    """Who we run as, and not who the environment says; a number without a name matters to nobody but root."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return "nobody"


def _on_port(child: Callable[[int], Child], host: str, port: int, directory: Path) -> Child:
    """Start it on `port`, or for 0 on a free one, which is kept for the next time: agents were told of it."""
    if port:
        if trouble := _trouble(host, port):
            raise StartError(
                f"the broker can't listen on port {port} of {host}: {trouble}; "
                "end what is in the way, or set another host or port below [broker]"
            )
        return child(port)
    memory = directory / "port"
    for attempt in range(_TRIES):
        chosen = _remembered(memory)
        if not chosen or _trouble(host, chosen):
            chosen = _free_port(host)
        try:
            broker = child(chosen)
        except StartError:
            if attempt == _TRIES - 1 or not _trouble(host, chosen):
                raise
            continue
        memory.write_text(f"{chosen}\n")
        return broker
    raise StartError(f"no free port on {host}")


def _remembered(memory: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(memory.read_text())
    return 0


def _trouble(host: str, port: int) -> str:
    """Why nobody can listen there now; empty if one can. Asked first, so as not to meet another's broker."""
    with _socket() as probe:
        try:
            probe.bind((host, port))
        except OSError as error:
            return "it is taken" if error.errno == errno.EADDRINUSE else str(error.strerror or error).lower()
        return ""


def _free_port(host: str) -> int:
    with _socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError as error:
            raise StartError(f"the broker can't listen on {host!r}: {error.strerror or error}") from None
        return int(probe.getsockname()[1])


def _socket() -> socket.socket:
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return probe


def _cut(process: "subprocess.Popen[str]") -> None:
    """Close the pipe that keeps the child alive: it ends by itself."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _bury(process: "subprocess.Popen[str]") -> int:
    """Wait for a child whose output has ended; its exit code."""
    _cut(process)
    try:
        code = process.wait(child_process.GRACE + 2)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    if process.stdout is not None:
        process.stdout.close()
    return code
