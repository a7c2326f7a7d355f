"""What depends on the printer's state: each rule just inside and just outside."""

from collections.abc import Iterator

from tests.corpus.case import COOL, END, START, Case, edge, file

OFF = ("M104 S0", "M140 S0")


def without(*lines: str) -> list[str]:
    """The start without some of its lines."""
    return [line for line in START if line not in lines]


def marked(line: str) -> list[str]:
    """The start, of which a line is the culprit."""
    return [f"!{each}" if each == line else each for each in START]


def replaced(line: str, *others: str) -> list[str]:
    """The start with other lines in place of one."""
    return [new for each in START for new in (others if each == line else (each,))]


FIRST = "G1 X10 Y10 Z0.2 F3000"
MUCH = "G1 X20 Y10 E0.4"


def cases() -> Iterator[Case]:
    """All of them."""
    yield file(
        "whole", "", [MUCH, "G0 X30 Y40", "G1 X40 Y40 E0.4 F1200", "M106 S255", "G1 Z0.4", "G1 X10 Y10 E1"]
    )
    yield file(
        "whole-lifts-at-the-end",
        "",
        [MUCH],
        end=["M107", *OFF, "G91", "G1 Z5 F600", "G90", "G1 X0 Y215", "M84"],
    )
    yield file("whole-draws-back-at-the-end", "", [MUCH, "G1 E-2 F2100"])
    yield file("whole-without-motors-off", "", [MUCH], end=OFF)
    yield file("whole-only-homes", "", [], start=["G21", "G90", "G28"])
    yield from _volume()
    yield from _homing()
    yield from _modes()
    yield from _heat()
    yield from _filament()
    yield from _speed_and_time()
    yield from _fields()
    yield from _ending()


def _volume() -> Iterator[Case]:
    for axis, most in (("X", 220), ("Y", 220), ("Z", 250)):
        yield from edge(f"volume-{axis}-most", "volume", [f"G1 {axis}{most}"], [f"!G1 {axis}{most}.00001"])
        yield from edge(f"volume-{axis}-least", "volume", [f"G1 {axis}0"], [f"!G1 {axis}-0.00001"])
    yield from edge("volume-printing", "volume", ["G1 X220 Y220 E1"], ["!G1 X220 Y220.00001 E1"])
    yield from edge("volume-below", "volume", ["G1 X0 Y0 E0.1"], ["!G1 X-0.00001 Y0 E0.1"])
    yield file("volume-far-away", "volume", ["!G1 X999999 Y20"])
    yield file("volume-back-inside-at-once", "volume", ["!G1 X20 Y221", "G1 X20 Y20"])
    yield file("volume-in-the-first-move", "volume", [], start=replaced(FIRST, "!G1 X221 Y10 Z0.2 F3000"))


def _homing() -> Iterator[Case]:
    start = without("G28")
    start[-1] = "!" + start[-1]
    yield file("homing-never", "state", [], start=start)
    yield file("homing-after-the-first-move", "state", [], start=["G21", "G90", "!G1 X1 F3000", "G28"])
    yield file("homing-after-a-feed-alone", "", [MUCH], start=["G1 F3000", *START])
    yield file(
        "homing-filament-before", "state", [], start=["G21", "G90", "M83", "M109 S230", "!G1 E-1 F600", "G28"]
    )
    yield from edge("homing-again", "state", ["G28", "G1 X20 Y20 Z0.2", "G1 X30 Y20 E0.4"], [MUCH, "!G28"])
    yield file("homing-again-after-plastic-said-first", "state", ["G1 E0.4 X20 Y10", "!G28"])
    yield file("homing-one-axis", "field", ["!G28 X0"])
    yield file(
        "homing-plastic-where-it-ended", "state", ["!G1 X20 Y20 E0.1"], start=replaced(FIRST, "G1 F3000")
    )
    yield file("homing-forgotten-by-motors-off", "state", [], end=[*OFF, "M84", "!G1 X0"])
    yield file("motors-off-before-work", "code", ["!M84", "G28", "G1 X20 Y20 Z1", MUCH])
    yield file("motors-off-in-the-middle", "code", [MUCH, "!M84", "G1 X30 Y10 E0.4"])
    yield file("motors-off-before-heating", "code", [MUCH, "!M84", "M104 S220"])
    yield file("motors-off-with-a-time", "field", [MUCH], end=[*OFF, "!M84 S30"])
    yield file("motors-off-twice", "", [MUCH], end=[*OFF, "M84", "M84"])


