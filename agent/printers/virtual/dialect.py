"""How a firmware puts things: its banner, its name, its temperatures. After each one's source."""

from collections.abc import Iterable

from agent.printers.virtual.heater import VirtualHeater


class Dialect:
    """Marlin 2's."""

    def __init__(self, name: str, date: str) -> None:
        """`name` and `date` of the firmware, as its banner tells them."""
        self.name = name
        self.date = date

    def banner(self) -> bytes:
        """What a board says when it comes up."""
        text = f"start\necho: External Reset\necho:{self.name} (virtual)\necho: Last Updated: {self.date}\n"
        return text.encode()

    def identity(self, capabilities: Iterable[tuple[str, bool]]) -> bytes:
        """The answer to M115."""
        first = (
            f"FIRMWARE_NAME:{self.name} (virtual) SOURCE_CODE_URL:github.com/MarlinFirmware/Marlin"
            " PROTOCOL_VERSION:1.0 MACHINE_TYPE:Virtual EXTRUDER_COUNT:1"
            " UUID:00000000-0000-0000-0000-000000000000\n"
        )
        return (first + "".join(f"Cap:{name}:{on:d}\n" for name, on in capabilities)).encode()

    def temperatures(self, nozzle: VirtualHeater, bed: VirtualHeater) -> bytes:
        """Both heaters, for an ok or a report."""
        return b"T:%.2f /%.2f B:%.2f /%.2f @:%d B@:%d" % (
            *(nozzle.actual, nozzle.target, bed.actual, bed.target),
            *(nozzle.duty * 127, bed.duty * 127),
        )

    def report(self, nozzle: VirtualHeater, bed: VirtualHeater) -> bytes:
        """What M155 sends."""
        return b" %b\n" % self.temperatures(nozzle, bed)

    def waiting(self, nozzle: VirtualHeater, bed: VirtualHeater, left: int | None, *, for_bed: bool) -> bytes:  # noqa: ARG002 - others tell them apart
        """What comes every second during M109 and M190; `left` seconds, None until the target is reached."""
        count = b"?" if left is None else b"%d" % left
        return b" %b W:%b\n" % (self.temperatures(nozzle, bed), count)

    def unknown(self, command: str) -> bytes:
        """A command that the firmware does not know."""
        return b'echo:Unknown command: "%b"\n' % command.encode("latin-1", "replace")


class OldMarlinDialect(Dialect):
    """Marlin 1.1's, which tells nothing of what it can do."""

    def identity(self, capabilities: Iterable[tuple[str, bool]]) -> bytes:  # noqa: ARG002 - it tells none
        """The answer to M115."""
        return super().identity(())


class PrusaDialect(Dialect):
    """The MK3's."""

    def banner(self) -> bytes:
        """What a board says when it comes up."""
        return f"start\necho: 3.13.3-7094\necho: Last Updated: {self.date}\n".encode()

    def identity(self, capabilities: Iterable[tuple[str, bool]]) -> bytes:
        """The answer to M115."""
        known = {name: on for name, on in capabilities if on and name != "HOST_ACTION_COMMANDS"}
        names = ["AUTOREPORT_TEMP", "AUTOREPORT_FANS", "AUTOREPORT_POSITION", "EXTENDED_M20", "PRUSA_MMU2"]
        first = (
            f"FIRMWARE_NAME:{self.name} FIRMWARE_URL:https://github.com/prusa3d/Prusa-Firmware"
            " PROTOCOL_VERSION:1.0 MACHINE_TYPE:Prusa i3 MK3S EXTRUDER_COUNT:1"
            " UUID:00000000-0000-0000-0000-000000000000\n"
        )
        return (first + "".join(f"Cap:{name}:1\n" for name in names if name in known)).encode()

    def temperatures(self, nozzle: VirtualHeater, bed: VirtualHeater) -> bytes:
        """Both heaters, for an ok or a report."""
        return b"T:%.1f /%.1f B:%.1f /%.1f T0:%.1f /%.1f @:%d B@:%d P:0.0 A:29.3" % (
            *(nozzle.actual, nozzle.target, bed.actual, bed.target, nozzle.actual, nozzle.target),
            *(nozzle.duty * 127, bed.duty * 127),
        )

    def report(self, nozzle: VirtualHeater, bed: VirtualHeater) -> bytes:
        """What M155 sends."""
        return b"%b\n" % self.temperatures(nozzle, bed)

    def waiting(self, nozzle: VirtualHeater, bed: VirtualHeater, left: int | None, *, for_bed: bool) -> bytes:
        """What comes every second during M109 and M190."""
        if for_bed:
            return b"T:%.1f E:0 B:%.1f\n" % (nozzle.actual, bed.actual)
        return b"T:%.1f E:0 W:%b\n" % (nozzle.actual, b"?" if left is None else b"%d" % left)

    def unknown(self, command: str) -> bytes:
        """A command that the firmware does not know."""
        return f"Unknown {command[:1]} code: {command}\n".encode("latin-1", "replace")
