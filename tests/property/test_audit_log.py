"""The audit log's chain: whatever single thing is altered in it, a look finds it, at the entry where that was done."""

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.model.audit_log import BEGINNING, AuditEntry, ChainBreak, check_chain, plain, sealed

WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
IDS = st.from_regex(r"[a-z]{2,8}/[a-z0-9-]{1,10}", fullmatch=True)
PERMISSIONS = st.from_regex(r"[a-z]{2,8}\.[a-z-]{2,8}", fullmatch=True)


@st.composite
def written(draw) -> AuditEntry:
    return AuditEntry(
        number=0,
        at=draw(st.floats(0, 4e9)),
        by=draw(WORDS),
        role=draw(WORDS),
        via=draw(WORDS),
        act=draw(PERMISSIONS),
        subject=draw(IDS),
        details=plain(draw(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.integers()))),
    )


@st.composite
def chains(draw, least: int = 2) -> list[AuditEntry]:
    chain: list[AuditEntry] = []
    for number, entry in enumerate(draw(st.lists(written(), min_size=least, max_size=6)), 1):
        before = chain[-1].hash if chain else BEGINNING
        chain.append(sealed(replace(entry, number=number), before))
    return chain


def other(value):
    if isinstance(value, str):
        return st.one_of(WORDS, st.just(value + " "), st.just("f" * 64)).filter(lambda x: x != value)
    return st.integers(0, 2**53).map(type(value)).filter(lambda x: x != value)


few = settings(max_examples=max(1, settings().max_examples // 4))
"""A chain is long to make, and every row of it is tried."""


@few
@given(chains(least=0))
def test_what_was_written_holds(chain):
    found = check_chain(chain)
    assert (found.whole, found.entries, found.first) == (True, len(chain), None)
    assert found.head == (chain[-1].hash if chain else BEGINNING)


@few
@given(chains(), st.data())
def test_a_row_that_is_altered_in_any_field_is_named(chain, data):
    at = data.draw(st.integers(0, len(chain) - 1))
    field = data.draw(st.sampled_from([each.name for each in fields(AuditEntry)]))
    chain[at] = replace(chain[at], **{field: data.draw(other(getattr(chain[at], field)))})
    found = check_chain(chain)
    assert not found.whole
    assert found.first is not None
    assert found.first.number == at + 1


@few
@given(chains(), st.data())
def test_a_row_that_is_altered_and_sealed_anew_is_found_at_the_next_one_or_by_the_head(chain, data):
    at = data.draw(st.integers(0, len(chain) - 1))
    field = data.draw(st.sampled_from(["at", "by", "role", "via"]))
    head = chain[-1].hash
    forged = replace(chain[at], **{field: data.draw(other(getattr(chain[at], field)))})
    chain[at] = sealed(forged, chain[at - 1].hash if at else BEGINNING)
    found = check_chain(chain, head=head).first
    assert found is not None
    assert found.number == at + 2


@few
@given(chains(), st.data())
def test_a_row_that_is_taken_out_is_named_whether_the_others_are_renumbered_or_not(chain, data):
    at = data.draw(st.integers(0, len(chain) - 2))
    del chain[at]
    found = check_chain(chain).first
    assert found is not None
    assert (found.number, "missing" in found.why) == (at + 1, True)
    closed = [replace(each, number=number) for number, each in enumerate(chain, 1)]
    closer = check_chain(closed).first
    assert closer is not None
    assert closer.number == at + 1


@few
@given(chains(), written(), st.data())
def test_a_row_that_is_put_in_is_named_at_the_latest_behind_it(chain, forged, data):
    at = data.draw(st.integers(0, len(chain) - 1))
    before = chain[at - 1].hash if at else BEGINNING
    forged = sealed(replace(forged, number=at + 1), before)
    with_it = [*chain[:at], forged, *(replace(each, number=each.number + 1) for each in chain[at:])]
    found = check_chain(with_it).first
    assert found is not None
    assert found.number in (at + 1, at + 2)


@few
@given(chains(), st.data())
def test_two_rows_that_change_places_are_named(chain, data):
    first = data.draw(st.integers(0, len(chain) - 2))
    second = data.draw(st.integers(first + 1, len(chain) - 1))
    chain[first], chain[second] = (
        replace(chain[second], number=first + 1),
        replace(chain[first], number=second + 1),
    )
    found = check_chain(chain).first
    assert found is not None
    assert found.number == first + 1


@few
@given(chains(), st.data())
def test_a_tail_that_is_cut_off_shows_only_against_a_head_that_was_kept(chain, data):
    head = chain[-1].hash
    left = chain[: data.draw(st.integers(0, len(chain) - 1))]
    assert check_chain(left).whole
    found = check_chain(left, head=head).first
    assert found == ChainBreak(len(left) + 1, found.why if found else "")


@few
@given(chains(), st.data())
def test_a_head_that_was_kept_earlier_still_holds_later(chain, data):
    assert check_chain(chain, head=data.draw(st.sampled_from(chain)).hash).whole


@pytest.mark.parametrize(
    "details", [{"to": "Anna Maier, Ring 4"}, {"mail": "anna@example.org"}, {"why": "two words"}]
)
def test_nothing_that_may_be_about_a_person_gets_into_the_details(details):
    with pytest.raises(ValueError, match="no free text"):
        plain(details)
