"""Each rule of the gate, just inside and just outside."""

import pytest
from msgspec.structs import replace

from gcode.gate import Gate, Limits, Totals, Verdict, judge, within
from gcode.material import material
from gcode.profile import Profile
from gcode.refusal import Rule
from gcode.rules import Section

PROFILE = Profile(width=200, depth=180, height=100, feed=9000, flow=12.0, hottest_nozzle=250, hottest_bed=90)
PETG = material("petg")
START = "G21 / G90 / M83 / M140 S80 / M104 S240 / G28 / M190 S80 / M109 S240 / G92 E0 / G1 X10 Y10 Z0.2 F3000"
BODY = "G1 X20 Y10 E0.4"
END = "M104 S0 / M140 S0 / M84"


FORBIDDEN = (
    "M0 M1 M500 M501 M502 M92 M201 M203 M205 M211 M302 M303 M28 M30 M42 M80 M81 M118 M121 M149 M200 M600 M906 M997 "
    "M105 M110 M112 M117 M18 M220 M221 M301 M999 G2 G3 G5 G10 G11 G20 G53 G80 G6 G9999 M9999"
)


def lines(script: str) -> bytes:
    return "".join(line + "\n" for line in script.split(" / ") if line).encode()


def judged(
    *,
    start: str = START,
    body: str = BODY,
    end: str = END,
    profile: Profile = PROFILE,
    limits: Limits | None = None,
) -> Verdict:
    return judge(lines(start), lines(body), lines(end), profile, PETG, limits)


def passes(**sections: object) -> bool:
    verdict = judged(**sections)  # pyright: ignore[reportArgumentType]
    assert verdict.accepted, verdict
    assert (verdict.code, verdict.line, verdict.reason) == ("", 0, "")
    return True


def refused(**sections: object) -> str:
    verdict = judged(**sections)  # pyright: ignore[reportArgumentType]
    assert not verdict.accepted
    assert verdict.line >= 1
    assert verdict.reason
    return verdict.code


def test_a_plain_file_passes_and_is_counted():
    verdict = judged(body="G1 X20 Y10 E0.4 / G0 X20 Y40 / G1 X30 Y40 E0.4 F1200")
    assert verdict.accepted
    assert verdict.whole.lines == 10 + 3 + 3
    assert verdict.whole.bytes == len(lines(START)) + len(lines(END)) + verdict.body.bytes
    assert verdict.body.lines == 3
    assert verdict.body.filament == pytest.approx(0.8)
    assert verdict.body.grams == pytest.approx(0.8 * 2.40528 * 1.27 / 1000, rel=1e-5)
    assert 10 / 50 + 30 / 50 + 10 / 20 < verdict.body.seconds < 1.6
    assert verdict.extent == (30, 40, 0.2)


def test_the_line_of_a_refusal_counts_from_the_start_of_the_whole_file():
    verdict = judged(body="G1 X20 Y10 E0.4 / G1 X21 Y10 E0.04 / M600 / G1 X20 Y10")
    assert (verdict.accepted, verdict.code, verdict.line) == (False, "code", 13)
    assert "M600" in verdict.reason
    assert verdict.whole.lines == 13


@pytest.mark.parametrize("code", FORBIDDEN.split())
@pytest.mark.parametrize("section", ["start", "body", "end"])
def test_what_is_not_on_the_list_is_refused_everywhere(code: str, section: str):
    own = {"start": START, "body": BODY, "end": END}
    assert refused(**{section: f"{code} / {own[section]}"}) == Rule.CODE
    assert refused(**{section: f"{own[section]} / {code} S1"}) == Rule.CODE


@pytest.mark.parametrize("line", ["T0", "@pause", "PRINT", "", "G1 X1;", "M117 hi", "G1 X1E3", "n1 G28"])
def test_what_is_not_canonical_is_refused(line: str):
    assert judge(lines(START), line.encode() + b"\n", lines(END), PROFILE, PETG).code == Rule.FORM