def _modes() -> Iterator[Case]:
    for code, what in (("G21", "units"), ("G90", "absolute")):
        start = without(code)
        start[-1] = "!" + start[-1]
        yield file(f"modes-{what}-unsaid", "state", [], start=start)
    yield file("modes-extruder-unsaid", "state", [f"!{MUCH}"], start=without("M83"))
    yield from edge("modes-g90-after-m83", "state", ["M83", "G90", "M83", MUCH], ["M83", "G90", f"!{MUCH}"])
    yield file("modes-g90-after-m82", "", ["M82", "G90", MUCH])
    yield file("modes-inches", "code", ["!G20"])
    yield file(
        "modes-relative-in-the-middle", "code", [MUCH, "!G91", "G1 Z1", "G90", "M83", "G1 X30 Y10 E0.4"]
    )
    yield file("modes-relative-before-drawing-back", "code", [MUCH, "!G91", "G1 E-2", "G90"])
    yield file("modes-relative-before-heating", "code", [MUCH, "!G91", "G1 Z1", "G90", "M109 S230"])
    lift = ("modes-lift", "volume")
    yield from _tail(*lift, ["G91", "G1 Z10", "G90"], ["G91", "!G1 Z10.00001", "G90"])
    yield from _tail(
        "modes-lift-in-two",
        "volume",
        ["G91", "G1 Z5", "G0 Z5", "G90"],
        ["G91", "G1 Z5", "!G0 Z5.00001", "G90"],
    )
    yield from _tail("modes-lift-down", "volume", ["G91", "G1 Z0", "G90"], ["G91", "!G1 Z-0.00001", "G90"])
    yield from _tail(
        "modes-lift-sideways", "field", ["G91", "G1 Z1 F600", "G90"], ["G91", "!G1 X1 Z1", "G90"]
    )
    yield from _tail("modes-lift-and-stay-relative", "ending", ["G91", "G1 Z1", "G90"], ["G91", "!G1 Z1"])
    above = ["G91", "G1 Z10", "G90", *OFF]
    yield file("modes-lift-to-the-top-inside", "", [MUCH, "G1 Z240"], end=above)
    yield file(
        "modes-lift-to-the-top-outside",
        "volume",
        [MUCH, "G1 Z240.00001"],
        end=["G91", "!G1 Z10", "G90", *OFF],
    )


def _tail(name: str, code: str, inside: list[str], outside: list[str]) -> list[Case]:
    return [
        file(f"{name}-inside", "", [MUCH], end=[*OFF, *inside]),
        file(f"{name}-outside", code, [MUCH], end=[*OFF, *outside]),
    ]


