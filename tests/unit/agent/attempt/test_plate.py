"""A plate made of a body from a server, the owner's scripts, and what the gate says."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.attempt.fetch import Fetcher, StoppedError
from agent.attempt.plate import CABLE, CHUNK, PlateMaker, PlateRefusedError
from gcode.document import decode
from gcode.gate import judge
from gcode.material import material
from gcode.profile import Profile
from gcode.script import Script, fill
from gcode_templates import machine_source
from tests.farend.files import Server, serving
from tests.unit.agent.test_journal import grant
from wire.manifest import Manifest

SCRIPT = decode(machine_source("marlin"), Script, "marlin.toml")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def plates(server: Server, folder: Path, script: Script = SCRIPT) -> PlateMaker:
    fetcher = Fetcher(server.url, wait=lambda _: None, random=lambda: 0.0)
    # These bodies are of no part: what they come to when drawn is test_proof.py's business.
    return PlateMaker(folder, fetcher, script, Profile(), lambda *_: None)


def manifest(server: Server, data: bytes) -> Manifest:
    around = fill(SCRIPT, Profile(), material("petg"))
    found = judge(around.start, data, around.end, Profile(), material("petg")).body
    return replace(
        grant("a-1")[0],
        url=server.serve("/plate", data),
        size=len(data),
        digest=hashlib.sha256(data).hexdigest(),
        grams=found.grams,
        seconds=found.seconds,
    )


def test_moves_too_short_to_count_take_the_time_of_the_cable(server: Server, tmp_path: Path):
    there, back = b"G1 X20.00001 Y20 E0.00001\n", b"G1 X20 Y20 E0.00001\n"
    data = b"G1 Z0.3 F600\nG1 X20 Y20 F6000\n" + (there + back) * 3000
    plate = plates(server, tmp_path).make(manifest(server, data), lambda: False)
    assert plate.path.stat().st_size > len(data)
    assert plate.seconds >= plate.path.stat().st_size / CABLE


def test_the_gate_has_the_last_word_also_over_its_owners_own_script(server: Server, tmp_path: Path):
    data = b"G1 Z0.3 F600\nG1 X20 Y20 F6000\nG1 X20 Y30 E0.4\n"
    own = replace(SCRIPT, end=("M500", *SCRIPT.end))
    with pytest.raises(PlateRefusedError, match="M500"):
        plates(server, tmp_path, own).make(manifest(server, data), lambda: False)
    assert not list(tmp_path.glob("a-1.*"))


def test_the_gate_can_be_called_off_between_two_pieces(server: Server, tmp_path: Path):
    data = b"G1 Z0.3 F600\nG1 X20 Y20 F6000\n" + b"G1 X20 Y30 E0.4\nG1 X20 Y20 E0.4\n" * 20_000
    assert len(data) > 2 * CHUNK
    made = plates(server, tmp_path)
    wanted = manifest(server, data)

    def stop() -> bool:
        return (tmp_path / "a-1.new").exists()  # the body is here, and the gate reads

    with pytest.raises(StoppedError):
        made.make(wanted, stop)
    assert not list(tmp_path.glob("a-1.*"))
    assert made.make(wanted, lambda: False).path.exists()
    assert len(server.asked) == 1