@pytest.mark.parametrize("code", ["G29", "M420 S1", "M204 P1000 T2000", "M900 K0.05"])
def test_the_owners_own_codes_stand_in_scripts_only(code: str):
    assert passes(start=START.replace("G28", f"G28 / {code}"))
    assert refused(body=f"{code} / {BODY}") == Rule.CODE


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("M420 S1 Z10", "M420 S2"),
        ("M420 S0", "M420 S1 Z101"),
        ("M204 P10 R20000", "M204 P9"),
        ("M204 S500", "M204 T20001"),
        ("M900 K0", "M900 K-0.1"),
        ("M900 K10", "M900 K10.1"),
        ("M900 K1", "M900 L1"),
        ("G29", "G29 P1"),
    ],
)
def test_the_owners_own_codes_have_bounds_too(inside: str, outside: str):
    assert passes(start=START.replace("G28", f"G28 / {inside}"))
    assert refused(start=START.replace("G28", f"G28 / {outside}")) == Rule.FIELD


def test_moves_have_their_fields_once_and_with_a_value():
    assert passes(body="G1 E0.4 Y10 X20")
    assert refused(body="G1 X20 X21") == Rule.FIELD
    assert refused(body="G1 X20 Y10 I5") == Rule.FIELD
    assert refused(body="G1 X20 Y10 S1") == Rule.FIELD
    assert refused(body="G1") == Rule.FIELD
    assert refused(body="G0 X") == Rule.FORM


@pytest.mark.parametrize("axis", "XYZ")
@pytest.mark.parametrize("rest", ["", " E0.001", " F1200"])
def test_every_end_lies_in_the_volume(axis: str, rest: str):
    most = {"X": 200, "Y": 180, "Z": 100}[axis]
    for inside in ("0", "0.001", f"{most}", f"{most - 1}.99999"):
        assert passes(body=f"G1 {axis}{inside}{rest if 'E' not in rest or axis != 'Z' else ''}")
    for outside in ("-0.00001", "-5", f"{most}.00001", f"{most + 1}", "999999"):
        assert refused(body=f"G1 {axis}{outside}{rest}") == Rule.VOLUME


def test_the_volume_holds_for_plain_moves_of_two_axes():
    assert passes(body="G1 X200 Y180 / G1 X0 Y0 E1 / G1 X200 Y180 E2 F9000")
    assert refused(body="G1 X20 Y20 / G1 X200.00001 Y180") == Rule.VOLUME
    assert refused(body="G1 X20 Y20 / G1 X200 Y180.00001 E0.1") == Rule.VOLUME
    assert refused(body="G1 X20 Y20 / G1 X-1 Y180 E0.1") == Rule.VOLUME


def test_feeds_from_sixty_to_the_printers_most():
    assert passes(body="G1 X20 Y20 F60 / G1 X20 Y30 F9000 / G1 F60 / G1 F9000")
    for feed in ("59", "59.99999", "9000.00001", "9001", "0", "-60", "999999"):
        assert refused(body=f"G1 X20 Y20 F{feed}") == Rule.FEED
        assert refused(body=f"G1 F{feed}") == Rule.FEED


def test_a_feed_must_have_been_said_before_a_move():
    assert refused(start=START.replace(" F3000", "")) == Rule.STATE


def test_no_move_before_homing():
    assert refused(start=START.replace(" / G28", "")) == Rule.STATE
    assert refused(start="G21 / G90 / G1 X1 F3000 / G28") == Rule.STATE
    assert passes(start=f"G1 F600 / {START}")


def test_motors_off_means_homed_no_more():
    assert passes(end="M104 S0 / M140 S0 / G1 X0 / M84")
    assert refused(end="M104 S0 / M140 S0 / M84 / G1 X0") == Rule.STATE
    assert refused(body=f"{BODY} / M84") == Rule.CODE
    assert refused(start=f"{START} / M84") == Rule.CODE
    assert refused(end="M104 S0 / M140 S0 / M84 S30") == Rule.FIELD


def test_units_and_modes_must_have_been_said():
    assert refused(start=START.replace("G21 / ", "")) == Rule.STATE
    assert refused(start=START.replace("G90 / ", "")) == Rule.STATE
    assert refused(start=START.replace("M83 / ", "")) == Rule.STATE