def _heat() -> Iterator[Case]:
    for code in ("M104", "M109"):
        yield from edge(f"heat-{code}-least", "temperature", [f"{code} S215"], [f"!{code} S214.99999"])
        yield from edge(f"heat-{code}-most", "temperature", [f"{code} S250"], [f"!{code} S250.00001"])
        yield file(f"heat-{code}-without-target", "field", [f"!{code}"])
        yield file(f"heat-{code}-of-a-tool", "field", [f"!{code} S230 T0"])
        yield file(f"heat-{code}-negative", "temperature", [f"!{code} S-1"])
    yield file("heat-M109-waits-to-cool", "field", ["!M109 R230"])
    yield file("heat-M109-waits-for-nothing", "temperature", ["!M109 S0"])
    yield file("heat-M104-off", "", [MUCH, "M104 S0"])
    yield file("heat-M104-one-degree", "temperature", ["!M104 S1"])
    for code in ("M140", "M190"):
        yield from edge(f"heat-{code}-most", "temperature", [f"{code} S95"], [f"!{code} S95.00001"])
        yield from edge(f"heat-{code}-least", "temperature", [f"{code} S0"], [f"!{code} S-0.00001"])
        yield file(f"heat-{code}-without-target", "field", [f"!{code}"])
        yield file(f"heat-{code}-waits-to-cool", "field", [f"!{code} R60"])
    yield from edge(
        "heat-pla-nozzle", "temperature", ["M104 S235"], ["!M104 S235.00001"], start=COOL, machine="round"
    )
    yield from edge(
        "heat-pla-nozzle-least",
        "temperature",
        ["M104 S180"],
        ["!M104 S179.99999"],
        start=COOL,
        machine="round",
    )
    yield from edge(
        "heat-pla-bed", "temperature", ["M140 S70"], ["!M140 S70.00001"], start=COOL, machine="round"
    )
    no_wait = without("M109 S230")
    yield file("cold-without-waiting", "cold", [f"!{MUCH}"], start=no_wait)
    yield file("cold-retraction", "cold", ["!G1 E-1"], start=no_wait)
    yield file("cold-without-any-heat", "cold", [f"!{MUCH}"], start=without("M109 S230", "M104 S230"))
    yield from edge(
        "cold-after-off", "cold", ["M104 S0", "M109 S230", MUCH], ["M104 S0", "M104 S230", f"!{MUCH}"]
    )
    yield from edge("cold-moves-only", "cold", ["M104 S0", "G1 X20 Y10"], ["M104 S0", "!G1 X20 Y10 E0.00001"])
    yield file("cold-draws-back-after-off", "cold", [MUCH], end=["M104 S0", "!G1 E-2", "M140 S0"])


def _filament() -> Iterator[Case]:
    slow = "G1 X10 Y10 F600"
    yield from edge(
        "filament-a-mm", "extrusion", [slow, "G1 X20 Y10 E1.50001"], [slow, "!G1 X20 Y10 E1.50002"]
    )
    yield from edge(
        "filament-a-mm-other-order", "extrusion", [slow, "G1 E1.50001 X20"], [slow, "!G1 E1.50002 X20"]
    )
    yield from edge("filament-a-second", "flow", ["G1 X20 Y10 E0.9978"], ["!G1 X20 Y10 E0.9979"])
    yield from edge(
        "filament-a-second-by-feed", "flow", ["G1 X20 Y10 E0.4 F7400"], ["!G1 X20 Y10 E0.4 F7500"]
    )
    yield file("filament-in-place", "extrusion", ["!G1 E0.1"])
    yield file("filament-while-rising", "extrusion", ["!G1 Z1 E0.1"])
    yield from edge("filament-drawn-back", "extrusion", ["G1 E-10"], ["!G1 E-10.00001"])
    yield from edge(
        "filament-drawn-back-in-two", "extrusion", ["G1 E-5", "G1 E-5"], ["G1 E-5", "!G1 E-5.00001"]
    )
    yield from edge("filament-pushed-again", "extrusion", ["G1 E-1", "G1 E1"], ["G1 E-1", "!G1 E1.00002"])
    yield file("filament-pushed-twice", "extrusion", ["G1 E-1", "G1 E1", "!G1 E1"])
    absolute = ["M82", "G92 E0"]
    yield from edge(
        "filament-absolute",
        "flow",
        [*absolute, "G1 X20 Y10 E0.9", "G1 X30 Y10 E1.8"],
        [*absolute, "G1 X20 Y10 E0.9", "!G1 X30 Y10 E1.9"],
    )
    yield from edge(
        "filament-absolute-and-reset",
        "extrusion",
        [*absolute, "G1 X20 Y10 E0.9", "G92 E0", "G1 X30 Y10 E0.9"],
        [*absolute, "G1 X20 Y10 E0.9", "G1 X30 Y10 E1.8", "!G1 E2.8", "G92 E0"],
    )
    yield file(
        "filament-absolute-read-as-relative",
        "extrusion",
        ["M82", "G1 X20 Y10 E0.9", "M83", "!G1 X21 Y10 E1.8"],
    )
    for name, before in (
        ("", ["G1 X20 Y10 E0.4", "G1 X30 Y10 E0.4"]),
        ("-said-first", ["G1 E0.4 X20", "G1 E0.4 X30"]),
    ):
        yield from edge(
            f"filament-relative-then-absolute{name}",
            "flow",
            [*before, "M82", "G1 X40 Y10 E1.797"],
            [*before, "M82", "!G1 X40 Y10 E1.799"],
        )
    reset = [*absolute, "G1 X20 Y10 E0.9", "G92 E0", "!G1 X30 Y10 E1.8"]
    yield file("filament-absolute-goes-on-after-a-reset", "extrusion", reset)
    yield file("filament-all-at-once", "extrusion", ["!G1 X11 Y10 E999999"])


