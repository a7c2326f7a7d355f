"""Whatever the bytes, the gate answers; and its quick way judges as its thorough one."""

import itertools
from contextlib import suppress
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from gcode.document import DocumentError, decode
from gcode.gate import Gate, Limits, Verdict, judge
from gcode.material import material
from gcode.profile import Profile, Zone
from gcode.reader import commands
from gcode.refusal import Refused
from gcode.rules import Section
from gcode.whereabouts import Whereabouts

PROFILE = Profile(width=100, depth=90, height=50, feed=6000, flow=8.0)
PETG = material("petg")
START = b"G21\nG90\nM83\nM140 S80\nM104 S240\nG28\nM190 S80\nM109 S240\nG92 E0\nG1 X10 Y10 Z0.2 F3000\n"
END = b"M104 S0\nM140 S0\nM84\n"


class Thorough(Gate):
    """A gate without the quick way."""

    def _glide(self, rows: object, at: int, end: int) -> int:
        return at


def verdict_of(gate: Gate, body: bytes) -> Verdict:
    gate.feed(START)
    gate.enter(Section.BODY)
    gate.feed(body)
    gate.enter(Section.END)
    gate.feed(END)
    return gate.verdict()


EDGES = "0 1 5 10 50 89.99999 90 90.00001 100 100.00001 0.5 0.05 -1 -0.5 60 59 3000 6000 6001"
CODES = "G0 G1 G4 G21 G28 G90 G91 G92 M82 M83 M84 M104 M106 M107 M109 M140 M190 M400 M900 M112 T0"
numbers = st.sampled_from(EDGES.split())
letters = st.sampled_from("XYZEFSPIJ")
moves = st.builds(
    "{} X{} Y{}{}{}".format,
    st.sampled_from(["G0", "G1"]),
    st.decimals(0, 101, places=3),
    st.decimals(0, 91, places=3),
    st.one_of(
        st.just(""),
        st.decimals(-1, 4, places=5).map(" E{}".format),
        st.decimals(0, Decimal("0.1"), places=5).map(" E{:f}".format),
    ),
    st.one_of(st.just(""), st.integers(50, 6100).map(" F{}".format)),
)
others = st.builds(
    "{}{}".format,
    st.sampled_from(CODES.split()),
    st.lists(st.builds(" {}{}".format, letters, numbers), max_size=3).map("".join),
)
harmless = st.sampled_from(
    [
        "G1 Z1",
        "G1 E-1",
        "G1 E1",
        "G92 E0",
        "M83",
        "G90\nM83",
        "M106 S9",
        "M104 S220",
        "G1 X50 Y50",
        "G1 Y3 X3 E0.01",
    ]
)
calm = st.builds(
    "G1 X{} Y{}{}{}".format,
    st.integers(0, 60),
    st.integers(0, 60),
    st.sampled_from(["", "", " E0.02", " E0.05"]),
    st.sampled_from(["", "", " F60", " F6000"]),
)
bodies = st.one_of(
    st.lists(st.one_of(moves, moves, moves, harmless, others), max_size=40),
    st.lists(st.one_of(calm, calm, calm, harmless), max_size=40),
).map(lambda lines: "".join(line + "\n" for line in lines).encode())
profiles = st.sampled_from(
    [
        PROFILE,
        replace(PROFILE, radius=70.0),
        replace(
            PROFILE, home=(0, 0), zones=(Zone(x=20, y=20, width=15, depth=10), Zone(x=60, y=50, radius=8))
        ),
    ]
)


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=300))
@example(b"G1 X1\n" * 5, b"\n", b"")
def test_random_bytes_are_refused_and_raise_nothing(start: bytes, body: bytes, end: bytes):
    verdict = judge(start, body, end, PROFILE, PETG)
    assert not verdict.accepted
    assert verdict.reason
    assert not judge(START, body + b"\xff\n", END, PROFILE, PETG).accepted


@given(st.binary(max_size=300))
def test_the_reader_raises_only_its_refusal(data: bytes):
    try:
        read = list(commands([data]))
    except Refused as refused:
        line = refused.line
    else:
        line = len(read) + 1
        assert len(read) == data.count(b"\n")
    assert 1 <= line <= data.count(b"\n") + 1


@given(bodies, profiles)
def test_the_quick_way_judges_as_the_thorough_one(body: bytes, profile: Profile):
    quick, thorough = verdict_of(Gate(profile, PETG), body), verdict_of(Thorough(profile, PETG), body)
    assert (quick.accepted, quick.code, quick.line) == (thorough.accepted, thorough.code, thorough.line)
    assert quick.extent == thorough.extent
    assert abs(quick.whole.filament - thorough.whole.filament) < 1e-6
    assert abs(quick.whole.seconds - thorough.whole.seconds) < 1e-6


@given(bodies, st.lists(st.integers(0, 400), max_size=5), st.integers(1, 60))
def test_how_the_bytes_arrive_changes_nothing(body: bytes, cuts: list[int], most: int):
    marks = [0, *sorted(cuts), len(body)]
    pieces = [body[a:b] for a, b in itertools.pairwise(marks)]
    limits = Limits(lines=most)
    whole, cut = (
        judge(START, b"".join(pieces), END, PROFILE, PETG, limits),
        judge(START, pieces, END, PROFILE, PETG, limits),
    )
    assert (whole.accepted, whole.code, whole.line) == (cut.accepted, cut.code, cut.line)


@given(bodies)
def test_what_passes_stays_within_the_printer(body: bytes):
    verdict = verdict_of(Gate(PROFILE, PETG), body)
    if verdict.accepted:
        x, y, z = verdict.extent
        assert x <= PROFILE.width
        assert y <= PROFILE.depth
        assert z <= PROFILE.height
        assert verdict.whole.seconds >= 0
        assert verdict.whole.grams >= 0


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_a_document_of_anything_raises_only_its_own_error(source: bytes | str):
    with suppress(DocumentError):
        decode(source, dict[str, int], "x.toml")


keys = st.text(st.sampled_from("ab\"'.=# é\t"), max_size=4)
values = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.text(st.sampled_from("a\"'#[]{},=\\\n"), max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)


def written(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return '"' + "".join(f"\\u{ord(c):04x}" if c in '"\\\n\t' else c for c in value) + '"'
        case list():
            return "[\n" + ",\n".join(written(item) for item in value) + "\n]"
        case dict():
            return "{" + ", ".join(f"{written(k)} = {written(v)}" for k, v in value.items()) + "}"
        case _:
            return str(value)


@given(st.dictionaries(keys, values, max_size=4), st.text(st.sampled_from("# \n"), max_size=5))
def test_every_key_is_found_on_its_line(document: dict[str, object], comment: str):
    source, lines = "", {}
    for key, value in document.items():
        source += "# " + comment.replace("\n", "\n#") + "\n"
        lines[key] = source.count("\n") + 1
        source += f"{written(key)} = {written(value)}\n"
    where = Whereabouts(source)
    assert {key: where.line((key,)) for key in document} == lines