def test_the_extruders_mode_is_in_doubt_after_each_change_of_mode():
    assert refused(body="G90 / G1 X20 Y10 E0.4") == Rule.STATE
    assert passes(body="G90 / M83 / G1 X20 Y10 E0.4")
    assert refused(body="M83 / G90 / G1 X20 Y10 E0.4") == Rule.STATE
    lift = "G91 / G1 Z1 / G90"
    assert passes(end=f"M82 / G92 E0 / {lift} / M82 / G1 E-1 / {END}")
    assert refused(end=f"M82 / G92 E0 / {lift} / G1 E-1 / {END}") == Rule.STATE


def test_absolute_extrusion_is_followed_across_resets():
    assert passes(body="M82 / G1 X20 Y10 E0.4 / G1 X30 Y10 E0.8 / G92 E0 / G1 X40 Y10 E0.4")
    assert refused(body="M82 / G1 X20 Y10 E0.4 / G1 X30 Y10 E2.5") == Rule.EXTRUSION
    assert judged(body="M82 / G1 X20 Y10 E0.4 / G1 X30 Y10 E0.8").body.filament == pytest.approx(0.8)


def test_no_filament_moves_unless_the_nozzle_was_waited_for():
    assert refused(start=START.replace(" / M109 S240", "")) == Rule.COLD
    assert refused(body="M104 S0 / G1 X20 Y10 E0.4") == Rule.COLD
    assert refused(body="M104 S0 / G1 E-1") == Rule.COLD
    assert refused(body="M104 S0 / M104 S240 / G1 X20 Y10 E0.4") == Rule.COLD
    assert passes(body="M104 S0 / M109 S240 / G1 X20 Y10 E0.4")
    assert passes(body="M104 S220 / G1 X20 Y10 E0.4")
    stiff = replace(PETG, coldest_extrusion=230)
    for said, code in (("M109 S230", ""), ("M109 S229", Rule.COLD), ("M104 S229", Rule.COLD)):
        assert judge(lines(START), lines(f"{said} / {BODY}"), lines(END), PROFILE, stiff).code == code
    assert passes(body="M104 S0 / G1 X20 Y10", end="M140 S0")


def test_plastic_is_only_laid_where_the_nozzle_is_known_to_be():
    homed = START.replace("G1 X10 Y10 Z0.2 F3000", "G1 F3000")
    assert refused(start=homed, body="G1 X20 Y10 E0.4") == Rule.STATE
    assert refused(start=homed, body="G1 X20 Y10 / G1 X30 Y10 E0.4") == Rule.STATE
    assert refused(start=homed, body="G1 X20 Z1 / G1 X30 Y10 E0.4") == Rule.STATE
    assert passes(start=homed, body="G1 X20 Y10 / G1 Z0.2 / G1 X30 Y10 E0.4")


@pytest.mark.parametrize("via", ["G1 X20 Y10", "G1 Y10 X20"])
def test_extrusion_a_mm_is_bounded_by_the_nozzle(via: str):
    assert passes(body=f"{via} E1.5 F600")
    assert passes(body=f"{via} E1.50001 F600")
    assert refused(body=f"{via} E1.50002 F600") == Rule.EXTRUSION
    wide = Profile(width=200, depth=180, height=100, feed=9000, flow=40, nozzle=0.8)
    assert passes(body=f"{via} E6 F600", profile=wide)
    assert refused(body=f"{via} E6.00002 F600", profile=wide) == Rule.EXTRUSION
    assert refused(body="G1 E0.1") == Rule.EXTRUSION
    assert refused(body="G1 Z1 E0.1") == Rule.EXTRUSION


@pytest.mark.parametrize("via", ["G1 X20 Y10", "G1 Y10 X20"])
def test_flow_is_bounded_by_the_printer(via: str):
    # 12 mm³/s at 50 mm/s is 0.24 mm², which is 0.0998 mm of filament a mm.
    assert passes(body=f"{via} E0.9978 F3000")
    assert refused(body=f"{via} E0.9979 F3000") == Rule.FLOW
    assert passes(body=f"{via} E0.9979 F2990")


