"""A stand-in for Klipper's host software, at its API socket, for a real Moonraker to talk to.

Written after Klipper's documentation (API_Server, Status_Reference, G-Codes) and the order in which its own parts
act: one lock for all commands, so that what is asked for waits behind a heater; a file that is read about two
seconds ahead of the moves; `print_stats` that says `complete` when the last line was read; a cancellation that
leaves the heaters on. Time runs `speed` times faster; nothing else is quicker than in earnest.
"""

import asyncio
import json
import math
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

AHEAD = 2.0
"""Seconds of moves that Klipper plans before it reads on."""
REFRESH = 0.25
"""Seconds, of real time, between two looks for what subscribers should know."""
ROOM = 22.0
BED = 300.0

RUNAWAY = (
    "Heater extruder not heating at expected rate\n"
    "See the 'verify_heater' section in docs/Config_Reference.md\n"
    "for the parameters that control this check.\n"
    "Once the underlying issue is corrected, use the\n"
    '"FIRMWARE_RESTART" command to reset the firmware, reload the\n'
    "config, and restart the host software.\n"
    "Printer is shutdown"
)
LOST = (
    "Lost communication with MCU 'mcu'\nOnce the underlying issue is corrected, use the\nPrinter is shutdown"
)


class CommandError(Exception):
    """A command that Klipper refuses."""


class Heater:
    """Goes to its target at a steady rate."""

    def __init__(self, rate: float, now: Callable[[], float]) -> None:
        self._rate, self._now = rate, now
        self._actual, self._since = ROOM, now()
        self.target = 0.0

    @property
    def actual(self) -> float:
        now = self._now()
        goal = max(self.target, ROOM)
        step = self._rate * (now - self._since)
        self._actual += max(-step, min(step, goal - self._actual))
        self._since = now
        return self._actual

    def status(self) -> dict[str, Any]:
        return {"temperature": round(self.actual, 2), "target": self.target, "power": float(self.target > 0)}


