"""Documents that people write are read strictly, and errors point at the line."""

from typing import Annotated

import msgspec
import pytest
from msgspec import Meta, Struct

from gcode.document import LARGEST, DocumentError, decode
from gcode.whereabouts import Whereabouts


class Hours(Struct, forbid_unknown_fields=True):
    start: str
    end: str


class Printer(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern="^[a-z]+$")]
    bed: Annotated[int, Meta(ge=0, le=110)] = 0
    hours: list[Hours] = []
    size: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        if self.name == "teapot":
            raise ValueError("a teapot does not print (name another machine)")


class Settings(Struct, forbid_unknown_fields=True):
    agent: str
    printers: list[Printer] = []
    broker: dict[str, int] = {}
    by_name: dict[Annotated[str, Meta(pattern="^[a-z]+$")], Printer] = {}
    ratio: float = 1.0


def line_of_error(source: str | bytes, type_: type = Settings) -> tuple[int, str]:
    with pytest.raises(DocumentError) as caught:
        decode(source, type_, "agent.toml")
    error = caught.value
    assert str(error) == f"agent.toml:{error.line}: {error.message}"
    assert "\n" not in str(error)
    return error.line, error.message


def test_a_right_document_becomes_its_struct():
    settings = decode(b'agent = "a"\nratio = 2\n[[printers]]\nname = "ender"\nbed = 60\n', Settings, "x")
    assert settings == Settings(agent="a", ratio=2.0, printers=[Printer(name="ender", bed=60)])


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ('agent = "a"\nratio 2\n', 2),
        ('agent = "a"\n\n[printers\n', 3),
        ('agent = "a\n', 1),
        ('agent = "a"\nagent = "b"\n', 2),
        ('agent = "a"\nby_name = {\n', 2),
        ('agent = "a"\n# done\nx = [1,\n\n\n', 3),
        ('agent = """\n\n', 1),
    ],
)
def test_a_syntax_error_names_its_line(source: str, line: int):
    found, message = line_of_error(source)
    assert found == line
    assert message.startswith("not valid TOML: ")
    assert message.endswith("(mend this line)")


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("", 1, "`agent` is missing (add it)"),
        ("# nothing\n\nratio = 1\n", 1, "`agent` is missing (add it)"),
        ("agent = 3", 1, "`agent`: expected `str`, got `int`"),
        ('agent = "a"\nspeed = 3\n', 2, "`speed` is not a known setting"),
        ('agent = "a"\nratio = "x"\n', 2, "`ratio`: expected `float`, got `str`"),
        (
            'agent = "a"\n[[printers]]\nname = "e"\n\n[[printers]]\nbed = 3\n',
            5,
            "`name` is missing in `printers[1]`",
        ),
        (
            'agent = "a"\n[[printers]]\nname = "e"\n[[printers]]\nname = "f"\nbed = 111\n',
            6,
            "`printers[1].bed`: expected",
        ),
        ('agent = "a"\n[[printers]]\nname = "e"\nbedd = 1\n', 4, "`printers[0].bedd` is not a known setting"),
        ('agent = "a"\n[[printers]]\nname = "E"\n', 3, "`printers[0].name`: expected `str` matching regex"),
        (
            'agent = "a"\nprinters = [\n  {name = "e"},\n  {name = "f", bed = "hot"},\n]\n',
            4,
            "`printers[1].bed`",
        ),
        ('agent = "a"\nprinters = [\n  {name = "e"},\n  # two\n  {bed = 1},\n]\n', 5, "`name` is missing"),
        ('agent = "a"\n[[printers]]\nname = "e"\nsize = [\n 1,\n "2",\n]\n', 6, "`printers[0].size[1]`"),
        (
            'agent = "a"\n[[printers]]\nname = "e"\nsize = [1]\n',
            4,
            "`printers[0].size`: expected `array` of length 2",
        ),
        ('agent = "a"\n[[printers]]\nname = "teapot"\n', 2, "`printers[0]`: a teapot does not print (name"),
        (
            (
                'agent = "a"\n[[printers]]\nname = "e"\n[[printers.hours]]\nstart = "1"\nend = "2"\n'
                '[[printers.hours]]\nstart = "1"\n'
            ),
            7,
            "`end` is missing in `printers[0].hours[1]`",
        ),
        (
            'agent = "a"\n[[printers]]\nname = "e"\n[[printers]]\nname = "f"\n[[printers.hours]]\nstart = 1\n',
            7,
            "`printers[1].hours[0].start`",
        ),
        ('agent = "a"\n[broker]\none = 1\ntwo = "2"\nthree = 3\n', 4, "`broker.two`: expected `int`"),
        ('agent = "a"\nbroker.one = 1\nbroker.two = "2"\n', 3, "`broker.two`: expected `int`"),
        ('agent = "a"\nbroker = {one = 1, two = "2"}\n', 2, "`broker.two`"),
        ('agent = "a"\n[by_name.x]\nname = "e"\n[by_name.y]\nname = "f"\nbed = -1\n', 6, "`by_name.y.bed`"),
        ('agent = "a"\nby_name.x.name = "e"\nby_name.y.bed = 1\n', 3, "`name` is missing in `by_name.y`"),
        ('agent = "a"\n[by_name.x]\nname = "e"\n[by_name.Y]\nname = "f"\n', 4, "`by_name.Y`"),
        ('agent = "a"\n["by_name" . \'x\']\nname = "e"\n"be\\u0064" = 200\n', 4, "`by_name.x.bed`"),
    ],
)
def test_a_wrong_value_names_its_line_and_what_to_do(source: str, line: int, words: str):
    found, message = line_of_error(source)
    assert found == line
    assert words in message
    assert message.endswith(")")


