"""The harness' own parts: what it wraps is there, its plans replay, its cable and its measure are right."""

import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import faults, nemesis, tempo
from tests.chaos.control import AFTER, BEFORE, Control
from tests.chaos.diary import Diary, read_from
from tests.chaos.history import bugs, refused
from tests.chaos.mortal import SEAMS, moves_in
from tests.chaos.packets import PUBLISH, Splitter
from tests.chaos.proxy import Proxy
from tests.chaos.recovery import recoveries

GRANT = b"muster/1/00/anna/down/grant"
NAMES = ["anna", "ben"]


def publish(topic: bytes, body: bytes, number: int | None = None) -> bytes:
    """A PUBLISH packet; of QoS 1 with a number."""
    told = len(topic).to_bytes(2) + topic + (b"" if number is None else number.to_bytes(2)) + body
    assert len(told) < 128
    return bytes([PUBLISH << 4 | (0 if number is None else 2), len(told)]) + told


def connect(client: bytes) -> bytes:
    told = b"\0\4MQTT\4\2\0\5" + len(client).to_bytes(2) + client
    return bytes([0x10, len(told)]) + told


# ── what it holds on to in the product ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", SEAMS)
def test_what_is_wrapped_is_there(name: str) -> None:
    module, kind, method = name.rsplit(".", 2)
    assert callable(getattr(getattr(importlib.import_module(module), kind), method))


@pytest.mark.parametrize("name", [*tempo.AGENT, *tempo.COORDINATOR])
def test_each_wait_that_is_shortened_is_there_and_is_longer(name: str) -> None:
    module, _, constant = name.rpartition(".")
    waits = tempo.AGENT | tempo.COORDINATOR
    assert getattr(importlib.import_module(module), constant) > waits[name]


def test_a_wait_that_is_renamed_is_told() -> None:
    with pytest.raises(LookupError, match=r"no agent\.attempt\.runner\.NAP"):
        tempo.hasten({"agent.attempt.runner.NAP": 1})


# ── plans ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_seed_gives_the_same_plan_again_and_another_one_does_not() -> None:
    first, again, other = (faults.plan(seed, 100, 1, NAMES, list(faults.BY_NAME)) for seed in (1, 1, 2))
    assert first == again != other


def test_nobody_is_struck_twice_at_once() -> None:
    for target in [*NAMES, "coordinator", "broker", "database"]:
        plan = [each for each in faults.plan(3, 600, 3, NAMES, list(faults.BY_NAME)) if each.target == target]
        assert len(plan) > 1, target
        assert all(one.at + one.lasts < two.at for one, two in pairwise(plan))


def test_every_kind_comes_up_and_somebody_can_do_it() -> None:
    plan = faults.plan(4, 1200, 3, NAMES, list(faults.BY_NAME))
    assert {each.kind for each in plan} == set(faults.BY_NAME)
    for kind in faults.BY_NAME:
        assert callable(getattr(nemesis.Nemesis, "_" + kind.replace("-", "_")))


# ── dying at a commit ─────────────────────────────────────────────────────────────────────────────────────

_MORTAL = """
import sys
from pathlib import Path
from tests.chaos.control import AFTER, BEFORE, Control
control = Control(Path(sys.argv[1]))
for number in range(1, 6):
    control.commits(BEFORE)
    print(number, flush=True)
    control.commits(AFTER)
"""


