"""The state that a printer would be in, as far as it follows from what was sent to it."""

from math import isnan, nan, pi
from typing import Final

from gcode.material import Material
from gcode.motion import Pace
from gcode.profile import Profile
from gcode.reach import reach

WIDEST_LINE: Final = 0.15 * pi * 1.75**2 / 4 / 0.4**2
"""Plastic laid a mm, in mm² per mm² of nozzle squared: 0.15 mm/mm of 1.75 filament at a 0.4 nozzle."""
HOTTEST_BED: Final = 110


class Machine:
    """One printer, followed command by command. What was not said is unknown, and unknown forbids.

    Positions are mm and `nan` where unknown (after homing, which ends elsewhere on each machine, if its owner has not
    said where); `extent` is the farthest X, Y, Z said. `debt` is filament drawn back and not yet pushed again. `feed`
    is mm/min, 0 until said. `relative_e` is unknown after a G90 or G91 that changes the extruder's mode on one
    firmware and not on another.
    """

    def __init__(self, profile: Profile, material: Material) -> None:
        self.profile = profile
        self.reach = reach(profile)
        self.home = profile.home or ((0.0, 0.0) if profile.radius else (nan, nan))
        """X and Y after G28."""
        self.material = material
        self.area = pi * profile.filament**2 / 4
        self.thickest = WIDEST_LINE * profile.nozzle**2 / self.area
        """Filament a mm of path, at most."""
        self.hottest_nozzle = min(material.nozzle_most, profile.hottest_nozzle)
        self.hottest_bed = min(material.bed_most, profile.hottest_bed, HOTTEST_BED)
        self.x = self.y = self.z = nan
        self.e = 0.0
        self.feed = 0.0
        self.debt = 0.0
        self.millimetres = self.homed = self.hot = self.extruded = False
        self.absolute: bool | None = None
        self.relative_e: bool | None = None
        self.nozzle: float | None = None
        self.bed: float | None = None
        self.dwell = 0.0
        self.lifted = 0.0
        self.filament = 0.0
        self.extent = (0.0, 0.0, 0.0)
        self.pace = Pace()

    @property
    def flowing(self) -> bool:
        """Whether a plain XY move with or without E needs no look at anything but its own numbers."""
        return (
            self.hot
            and self.homed
            and self.millimetres
            and self.absolute is True
            and self.relative_e is not None
            and self.feed > 0
            and self.debt == 0
            and not isnan(self.x + self.y + self.z)
        )

    def densest(self, feed: float) -> float:
        """Filament a mm of path at this feed, bounded by both nozzle and flow."""
        return min(self.thickest, self.profile.flow / (self.area * feed / 60))
