"""What parsers disagree on: each is refused by its form."""

from collections.abc import Iterator

from tests.corpus.case import END, PLAIN, START, Case, file

LINES = {
    # Comments, and what hides them or their end.
    "comment": "; a note",
    "comment-bare": ";",
    "comment-after": "G1 X20 Y20 ; a note",
    "comment-tight": "G1 X20 Y20;note",
    "comment-hidden-by-backslash": "G1 X20 \\; Y900",
    "comment-hidden-by-quotes": 'G1 X20 ";" Y900',
    "comment-hidden-in-a-message": 'M117 ";" G1 X900',
    "comment-in-brackets": "G1 X20 (there) Y20",
    "comment-in-brackets-alone": "(a note)",
    "comment-by-hash": "G1 X20 Y20 # Y900",
    "comment-by-hash-alone": "# a note",
    "comment-by-percent": "%",
    "quotes": 'M117 "hello"',
    "backslash": "G1 X20\\ Y20",
    # Numbers.
    "exponent": "G1 X1E3",
    "exponent-small": "G1 X1e3",
    "exponent-signed": "G1 X1E-3 Y20",
    "exponent-in-e": "G1 X20 Y20 E1E2",
    "plus": "G1 X+20",
    "minus-twice": "G1 X--20",
    "minus-apart": "G1 X- 20",
    "point-first": "G1 X.5",
    "point-last": "G1 X20.",
    "point-twice": "G1 X2.0.0",
    "comma": "G1 X20,5",
    "zero-first": "G1 X020",
    "underscore": "G1 X2_0",
    "hexadecimal": "G1 X0x10",
    "not-a-number": "G1 Xnan",
    "infinite": "G1 Xinf",
    "many-digits": "G1 X0000020",
    "seven-digits": "G1 X1000000",
    "six-decimals": "G1 X20.000001",
    "digits-fullwidth": "G1 X１０ Y20".encode().decode("latin-1"),
    "digits-arabic": "G1 X٣ Y20".encode().decode("latin-1"),
    "digits-superscript": "G1 X2\xb2 Y20",
    "digits-mathematical": "G1 X𝟏𝟎".encode().decode("latin-1"),
    "minus-typographic": "G1 X−5".encode().decode("latin-1"),
    # Bytes.
    "backspace": "G1 X20\b\b900",
    "nul": "G1 X20\0 Y20",
    "nul-alone": "\0",
    "tab": "G1\tX20",
    "vertical-tab": "G1\x0bX20",
    "form-feed": "G1\x0cX20",
    "escape": "G1 X20\x1b[2J",
    "delete": "G1 X20\x7f",
    "byte-255": "G1 X20\xff",
    "space-no-break": "G1\xa0X20",
    "space-ideographic": "G1　X20".encode().decode("latin-1"),
    "letter-cyrillic": "G1 Х20".encode().decode("latin-1"),
    "return-within": "G1 X20\rG1 X900",
    "return-at-the-end": "G1 X20 Y20\r",
    # Spaces and lines.
    "empty-line": "",
    "space-alone": " ",
    "space-first": " G1 X20",
    "space-last": "G1 X20 ",
    "space-twice": "G1  X20",
    "space-missing": "G1X20Y20",
    "space-missing-between-fields": "G1 X20Y20",
    "space-within-the-code": "G 1 X20",
    "space-before-the-value": "G1 X 20",
    "small-code": "g1 X20",
    "small-field": "G1 x20",
    "81-bytes": "G1" + " X1234" * 13 + "5",
    "96-bytes": "G1 X20" + " Y20" * 22 + "  ",
    "tail-beyond-95-bytes": "G1 X20" + " " * 90 + "M104 S300",
    "long-line": "G1 X20" + " Y20" * 2500,
    # Codes.
    "code-wraps-to-g1": "G65537 X900",
    "code-wraps-to-g0": "G65536 X20",
    "code-wraps-to-m104": "M65640 S300",
    "code-of-five-digits": "G10001",
    "code-beyond-32-bits": "G4294967297 X20",
    "code-zero-first": "G01 X20",
    "code-with-a-point": "G1.0 X20",
    "code-with-a-sub-code": "G92.1",
    "code-negative": "G-1",
    "code-without-number": "G",
    "code-m-without-number": "M S20",
    "field-without-value": "G1 X Y20",
    "field-without-value-at-the-end": "G1 X20 Y",
    "field-lists-axes": "M84 X Y E",
    "field-homes-one-axis": "G28 X",
    "field-is-a-digit": "G1 520",
    "tool": "T0",
    "tool-other": "T1",
    "tool-with-field": "T0 S1",
    "debug": "D0",
    "debug-write": "D3 Ax0004 X00",
    "host-command": "@pause",
    "host-command-with-words": "@execute rm",
    "word": "PRINT_START",
    "word-with-fields": "SET_HEATER_TEMPERATURE HEATER=extruder TARGET=300",
    "word-like-a-code": "GCODE",
    "message": "M117 hello",
    "file-name": "M23 other.gco",
    "line-number": "N12 G1 X20 Y20",
    "line-number-and-checksum": "N1 G28*18",
    "checksum": "G1 X20 Y20*112",
    "expression": "G1 X[1+1]",
    "variable": "G1 X{width}",
    "other-letter": "S20",
    "axis-alone": "X20 Y20",
}


def cases() -> Iterator[Case]:
    """All of them."""
    for name, line in LINES.items():
        yield file(f"form-{name}", "form", [f"!{line}"])
    whole = "\n".join((*START, "G1 X20 Y10 E0.4", *END)) + "\n"
    lines = whole.count("\n")
    yield _raw("empty", b"", 1)
    yield _raw("newline-alone", b"\n", 1)
    yield _raw("no-newline-at-the-end", whole[:-1].encode(), lines)
    yield _raw("empty-line-at-the-end", whole.encode() + b"\n", lines + 1)
    yield _raw("empty-line-first", b"\n" + whole.encode(), 1)
    yield _raw("returns-and-newlines", whole.replace("\n", "\r\n").encode(), 1)
    yield _raw("returns-only", whole.replace("\n", "\r").encode(), 1)
    yield _raw("byte-order-mark", b"\xef\xbb\xbf" + whole.encode(), 1)
    yield _raw("utf-16", whole.encode("utf-16"), 1)
    yield _raw("zeros", bytes(4096), 1)
    yield _raw("picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\6\0\0\0", 1)
    yield _raw("packed", b"\x1f\x8b\x08\0\0\0\0\0\0\3" + bytes(range(11, 256)), 1)
    yield _raw("every-byte", bytes(range(256)), 1)
    yield _raw("binary-after-good-lines", whole.encode() + bytes(range(128, 256)) + b"\n", lines + 1)
    yield _raw("one-long-line-without-end", b"G1 X20 Y20 " * 1000, 1)
    yield _raw("slicer-header", b"; generated by a slicer\n" + whole.encode(), 1)


def _raw(name: str, data: bytes, line: int) -> Case:
    return Case(name=f"form-file-{name}", machine=PLAIN, data=data, code="form", line=line)