def test_filament_that_was_drawn_back_may_be_pushed_again_and_no_more():
    assert passes(body="G1 E-1 / G0 X20 Y10 / G1 E1 / G1 X30 Y10 E0.4")
    assert refused(body="G1 E-1 / G0 X20 Y10 / G1 E1.1") == Rule.EXTRUSION
    assert refused(body="G1 E-1 / G1 E1 / G1 E0.1") == Rule.EXTRUSION
    assert passes(body="G1 E-0.7 / G1 X15 Y10 E-0.1 / G1 E0.8")
    assert passes(body="G1 E-1 / G1 X11 Y10 E1.05")
    assert passes(body="G1 E-10")
    assert refused(body="G1 E-10.00001") == Rule.EXTRUSION
    assert refused(body="G1 E-6 / G1 E-6") == Rule.EXTRUSION


def test_filament_that_is_pushed_again_is_no_plastic_and_takes_its_time():
    verdict = judged(body="G1 X20 Y10 E0.4 / G1 E-6 / G1 E6 / G1 X30 Y10 E0.4")
    assert verdict.body.filament == pytest.approx(0.8)
    on_its_way = judged(body="G1 E-10 F9000 / G1 X20 Y10 E10.3").body
    assert on_its_way.filament == pytest.approx(0.3)
    assert on_its_way.seconds >= 0.399  # a firmware's E makes no more, whatever F says


def test_temperatures_lie_within_printer_and_material():
    for code in ("M104", "M109"):
        for inside in ("215", "250", "215.5"):
            assert passes(body=f"{code} S{inside} / {BODY}")
        for outside in ("214", "214.99999", "250.00001", "251", "300", "-1", "1"):
            assert refused(body=f"{code} S{outside} / {BODY}") == Rule.TEMPERATURE
        assert refused(body=f"{code}") == Rule.FIELD
        assert refused(body=f"{code} R240") == Rule.FIELD
        assert refused(body=f"{code} S240 T0") == Rule.FIELD
    assert refused(body="M109 S0") == Rule.TEMPERATURE
    assert passes(body=f"{BODY} / M104 S0")
    hotter = Profile(width=200, depth=180, height=100, hottest_nozzle=300, hottest_bed=120)
    assert passes(body=f"M104 S260 / {BODY}", profile=hotter)
    assert refused(body="M104 S261", profile=hotter) == Rule.TEMPERATURE


def test_the_bed_stays_within_printer_material_and_110():
    for code in ("M140", "M190"):
        for inside in ("0", "90"):
            assert passes(body=f"{code} S{inside} / {BODY}")
        for outside in ("90.00001", "91", "111", "-1"):
            assert refused(body=f"{code} S{outside}") == Rule.TEMPERATURE
        assert refused(body=code) == Rule.FIELD
    hotter = Profile(width=200, depth=180, height=100, hottest_bed=120)
    assert passes(body=f"M140 S95 / {BODY}", profile=hotter)
    assert refused(body="M140 S96", profile=hotter) == Rule.TEMPERATURE


def test_dwells_are_bounded_each_and_in_all():
    assert passes(body=f"G4 P0 / G4 P10000 / {BODY}")
    assert refused(body="G4 P10001") == Rule.DWELL
    assert refused(body="G4 P-1") == Rule.DWELL
    assert refused(body="G4 S1") == Rule.FIELD
    assert refused(body="G4") == Rule.FIELD
    assert passes(body=" / ".join(["G4 P10000"] * 12))
    assert refused(body=" / ".join(["G4 P10000"] * 12 + ["G4 P1"])) == Rule.DWELL


def test_g92_says_e0_and_nothing_else():
    assert passes(body=f"G92 E0 / {BODY}")
    assert refused(body="G92 E1") == Rule.FIELD
    assert refused(body="G92 X0") == Rule.FIELD
    assert refused(body="G92 E0 X0") == Rule.FIELD
    assert refused(body="G92") == Rule.FIELD


