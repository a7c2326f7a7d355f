"""Reads what a firmware says, one line at a time. Pure; after Marlin 2's source."""

import re

from agent.printers.serial.replies import (
    Action,
    BoardIdentity,
    Busy,
    Capability,
    Complaint,
    Idling,
    Killed,
    Ok,
    Position,
    Reading,
    Reply,
    ResendRequest,
    Restarted,
    SdCard,
    Temperatures,
)

NUMBER = rb"(-?\d{1,9}(?:\.\d{1,9})?)"
NOZZLE = re.compile(rb"(?:^|\s)T0?:\s?" + NUMBER + rb"(?:\s?/\s?" + NUMBER + rb")?")
BED = re.compile(rb"(?:^|\s)B:\s?" + NUMBER + rb"(?:\s?/\s?" + NUMBER + rb")?")
POSITION = re.compile(
    rb"X:\s?" + NUMBER + rb" Y:\s?" + NUMBER + rb" Z:\s?" + NUMBER + rb" E:\s?" + NUMBER + rb"\b"
)
LAST_LINE = re.compile(rb"Last Line: ?(\d{1,9})\s*$")
RESEND = re.compile(rb"(?:Resend|rs)[: ] ?N?(\d{1,9})\s*$", re.IGNORECASE)
ADVANCED = re.compile(rb"ok N(\d{1,9})(?: P\d{1,3})?(?: B(\d{1,3}))?\s*$")
CAPABILITY = re.compile(rb"Cap:([A-Z0-9_]{1,40}):([01])\s*$")
FATAL = re.compile(
    rb"kill\(\)|halted|M112|M999|MINTEMP|MAXTEMP|runaway|heating failed|homing failed|probing failed"
    rb"|system stopped|stopped due to errors|malfunction|shutdown",
    re.IGNORECASE,
)
COMPLAINT = re.compile(
    rb"echo: ?(?:cold extrusion prevented|hotend too cold|home [XYZ/ ]{1,8} first|.{0,12}must be homed)",
    re.IGNORECASE,
)
SD_CARD = re.compile(
    rb"(SD printing (?:byte|paused)|File opened|File selected|echo:enqueu?ing \"M23)|Not SD printing|Done printing file"
)
FIELD = re.compile(rb" ?([A-Z_]{4,}): ?")
UUID = re.compile(rb"UUID: ?([0-9a-fA-F-]{8,40})")
BANNER = re.compile(
    rb"start\s*$|echo: ?(?:Marlin|External Reset|Power-?up|Brown out|Watchdog Reset)\b|Marlin \d"
)


def parse(line: bytes) -> Reply | None:  # noqa: PLR0911 - one line for each thing that it may be
    """What `line`, without its line end, says; None for what is of no concern, noise included."""
    if line.startswith(b"ok"):
        return _ok(line)
    if line.startswith((b"echo:busy", b"busy:")):
        return Busy(for_user=b"for user" in line or b"for input" in line)
    if line == b"wait":
        return Idling()
    if asked := RESEND.match(line):
        return ResendRequest(int(asked[1]), is_error=False)
    if line[:6].lower() in (b"error:", b"fatal:") or line.startswith(b"!!"):
        return _error(line)
    if line.startswith(b"Cap:"):
        told = CAPABILITY.match(line)
        return Capability(told[1].decode(), told[2] == b"1") if told else None
    if line.startswith(b"//") and line[2:].lstrip().startswith(b"action:"):
        return Action(line.partition(b"action:")[2].decode("ascii", "replace").strip())
    if line.startswith(b"FIRMWARE_NAME:"):
        return _identity(line)
    if BANNER.match(line):
        return Restarted()
    return _temperatures(line) or _position(line) or _aside(line)


def _aside(line: bytes) -> SdCard | Complaint | None:
    if said := SD_CARD.match(line):
        return SdCard(printing=said[1] is not None)
    if COMPLAINT.match(line):
        return Complaint(line.decode("ascii", "replace").removeprefix("echo:").strip())
    return None


def _identity(line: bytes) -> BoardIdentity:
    """Fields run into each other, as their values hold spaces: a name in capitals and a colon begins the next."""
    words = FIELD.split(line)
    fields = {
        name: text.decode("ascii", "replace").strip()
        for name, text in zip(words[1::2], words[2::2], strict=True)
    }
    found = UUID.search(line)
    uuid = found[1].decode() if found else ""
    firmware, machine = fields.get(b"FIRMWARE_NAME", "")[:80], fields.get(b"MACHINE_TYPE", "")[:60]
    return BoardIdentity(firmware, machine, "" if not uuid.strip("0-") else uuid)


def _ok(line: bytes) -> Ok | None:
    rest = line[2:3]
    if rest not in (b"", b" "):
        return None
    if numbered := ADVANCED.match(line):
        return Ok(number=int(numbered[1]), places=int(numbered[2] or 0))
    return Ok(warm=NOZZLE.search(line) is not None)


def _error(line: bytes) -> ResendRequest | Killed | None:
    if last := LAST_LINE.search(line):
        return ResendRequest(int(last[1]) + 1, is_error=True)
    if line[:2] == b"!!" or line[:6].lower() == b"fatal:" or FATAL.search(line):
        return Killed(line.decode("ascii", "replace").removeprefix("Error:").strip(" !"))
    return None


def _reading(found: re.Match[bytes] | None) -> Reading | None:
    if found is None:
        return None
    return Reading(float(found[1]), None if found[2] is None else float(found[2]))


def temperatures(line: bytes) -> Temperatures | None:
    """The heaters that a line tells of, be it an `ok` or a report."""
    nozzle, bed = _reading(NOZZLE.search(line)), _reading(BED.search(line))
    if nozzle is None and bed is None:
        return None
    return Temperatures(nozzle, bed, waited=b" W:" in line or b"/" not in line)


def _temperatures(line: bytes) -> Temperatures | None:
    return temperatures(line) if line.lstrip()[:2] in (b"T:", b"B:", b"T0") else None


def _position(line: bytes) -> Position | None:
    found = POSITION.match(line)
    return Position(*map(float, found.groups())) if found else None
