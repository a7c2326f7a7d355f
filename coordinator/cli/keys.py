"""`muster keys`: the keys that sign, from a rotation on the spot to a root that lies in a drawer elsewhere."""

import contextlib
import os
import time
from collections.abc import Generator
from pathlib import Path

import click
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from coordinator.acts import keys as acts
from coordinator.acts.act import Act
from coordinator.cli.formatting import day, example, length, line
from coordinator.cli.options import Wrong, common_options, config_option, json_option, load
from coordinator.cli.tables import print_, table
from coordinator.errors import Problem, StartError
from coordinator.keys import keyring, signing_files
from coordinator.keys.keyring import ROOT, Keyring
from coordinator.keys.signing_files import SignedKeySet, SignedPart, SigningRequest
from coordinator.store.engine import OpenMode, Store
from coordinator.unit_of_work import NOBODY_LISTENS, UnitsOfWork
from coordinator.work import catalogue
from wire import keyset, release
from wire.errors import WireError
from wire.keyset import KeySet, Use
from wire.manifest import key_id

SHORT = 16
"""Digits of a key's id that people see; enough to tell keys apart."""
LEAST = 8
"""Characters of a passphrase."""
_VARIABLE = "MUSTER_PASSPHRASE"
_FILE = click.Path(path_type=Path, dir_okay=False)
_root = click.option(
    "--root", metavar="FILE", type=_FILE, help="The root key's file, if it was taken out of here."
)
_request = click.option(
    "--request",
    metavar="FILE",
    type=_FILE,
    help="Change nothing: write a request that `muster keys sign` signs where the root is.",
)


@click.group(
    epilog=example(
        "muster keys show",
        "muster keys take-out root /media/stick/root.key",
        "muster keys rotate dispatch --root /media/stick/root.key",
        "muster keys revoke 3f9c2a7be01d4c55 --root /media/stick/root.key",
        "muster keys sign-part visor.toml --release /media/stick/release.key",
    )
)
def keys() -> None:
    """Change, revoke and lock away the keys that sign; sign parts.

    The root says which of the others count; agents know it from their invite. The release key approves versions of
    parts; agents draw nothing else. The dispatch key signs each job; the coordinator needs it all day.

    All three are made at the first start. Whoever takes the coordinator over, but not the first two, can have nothing
    printed but approved parts: so take them out, onto a stick in a drawer. A coordinator that runs hears of each
    change within seconds, and so do its agents. A passphrase is asked for, or taken from MUSTER_PASSPHRASE.
    """


@keys.command(epilog=example("muster keys show"))
@config_option
@json_option
@click.pass_context
def show(context: click.Context) -> None:
    """List the keys, until when they are good, and which of the private ones lie here."""
    with _in_one_line():
        ring = _ring(context)
        here = {name: ring.private(name) for name in (ROOT, *Use)}
    ids = {key_id(key.public_key()) for key in here.values() if key}
    rows = [("root", ring.root, "good")]
    rows += [(str(key.use), key.id, _until(key.until)) for key in ring.keys.keys]
    rows += [("", name, "revoked") for name in ring.keys.revoked]
    if common_options(context).json:
        answer = {
            "version": ring.keys.version,
            "keys": [
                {"use": use, "id": name, "state": state, "here": name in ids} for use, name, state in rows
            ],
        }
        click.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2))
        return
    click.echo(f"key set {ring.keys.version}, of {day(ring.keys.version)}")
    shown = [(name[:SHORT], use, state, "here" if name in ids else "elsewhere") for use, name, state in rows]
    print_(table(["key", "use", "", "private key"], shown, empty=""))


@keys.command("take-out", epilog=example("muster keys take-out root /media/stick/root.key"))
@click.argument("name", type=click.Choice([ROOT, Use.RELEASE.value]))
@click.argument("file", type=_FILE)
@config_option
@click.pass_context
def take_out(context: click.Context, name: str, file: Path) -> None:
    """Move the root or the release key into FILE, under a passphrase, away from here.

    Back-ups from before still hold it: make a new one, and destroy those.
    """
    with _in_one_line():
        ring = _ring(context)
        key = ring.private(name)
        if key is None:
            raise Wrong(f"the {name} key is not kept here any more")
        keyring.write_key(file, key, _new_passphrase())
        ring.remove(name)
        _noted(context, acts.took_out, name)
    click.echo(f"the {name} key is in {file}, and no longer here. Make a second copy, and keep both apart.")


