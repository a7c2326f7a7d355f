"""Whose word counts: the most particular."""

import pytest

from agent.consent.terms import Consent, ConsentTerms, HubConsent, terms
from wire.messages import Parts

HUB = "https://hub.example.org:8443/muster"
CONSENT = Consent(
    default="ask",
    parts={"ear-saver": "auto", "venturi": "never"},
    hub={
        "hub.example.org": HubConsent(default="auto", parts={"headband": "ask"}),
        "strict.example.org": HubConsent(default="never"),
    },
)


def test_who_says_nothing_is_asked_about_everything():
    assert terms(Consent(), HUB).mode("ear-saver") == "ask"
    assert terms(Consent(), HUB).unasked.is_empty


@pytest.mark.parametrize(
    ("hub", "part", "mode"),
    [
        (HUB, "clip", "auto"),
        (HUB, "headband", "ask"),
        (HUB, "venturi", "never"),
        ("http://other.example.org", "clip", "ask"),
        ("http://other.example.org", "ear-saver", "auto"),
        ("https://strict.example.org", "clip", "never"),
        ("https://strict.example.org", "ear-saver", "auto"),
    ],
)
def test_a_parts_word_counts_before_a_hubs_and_a_hubs_before_all(hub: str, part: str, mode: str):
    assert terms(CONSENT, hub).mode(part) == mode


@pytest.mark.parametrize("default", ["ask", "auto", "never"])
def test_each_part_is_unasked_or_asked_or_neither(default):
    said = ConsentTerms(default=default, parts={"a": "auto", "b": "ask", "c": "never"})
    for part in ("a", "b", "c", "d"):
        assert (part in said.unasked) == (said.mode(part) == "auto")
        assert (part in said.asked) == (said.mode(part) == "ask")


def test_none_but_these_and_all_but_these():
    assert "a" in Parts(every=False, but=("a",))
    assert "b" not in Parts(every=False, but=("a",))
    assert "a" not in Parts(every=True, but=("a",))
    assert "b" in Parts(every=True, but=("a",))
    assert Parts(every=False).is_empty
    assert not Parts().is_empty
