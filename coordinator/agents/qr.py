"""Invites as pictures: QR codes, to be shown to a machine that has a camera and no keyboard."""

import io
from pathlib import Path

import segno

KINDS = (".svg", ".png")
"""What a file with a picture may end in."""


def svg(text: str) -> str:
    """As an SVG element with no script and no style of its own, to stand in a page."""
    code = segno.make_qr(text, error="l")
    return code.svg_inline(scale=4, border=4, omitsize=True, dark="#000", light="#fff", svgclass="qr")


def terminal(text: str) -> str:
    """As lines of half blocks for a terminal, white on black or black on white."""
    out = io.StringIO()
    segno.make_qr(text, error="l").terminal(out, border=2, compact=True)
    return out.getvalue().rstrip("\n")


def save(text: str, path: Path) -> None:
    """Write it to a file, readable by us only, as its ending says.

    Raises:
        ValueError: another ending than .svg or .png.
        OSError: the file can't be written.
    """
    if path.suffix.lower() not in KINDS:
        raise ValueError(f"{path}: name a file that ends in {' or '.join(KINDS)}")
    out = io.BytesIO()
    segno.make_qr(text, error="l").save(out, kind=path.suffix.lower()[1:], scale=4)
    path.touch(mode=0o600)
    path.write_bytes(out.getvalue())