def _speed_and_time() -> Iterator[Case]:
    yield from edge("feed-least", "feed", ["G1 X20 Y10 F60"], ["!G1 X20 Y10 F59.99999"])
    yield from edge("feed-most", "feed", ["G1 X20 Y10 F12000"], ["!G1 X20 Y10 F12000.00001"])
    yield from edge("feed-alone", "feed", ["G1 F12000"], ["!G1 F12001"])
    yield file("feed-zero", "feed", ["!G1 X20 F0"])
    yield file("feed-negative", "feed", ["!G1 X20 F-600"])
    yield file("feed-unsaid", "state", [], start=replaced(FIRST, "!G1 X10 Y10 Z0.2"))
    yield from edge("dwell-once", "dwell", ["G4 P10000"], ["!G4 P10001"])
    yield from edge("dwell-in-all", "dwell", ["G4 P10000"] * 12, ["G4 P10000"] * 12 + ["!G4 P1"])
    yield file("dwell-negative", "dwell", ["!G4 P-1"])
    yield file("dwell-in-seconds", "field", ["!G4 S1"])
    yield file("dwell-without-time", "field", ["!G4"])
    crawl = ["G1 X0 Y10 F60", *(f"G1 X{220 * (n % 2)}" for n in range(1, 785))]
    yield from edge("duration", "duration", crawl, [*crawl, "G1 X220", "G1 X0", "G1 X220"])


def _fields() -> Iterator[Case]:
    yield file("fields-in-another-order", "", ["G1 E0.4 Y10 X20"])
    yield file("fields-twice", "field", ["!G1 X20 X20"])
    yield file("fields-none", "field", ["!G1"])
    yield file("fields-strange", "field", ["!G1 X20 Y10 S1"])
    yield file("fields-of-two-commands", "field", ["!G1 X20 G1 Y20"])
    yield file("fields-of-an-arc", "field", ["!G1 X20 Y10 I5"])
    yield file("fields-rotation", "field", ["!G0 A20"])
    yield file("fields-80-bytes", "field", ["!G1" + " X1234" * 13])
    for code in ("G21", "G90", "M82", "M83", "M107", "M400"):
        yield file(f"bare-{code}-inside", "", [code])
        yield file(f"bare-{code}-outside", "field", [f"!{code} S0"])
    yield from edge("fan-most", "field", ["M106 S255"], ["!M106 S255.00001"])
    yield from edge("fan-least", "field", ["M106 S0"], ["!M106 S-1"])
    yield file("fan-without-speed", "field", ["!M106"])
    yield file("fan-another", "field", ["!M106 P1 S100"])
    yield from edge("origin-of-e", "field", ["G92 E0"], ["!G92 E1"])
    yield file("origin-of-x", "field", ["!G92 X0"])
    yield file("origin-of-all", "field", ["!G92"])
    yield file("origin-of-e-and-x", "field", ["!G92 E0 X0"])


def _ending() -> Iterator[Case]:
    yield file("ending-hot-nozzle", "ending", [MUCH], end=["M140 S0", "M84"])
    yield file("ending-hot-bed", "ending", [MUCH], end=["M104 S0", "M84"])
    yield file("ending-hot", "ending", [MUCH], end=[])
    yield file("ending-heated-again", "ending", [MUCH], end=[*OFF, "M104 S220"])
    yield file("ending-bed-heated-again", "ending", [MUCH], end=[*OFF, "M140 S60"])
    yield file("ending-heaters-never-spoken-of", "ending", [], start=["G21", "G90", "G28"], end=[])
    yield file("ending-off-in-the-middle", "", ["M140 S0", MUCH], end=["M104 S0"])
    yield file("ending-bed-off-by-waiting", "", [MUCH], end=["M104 S0", "M190 S0"])
    yield file("ending-refused-line-comes-first", "code", [MUCH, "!M600"], end=END)
