"""Plates: parts laid out and drawn for one machine, kept by their digest."""

import hashlib
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from coordinator.errors import Invalid, Missing
from coordinator.model.views import PartView
from coordinator.work.catalogue import Approved
from gcode import draw, part, plate
from gcode.material import UnknownMaterialError, material
from gcode.profile import Profile


@dataclass(frozen=True, slots=True)
class PlateOrder:
    """What to draw: a pure function of these alone. `parameters` are (name, mm), sorted by name."""

    part: str
    version: str
    parameters: tuple[tuple[str, float], ...]
    profile: Profile
    material: str
    count: int


@dataclass(frozen=True, slots=True)
class DrawnPlate:
    """A drawn plate: its file's SHA-256 and bytes, and what printing it takes."""

    digest: str
    size: int
    grams: float
    seconds: float


class PlateLibrary:
    """Draws what is ordered, once. Thread-safe; drawing takes some tenths of a second."""

    def __init__(self, directory: Path, approved: Iterable[Approved]) -> None:
        """Only what is `approved` is ever drawn."""
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.stock(approved)
        self._drawn: dict[PlateOrder, DrawnPlate] = {}
        self._refused: set[PlateOrder] = set()
        self._capacities: dict[tuple[str, str, tuple[tuple[str, float], ...], Profile], int] = {}
        self._lock = threading.Lock()

    def stock(self, approved: Iterable[Approved]) -> None:
        """From now on these may be drawn, and no others."""
        versions = {(each.part.name, each.part.version): each for each in approved}
        self._versions = versions
        self._parts = {
            name: versions[name, version].part
            for name, version in sorted(versions, key=lambda key: (key[0], _ordered(key[1])))
        }

    def approved(self, name: str, version: str) -> Approved:
        """A part's version as it was approved.

        Raises:
            Missing: it never was, or is not any more.
        """
        try:
            return self._versions[name, version]
        except KeyError:
            raise Missing(f"nobody has approved {name} {version}") from None

    def definition(self, digest: str) -> bytes:
        """The document of an approved part version, by its SHA-256.

        Raises:
            Missing: none is it.
        """
        for each in self._versions.values():
            if each.release.definition == digest:
                return each.document
        raise Missing("no approved part has this definition")

    def part(self, name: str) -> part.Part:
        """A part by its name.

        Raises:
            Missing: nobody has released such a part.
        """
        try:
            return self._parts[name]
        except KeyError:
            raise Missing(f"there is no part {name!r}; there are {', '.join(sorted(self._parts))}") from None

    def title(self, name: str) -> str:
        """What people call a part; its bare name if it is not released any more."""
        released = self._parts.get(name)
        return released.title if released else name

    def parts(self) -> list[PartView]:
        """What can be asked for."""
        return [
            PartView(
                name=each.name,
                version=each.version,
                title=each.title,
                purpose=each.purpose,
                materials=list(each.materials),
                parameters={name: parameter.default for name, parameter in each.parameters.items()},
                checklist=list(each.inspection),
            )
            for each in self._parts.values()
        ]

    def parameters(self, name: str, wanted: dict[str, float]) -> dict[str, float]:
        """All of a part's parameters, with what a person wants otherwise than by default.

        Raises:
            Missing: nobody has released such a part.
            Invalid: the part has no such parameter, the value is out of its bounds, or nothing comes of them all.
        """
        released = self.part(name)
        try:
            settled = part.settle(released, wanted)
            part.thickness(released, settled)
            part.outline(released, settled)
        except part.PartError as error:
            raise Invalid(str(error)) from None
        return settled

    def capacity(self, name: str, version: str, parameters: dict[str, float], profile: Profile) -> int:
        """How many fit on one plate; 0 if the part does not fit, or its version is not approved."""
        released = self._versions.get((name, version))
        if released is None:
            return 0
        key = (name, version, tuple(sorted(parameters.items())), profile)
        if key not in self._capacities:
            try:
                self._capacities[key] = plate.capacity(released.part, parameters, profile)
            except part.PartError:
                self._capacities[key] = 0
        return self._capacities[key]

    def drawn(self, order: PlateOrder) -> DrawnPlate | None:
        """The plate, if it is drawn already. Takes no time."""
        return self._drawn.get(order)

    def can_not(self, order: PlateOrder) -> bool:
        """Whether the plate was found impossible to draw; fewer copies may do."""
        return order in self._refused

    def draw(self, order: PlateOrder) -> DrawnPlate:
        """Draw the plate and keep its file, unless that has been done.

        Raises:
            Invalid: printer, part and material do not go together; that will not change.
            Missing: nobody has approved this version (any more).
        """
        with self._lock:
            if known := self._drawn.get(order):
                return known
            try:
                drawing = draw.render(
                    self.approved(order.part, order.version).part,
                    dict(order.parameters),
                    order.profile,
                    material(order.material),
                    order.count,
                )
            except (part.PartError, plate.PlateError, UnknownMaterialError) as error:
                self._refused.add(order)
                raise Invalid(str(error)) from None
            digest = hashlib.sha256(drawing.body).hexdigest()
            self._keep(digest, drawing.body)
            self._drawn[order] = DrawnPlate(digest, len(drawing.body), drawing.grams, drawing.seconds)
            return self._drawn[order]

    def path(self, digest: str) -> Path:
        """Where a plate's file is."""
        return self._directory / f"{digest}.gcode"

    def _keep(self, digest: str, body: bytes) -> None:
        path = self.path(digest)
        if path.exists():
            return
        draft = path.with_suffix(".part")
        with draft.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))
