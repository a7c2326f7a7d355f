"""Making a fetched body into the whole file that a printer gets, by the owner's scripts and the gate."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from agent.attempt.fetch import Fetcher, StoppedError
from gcode.gate import Gate, within
from gcode.material import UnknownMaterialError, material
from gcode.profile import Profile
from gcode.rules import Section
from gcode.script import Script, ScriptError, fill
from wire.manifest import Manifest
from wire.messages import Blame

log = logging.getLogger(__name__)

CHUNK = 256 * 1024
CABLE = 11_520.0
"""Bytes a second that a serial cable carries at 115,200 baud."""


class PlateRefusedError(Exception):
    """The file may not be printed here. Says which rule, and where; `blame` tells whether any printer would say so."""

    def __init__(self, why: str, blame: Blame = Blame.NOBODY) -> None:
        super().__init__(why)
        self.blame = blame


class PlateFile(Struct, frozen=True):
    """A checked file: start script, body, end script. `seconds` is the gate's own estimate of all of it."""

    path: Path
    seconds: float


class PlateMaker:
    """Makes one printer's plates by its owner's `script` and `profile`; `folder` is its own alone.

    `prove` raises unless a manifest's body is the one that its part comes to when it is drawn here (`proof.py`).
    """

    def __init__(
        self,
        folder: Path,
        fetcher: Fetcher,
        script: Script,
        profile: Profile,
        prove: Callable[[Manifest, Callable[[], bool]], None],
    ) -> None:
        self._folder = folder
        self._fetcher = fetcher
        self._script = script
        self._profile = profile
        self._prove = prove

    def make(self, manifest: Manifest, stop: Callable[[], bool]) -> PlateFile:
        """Draw it for comparison, fetch the body into the folder, and write the whole file while the gate reads along.

        Raises:
            PlateRefusedError: the gate refused it, it is not what the manifest or the part says, or the disk is full.
            FetchError: the body can't be had (StoppedError: `stop` said so).
            RemoteError: nobody whom we believe has approved the part.
        """
        self._prove(manifest, stop)
        body = self._fetcher.fetch(self._folder, manifest.url, manifest.size, manifest.digest, stop)
        path = self._folder / f"{manifest.attempt}.gcode"
        new = path.with_suffix(".new")
        try:
            seconds = _write(manifest, body, self._script, self._profile, new, stop)
            new.replace(path)
        except (UnknownMaterialError, ScriptError) as error:
            raise PlateRefusedError(str(error)) from None
        except OSError as error:
            raise PlateRefusedError(f"can't write the plate to {self._folder}: {error.strerror}") from error
        finally:
            new.unlink(missing_ok=True)
        return PlateFile(path, seconds)

    def tidy(self, keep: str | None = None) -> None:
        """Remove all from the folder but the plate of the attempt `keep`; what can't be removed stays."""
        try:
            for path in self._folder.iterdir():
                if path.name != f"{keep}.gcode" and not path.is_dir():
                    path.unlink(missing_ok=True)
        except FileNotFoundError:
            pass
        except OSError as error:
            log.warning("can't tidy %s: %s", self._folder, error.strerror)


def _write(
    manifest: Manifest, body: Path, script: Script, profile: Profile, path: Path, stop: Callable[[], bool]
) -> float:
    plastic = material(manifest.material)
    around = fill(script, profile, plastic)
    gate = Gate(profile, plastic)
    with path.open("wb") as file:
        for section, chunks in (
            (Section.START, (around.start,)),
            (Section.BODY, _chunks(body, stop)),
            (Section.END, (around.end,)),
        ):
            gate.enter(section)
            for chunk in chunks:
                if not gate.feed(chunk):
                    break
                file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    verdict = gate.verdict()
    if not verdict.accepted:
        raise PlateRefusedError(
            f"the gate refused line {verdict.line}: {verdict.reason} ({verdict.code})", Blame.JOB
        )
    if not within(verdict.body, manifest.grams, manifest.seconds):
        found, told = verdict.body, manifest
        raise PlateRefusedError(
            f"the file is not what the manifest says: {found.grams:.1f} g in {found.seconds:.0f} s"
            f" instead of {told.grams:.1f} g in {told.seconds:.0f} s",
            Blame.JOB,
        )
    # Moves too short to count by their length still have to go through the cable, one after the other.
    return max(verdict.whole.seconds, verdict.whole.bytes / CABLE)


def _chunks(path: Path, stop: Callable[[], bool]) -> Iterator[bytes]:
    """A file piece by piece; on a small machine the gate takes minutes for the longest."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if stop():
                raise StoppedError("called off")
            yield chunk
