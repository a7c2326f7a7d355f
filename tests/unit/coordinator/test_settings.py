import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from coordinator import settings
from coordinator.errors import StartError
from coordinator.settings import EXAMPLE, CoordinatorSettings, load, read


def fields(struct, prefix=""):
    """Every setting's dotted name."""
    for each in msgspec.structs.fields(struct):
        inner = each.type
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            yield from fields(inner, f"{prefix}{each.name}.")
        else:
            yield f"{prefix}{each.name}"


def explained():
    """Every setting in the example that has a comment above it, as a dotted name."""
    section, above = "", ""
    for line in EXAMPLE.read_text().splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = header[1] + "."
        elif (setting := re.match(r"(\w+) = ", line)) and above.startswith("#"):
            yield section + setting[1]
        above = line


def test_each_setting_is_explained_in_the_example():
    assert list(explained()) == list(fields(CoordinatorSettings))


def test_the_example_shows_the_defaults():
    assert msgspec.convert(tomllib.loads(EXAMPLE.read_text()), CoordinatorSettings) == CoordinatorSettings()


def test_no_file_is_fine(tmp_path):
    found = load(None, {}, tmp_path)
    assert found.directory == tmp_path / "muster-data"
    assert found.database_url == f"sqlite:///{tmp_path}/muster-data/muster.db"
    assert (found.web.host, found.web.port, found.broker.kind) == ("127.0.0.1", 8765, "auto")


def test_data_lie_where_systemd_says(tmp_path):
    assert load(None, {"STATE_DIRECTORY": "/var/lib/muster:/x"}, tmp_path).directory == Path(
        "/var/lib/muster"
    )


def test_the_first_file_named_wins(tmp_path):
    (tmp_path / "muster.toml").write_text("[web]\nport = 1")
    (tmp_path / "second.toml").write_text("[web]\nport = 2")
    (tmp_path / "third.toml").write_text("[web]\nport = 3")
    environ = {"MUSTER_CONFIG": "second.toml"}
    assert load(None, {}, tmp_path).web.port == 1
    assert load(None, environ, tmp_path).web.port == 2
    assert load("third.toml", environ, tmp_path).web.port == 3


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(StartError, match=r"can't read the settings in .*nowhere\.toml: No such file"):
        load("nowhere.toml", {}, tmp_path)


def test_paths_are_relative_to_their_file(tmp_path):
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc" / "muster.toml"
    file.write_text(
        'data = "../state"\n[broker]\nkind = "external"\nurl = "mqtts://b:8883"\npassword_file = "secret"\nca = "/ca"'
    )
    found = read(file)
    assert found.directory == tmp_path / "etc" / "../state"
    assert (found.broker.password_file, found.broker.ca) == (str(tmp_path / "etc" / "secret"), "/ca")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[web\nport = 1", 1, "not valid TOML"),
        ("[web]\nprot = 1", 2, "`web.prot` is not a known setting"),
        ("[web]\nhost = 'x'\nport = 70000", 3, "web.port"),
        ('[web]\nport = "80"', 2, "web.port"),
        ("\n[broker]\nkind = 'rabbit'", 3, "broker.kind"),
        ("[broker]\nkind = 'external'", 1, "url and kind"),
        ("[broker]\nurl = 'mqtts://b:8883'", 1, "url and kind"),
        ("[broker]\nkind = 'external'\nurl = 'mqtt://b.example:1883'", 1, "not encrypted"),
        ("[broker]\nkind = 'external'\nurl = 'http://b'", 3, "broker.url"),
        ("[broker]\nkind = 'external'\nurl = 'mqtts://user:pw@b:8883'", 3, "broker.url"),
        ("[broker]\nkey = 'a'", 1, "go together"),
        ("[broker]\nhost = '0.0.0.0'", 1, "public_url"),
        ("[broker]\nhost = '::1'", 1, "IPv4"),
        ("[database]\nurl = 'mysql://x'", 2, "database.url"),
        ("[dispatch]\nsuspect_after_minutes = 0", 2, "suspect_after_minutes"),
        ("[dispatch]\nnonce_margin_seconds = -1", 2, "nonce_margin_seconds"),
        ("[web]\npublic_url = 'https://muster.example.org/'", 2, "public_url"),
        ("[log]\nlevel = 'loud'", 2, "log.level"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_its_place(tmp_path, text, line, words):
    file = tmp_path / "muster.toml"
    file.write_text(text)
    with pytest.raises(StartError) as caught:
        read(file)
    message = str(caught.value)
    assert message.startswith(f"{file}:{line}: ")
    assert words in message
    assert "\n" not in message


def test_the_settings_of_postgresql_and_an_outside_broker_are_taken(tmp_path):
    file = tmp_path / "muster.toml"
    file.write_text(
        "[database]\nurl = 'postgresql+psycopg://muster@/muster?host=/run/postgresql'\n"
        "[broker]\nkind = 'external'\nurl = 'mqtts://broker.example.org:8883'\nusername = 'muster'\n"
        "[web]\nhost = '0.0.0.0'\npublic_url = 'https://muster.example.org'\n"
    )
    found = read(file)
    assert found.database_url.startswith("postgresql+psycopg://")
    assert found.broker.url == "mqtts://broker.example.org:8883"
    assert settings.BrokerSettings(kind="external", url="mqtt://127.0.0.1:1883").url
