"""What is granted is what its part comes to, drawn here: in a process of its own, or not at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.attempt import proof
from agent.attempt.drawing import DrawingOrder, Drawn, draw
from agent.attempt.fetch import Fetcher, FetchError, StoppedError
from agent.attempt.plate import PlateRefusedError
from agent.attempt.proof import Definitions, Proof, draw_apart
from agent.membership.identity import Identity
from agent.membership.trust import Trust
from gcode.profile import Profile
from tests.farend.files import Server, serving
from tests.farend.keys import COUPON, LONG, SHORT, Keys, drawn
from tests.unit.wire.test_manifest import manifest
from wire import release
from wire.enrolment import EnrolmentAnswer
from wire.errors import RemoteError
from wire.messages import Blame

PEM = "-----BEGIN "


class Bench:
    def __init__(self, folder: Path, server: Server) -> None:
        self.keys, self.server, self.folder = Keys(), server, folder
        answer = EnrolmentAnswer("anna", PEM, PEM, "mqtts://hub.example:8883", self.keys.signed, server.url)
        fetcher = Fetcher(server.url, wait=lambda _: None, random=lambda: 0.0)
        trust = Trust(Identity(folder, answer), lambda _: False)
        self.proof = Proof(trust, Definitions(folder / "definitions", server.url, fetcher), Profile())
        self.hold(COUPON)

    def hold(self, document: bytes, instead: bytes = b"") -> None:
        """The coordinator has a document; or serves another in its place."""
        self.server.serve(f"{release.PATH}/{release.definition(document)}", instead or document)

    def judge(self, **changes: Any) -> None:
        self.proof.prove(manifest(**{**self.keys.job(), **changes}), lambda: False)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with serving() as server:
        yield Bench(tmp_path, server)


def order(**changes: Any) -> DrawingOrder:
    fields: dict[str, Any] = {
        "document": COUPON,
        "part": "coupon",
        "version": "1",
        "parameters": SHORT,
        "profile": Profile(),
        "material": "petg",
        "count": 1,
    }
    return DrawingOrder(**(fields | changes))


def test_what_its_part_comes_to_is_proven_and_the_document_is_fetched_once(bench: Bench):
    bench.judge()
    bench.judge()
    assert len(bench.server.asked) == 1


def test_an_altered_plate_is_refused_and_it_is_said_whom_to_ask(bench: Bench):
    for changes in (
        {"digest": release.definition(drawn().body + b"G4 P1\n"), "size": len(drawn().body) + 6},
        {"parameters": {"side": 10.5, "thickness": 0.2}},
        {"count": 2},
    ):
        with pytest.raises(PlateRefusedError, match="tampered") as refusal:
            bench.judge(**changes)
        assert refusal.value.blame is Blame.JOB


def test_another_document_under_the_same_version_is_refused(bench: Bench):
    altered = COUPON.replace(b'[0, "side"]', b'[0, "side - 1"]')
    bench.hold(altered)
    bench.hold(COUPON, instead=altered)
    good = bench.keys.approve()
    forged = msgspec.structs.replace(good, definition=release.definition(altered), size=len(altered))
    with pytest.raises(FetchError):
        bench.judge()  # it is not the document that was asked for
    with pytest.raises(RemoteError, match="signature"):
        bench.judge(release=forged)


def test_an_unsigned_part_is_refused_before_anything_is_drawn(bench: Bench):
    with pytest.raises(RemoteError, match="approved"):
        bench.judge(release=None)
    with pytest.raises(RemoteError, match="not known"):
        bench.judge(release=Keys().approve())


def test_a_document_that_is_of_another_part_is_refused(bench: Bench):
    approved = bench.keys.approve(name="visor")
    with pytest.raises(PlateRefusedError, match="coupon 1"):
        bench.judge(part="visor", release=approved)


def test_a_part_that_is_shipped_needs_no_fetching(bench: Bench):
    import gcode_templates

    document = gcode_templates.part_source("strap-clip")
    approved = bench.keys.approve(document, "strap-clip", "1")
    wanted = draw(order(document=document, part="strap-clip", parameters={}))
    bench.judge(part="strap-clip", parameters={}, release=approved, digest=wanted.digest, size=wanted.size)
    assert bench.server.asked == []


def test_the_process_and_the_pure_function_are_one(bench: Bench):
    for each in (
        order(),
        order(count=1000),
        order(material="lead"),
        order(document=b"\xff"),
        order(version="2"),
    ):
        apart = msgspec.json.decode(draw_apart(msgspec.json.encode(each), lambda: False), type=Drawn)
        assert apart == draw(each)
        assert bool(apart.error) != bool(apart.digest)


def test_a_drawing_can_be_called_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(proof, "LOOK", 0.001)
    with pytest.raises(StoppedError):
        draw_apart(msgspec.json.encode(order(parameters=LONG)), lambda: True)


def test_a_drawing_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(proof, "LOOK", 0.001)
    monkeypatch.setattr(proof, "LONGEST", 0.0)
    with pytest.raises(PlateRefusedError, match="too long"):
        draw_apart(msgspec.json.encode(order(parameters=LONG)), lambda: False)


def test_a_process_that_comes_to_grief_is_a_refusal_in_its_own_words():
    with pytest.raises(PlateRefusedError, match="can't be drawn here: msgspec"):
        draw_apart(b"rubbish", lambda: False)


def test_old_documents_do_not_pile_up(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(proof, "KEPT", 2)
    for number in range(5):
        document = COUPON + b"# %d\n" % number
        bench.hold(document)
        bench.judge(release=bench.keys.approve(document))
    assert len(list((bench.folder / "definitions").iterdir())) == 2
