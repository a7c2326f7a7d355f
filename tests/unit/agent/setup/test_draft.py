import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agent import settings
from agent.printers.kind import PrinterSettings
from agent.printers.moonraker.kind import MoonrakerPrinter
from agent.printers.octoprint.kind import OctoPrintPrinter
from agent.printers.prusalink.kind import PrusaLinkPrinter
from agent.printers.serial.kind import SerialPrinter
from agent.setup.draft import Draft, added, decode, encode, whole
from gcode.profile import Profile

WORDS = st.text(min_size=1, max_size=40)
LENGTHS = st.floats(30, 2000).map(lambda length: round(length, 2))
PROFILES = st.builds(
    Profile, width=LENGTHS, depth=LENGTHS, height=LENGTHS, family=st.sampled_from(["marlin", "prusa-mk3"])
)
COMMON = {
    "name": st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True),
    "material": st.sampled_from(["pla", "petg"]),
    "profile": PROFILES,
}
URLS = st.just("http://octopi.local:5000/octoprint")
PRINTERS: st.SearchStrategy[PrinterSettings] = st.one_of(
    st.builds(SerialPrinter, port=WORDS, baud=st.sampled_from([115_200, 250_000]), **COMMON),
    st.builds(OctoPrintPrinter, url=URLS, key_file=WORDS, key=st.just(""), **COMMON),
    st.builds(MoonrakerPrinter, url=URLS, key_file=WORDS, key=st.just(""), **COMMON),
    st.builds(
        PrusaLinkPrinter,
        url=URLS,
        user=WORDS,
        password_file=WORDS,
        key=st.just(""),
        key_file=st.just(""),
        password=st.just(""),
        **COMMON,
    ),
)
DRAFTS = st.builds(
    Draft,
    quiet=st.lists(st.just("22:00-07:00"), max_size=2).map(tuple),
    place=st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
    printers=st.lists(PRINTERS, min_size=1, max_size=4, unique_by=lambda printer: printer.name).map(tuple),
)


def read(text: str) -> settings.Settings:
    return settings.decode(text, settings.Settings, "agent.toml")


@given(DRAFTS)
def test_what_was_answered_is_what_is_read(draft: Draft):
    got = read(whole(draft))
    assert (got.hours.daily, got.place, got.printer) == (draft.quiet, draft.place, draft.printers)


@given(DRAFTS)
def test_a_draft_that_was_kept_is_the_same_draft(draft: Draft):
    assert decode(encode(draft)) == draft


def test_what_is_added_stands_behind_what_is_there_which_stays_as_it_is():
    old = (
        '# mine\nstate = "x"   # keep\n\n'
        '[[printer]]\nname = "left"\ndriver = "serial"\nport = "p"\nmaterial = "pla"\n\n\n'
    )
    draft = Draft(printers=(SerialPrinter(name="right", port="q", material="petg"),))
    new = added(old, draft)
    assert new.startswith(old.rstrip("\n") + "\n")
    assert [printer.name for printer in read(new).printer] == ["left", "right"]


def test_comments_explain_and_defaults_that_matter_are_seen():
    text = whole(Draft(printers=(SerialPrinter(name="left", port="p", material="pla"),)))
    told = tomllib.loads(text)["printer"][0]
    assert told["baud"] == 0
    assert told["profile"]["width"] == 220
    assert "key" not in told
    assert text.count("#") > 5


def test_the_smallest_draft_can_be_used(tmp_path: Path):
    text = whole(Draft(printers=(SerialPrinter(name="left", port="p", material="pla"),)))
    assert settings.check(tmp_path / "agent.toml", text.encode()).settings.hours.daily == ()