class Machine:
    """One life of Klipper, from its start to its restart. All of it runs in one event loop."""

    def __init__(self, gcodes: Path, speed: float) -> None:
        self.gcodes, self.speed = gcodes, speed
        self._origin = time.monotonic()
        self.state, self.message = "ready", "Printer is ready"
        self.extruder, self.bed = Heater(8, self.now), Heater(3, self.now)
        self.executed: list[tuple[float, str]] = []
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._planned = 0.0
        self._at = {"X": 0.0, "Y": 0.0, "Z": 0.0}
        self._feed = 3000.0
        self._file: Path | None = None
        self._lines: list[str] = []
        self._position = self._size = self._next = 0
        self._work: asyncio.Task[None] | None = None
        self._must_pause = False
        self._paused = self._sd_paused = False
        self.stats: dict[str, Any] = {
            "state": "standby",
            "filename": "",
            "message": "",
            "total_duration": 0.0,
        }
        self._began = 0.0

    def now(self) -> float:
        """Seconds of the printer's time."""
        return (time.monotonic() - self._origin) * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds / self.speed, 0.001))

    def status(self) -> dict[str, dict[str, Any]]:
        """Every printer object."""
        if self.stats["state"] in {"printing", "paused"}:
            self.stats["total_duration"] = self.now() - self._began
        busy = self._planned + 0.5 > self.now() or self._lock.locked()
        return {
            "webhooks": {"state": self.state, "state_message": self.message},
            "print_stats": dict(self.stats, print_duration=self.stats["total_duration"], filament_used=0.0),
            "virtual_sdcard": {
                "file_path": None if self._file is None else str(self._file),
                "progress": self._position / self._size if self._size else 0.0,
                "is_active": self._work is not None,
                "file_position": self._position,
                "file_size": self._size,
            },
            "pause_resume": {"is_paused": self._paused},
            "idle_timeout": {"state": "Printing" if busy else "Ready" if self._planned else "Idle"},
            "extruder": self.extruder.status(),
            "heater_bed": self.bed.status(),
            "heaters": {
                "available_heaters": ["heater_bed", "extruder"],
                "available_sensors": ["heater_bed", "extruder"],
            },
            "display_status": {"progress": 0.0, "message": None},
            "toolhead": {"homed_axes": "xyz"},
            "configfile": {"config": {"virtual_sdcard": {"path": str(self.gcodes)}}, "settings": {}},
        }

    def shut_down(self, message: str) -> None:
        """All stops at once; what was planned is not moved any more."""
        if self.state == "shutdown":
            return
        self.state, self.message = "shutdown", message
        self.executed = [entry for entry in self.executed if entry[0] <= self.now()]
        self.extruder.target = self.bed.target = 0.0
        self._must_pause = True

    def end(self) -> None:
        """The process ends."""
        self.shut_down("ended")
        if self._work is not None:
            self._work.cancel()

    async def script(self, script: str) -> None:
        """Run commands, each line when its turn comes."""
        self._waiting += 1
        try:
            async with self._lock:
                for line in script.splitlines():
                    await self._command(line)
        finally:
            self._waiting -= 1

    async def _command(self, line: str) -> None:
        if self.state != "ready":
            raise CommandError(self.message)
        word, _, rest = line.partition(" ")
        if word in {"G0", "G1"}:
            await self._move(line, {field[0]: float(field[1:]) for field in rest.split()})
        elif word == "G28":
            await self._plan(3.0, line)
        elif word == "G92":
            await self._plan(0.0, line)
        elif word == "G4":
            await self._plan(float(rest.removeprefix("P")) / 1000, None)
        elif word in {"M104", "M109", "M140", "M190"}:
            await self._heat(word, float(rest.removeprefix("S")))
        elif word == "TURN_OFF_HEATERS":
            self.extruder.target = self.bed.target = 0.0
        elif word == "SDCARD_PRINT_FILE":
            self._print(rest.removeprefix("FILENAME=").strip('"'))
        elif word in {"PAUSE", "RESUME", "CANCEL_PRINT"}:
            await {"PAUSE": self._pause, "RESUME": self._resume, "CANCEL_PRINT": self._cancel}[word]()

    async def _plan(self, seconds: float, line: str | None) -> None:
        """Put a move into the plan, and wait until the plan is short enough to go on."""
        while self._planned - self.now() > AHEAD:
            await self.sleep(0.2)
            if self.state != "ready":
                raise CommandError(self.message)
        self._planned = max(self._planned, self.now()) + seconds
        if line is not None:
            self.executed.append((self._planned, line))

    async def _move(self, line: str, words: dict[str, float]) -> None:
        self._feed = words.get("F", self._feed)
        goal = {axis: words.get(axis, at) for axis, at in self._at.items()}
        if any(not 0 <= value <= BED for value in goal.values()):
            raise CommandError(f"Move out of range: {goal['X']:.3f} {goal['Y']:.3f} {goal['Z']:.3f} [0.000]")
        distance = math.dist(goal.values(), self._at.values())
        self._at = goal
        await self._plan(distance / self._feed * 60, line)

    async def _heat(self, word: str, degrees: float) -> None:
        heater = self.extruder if word in {"M104", "M109"} else self.bed
        heater.target = degrees
        while word in {"M109", "M190"} and abs(heater.actual - degrees) > 1:
            await self.sleep(1.0)
            if self.state != "ready":
                raise CommandError(self.message)

    def _print(self, name: str) -> None:
        if self._work is not None:
            raise CommandError("SD busy")
        path = self.gcodes / name
        if not path.is_file():
            raise CommandError("Unable to open file")
        self._file, content = path, path.read_text()
        self._lines, self._size = content.splitlines(), len(content)
        self._position = self._next = 0
        self.stats = {"state": "standby", "filename": name, "message": "", "total_duration": 0.0}
        self._paused = self._sd_paused = False
        self._began = self.now()
        self._go()

    def _go(self) -> None:
        self._must_pause = False
        self._work = asyncio.create_task(self._read_file())

    async def _read_file(self) -> None:
        self.stats |= {"state": "printing", "message": ""}
        failed = ""
        while not self._must_pause and self._next < len(self._lines):
            if self._waiting:  # who asks for something goes first
                await self.sleep(0.1)
                continue
            line = self._lines[self._next]
            try:
                async with self._lock:
                    await self._command(line)
            except CommandError as error:
                failed = str(error)
                break
            self._next += 1
            self._position += len(line) + 1
        self._work = None
        if failed:
            self.stats |= {"state": "error", "message": failed}
            if self.state == "ready":
                await self.script("TURN_OFF_HEATERS")
        elif self._next < len(self._lines):
            self.stats["state"] = "paused"
        else:
            self._file = None
            self.stats["state"] = "complete"

    async def _pause(self) -> None:
        if self._paused:
            return
        self._sd_paused = self._work is not None
        await self._stop_reading()
        self._paused = True

    async def _stop_reading(self) -> None:
        self._must_pause = True
        while self._work is not None:
            await asyncio.sleep(0.001)

    async def _resume(self) -> None:
        if self._paused:
            self._paused = False
            if self._sd_paused:
                self._go()

    async def _cancel(self) -> None:
        if self._work is not None or self._sd_paused:
            await self._stop_reading()
            self._file = None
            self._position = self._size = 0
            if self.stats["state"] in {"printing", "paused"}:
                self.stats["state"] = "cancelled"
        self._paused = self._sd_paused = False