def test_homing_is_bare_and_before_the_first_plastic():
    assert passes(body=f"G28 / G1 X10 Y10 / G1 Z1 / {BODY}")
    assert refused(body=f"{BODY} / G28") == Rule.STATE
    assert refused(body="G1 X20 Y10 E0.4 / G1 X30 Y10 E0.4 / G28") == Rule.STATE
    assert refused(body="G28 X0") == Rule.FIELD


def test_probing_comes_after_homing_and_before_plastic_and_forgets_the_place():
    first = "G1 X10 Y10 Z0.2 F3000"
    assert passes(start=START.replace("G28", "G28 / G29"))
    assert refused(start=START.replace("G28", "G29 / G28")) == Rule.STATE
    assert refused(start=START.replace(first, "G1 F3000"), body="G1 X20 Y10 E0.4") == Rule.STATE
    assert refused(start=f"{START} / G29", body="G1 X20 Y10 E0.1") == Rule.STATE
    assert refused(end=f"G29 / {END}") == Rule.STATE
    assert passes(body="G1 X20 Y10", end=f"G29 / {END}")


def test_an_arc_needs_a_beginning_that_is_known():
    round_about = replace(PROFILE, arcs=True)
    first, arc = "G1 X10 Y10 Z0.2 F3000", "G2 X20 Y10 I5 J0"
    assert passes(profile=round_about, body=arc)
    assert refused(profile=round_about, start=START.replace(first, "G1 F3000"), body=arc) == Rule.STATE


def test_relative_mode_is_for_a_small_lift_at_the_end():
    off = "M104 S0 / M140 S0"
    assert passes(end=f"{off} / G91 / G1 Z10 / G90 / M84")
    assert passes(end=f"{off} / G91 / G1 Z5 F600 / G0 Z5 / G90 / M84")
    assert refused(end=f"{off} / G91 / G1 Z10.00001 / G90") == Rule.VOLUME
    assert refused(end=f"{off} / G91 / G1 Z6 / G1 Z5 / G90") == Rule.VOLUME
    assert refused(end=f"{off} / G91 / G1 Z-0.1 / G90") == Rule.VOLUME
    assert refused(end=f"{off} / G91 / G1 X1 Z1 / G90") == Rule.FIELD
    assert refused(end=f"{off} / G91 / G1 X1 Y1 / G90") == Rule.FIELD
    assert refused(end=f"G91 / M83 / G1 Z1 E-1 / G90 / {off}") == Rule.FIELD
    assert refused(end=f"{off} / G91 / G1 Z1") == Rule.ENDING
    assert refused(body="G91 / G90") == Rule.CODE
    assert refused(start=f"G91 / {START}") == Rule.CODE
    assert passes(body=f"{BODY} / G1 Z90", end=f"{off} / G91 / G1 Z10 / G90")
    assert refused(body=f"{BODY} / G1 Z90.1", end=f"{off} / G91 / G1 Z10 / G90") == Rule.VOLUME


def test_fan_speeds_fit_a_byte():
    assert passes(body=f"M106 S0 / M106 S255 / M107 / {BODY}")
    for line in ("M106 S256", "M106 S-1", "M106", "M106 P1 S100", "M107 S1"):
        assert refused(body=line) == Rule.FIELD


@pytest.mark.parametrize("code", ["G21", "G90", "M82", "M83", "M400", "M107"])
def test_bare_codes_are_bare(code: str):
    assert passes(body=code)
    assert refused(body=f"{code} S0") == Rule.FIELD


@pytest.mark.parametrize(
    "end", ["M104 S0", "M140 S0", "M84", "M104 S0 / M140 S60", "M104 S220 / M140 S0", ""]
)
def test_the_file_ends_with_both_heaters_off(end: str):
    assert refused(end=end) == Rule.ENDING


def test_heaters_that_were_never_spoken_of_are_not_known_to_be_off():
    assert refused(start="G21 / G28", body="", end="M84") == Rule.ENDING
    assert passes(start="G21 / G28", body="", end="M104 S0 / M140 S0 / M84")