@keys.command(epilog=example("muster keys rotate dispatch", "muster keys rotate release --overlap 72"))
@click.argument("name", type=click.Choice([Use.DISPATCH.value, Use.RELEASE.value, ROOT]))
@click.option(
    "--overlap",
    metavar="HOURS",
    type=click.FloatRange(0, 24 * 90),
    default=24.0,
    show_default=True,
    help="How long the key before it stays good.",
)
@_root
@_request
@config_option
@click.pass_context
def rotate(
    context: click.Context, name: str, overlap: float, root: Path | None, request: Path | None
) -> None:
    """Make a new key take over. The old one stays good for a while, so that nothing under way is refused."""
    with _in_one_line():
        ring = _ring(context)
        if name == ROOT:
            if request:
                raise Wrong("a new root is made where the old one is: use --root, not --request")
            ring.succeed(_private(ring, ROOT, root))
            _noted(context, acts.rotated, name)
            click.echo(
                f"a new root {ring.root[:SHORT]}, for which the old one vouches, lies here: take it out again"
            )
            return
        _change(ring, ring.rotated(Use(name), overlap * 3600), root, request)
    if not request:
        _noted(context, acts.rotated, name)
        good = f"good for {length(overlap * 3600)}" if overlap else "good no more"
        click.echo(f"a new {name} key signs from now on; the one before it is {good}")


@keys.command(epilog=example("muster keys revoke 3f9c2a7be01d4c55"))
@click.argument("key")
@_root
@_request
@config_option
@click.pass_context
def revoke(context: click.Context, key: str, root: Path | None, request: Path | None) -> None:
    """Have a KEY (its id, as `show` tells) refused at once, by every agent that hears of it.

    One that is in use is replaced by a new one. What a release key has approved must be approved anew: parts that
    Muster ships are, by themselves, where the new release key lies.
    """
    with _in_one_line():
        ring = _ring(context)
        _change(ring, ring.revoked(key), root, request)
    if not request:
        _noted(context, acts.revoked, key[:SHORT])
        click.echo(f"{key} is refused from now on")


@keys.command(epilog=example("muster keys sign change.request --root root.key --to change.signed"))
@click.argument("file", type=_FILE)
@click.option("--root", metavar="FILE", type=_FILE, required=True, help="The root key's file.")
@click.option("--to", metavar="FILE", type=_FILE, required=True, help="Where the signed keys go.")
def sign(file: Path, root: Path, to: Path) -> None:
    """Sign a request, on the machine where the root key is. It needs no coordinator and no network."""
    with _in_one_line():
        content = signing_files.read(file)
        if not isinstance(content, SigningRequest):
            raise Wrong(f"{file} is no request for new keys")
        key = _opened(root)
        if key_id(key.public_key()) != content.root:
            raise Wrong(f"{root} is not the root that {file} asks for ({content.root[:SHORT]})")
        for each in content.keys.keys:
            click.echo(f"  {each.use:<9} {each.id[:SHORT]}  {_until(each.until)}")
        for each in content.keys.revoked:
            click.echo(f"            {each[:SHORT]}  revoked")
        signing_files.write(to, SignedKeySet(keyset.seal(content.keys, key, content.heirs)))
    click.echo(f"signed: carry {to} to the coordinator, and say there `muster keys import {to.name}`")


@keys.command(
    "sign-part",
    epilog=example(
        "muster keys sign-part visor.toml",
        "muster keys sign-part visor.toml \\",
        "    --release /media/stick/release.key --to visor.signed",
    ),
)
@click.argument("file", type=_FILE)
@click.option(
    "--release", "key_file", metavar="FILE", type=_FILE, help="The release key's file, if not here."
)
@click.option(
    "--to", metavar="FILE", type=_FILE, help="Write the signed part there, for `muster keys import`."
)
@config_option
@click.pass_context
def sign_part(context: click.Context, file: Path, key_file: Path | None, to: Path | None) -> None:
    """Approve the version of a part that stands in FILE (TOML), to be made from now on.

    With --release and --to it needs no coordinator: that is how it is done where the release key is kept.
    """
    with _in_one_line():
        try:
            document = file.read_bytes()
        except OSError as error:
            raise Wrong(f"can't read {file}: {error.strerror}") from None
        part = catalogue.read(document)
        key = _opened(key_file) if key_file else _private(_ring(context), Use.RELEASE, None)
        signed = release.sign(part.name, part.version, document, key)
        if to:
            signing_files.write(to, SignedPart(document.decode(), signed))
            click.echo(f"{part.name} {part.version} is signed: carry {to} to the coordinator")
            return
        _take_in(context, document, signed)


