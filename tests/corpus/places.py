"""Where a head may go on beds with zones, on round beds, and along arcs."""

from collections.abc import Iterator

from tests.corpus.case import COOL, PLAIN, START, Case, edge, file

FENCED = "fenced"
ROUND = "round"


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _zones()
    yield from _round()
    yield from _arcs()


def _zones() -> Iterator[Case]:
    """A clip at X0–12 Y90–120, a bucket of radius 15 at X205 Y205, a block at X100–110 Y100–110; home is X0 Y0."""
    around = ["G1 X30 Y10", "G1 X30 Y140"]
    for name, inside, outside in (
        ("along-the-edge", ["G1 X12 Y50", "G1 X12 Y150"], ["G1 X11.99999 Y50", "!G1 X11.99999 Y150"]),
        ("end-on-the-edge", ["G1 X50 Y100", "G1 X12 Y100"], ["G1 X50 Y100", "!G1 X11.99999 Y100"]),
        ("end-on-the-front-edge", ["G1 X105 Y50", "G1 Y100"], ["G1 X105 Y50", "!G1 Y100.00001"]),
        ("through-with-both-ends-outside", ["G1 X5 Y80", "G1 X20 Y100"], ["G1 X5 Y80", "!G1 X5 Y130"]),
        (
            "over-a-corner",
            [*around, "G1 X5 Y127", "G1 X19 Y113"],
            [*around, "G1 X5 Y126.9", "!G1 X18.9 Y113"],
        ),
        ("printing-through", ["G1 X95 Y99", "G1 X115 Y99 E0.4"], ["G1 X95 Y105", "!G1 X115 Y105 E0.4"]),
        ("block-diagonal", ["G1 X90 Y110", "G1 X100 Y120"], ["G1 X90 Y90", "!G1 X120 Y120"]),
        ("circle-tangent", ["G1 X190 Y220", "G1 X190 Y190"], ["G1 X190.01 Y220", "!G1 X190.01 Y190"]),
        ("circle-end", ["G1 X205 Y150", "G1 X205 Y190"], ["G1 X205 Y150", "!G1 X205 Y190.00001"]),
        (
            "corner-of-the-circles-box",
            ["G1 X190", "G1 Y180", "G1 X193 Y193"],
            ["G1 X190", "G1 Y180", "!G1 X195 Y195"],
        ),
        (
            "from-beside-the-room-of-plates",
            ["G1 X150 Y50 Z0.3", "G1 X90 Y50", "G1 X150 Y60"],
            ["G1 X150 Y50 Z0.3", "G1 X90 Y50", "G1 X90 Y105", "!G1 X150 Y105"],
        ),
        ("by-one-axis", ["G1 X50 Y50", "G1 Y200"], ["G1 X50 Y100", "!G1 X5"]),
        ("however-high", ["G1 Z200", "G1 X50 Y100"], ["G1 X50 Y100", "G1 Z200", "!G1 X5 Y100 Z200"]),
    ):
        yield from edge(f"zone-{name}", "zone", inside, outside, machine=FENCED)
    first = START[:-1]
    yield from edge(
        "zone-on-the-way-from-home",
        "zone",
        ["G1 X50 Y105 Z1 F3000"],
        ["!G1 X0 Y200 Z1 F3000"],
        start=first,
        machine=FENCED,
    )
    yield file("zone-of-another-machine", "", ["G1 X5 Y100"], machine=PLAIN)


def _round() -> Iterator[Case]:
    """A radius of 100 around X0 Y0, 200 high; with PLA."""
    for name, inside, outside in (
        ("right", ["G1 X100 Y0"], ["!G1 X100.00001 Y0"]),
        ("left", ["G1 X-100 Y0"], ["!G1 X-100.00001 Y0"]),
        ("front", ["G1 X0 Y-100"], ["!G1 X0 Y-100.00001"]),
        ("back", ["G1 X0 Y100"], ["!G1 X0 Y100.00001"]),
        ("slanting", ["G1 X60 Y80"], ["!G1 X60 Y80.00001"]),
        ("corner-of-its-box", ["G1 X70 Y70"], ["!G1 X90 Y90"]),
        ("by-one-axis", ["G1 X0 Y80", "G1 X60"], ["G1 X0 Y80", "!G1 X60.00001"]),
        ("printing", ["G1 X0 Y0", "G1 X-60 Y-80 E1"], ["G1 X0 Y0", "!G1 X-60 Y-80.00001 E1"]),
        ("top", ["G1 Z200"], ["!G1 Z200.00001"]),
    ):
        yield from edge(f"round-{name}", "volume", inside, outside, start=COOL, machine=ROUND)
    first = COOL[:-1]
    yield from edge(
        "round-from-home", "volume", ["G1 X100 F3000"], ["!G1 X100.00001 F3000"], start=first, machine=ROUND
    )
    yield file("round-of-another-machine", "volume", ["!G1 X-1 Y0"], machine=PLAIN)


