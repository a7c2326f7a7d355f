"""Holds what a coordinator wants printed against what its approved part really comes to, drawn here.

Drawing is a pure function of part version, parameters and profile. So a coordinator that was taken over can't have
anything else printed under an approved part's name: the release key may lie in a drawer.
"""

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

import gcode_templates
from agent.attempt.drawing import DrawingOrder, Drawn
from agent.attempt.fetch import Fetcher, StoppedError
from agent.attempt.plate import PlateRefusedError
from agent.membership.trust import Trust
from gcode.profile import Profile
from wire import release
from wire.errors import RemoteError
from wire.manifest import Manifest, Release
from wire.messages import Blame

log = logging.getLogger(__name__)

LONGEST = 900.0
"""Seconds until a drawing is given up; an old Raspberry Pi takes minutes for the longest plate."""
LOOK = 0.5
"""Seconds between two looks at whether it was called off."""
KEPT = 32
"""Documents that are kept beside those that are shipped."""

CalledOff = Callable[[], bool]
Draw = Callable[[bytes, CalledOff], bytes]
"""An `DrawingOrder` as bytes to a `Drawn` as bytes."""


class Definitions:
    """The documents of parts: those that are shipped with the agent, and others from the coordinator, kept here."""

    def __init__(self, folder: Path, url: str, fetcher: Fetcher) -> None:
        """`url` is the coordinator's address; no two threads may use one folder."""
        self._folder = folder
        self._url = url.rstrip("/") + release.PATH
        self._fetcher = fetcher

    def document(self, wanted: Release, stop: CalledOff) -> bytes:
        """The document that a release names; nobody has looked at its signature yet.

        Raises:
            FetchError: the coordinator does not have it, or sends another (StoppedError: `stop` said so).
        """
        for name in gcode_templates.part_names():
            source = gcode_templates.part_source(name)
            if release.definition(source) == wanted.definition:
                return source
        url = f"{self._url}/{wanted.definition}"
        return self._fetcher.fetch(self._folder, url, wanted.size, wanted.definition, stop).read_bytes()

    def tidy(self) -> None:
        """Keep the latest only."""
        kept = (
            sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)
            if self._folder.exists()
            else []
        )
        for path in kept[:-KEPT]:
            path.unlink(missing_ok=True)


class Proof:
    """Judges manifests for one printer, which is of this `profile`."""

    def __init__(
        self, trust: Trust, definitions: Definitions, profile: Profile, draw: Draw | None = None
    ) -> None:
        self._trust = trust
        self._definitions = definitions
        self._profile = profile
        self._draw = draw or draw_apart

    def prove(self, manifest: Manifest, stop: CalledOff) -> None:
        """Hold that the body which a manifest names is what its part comes to.

        Raises:
            RemoteError: nobody whom we believe has approved the part's version.
            FetchError: its document can't be had (StoppedError: `stop` said so).
            PlateRefusedError: it comes to something else, or can't be drawn here.
        """
        if manifest.release is None:
            raise RemoteError("unsigned", f"nobody has approved {manifest.part} {manifest.version}")
        try:
            document = self._definitions.document(manifest.release, stop)
            self._definitions.tidy()
        except OSError as error:
            raise PlateRefusedError(
                f"can't keep the document of {manifest.part}: {error.strerror}"
            ) from error
        self._trust.approve(manifest, document)
        order = DrawingOrder(
            document=document,
            part=manifest.part,
            version=manifest.version,
            parameters=manifest.parameters,
            profile=self._profile,
            material=manifest.material,
            count=manifest.count,
        )
        drawn = msgspec.json.decode(self._draw(msgspec.json.encode(order), stop), type=Drawn)
        if drawn.error:
            raise PlateRefusedError(
                f"{manifest.part} {manifest.version} can't be drawn: {drawn.error}", Blame.JOB
            )
        if (drawn.digest, drawn.size) != (manifest.digest, manifest.size):
            why = (
                f"the coordinator's file is not {manifest.part} {manifest.version} as it is drawn here: was the"
                " coordinator tampered with, or is it of another version than this agent? Ask who runs it"
            )
            log.error("%s: %s", manifest.attempt, why)
            raise PlateRefusedError(why, Blame.JOB)


def draw_apart(order: bytes, stop: CalledOff) -> bytes:
    """Draw in a process of its own.

    Raises:
        PlateRefusedError: it took too long, or came to nothing.
        StoppedError: `stop` said so.
    """
    import subprocess  # noqa: PLC0415  an agent with servers alone needs it for no longer than this

    deadline = time.monotonic() + LONGEST
    command = [sys.executable, "-P", "-m", "agent.attempt.drawing"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        left: bytes | None = order
        while True:
            try:
                said, complaint = process.communicate(left, timeout=LOOK)
                break
            except subprocess.TimeoutExpired:
                left = None  # it goes on with what it was given
                stopped = stop()
                if stopped or time.monotonic() > deadline:
                    process.kill()
                    if stopped:
                        raise StoppedError("called off") from None
                    raise PlateRefusedError(
                        "it takes this machine too long to draw the plate", Blame.JOB
                    ) from None
            except BaseException:
                process.kill()
                raise
    if process.returncode:
        last = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise PlateRefusedError(f"the plate can't be drawn here: {last or f'ended by {process.returncode}'}")
    return said
