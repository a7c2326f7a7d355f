"""A broker's restart under thousands of agents: how long until each has its answer, and what it costs us."""

import os
import resource
import secrets
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from coordinator.demo.processes import DemoProcesses
from coordinator.keys.ca import Authority
from coordinator.mqtt import mosquitto
from coordinator.store import agents
from coordinator.store.engine import Store
from tests.bench.figures import Failed, Figure, Skipped
from tests.farend.crowd import Crowd, LightAgent, context

AGENTS = 2000
QUICK = 200
ENTRY = 20.0
"""Seconds over which the crowd comes in at first."""
PATIENCE = 180.0
AIM = 60.0
"""Seconds from the broker's death until the coordinator has answered everybody."""
MB = 1024.0


def run(*, quick: bool) -> list[Figure]:
    """A crowd of light agents over TLS; the machine's Mosquitto is killed as their steady links carry news."""
    if mosquitto.program() is None:
        raise Skipped("mosquitto is not installed (Debian: apt install mosquitto)")
    return measure(QUICK if quick else AGENTS, ENTRY)


def measure(count: int, entry: float, *, steady: float = 0.0) -> list[Figure]:
    """The figures of one restart with `count` agents, whose links stood for `steady` seconds at least.

    Raises:
        Failed: somebody got no answer at all.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="muster-load-", ignore_cleanup_errors=True) as directory:
        stage = DemoProcesses(Path(directory))
        try:
            crowd = _enrolled(Path(directory), count)
            stage.coordinator("mosquitto", "")
            port = int((Path(directory) / "coordinator" / "broker" / "port").read_text())
            serve, broker = _process("coordinator", "serve"), _process(str(Path(directory)), "mosquitto.conf")
            with Crowd("127.0.0.1", port, crowd, entry=entry) as gathered:
                _until(lambda: gathered.up == count, f"only {gathered.up} of {count} came up")
                gathered.owe()  # heard by nobody yet: it goes out with the next connection
                time.sleep(steady)
                before = _memory(serve)
                killed = time.monotonic()
                os.kill(broker, signal.SIGKILL)
                _until(lambda: gathered.owing == 0, "not everybody was answered")
                waits = [agent.answered_at - killed for agent in crowd]
                return [
                    Figure(name=f"{count} agents: broker dead to each one's answer", unit="s", values=waits),
                    Figure(name="the last one's", unit="s", values=[max(waits)], below=AIM, share=True),
                    Figure(
                        name="tries to connect in the busiest second",
                        unit="",
                        values=[float(gathered.busiest_second(killed))],
                        share=True,
                    ),
                    Figure(name="coordinator before, RSS", unit="MB", values=[before], share=True),
                    Figure(name="coordinator after, its peak", unit="MB", values=[_peak(serve)], share=True),
                ]
        finally:
            stage.close()


def _enrolled(directory: Path, count: int) -> list[LightAgent]:
    """So many agents with a certificate each, as if a coordinator had enrolled them; they share one key."""
    data = directory / "coordinator"
    data.mkdir(mode=0o700)
    authority = Authority(data / "keys", time.time)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "anybody")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    asked = request.public_bytes(Encoding.PEM).decode()
    key_file = directory / "agents.key"
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    store = Store(f"sqlite:///{data / 'muster.db'}")
    crowd: list[LightAgent] = []
    with store.write() as tx:
        for number in range(count):
            name = f"maker-{number}"
            agents.agents.add(tx, agents.Agent(name=name, enrolled=time.time()))
            certificate = directory / "agent.crt"
            certificate.write_text(authority.issue_client(asked, name))
            shown = context(authority.certificate_file, certificate, key_file)
            crowd.append(LightAgent(name, shown, secrets.token_hex(16)))
    store.close()
    return crowd


def _process(*words: str) -> int:
    """The process whose command line has all these, and that no other of them started: the deepest."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode()
        except OSError:
            continue
        if all(word in line for word in words) and "child_process.py" not in line:
            found.append(int(path.parent.name))
    if not found:
        raise Failed(f"no process of {words}")
    return max(found)


def _until(is_so: Callable[[], bool], why: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise Failed(f"{why} within {PATIENCE:.0f} s")
        time.sleep(0.05)


def _memory(pid: int) -> float:
    return _status(pid, "VmRSS")


def _peak(pid: int) -> float:
    return _status(pid, "VmHWM")


def _status(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / MB