def _arcs() -> Iterator[Case]:
    at = "G1 X50 Y50"
    for name, code, inside, outside in (
        ("half", "volume", ["G2 X60 Y50 I5 J0"], ["!G2 X-60 Y50 I-55 J0"]),
        ("full-circle", "volume", ["G3 X50 Y50 I-25 J0"], ["!G3 X50 Y50 I-25.00001 J0"]),
        (
            "full-circle-of-a-part",
            "volume",
            ["G1 X170 Y20", "G3 X190 Y40 J20"],
            ["G1 X20 Y5", "!G2 X40 Y5 I10"],
        ),
        (
            "full-circle-behind",
            "volume",
            ["G1 Y200", "G3 X50 Y200 J10"],
            ["G1 Y200", "!G3 X50 Y200 J10.00001"],
        ),
        ("full-circle-before", "volume", ["G1 Y20", "G3 X50 Y20 J-10"], ["G1 Y20", "!G3 X50 Y20 J-10.00001"]),
        (
            "full-circle-right",
            "volume",
            ["G1 X200", "G3 X200 Y50 I10"],
            ["G1 X200", "!G3 X200 Y50 I10.00001"],
        ),
        ("larger-at-its-end", "volume", ["G3 X49.96 Y50 I-25"], ["!G3 X50.04 Y50 I-25"]),
        ("printed", "extrusion", ["G1 F600", "G3 X60 Y50 I5 E2.2"], ["G1 F600", "!G3 X60 Y50 I5 E2.4"]),
        ("flow", "flow", ["G3 X60 Y50 I5 E1.4"], ["!G3 X60 Y50 I5 E1.6"]),
        ("feed", "feed", ["G3 X60 Y50 I5 F12000"], ["!G3 X60 Y50 I5 F12001"]),
        ("uneven", "field", ["G3 X60.04 Y50 I5"], ["!G3 X60.06 Y50 I5"]),
        ("nearly-closed", "field", ["G3 X50 Y50.011 I5"], ["!G3 X50 Y50.009 I5"]),
        ("least-radius", "field", ["G3 X50.02 Y50 I0.01"], ["!G3 X50.018 Y50 I0.009"]),
        (
            "zone-beside",
            "zone",
            ["G3 X90 Y50 I20"],
            ["G1 X95 Y105", "!G3 X115 Y105 I10"],
        ),
        (
            "zone-behind-the-chord",
            "zone",
            ["G1 X80 Y120", "G3 X80 Y90 I-15 J-15"],
            ["G1 X80 Y120", "!G2 X80 Y90 I15 J-15"],
        ),
        (
            "printed-small",
            "extrusion",
            ["G1 F600", "G2 X50 Y50 I0.5 E0.38"],
            ["G1 F600", "!G2 X50 Y50 I0.5 E0.4"],
        ),
        (
            "goes-on-from-its-end",
            "extrusion",
            ["G1 F600", "G3 X60 Y50 I5", "G1 X70 Y50 E1.4"],
            ["G1 F600", "G3 X60 Y50 I5", "!G1 X70 Y50 E1.6"],
        ),
        ("zone-within", "zone", ["G1 X92 Y90", "G3 X92 Y88 J-1"], ["G1 X85 Y105", "!G3 X125 Y105 I20"]),
        (
            "zone-touched",
            "zone",
            ["G1 X60 Y105", "G3 X60 Y105 I20"],
            ["G1 X60 Y105", "!G3 X60 Y105 I20.00001"],
        ),
        ("axes", "field", ["G2 X60 Y50 I5"], ["!G2 X60 I5"]),
        ("centre", "field", ["G2 X60 Y50 I5 J0"], ["!G2 X60 Y50"]),
    ):
        yield from edge(f"arc-{name}", code, [at, *inside], [at, *outside], machine=FENCED)
    yield file("arc-by-radius", "field", [at, "!G2 X60 Y50 R5"], machine=FENCED)
    yield file("arc-rising", "field", [at, "!G2 X60 Y50 Z1 I5 J0"], machine=FENCED)
    yield file("arc-without-radius", "field", [at, "!G2 X60 Y50 I0 J0"], machine=FENCED)
    yield file("arc-before-homing", "state", [], start=["G21", "G90", "!G2 X60 Y50 I5 F3000"], machine=FENCED)
    yield file(
        "arc-in-the-tail-relative",
        "state",
        [at],
        end=["M104 S0", "M140 S0", "G91", "!G2 X5 Y0 I2", "G90"],
        machine=FENCED,
    )
    yield file("arc-cold", "cold", [at, "M104 S0", "!G2 X60 Y50 I5 E0.1"], machine=FENCED)
    yield file("arc-not-asked-for", "code", [at, "!G2 X60 Y50 I5 J0"], machine=PLAIN)
    yield from edge(
        "arc-round-bed-left-by-the-circle",
        "volume",
        ["G1 X60 Y0", "G3 X60 Y0 I20"],
        ["G1 X60 Y0", "!G3 X60 Y0 I20.00001"],
        start=COOL,
        machine=ROUND,
    )
    yield from edge(
        "arc-round-bed",
        "volume",
        ["G1 X100 Y0", "G3 X-100 Y0 I-100"],
        ["G1 X60 Y0", "!G3 X60 Y0 I41"],
        start=COOL,
        machine=ROUND,
    )
