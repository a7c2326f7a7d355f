"""A need's units along their way, for bars and tables: pure, so that what must add up can be tested."""

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.model.records import NeedProgress


@dataclass(frozen=True, slots=True)
class NeedStage:
    """So many units stand here; `key` is the stage's name in style sheets."""

    key: str
    label: str
    units: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One coloured piece of a bar, in units from its left end."""

    key: str
    start: int
    units: int


def along(progress: NeedProgress) -> list[NeedStage]:
    """From asked for to received. They add up to what was requested, but for `corrections`."""
    return [
        NeedStage("needed", "not yet promised", progress.needed),
        NeedStage("promised", "promised", progress.promised),
        NeedStage("printing", "printing", progress.printing),
        NeedStage("printed", "printed, to be inspected", progress.printed),
        NeedStage("good", "inspected, good", progress.good),
        NeedStage("at-hub", "at the hub", progress.at_hub),
        NeedStage("packed", "packed", progress.packed),
        NeedStage("in-transit", "in transit", progress.in_transit),
        NeedStage("received", "received", progress.received),
    ]


def outside(progress: NeedProgress) -> list[NeedStage]:
    """What was lost on the way, and is asked for again: it stands beside the sum, not in it."""
    return [
        NeedStage("scrapped", "rejected, replaced", progress.scrapped),
        NeedStage("suspect", "out of contact, replaced", progress.suspect),
        NeedStage("written-off", "lost, replaced", progress.written_off),
    ]


def corrections(progress: NeedProgress) -> int:
    """Units above what was requested (surplus), or, below zero, that are asked for no more (withdrawn)."""
    return sum(stage.units for stage in along(progress)) - progress.requested


def bar(progress: NeedProgress) -> list[Segment]:
    """The bar's pieces, the farthest stage first."""
    return _pieces([stage for stage in reversed(along(progress)) if stage.key != "needed"])


def width(progress: NeedProgress) -> int:
    """How many units the whole bar stands for."""
    return max(1, progress.requested, sum(stage.units for stage in along(progress)))


def spoken(progress: NeedProgress) -> str:
    """The bar in words."""
    parts = [f"{stage.units} {stage.label}" for stage in reversed(along(progress)) if stage.units]
    return f"{progress.requested} requested: " + ", ".join(parts or ["none"])


def _pieces(stages: Sequence[NeedStage]) -> list[Segment]:
    pieces: list[Segment] = []
    start = 0
    for stage in stages:
        pieces.append(Segment(stage.key, start, stage.units))
        start += stage.units
    return pieces
