"""The boards that can be played, each with what sets it apart from the others."""

from typing import Literal

from msgspec import Struct

from agent.printers.virtual.dialect import Dialect, OldMarlinDialect, PrusaDialect
from agent.printers.virtual.planner import MotionLimits


class BoardProfile(Struct, frozen=True, kw_only=True):
    """One kind of board."""

    about: str
    dialect: Dialect
    emergency: bool = False
    """M108, M112 and M410 act when they come in, not when it is their turn."""
    reports_temperatures: bool = True
    """M155."""
    reports_positions: bool = False
    """M154."""
    advanced_ok: bool = False
    """`ok N… P… B…`."""
    receive_buffer: int = 127
    """Bytes that wait while the command queue is full; a ring of 128 holds one less (RX_BUFFER_SIZE)."""
    queue: int = 4
    """Commands, with the one that is executed (BUFSIZE)."""
    blocks: int = 16
    """Moves that are planned ahead, and one (BLOCK_BUFFER_SIZE)."""
    resend: Literal["ok", "bare", "twice"] = "ok"
    """Whether a Resend comes with its ok, without one, or both come twice."""
    forgives_repeats: bool = True
    """A line numbered as the last or the one before is dropped without a word, not refused."""
    late: bool = False
    """Says ok a while after it has taken the line, at times seconds."""
    waits: bool = False
    """Says `wait` every second while it has nothing to do (NO_TIMEOUTS)."""
    loses: int = 0
    """One in so many bytes is lost while the moves are short: the processor is too busy for its serial port."""
    capabilities: tuple[tuple[str, bool], ...] = ()
    """More of them than follow from the above; an old firmware tells of none at all."""
    limits: MotionLimits = MotionLimits()


MK3 = MotionLimits(
    feeds=(200.0, 200.0, 12.0, 120.0), accelerations=(1250.0, 1250.0, 1000.0, 5000.0), travel=1250.0
)
ENDER = MotionLimits(
    feeds=(500.0, 500.0, 10.0, 50.0), accelerations=(500.0, 500.0, 100.0, 5000.0), printing=500, travel=500
)

PROFILES: dict[str, BoardProfile] = {
    "marlin2": BoardProfile(
        about="Marlin 2.1 on an 8-bit board, with auto-report, and with the emergency parser that few have",
        dialect=Dialect("Marlin 2.1.2.5", "2024-12-14"),
        emergency=True,
    ),
    "marlin2-32bit": BoardProfile(
        about="the same on a 32-bit board: ADVANCED_OK, M154, a receive buffer of 1,024 bytes, queue of 16",
        dialect=Dialect("Marlin 2.1.2.5", "2024-12-14"),
        emergency=True,
        reports_positions=True,
        advanced_ok=True,
        receive_buffer=1023,
        queue=16,
        blocks=32,
    ),
    "marlin1": BoardProfile(
        about="Marlin 1.1.9: no auto-report, no Cap: lines, no emergency parser, refuses a line that it has",
        dialect=OldMarlinDialect("Marlin 1.1.9", "2018-08-01"),
        reports_temperatures=False,
        forgives_repeats=False,
    ),
    "prusa": BoardProfile(
        about="Prusa MK3's dialect: other temperature lines, an M155 with C, a Resend without an ok",
        dialect=PrusaDialect("Prusa-Firmware 3.13.3 based on Marlin", "2023-06-05"),
        resend="bare",
        forgives_repeats=False,
        limits=MK3,
        capabilities=(("AUTOREPORT_FANS", True), ("EXTENDED_M20", True), ("PRUSA_MMU2", True)),
    ),
    "ender-clone": BoardProfile(
        about="an Ender clone: old, slow to turn, and it loses bytes while moves are short",
        dialect=OldMarlinDialect("Marlin V1.1.6.2 CR-Clone", "2018-09-20"),
        reports_temperatures=False,
        forgives_repeats=False,
        loses=4000,
        limits=ENDER,
    ),
    "late-ok": BoardProfile(
        about="says ok late, at times by seconds, and `wait` while it has nothing to do",
        dialect=Dialect("Marlin 2.0.9.3", "2021-12-25"),
        late=True,
        waits=True,
    ),
    "double-resend": BoardProfile(
        about="asks for every bad line twice, with an ok each time",
        dialect=Dialect("Marlin 2.0.5.4", "2020-06-09"),
        resend="twice",
    ),
}
"""By name; the first is the default."""


def capabilities(profile: BoardProfile, *, emergency: bool) -> list[tuple[str, bool]]:
    """What M115 tells after its first line."""
    return [
        ("SERIAL_XON_XOFF", False),
        ("EEPROM", False),
        ("AUTOREPORT_POS", profile.reports_positions),
        ("AUTOREPORT_TEMP", profile.reports_temperatures),
        ("PROGRESS", False),
        ("EMERGENCY_PARSER", emergency),
        ("HOST_ACTION_COMMANDS", True),
        ("PROMPT_SUPPORT", False),
        ("THERMAL_PROTECTION", True),
        *profile.capabilities,
    ]
