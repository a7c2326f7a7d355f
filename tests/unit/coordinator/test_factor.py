"""Codes of a second factor: right ones, once; and what is sealed opens for its owner only."""

import base64
import re
from xml.etree import ElementTree as ET

import pytest

from coordinator.people import factor

RFC = base64.b32encode(b"12345678901234567890").decode()
"""The secret of RFC 6238, appendix B."""


@pytest.mark.parametrize(
    ("now", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_rfc(now, code):
    assert factor.step_of(RFC, code, now, last=0) == now // 30
    assert factor.step_of(RFC, f" {code[:3]} {code[3:]}", now, last=0) == now // 30


def test_a_clock_may_be_half_a_minute_off_and_no_more():
    assert [factor.step_of(RFC, "287082", now, last=0) for now in (30, 59, 89, 90, 150)] == [
        1, 1, 1, None, None,
    ]  # fmt: skip


def test_no_code_is_good_twice_nor_one_before_it():
    step = factor.step_of(RFC, "287082", 59, last=0)
    assert step == 1
    assert factor.step_of(RFC, "287082", 59, last=step) is None
    assert factor.step_of(RFC, "287082", 59, last=step + 1) is None


@pytest.mark.parametrize(
    "nonsense", ["", "287083", "28708", "2870822", "２８７０８２", "abcdef", "\0", "x" * 9999]
)
def test_nonsense_is_no_code(nonsense):
    assert factor.step_of(RFC, nonsense, 59, last=0) is None


def test_the_picture_is_an_svg_that_a_strict_page_may_show():
    svg = factor.picture(factor.address(factor.fresh(), "ines", "Muster"))
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    assert not re.search(r"style|script|href|on\w+=", svg)


def test_recovery_codes_differ_and_are_read_however_typed():
    codes = factor.recovery_codes()
    assert len(set(codes)) == factor.RECOVERY
    code = codes[0]
    assert all(re.fullmatch(r"[2-9a-z]{4}(-[2-9a-z]{4}){3}", each) for each in codes)
    assert factor.recovery_digest(code) == factor.recovery_digest(f" {code.upper().replace('-', ' ')} ")
    assert code not in factor.recovery_digest(code)


def test_what_is_sealed_opens_with_the_same_key_for_the_same_owner():
    seal = factor.Seal(b"k" * 32, "test")
    sealed = seal.close("secret", "ines")
    assert seal.open(sealed, "ines") == "secret"
    assert seal.open(sealed, "carl") is None
    assert factor.Seal(b"j" * 32, "test").open(sealed, "ines") is None
    assert factor.Seal(b"k" * 32, "other").open(sealed, "ines") is None
    data = bytearray(base64.b64decode(sealed))
    for place in range(len(data)):
        data[place] ^= 1
        assert seal.open(base64.b64encode(bytes(data)).decode(), "ines") is None
        data[place] ^= 1
    for nonsense in ("", "x", "====", "é"):
        assert seal.open(nonsense, "ines") is None