@pytest.mark.parametrize(
    "before",
    [
        'text = """\n[broker]\nlast = 1\n\\"""\n"""\n',
        "text = '''\nlast = 3\n# '''\n",
        'text = """a\\\n   b""" # last = "]"\n',
        'text = [ # last = [\n "]", \'}\', """\n]""", [1, [2,\n 3]], {a = "}", b = [1]} ,\n]\n',
        "text = 1979-05-27 07:32:00 # a comment\n",
        'text = """"quoted\n""""\n',
        "text = ''''quoted\n'''''\n",
        "text = \"\"\ntoo = ''\n",
        '[text]\r\n"a.b" = 1\r\n',
        '"" = 1\n\n\n',
        "[[text]]\n[[text.too]]\n[text.too.three]\n",
        "\t text\t=\tinf\n",
    ],
)
def test_nothing_that_toml_can_hold_leads_the_line_astray(before: str):
    source = before + "[zz]\nlast = 9\n"
    tree = Whereabouts(source)
    assert tree.line(("zz", "last")) == source.count("\n", 0, source.rindex("last")) + 1


def test_every_item_of_an_array_has_its_own_line():
    tree = Whereabouts("x = [\n 1,\n\n {a = 2,\n b = 3}, [4,\n5] # end\n]\ny = 1\n".replace(",\n b", ", b"))
    assert [tree.line(("x", n)) for n in range(3)] == [2, 4, 4]
    assert tree.line(("x", 1, "b")) == 4
    assert tree.line(("x", 2, 1)) == 5
    assert tree.line(("y",)) == 7


def test_a_path_that_is_nowhere_gets_the_line_of_what_is_around_it():
    tree = Whereabouts("a = 1\n[b]\nc = 1\n")
    assert tree.line(("b", "x", 3)) == 2
    assert tree.line(("nowhere",)) == 1


def test_what_is_not_utf8_names_its_line():
    assert line_of_error(b'agent = "a"\nratio = "\xff"\n') == (2, "not UTF-8 text (save the file as UTF-8)")


@pytest.mark.parametrize(
    "source",
    ["x = " + "[" * 5000, "x = " + "9" * 5000, "#" * (LARGEST + 1), "\x00", "x = 2020-13-40", "x = '\x01'"],
)
def test_absurd_documents_are_refused_in_one_line(source: str):
    assert line_of_error(source)[0] == 1


def test_the_root_may_be_a_mapping():
    assert line_of_error("a = 1\nb = 'x'\n", dict[str, int])[0] == 2
    assert msgspec.convert(decode("a = 1", dict[str, int], "x"), dict[str, int]) == {"a": 1}
