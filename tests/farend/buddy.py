"""A stand-in for PrusaLink as an MK4, MINI or XL has it built in, and the hands of its owner on the printer.

No registry has that one. Written after Prusa's published description of the interface and its published firmware,
where these differ from PrusaLink on a Raspberry Pi:

- there is one storage, a stick in FAT: names are short beside long, case does not count, times are even seconds;
- digest authentication is RFC 2069's, without `qop`; a nonce becomes stale; the password is the API key too;
- a refusal's reason is JSON only for those who ask for it;
- a listing has no sizes; a folder that is there already is a conflict; a file that is printed is busy;
- an order to print is taken at once and shown a moment later; while the print ends, it still shows as printing;
- a print that is over is shown without its job until somebody presses a button or another print begins;
- a job has no time left unless its file tells (M73), and ours do not.
"""

import hashlib
import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.farend.timetable import Timetable

USER, REALM = "maker", "Printer API"
NONCE = 300.0
"""Seconds that a nonce holds."""
ROOM = 23.0
BETWEEN = 0.3
"""Seconds from an order to what it brings about."""


@dataclass
class Entry:
    """A file, or a folder if it has no content."""

    long: str
    short: str
    content: bytes | None
    changed: int = field(default_factory=lambda: int(time.time()) // 2 * 2)

    @property
    def kind(self) -> str:
        return "FOLDER" if self.content is None else "PRINT_FILE"


class Buddy:
    """One printer. `state` is what the interface tells; times run `speed` times faster."""

    def __init__(self, speed: float = 60) -> None:
        self.url, self.key = "", hashlib.sha256(str(id(self)).encode()).hexdigest()[:15]
        self.stick = True
        self.reachable = True
        self.late = 0.0
        """Seconds that have passed beside those that did: nonces become stale by them too."""
        self._speed = speed
        self._lock = threading.RLock()
        self._state, self._next = "IDLE", (0.0, "")
        self._job, self._log = 0, list[str]()
        self._printing: Timetable | None = None
        self._entries: dict[str, Entry] = {}
        self._transfer = threading.Lock()

    # ── the owner's hands, and fate ───────────────────────────────────────────────────────────────────────

    @property
    def state(self) -> str:
        with self._lock:
            self._move_on()
            return self._state

    def refresh(self) -> None:
        """As new."""
        with self._lock:
            self.stick = self.reachable = True
            self._state, self._next, self._printing = "IDLE", (0.0, ""), None
            self._log.clear()
            self._entries.clear()

    def unplug(self) -> None:
        """No network; it prints on."""
        self.reachable = False

    def plug(self) -> None:
        self.reachable = True

    def overheat(self) -> None:
        self._end("ERROR")

    def restart(self) -> None:
        """The printer was switched off and on."""
        self._end("IDLE")

    def ask(self) -> None:
        """Its filament is out, or something of that kind: its screen asks."""
        with self._lock:
            self._move_on()
            if self._printing:
                self._printing.hold()
            self._state = "ATTENTION"

    def press(self) -> None:
        """A person at its screen confirms what it says."""
        with self._lock:
            self._move_on()
            if self._state == "ATTENTION" and self._printing:
                self._printing.go_on()
                self._state = "PRINTING"
            elif self._state in {"FINISHED", "STOPPED"}:
                self._state = "IDLE"

    def stop(self) -> None:
        """A person at its screen stops what it prints."""
        with self._lock:
            self._abort()

    def upload(self, name: str, lines: list[str]) -> None:
        """Put a file there, as its owner does."""
        self._put(name, "".join(f"{line}\n" for line in lines).encode(), overwrite=False)

    def print(self, name: str) -> None:
        """Start a file at its screen."""
        with self._lock:
            assert self._start(name) == 204

    def begin(self, lines: list[str]) -> None:
        """Another hand uploads this and prints it."""
        self.upload("benchy.gcode", lines)
        self.print("benchy.gcode")

    def executed(self) -> list[str]:
        with self._lock:
            self._move_on()
            moved = (
                [line for end, line in self._printing.log if end <= self._printing.now]
                if self._printing
                else []
            )
            return self._log + moved

    def files(self) -> list[str]:
        """What lies in our folder."""
        return sorted(entry.long for path, entry in self._entries.items() if path.startswith("muster/"))

    def content(self, name: str) -> bytes | None:
        return self._entries[name.lower()].content

    def job(self) -> str:
        """What is printed."""
        return self._printing.path if self._printing else ""

    # ── the firmware ──────────────────────────────────────────────────────────────────────────────────────

    def _move_on(self) -> None:
        """Let what is due happen."""
        due, state = self._next
        if state and time.monotonic() >= due:
            self._next = (0.0, "")
            if state in {"FINISHED", "STOPPED"}:
                self._end(state)
            else:
                self._state = state
        printing = self._printing
        if printing and self._state == "PRINTING" and not self._next[1] and printing.now >= printing.length:
            self._later("FINISHED")

    def _later(self, state: str) -> None:
        self._next = (time.monotonic() + BETWEEN, state)

    def _end(self, state: str) -> None:
        with self._lock:
            if self._printing:
                now = self._printing.now
                self._log += [line for end, line in self._printing.log if end <= now]
            self._printing, self._state, self._next = None, state, (0.0, "")

    def _start(self, path: str) -> int:
        self._move_on()
        entry = self._entries.get(path.lower())
        if entry is None or entry.content is None:
            return 404
        if self._state not in {"IDLE", "READY", "FINISHED", "STOPPED"} or self._next[1]:
            return 409
        self._state, self._job = "IDLE", self._job + 1
        self._printing = Timetable(path.lower(), entry.content.decode().splitlines(), self._speed)
        self._later("PRINTING")
        return 204

    def _abort(self) -> int:
        if self._state not in {"PRINTING", "PAUSED", "ATTENTION"} or not self._printing:
            return 409
        self._printing.hold()
        self._printing.targets = [(0.0, "nozzle", 0.0), (0.0, "bed", 0.0)]
        self._state = "PRINTING"
        self._later("STOPPED")
        return 204

    def _order(self, order: str) -> int:
        if order == "pause" and self._state == "PRINTING" and self._printing and not self._next[1]:
            self._printing.hold()
            self._state = "PAUSED"
            return 204
        if order == "resume" and self._state == "PAUSED" and self._printing:
            self._printing.go_on()
            self._state = "PRINTING"
            return 204
        return 409 if order in {"pause", "resume"} else 400

    def _put(self, path: str, content: bytes | None, *, overwrite: bool) -> tuple[int, str]:
        *folders, name = path.split("/")
        if content is not None and not name.lower().endswith((".gcode", ".gco", ".g", ".bgcode")):
            return 415, "Not a GCODE"
        there = self._entries.get(path.lower())
        if there and not overwrite:
            return 409, "File already exists" if content is not None else "Already exists"
        if there and self._busy(path):
            return 409, "File is busy"
        for depth in range(1, len(folders) + 1):
            folder = "/".join(folders[:depth])
            self._entries.setdefault(
                folder.lower(), Entry(folders[depth - 1], folders[depth - 1].upper(), None)
            )
        self._entries[path.lower()] = Entry(name, _short(name), content)
        return 201, ""

    def _busy(self, path: str) -> bool:
        return self._printing is not None and self._printing.path == path.lower()

    # ── what it says ──────────────────────────────────────────────────────────────────────────────────────

    def answer(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        """The answer to a request that was let in: its number, and JSON, a reason as text, or nothing."""
        place = path.removeprefix("/api/v1/")
        with self._lock:
            self._move_on()
            has_job = self._state in {"PRINTING", "PAUSED"} or (
                self._state == "ATTENTION" and self._printing is not None
            )
            if path == "/api/job":  # for older clients
                job = {"file": {"path": f"/usb/{self.job()}"}} if has_job else None
                return 200, {"state": "Printing" if has_job else "Operational", "job": job, "progress": None}
            if place == "storage":
                stick = {
                    "path": "/usb/",
                    "name": "usb",
                    "type": "USB",
                    "read_only": False,
                    "available": self.stick,
                }
                return 200, {"storage_list": [stick]}
            if place == "status":
                return 200, self._status(has_job)
            if place == "job":
                return (200, self._shown_job()) if has_job else (204, None)
            if place.startswith("job/"):
                number, _, order = place.removeprefix("job/").partition("/")
                if int(number) != self._job:
                    return 404, ""
                return (self._abort() if method == "DELETE" else self._order(order)), ""
            if place.startswith("files/usb"):
                return self._file(method, place.removeprefix("files/usb").strip("/"), body, headers)
            return (403 if place.startswith("files/") else 404), ""

    def _status(self, has_job: bool) -> dict[str, Any]:
        heat = {"nozzle": 0.0, "bed": 0.0}
        if printing := self._printing:
            heat |= {heater: target for due, heater, target in printing.targets if due <= printing.now}
        printer = {
            "state": self._state,
            "flow": 100,
            "speed": 100,
            "fan_hotend": 0,
            "fan_print": 0,
            "axis_z": 0.2,
        }
        for heater, target in heat.items():
            printer |= {f"temp_{heater}": max(ROOM, target - 0.3), f"target_{heater}": target}
        job = (
            {"job": {"id": self._job, "progress": round(printing.progress, 2)}}
            if has_job and printing
            else {}
        )
        return job | {"storage": {"path": "/usb/", "name": "usb", "read_only": False}, "printer": printer}

    def _shown_job(self) -> dict[str, Any]:
        assert self._printing is not None
        entry = self._entries[self._printing.path]
        folder = "/".join(["/usb", *self._printing.path.upper().split("/")[:-1]])
        refs = {"download": f"{folder}/{entry.short}", "icon": f"/thumb/s{folder}/{entry.short}"}
        shown = {"name": entry.short, "display_name": entry.long, "path": folder, "refs": refs}
        state = "PAUSED" if self._state == "ATTENTION" else self._state
        return {
            "id": self._job,
            "state": state,
            "progress": round(self._printing.progress, 2),
            "time_printing": int(self._printing.now),
            "file": shown | {"size": len(entry.content or b"")},
        }

    def _file(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        entry = self._entries.get(path.lower())
        if method == "PUT" and headers["Create-Folder"] == "?1":
            return self._put(path, None, overwrite=False)
        if method == "PUT":
            return self._upload(path, body, headers)
        if not path and method == "GET":
            return 200, {"type": "FOLDER", "ro": False, "name": "usb", "children": self._children("")}
        if entry is None:
            return 404, ""
        if method == "POST":
            return self._start(path), ""
        if method == "DELETE":
            if self._busy(path):
                return 409, "File is busy"
            if entry.content is None and self._children(path):
                return 404, ""
            del self._entries[path.lower()]
            return 204, None
        shown = {"name": entry.short, "ro": False, "type": entry.kind, "m_timestamp": entry.changed}
        if entry.content is None:
            return 200, shown | {"children": self._children(path)}
        refs = {"refs": {"download": f"/usb/{path.rpartition('/')[0].upper()}/{entry.short}"}}
        return 200, shown | {"size": len(entry.content), "display_name": entry.long} | refs

    def _upload(self, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        if not body:
            return 501, "0-sized files aren't implemented"
        if not self.stick:
            return 507, "Missing USB drive"
        code, said = self._put(path, body, overwrite=headers["Overwrite"] == "?1")
        if code == 201 and headers["Print-After-Upload"] in {"?1", "1", "true"}:
            code = 201 if self._start(path) == 204 else 409
        return code, said

    def _children(self, folder: str) -> list[dict[str, Any]]:
        inside = f"{folder.lower()}/" if folder else ""
        children: list[dict[str, Any]] = []
        for path, entry in self._entries.items():
            if path.startswith(inside) and "/" not in path.removeprefix(inside) and path != folder.lower():
                child: dict[str, Any] = {
                    "name": entry.short,
                    "ro": False,
                    "type": entry.kind,
                    "m_timestamp": entry.changed,
                }
                if entry.content is not None:
                    child["refs"] = {"download": f"/usb/{folder.upper()}/{entry.short}"}
                children.append(child | {"display_name": entry.long})
        return children

    # ── who is let in ─────────────────────────────────────────────────────────────────────────────────────

    def challenge(self, method: str, path: str, headers: Any) -> str:
        """What to send with a refusal; empty for those who may come in."""
        if headers["X-Api-Key"] is not None:
            return "" if headers["X-Api-Key"] == self.key else f'ApiKey realm="{REALM}"'
        said = str(headers["Authorization"] or "")
        words = dict(part.strip().split("=", 1) for part in said.partition(" ")[2].split(",") if "=" in part)
        nonce = words.get("nonce", "").strip('"')
        secret = _md5(f"{USER}:{REALM}:{self.key}")
        right = words.get("response", "").strip('"') == _md5(f"{secret}:{nonce}:{_md5(f'{method}:{path}')}")
        now = time.monotonic() + self.late
        fresh = nonce[:8] == "5eed5eed" and now - int(nonce[8:], 16) / 1000 < NONCE
        if right and fresh:
            return ""
        issued = f"5eed5eed{int(now * 1000):08x}"
        return f'Digest realm="{REALM}", nonce="{issued}", stale={str(right).lower()}'


@contextmanager
def buddy(speed: float = 60) -> Generator[Buddy]:
    """A running printer of one's own."""
    far = Buddy(speed)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if not far.reachable:
                self.close_connection = True
                return
            if asked := far.challenge(self.command, self.path, self.headers):
                status, said = 401, ""
            else:
                asked = ""
                status, said = far.answer(self.command, self.path, body, self.headers)
            content = json.dumps(said).encode() if isinstance(said, dict | list) else b""
            if isinstance(said, str) and status != 204:
                reads = (self.headers["Accept"] or "").startswith("application/json")
                page = {"title": f"{status}", "message": said}
                content = json.dumps(page).encode() if reads else f"{status}: \n\n{said}\n".encode()
            self.send_response(status)
            if asked:
                self.send_header("WWW-Authenticate", asked)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self.answer
            raise AttributeError(name)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own word
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        far.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield far
        finally:
            server.shutdown()
            thread.join()


def _short(name: str) -> str:
    stem, _, ending = name.rpartition(".") if "." in name else (name, "", "")
    whole = len(stem) <= 8 and len(ending) <= 3
    stem = stem.upper() if whole else f"{stem.upper().replace('-', '')[:6]}~1"
    return f"{stem}.{ending[:3].upper()}" if ending else stem


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