@pytest.mark.parametrize(("where", "done"), [(BEFORE, "1 2"), (AFTER, "1 2 3")])
def test_a_process_dies_at_the_commit_that_was_chosen(tmp_path: Path, where: int, done: str) -> None:
    Control(tmp_path / "control").arm(3, where)
    died = subprocess.run(
        [sys.executable, "-c", _MORTAL, str(tmp_path / "control")],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    assert died.stdout.split() == done.split()


def test_a_clock_is_set_from_outside(tmp_path: Path) -> None:
    Control(tmp_path / "control").shift(-3600)
    assert Control(tmp_path / "control").ahead == -3600


def test_a_diary_is_read_up_to_its_last_whole_line(tmp_path: Path) -> None:
    Diary(tmp_path / "diary").note("born", pid=1)
    with (tmp_path / "diary").open("a") as file:
        file.write('{"t": 1')
    notes, end = read_from(tmp_path / "diary", 0)
    assert [note["what"] for note in notes] == ["born"]
    with (tmp_path / "diary").open("a") as file:
        file.write(', "what": "acked"}\n')
    assert [note["what"] for note in read_from(tmp_path / "diary", end)[0]] == ["acked"]


def test_moves_that_put_plastic_down_are_counted() -> None:
    assert moves_in(b"G28\nG92 E0\nG1 Z2 F600\nG1 X5 Y2 E0.5\nG1 E-2 F2400\nM84\n") == 2


def test_what_a_log_says_of_mistakes_is_found(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "07:00 info step\nsqlite3.OperationalError: disk full\n07:01 critical a bug in thread one: the agent stops\n"
        + 2 * "sqlite3.IntegrityError: an account would fall below zero\n"
    )
    assert bugs(log) == ["a bug in thread one: the agent stops"]
    assert refused(log) == ["sqlite3.IntegrityError: an account would fall below zero"]
    assert bugs(tmp_path / "none") == []


# ── the cable ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
def test_a_stream_is_cut_into_packets_however_it_comes(piece: int) -> None:
    whole = connect(b"anna") + publish(GRANT, b"one", 7) + publish(GRANT, b"two")
    splitter = Splitter()
    found = [
        each for start in range(0, len(whole), piece) for each in splitter.feed(whole[start : start + piece])
    ]
    assert b"".join(each.data for each in found) == whole
    assert found[0].client == "anna"
    assert found[1].topic == GRANT.decode()
    assert found[1].at_most_once() == publish(GRANT, b"one")
    assert found[2].at_most_once() == publish(GRANT, b"two")


class Far:
    """A server that keeps what it heard, and a client; the proxy is between them."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.proxy = Proxy(self.server.getsockname()[1], mqtt=True)
        self.near, self.far = self.meet()

    def meet(self) -> tuple[socket.socket, socket.socket]:
        near = socket.create_connection(("127.0.0.1", self.proxy.port))
        near.settimeout(5)
        near.sendall(connect(b"anna"))
        far, _ = self.server.accept()
        far.settimeout(5)
        assert hear(far, connect(b"anna"))
        return near, far

    def close(self) -> None:
        self.proxy.close()
        for each in (self.near, self.far, self.server):
            each.close()


def hear(line: socket.socket, wanted: bytes) -> bool:
    """Whether exactly this comes."""
    got = b""
    while len(got) < len(wanted):
        got += line.recv(4096)
    return got == wanted


@pytest.fixture
def cable() -> Any:
    far = Far()
    yield far
    far.close()


def test_a_cable_passes_everything_on(cable: Far) -> None:
    cable.near.sendall(publish(b"up", b"x", 1))
    assert hear(cable.far, publish(b"up", b"x", 1))
    cable.far.sendall(publish(GRANT, b"y", 2))
    assert hear(cable.near, publish(GRANT, b"y", 2))


def test_a_publish_comes_twice(cable: Far) -> None:
    cable.proxy.set("anna", double=1.0)
    cable.near.sendall(publish(b"up", b"x", 1))
    assert hear(cable.far, publish(b"up", b"x", 1) * 2)


def test_a_publish_is_lost(cable: Far) -> None:
    cable.proxy.set("anna", lose=1.0)
    cable.near.sendall(publish(b"up", b"x", 1) + b"\xc0\0")
    assert hear(cable.far, b"\xc0\0")  # a ping is no publish


def test_what_is_held_comes_when_it_is_released(cable: Far) -> None:
    cable.proxy.hold("anna", "up")
    cable.near.sendall(publish(b"up", b"x", 1))
    cable.far.settimeout(0.2)
    with pytest.raises(TimeoutError):
        cable.far.recv(1)
    cable.far.settimeout(5)
    cable.proxy.release("anna", cut=False)
    assert hear(cable.far, publish(b"up", b"x", 1))


def test_a_half_open_connection_is_reset_in_the_end(cable: Far) -> None:
    cable.proxy.hold("anna", "up", "down")
    cable.proxy.release("anna", cut=True)
    try:
        left = cable.near.recv(1)
    except ConnectionResetError:
        left = b""
    assert left == b""


def test_a_grant_is_kept_for_a_later_connection(cable: Far) -> None:
    cable.proxy.withhold("anna")
    cable.far.sendall(publish(GRANT, b"old", 5) + b"\xd0\0")
    assert hear(cable.near, b"\xd0\0")
    cable.proxy.cut("anna")
    near, far = cable.meet()
    cable.proxy.deliver("anna")
    assert hear(near, publish(GRANT, b"old"))
    near.close()
    far.close()


def test_what_was_said_is_said_again(cable: Far) -> None:
    cable.near.sendall(publish(b"up", b"x", 1))
    assert hear(cable.far, publish(b"up", b"x", 1))
    cable.proxy.repeat("anna")
    assert hear(cable.far, publish(b"up", b"x"))


def test_a_proxy_leaves_no_thread() -> None:
    before = threading.active_count()
    Far().close()
    assert threading.active_count() == before


# ── the measure ───────────────────────────────────────────────────────────────────────────────────────────


def struck(kind: str, target: str, began: float, ended: float) -> dict[str, Any]:
    return {"what": "fault", "kind": kind, "target": target, "began": began, "ended": ended}


def heard(agent: str, moment: float, kind: str = "telemetry") -> dict[str, Any]:
    return {"t": moment, "what": "heard", "agent": agent, "kind": kind}


def said(agent: str, moment: float) -> dict[str, Any]:
    return {"t": moment, "what": "said", "agent": agent, "kind": "ack"}


QUIET: dict[str, list[dict[str, Any]]] = {"anna": [], "ben": []}


def test_an_agent_is_back_when_it_was_heard_again() -> None:
    centre = [heard("anna", 9), heard("ben", 10.5), heard("anna", 12)]
    assert recoveries([struck("deaf", "anna", 8, 10)], centre, QUIET, 100) == [(2, "deaf")]


def test_an_agent_with_something_untold_is_back_when_that_is_acknowledged() -> None:
    centre = [heard("anna", 12), said("ben", 12.5), said("anna", 13)]
    notes = QUIET | {"anna": [{"t": 9, "what": "step"}]}
    assert recoveries([struck("deaf", "anna", 8, 10)], centre, notes, 100) == [(3, "deaf")]


def test_after_a_cut_only_a_new_birth_counts() -> None:
    centre = [heard("anna", 10.1), heard("anna", 11, "presence")]
    assert recoveries([struck("cut", "anna", 10, 10)], centre, QUIET, 100) == [(1, "cut")]


def test_the_centre_is_back_when_all_were_heard_and_somebody_was_answered() -> None:
    centre = [said("anna", 10.5), heard("anna", 11), heard("ben", 14), said("ben", 15)]
    assert recoveries([struck("freeze-broker", "broker", 8, 10)], centre, QUIET, 100) == [
        (5, "freeze-broker")
    ]


def test_a_fault_that_the_next_one_interrupts_is_no_measure() -> None:
    centre = [heard("anna", 30)]
    both = [struck("deaf", "anna", 8, 10), struck("freeze-broker", "broker", 15, 20)]
    assert recoveries(both, centre, {"anna": []}, 25) == []