def test_every_section_ends_its_last_line():
    for start, body, end in ((b"", b"\n", b"\n"), (b"\n", b"", b"\n"), (b"\n", b"\n", b"")):
        verdict = judge(
            lines(START)[:-1] + start, lines(BODY)[:-1] + body, lines(END)[:-1] + end, PROFILE, PETG
        )
        assert (verdict.accepted, verdict.code) == (False, Rule.FORM)
        assert "not ended" in verdict.reason


def test_lines_and_bytes_are_bounded():
    total = judged()
    assert passes(limits=Limits(lines=total.whole.lines, bytes=total.whole.bytes))
    fewer = judged(limits=Limits(lines=total.whole.lines - 1))
    assert (fewer.code, fewer.line) == (Rule.SIZE, total.whole.lines)
    assert refused(limits=Limits(bytes=total.whole.bytes - 1)) == Rule.SIZE
    long = "G1 X20 Y10 / G1 X30 Y10"
    assert passes(body=long, limits=Limits(lines=15))
    cut = judged(body=long, limits=Limits(lines=11))
    assert (cut.code, cut.line) == (Rule.SIZE, 12)


def test_how_long_it_runs_is_bounded():
    seconds = judged().whole.seconds
    assert passes(limits=Limits(seconds=seconds + 0.001))
    assert refused(limits=Limits(seconds=seconds - 0.001)) == Rule.DURATION


@pytest.mark.parametrize(
    ("body", "least"),
    [
        ("G1 X10.001 Z50 F9000 / G1 X10 Z0.2", 2 * 49.8 / 12),  # no Z axis goes as fast as F says
        ("G1 Z50 F9000 / G1 Z0.2", 2 * 49.8 / 12),
        ("M82 / G1 E-10 F9000 / G1 E0", 20 / 120),
        ("G1 X10.001 E-10 F9000 / G1 X10 E10", 20 / 120),
        ("G1 X20 E-10 F9000 / G1 X10 E10", 20 / 120),
    ],
)
def test_no_move_is_counted_for_less_time_than_it_takes(body: str, least: float):
    assert judged(body=body).body.seconds >= least


@pytest.mark.parametrize("line", ["G1 X100", "G1 Y100", "G1 Z100"])
def test_moves_from_where_homing_ended_take_time_too(line: str):
    homed = START.replace("G1 X10 Y10 Z0.2 F3000", "G1 F3000")
    there, back = line, f"{line[:4]}0"
    counted = judged(start=homed, body=f"{there} / {back} / {there}").body.seconds
    assert counted >= 100 / 50 * 3


def test_where_the_bytes_are_cut_does_not_matter():
    body = lines("G1 X20 Y10 E0.4 / G0 X20 Y40 / G1 Y50 E0.1 / G1 X30 Y40 E0.4 F1200 / M500")
    whole = judge(lines(START), body, lines(END), PROFILE, PETG)
    for cut in range(len(body)):
        assert judge(lines(START), [body[:cut], body[cut:]], lines(END), PROFILE, PETG).line == whole.line
    assert judge(lines(START), [bytes([byte]) for byte in body], lines(END), PROFILE, PETG).code == Rule.CODE


def test_after_a_refusal_no_more_is_wanted():
    gate = Gate(PROFILE, PETG)
    assert gate.feed(lines(START))
    gate.enter(Section.BODY)
    assert not gate.feed(b"M112\n")
    assert not gate.feed(b"G1 X20 Y20\n")
    assert gate.verdict().line == 11


def test_an_endless_line_is_not_gathered():
    gate = Gate(PROFILE, PETG)
    assert gate.feed(b"G" * 80)
    assert not gate.feed(b"G")
    assert gate.verdict().code == Rule.FORM


@pytest.mark.parametrize(
    ("grams", "seconds", "fits"),
    [
        (10.0, 100.0, True),
        (12.5, 130.0, True),
        (7.5, 77.0, True),
        (12.51, 100.0, False),
        (7.49, 100.0, False),
        (10.0, 130.1, False),
        (10.0, 76.9, False),
    ],
)
def test_a_manifest_must_tell_the_truth_about_grams_and_time(grams: float, seconds: float, fits: bool):
    assert within(Totals(grams=grams, seconds=seconds), 10.0, 100.0) is fits