class Klippy:
    """Klipper's process as Moonraker sees it, and the hands that can be laid on it. Its loop is a thread."""

    def __init__(self, socket: Path, gcodes: Path, speed: float) -> None:
        self._socket, self._gcodes, self._speed = socket, gcodes, speed
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="klippy")
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.machine: Machine
        self._thread.start()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def plug(self) -> None:
        """Start Klipper anew."""
        self._do(self._rise())

    def unplug(self) -> None:
        """Klipper's process ends, and the printer stops with it."""
        self._do(self._fall())

    def restart(self) -> None:
        """The owner's Firmware Restart."""
        self._do(self._fall())
        self._do(self._rise())

    def overheat(self) -> None:
        self._do(self._call(lambda: self.machine.shut_down(RUNAWAY)))

    def reset_board(self) -> None:
        """The board restarts by itself; Klipper notices and stops."""
        self._do(self._call(lambda: self.machine.shut_down(LOST)))

    def executed(self) -> list[str]:
        """The motion lines whose move is over."""
        now = self.machine.now()
        return [line for end, line in list(self.machine.executed) if end <= now]

    def run(self, script: str) -> None:
        """What somebody types at the console; waits until it is done."""
        self._do(self.machine.script(script))

    def hurry(self, script: str) -> None:
        """The same without waiting."""
        asyncio.run_coroutine_threadsafe(self.machine.script(script), self._loop)

    def close(self) -> None:
        self._do(self._fall())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _call(self, act: Callable[[], None]) -> None:
        act()

    async def _rise(self) -> None:
        self.machine = Machine(self._gcodes, self._speed)
        self._server = await asyncio.start_unix_server(self._serve, self._socket)

    async def _fall(self) -> None:
        if self._server is None:
            return
        self.machine.end()
        self._server.close()
        self._server = None
        self._socket.unlink(missing_ok=True)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in list(self._clients):
            writer.close()
        self._clients.clear()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        client = _Client(self.machine, writer)
        self._spawn(client.refresh())
        try:
            while True:
                request = json.loads((await reader.readuntil(b"\x03"))[:-1])
                self._spawn(client.answer(request))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._clients.discard(writer)
            writer.close()


class _Client:
    """One connection to the API socket."""

    def __init__(self, machine: Machine, writer: asyncio.StreamWriter) -> None:
        self._machine, self._writer = machine, writer
        self._objects: dict[str, Any] = {}
        self._template: dict[str, Any] = {}
        self._last: dict[str, dict[str, Any]] = {}

    def _send(self, message: dict[str, Any]) -> None:
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\x03")

    async def answer(self, request: dict[str, Any]) -> None:
        try:
            result = await self._result(request["method"], request.get("params", {}))
        except CommandError as error:
            failure = {"error": "WebRequestError", "message": str(error)}
            self._send({"id": request["id"], "error": failure})
        else:
            self._send({"id": request["id"], "result": result})

    async def refresh(self) -> None:
        """Tell the subscriber what changed, four times a second."""
        while True:
            await asyncio.sleep(REFRESH)
            if not self._objects:
                continue
            now = self._shown(self._objects)
            changed = {
                name: {
                    key: value for key, value in parts.items() if self._last.get(name, {}).get(key) != value
                }
                for name, parts in now.items()
            }
            self._last = now
            changed = {name: parts for name, parts in changed.items() if parts}
            if changed:
                params = {"eventtime": time.monotonic(), "status": changed}
                self._send({**self._template, "params": params})

    def _shown(self, objects: dict[str, Any]) -> dict[str, dict[str, Any]]:
        status = self._machine.status()
        return {
            name: {key: value for key, value in status.get(name, {}).items() if not keys or key in keys}
            for name, keys in objects.items()
        }

    async def _result(self, method: str, params: dict[str, Any]) -> Any:
        machine = self._machine
        match method:
            case "info":
                return {
                    "state": machine.state,
                    "state_message": machine.message,
                    "hostname": "far-end",
                    "klipper_path": "/nowhere/klipper",
                    "python_path": "/nowhere/python",
                    "log_file": "/nowhere/klippy.log",
                    "config_file": "/nowhere/printer.cfg",
                    "software_version": "v0.13.0",
                }
            case "list_endpoints":
                return {"endpoints": ENDPOINTS}
            case "objects/list":
                return {"objects": list(machine.status())}
            case "objects/query":
                return {"eventtime": time.monotonic(), "status": self._shown(params["objects"])}
            case "objects/subscribe":
                self._objects, self._template = params["objects"], params["response_template"]
                self._last = self._shown(self._objects)
                return {"eventtime": time.monotonic(), "status": self._last}
            case "gcode/script":
                await machine.script(params["script"])
            case "pause_resume/pause":
                await machine.script("PAUSE")
            case "pause_resume/resume":
                await machine.script("RESUME")
            case "pause_resume/cancel":
                await machine.script("CANCEL_PRINT")
            case "emergency_stop":
                machine.shut_down("Shutdown due to webhooks request")
            case "gcode/help" | "gcode/subscribe_output" | "register_remote_method":
                pass
            case _:
                raise CommandError(f"webhooks: No registered callback for path '{method}'")
        return {}


ENDPOINTS = [
    *("list_endpoints", "info", "emergency_stop", "register_remote_method", "objects/list", "objects/query"),
    *("objects/subscribe", "gcode/script", "gcode/help", "gcode/subscribe_output"),
    *("pause_resume/pause", "pause_resume/resume", "pause_resume/cancel"),
]
