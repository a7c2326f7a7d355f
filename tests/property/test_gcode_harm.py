"""No accepted file does harm: the gate against printers that were written without looking at it."""

from hypothesis import event, example, given
from hypothesis import strategies as st

from tests.fuzz import grammar
from tests.fuzz.differential import MACHINES, hold, judged
from tests.fuzz.lenient import DIALECTS, read

machines = st.sampled_from(sorted(MACHINES)).map(MACHINES.__getitem__)
chances = st.binary(min_size=1, max_size=120)
LIKELY = [0, 0, 0, 3, 3, 5, 6, 7, 8, 8, 10, 12, 13, 14, 15]
"""Of the grammar's lines, with those more often that are mostly fine."""
EACH = grammar.EACH - 1
sensible = st.lists(
    st.tuples(st.sampled_from(LIKELY), st.binary(min_size=EACH, max_size=EACH)), min_size=1, max_size=15
).map(lambda lines: b"\x03\x00" + b"".join(bytes([which]) + chance for which, chance in lines))


@given(st.one_of(chances, sensible), machines)
@example(b"\x03\x00", MACHINES["plain"])
def test_an_accepted_file_does_no_harm_and_means_the_same_everywhere(chance, machine):
    verdict = hold(grammar.file(chance), *machine)
    event(verdict.code or "accepted")


@given(st.binary(max_size=200), machines)
def test_any_bytes_get_a_verdict_that_says_why(data, machine):
    assert not hold(data, *machine).accepted


@given(sensible, machines, st.data())
def test_one_byte_more_changes_no_meaning_or_is_refused(chance, machine, data):
    """A quirk hidden in a good file is either no quirk, or refused."""
    good = grammar.file(chance)
    at = data.draw(st.integers(0, len(good)))
    byte = data.draw(st.sampled_from(b'\\";\b#(EeXx9.-+ \t\r\n\0*N@_') | st.integers(0, 255))
    spoilt = good[:at] + bytes([byte]) + good[at:]
    hold(spoilt, *machine)


@given(sensible, machines, st.integers(1, 12))
def test_where_an_accepted_file_is_cut_off_it_is_not_accepted_hot(chance, machine, lines):
    good = grammar.file(chance)
    cut = b"".join(good.splitlines(keepends=True)[:-lines])
    hold(cut, *machine)


def test_the_dialects_differ_where_the_field_says_so():
    """Else the property would hold of itself."""
    for quirk in (
        rb"G1 X1 \; Y2",
        b'G1 X1 ";" Y2',
        b"G1 X12\b3",
        b"G1 X1E3",
        b"g1 X1",
        b"G1 X1 #Y2",
        b"G1 X1 (Y2)",
        b"G65537 X1",
        b"G1 X1" + b" " * 95 + b"M104 S300",
    ):
        assert len({str(read(quirk + b"\n", dialect)) for dialect in DIALECTS}) > 1, quirk


def test_chance_makes_files_of_every_verdict():
    """Enough of them are accepted, and every rule that small files can break is broken."""
    seen = {
        judged(
            grammar.file(bytes([3, n % 7, *((n * k * 7919) >> 3 & 255 for k in range(1, 24))])), *machine
        ).code
        for n in range(3000)
        for machine in MACHINES.values()
    }
    assert {
        "",
        "form",
        "code",
        "field",
        "state",
        "volume",
        "zone",
        "feed",
        "extrusion",
        "temperature",
        "ending",
    } <= seen