@keys.command("import", epilog=example("muster keys import change.signed", "muster keys import visor.signed"))
@click.argument("file", type=_FILE)
@config_option
@click.pass_context
def import_(context: click.Context, file: Path) -> None:
    """Take in what was signed elsewhere: new keys, or a part."""
    with _in_one_line():
        content = signing_files.read(file)
        if isinstance(content, SigningRequest):
            raise Wrong(f"nobody has signed {file} yet: `muster keys sign`, where the root is")
        if isinstance(content, SignedPart):
            _take_in(context, content.document.encode(), content.release)
            return
        ring = _ring(context)
        ring.install(content.keys)
        _noted(context, acts.installed, str(ring.keys.version))
    click.echo(f"key set {ring.keys.version} is in force")


def _take_in(context: click.Context, document: bytes, signed: release.Release) -> None:
    with _services(context) as services:
        part = acts.approve_part(services, acts.MACHINE, document, signed)
    click.echo(f"{part.name} {part.version} is approved: it can be asked for within seconds")


def _noted(context: click.Context, act: Act[acts.KeyServices, [str], None], key: str) -> None:
    """Into the audit log, where there is a database already."""
    with contextlib.suppress(StartError), _services(context) as services:
        act(services, acts.MACHINE, key)


@contextlib.contextmanager
def _services(context: click.Context) -> Generator[acts.KeyServices]:
    settings, ring = load(common_options(context).config), _ring(context)
    with contextlib.closing(Store(settings.database_url, OpenMode.AS_IT_IS)) as store:
        yield acts.KeyServices(units=UnitsOfWork(store, NOBODY_LISTENS, time.time), keyring=ring)


def _change(ring: Keyring, proposed: KeySet, root: Path | None, request: Path | None) -> None:
    if request:
        signing_files.write(request, SigningRequest(root=ring.root, heirs=ring.signed.heirs, keys=proposed))
        click.echo(f"nothing is changed yet: have {request} signed where the root is (`muster keys sign`)")
        return
    ring.install(ring.sign(proposed, _private(ring, ROOT, root)))


def _ring(context: click.Context) -> Keyring:
    directory = load(common_options(context).config).directory
    if not (directory / "keys").is_dir():
        raise Wrong(f"no coordinator has keys in {directory}: name its settings with --config")
    return Keyring(directory / "keys", time.time)


def _private(ring: Keyring, name: str, file: Path | None) -> Ed25519PrivateKey:
    if file:
        return _opened(file)
    key = ring.private(name)
    if key is None:
        there = "--root FILE, or have a --request signed there" if name == ROOT else "--release FILE"
        raise Wrong(f"the {name} key is not kept here: {there}")
    return key


def _opened(file: Path) -> Ed25519PrivateKey:
    try:
        locked = b"ENCRYPTED" in file.read_bytes()
    except OSError as error:
        raise Wrong(f"can't read {file}: {error.strerror}") from None
    given = os.environ.get(_VARIABLE) or (
        str(click.prompt(f"passphrase of {file}", hide_input=True)) if locked else ""
    )
    return keyring.read_key(file, given.encode() if locked else None)


def _new_passphrase() -> bytes:
    given = os.environ.get(_VARIABLE) or str(
        click.prompt("a passphrase for the file", hide_input=True, confirmation_prompt="once more")
    )
    if len(given) < LEAST:
        raise Wrong(f"a passphrase has at least {LEAST} characters: some words that you can remember")
    return given.encode()


def _until(until: float | None) -> str:
    if until is None:
        return "good"
    left = until - time.time()
    return f"good for {length(left)}" if left > 0 else "its time is over"


@contextlib.contextmanager
def _in_one_line() -> Generator[None]:
    try:
        yield
    except (StartError, Problem, WireError) as error:
        raise Wrong(line(str(error))) from None
