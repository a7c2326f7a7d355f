"""The processes of a run: started, ended and started again by one thread, as systemd would."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.chaos import disk
from tests.chaos.control import Control
from tests.chaos.diary import Diary
from tests.chaos.proc import Proc, children, tend
from tests.chaos.proxy import Proxy
from tests.chaos.tempo import SUSPECT_AFTER
from tests.farend.broker import MOSQUITTO, free_port
from tests.farend.postgres import Postgres

PATIENCE = 60.0
PRINTER = "one"
_IDENTITY = ("credentials.pem", "identity.json")


class StageError(Exception):
    """Something did not start."""


class Maker:
    """An agent's folder, its processes, and what its owner does at its own machine."""

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        self.home = home
        self.state = home / "state"
        self.config = home / "muster-agent.toml"
        self.diary = home / "diary.jsonl"
        self.printed = home / "printer.log"
        self.control = Control(home / "control")
        self.agent: Proc
        self.printer: Proc
        self.lock = threading.Lock()
        """Held while its disk is exchanged."""

    @property
    def pump(self) -> int | None:
        """The process that drives its port."""
        for path in self.state.rglob("pump.lock"):
            with contextlib.suppress(OSError, ValueError):
                pid = int(path.read_text())
                if b"agent.printers.serial.pump" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        return None

    def lose_disk(self) -> None:
        """All but the keys is gone; the agent must be down."""
        for path in list(self.state.iterdir()):
            if path.name in _IDENTITY:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


class Stage:
    """All of it below `directory`; `close` ends it."""

    def __init__(
        self,
        directory: Path,
        agents: int,
        *,
        database: str,
        broker: str,
        speed: float,
        seed: int,
        plant: str | None,
        mounts: bool,
    ) -> None:
        self.directory = directory
        self.diary = Diary(directory / "stage.jsonl")
        self.mounts = mounts
        self.kind_of_broker = broker
        self._plant = plant
        self._speed = speed
        self._seed = seed
        self._procs: list[Proc] = []
        self._stopping = threading.Event()
        self._bring_back = threading.Event()
        self.makers = [Maker(f"maker-{number}", self._folder(f"maker-{number}")) for number in range(agents)]
        self.data = self._folder("coordinator")
        self.coordinator_diary = directory / "coordinator.jsonl"
        self.control = Control(directory / "coordinator.control")
        self.postgres: Postgres | None = None
        self.postgres_struck = False
        self.database_url = f"sqlite:///{self.data / 'muster.db'}"
        if database == "postgresql":
            # A commit must be handed to the kernel, which outlives a kill -9 of the database.
            self.postgres = Postgres(synchronous_commit="on", full_page_writes="on")
        broker_port, self._web_port = free_port(), free_port()
        self.mqtt = Proxy(broker_port, mqtt=True, seed=seed)
        self.web = Proxy(self._web_port, mqtt=False, seed=seed)
        self.broker: Proc | None = None
        self._configure(broker_port)
        # A process may die with the thread that started it: this one lives as long as the stage.
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    # ── the whole ─────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the centre and wait for it; the makers come with `join`."""
        if self.mounts:
            disk.mount(self.data)
        if self.postgres:
            self.postgres.start()
            self.database_url = self.postgres.create("muster")
            self._write_settings()
        self._keeper.start()
        self._wait("the coordinator", self.is_up)

    def is_up(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self._web_port}/healthz", timeout=2).is_success
        except httpx.TransportError:
            return False

    @property
    def url(self) -> str:
        """Where people reach the pages, by the proxy."""
        return f"http://127.0.0.1:{self.web.port}"

    @property
    def key(self) -> str:
        return (self.data / "access.key").read_text().strip()

    def join(self, invites: list[str]) -> None:
        """Let the makers join, clear their beds, and start."""
        for maker in self.makers:
            maker.state.mkdir(exist_ok=True)
            if self.mounts:
                disk.mount(maker.state)
        joining = [
            subprocess.Popen(self._muster_agent(maker, "enroll", invite, "--name", maker.name), stdout=-3)
            for maker, invite in zip(self.makers, invites, strict=True)
        ]
        for maker, each in zip(self.makers, joining, strict=True):
            if each.wait(PATIENCE):
                raise StageError(f"{maker.name} could not join")
        for maker in self.makers:
            self._procs += [maker.printer, maker.agent]

    def close(self) -> None:
        """End all processes, and wait for them."""
        self._stopping.set()
        self._keeper.join()
        makers = [each for maker in self.makers for each in (maker.agent, maker.printer)]
        pumps = [pid for maker in self.makers if (pid := maker.pump)]
        others = [each for each in self._procs if each not in makers]
        for each in [*makers, *others]:
            each.signal(signal.SIGCONT)
            each.signal(signal.SIGTERM)
        for pid in pumps:
            for number in (signal.SIGCONT, signal.SIGTERM):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        deadline = time.monotonic() + 15
        for each in [*makers, *others]:
            if each.popen is not None:
                try:
                    each.popen.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    each.popen.kill()
                    each.popen.wait()
        for pid in pumps:
            while Path(f"/proc/{pid}/cmdline").exists() and time.monotonic() < deadline + 5:
                time.sleep(0.05)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.postgres:
            self.postgres.stop()
        for proxy in (self.mqtt, self.web):
            proxy.close()
        self._keep_disks()

    def _keep_disks(self) -> None:
        """Copy what stands on the small disks, and let go of them."""
        for place in (self.data, *(maker.state for maker in self.makers)):
            if self.mounts and place.is_mount():
                disk.unmount(place)

    def muster(self, *words: str) -> bool:
        """A command at the coordinator's machine; whether it went well."""
        command = [
            sys.executable,
            "-m",
            "coordinator",
            *words,
            "--config",
            str(self.directory / "muster.toml"),
        ]
        with (self.directory / "commands.log").open("ab") as log:
            return (
                subprocess.run(command, stdin=-3, stdout=log, stderr=log, check=False, timeout=60).returncode
                == 0
            )

    # ── for the nemesis ───────────────────────────────────────────────────────────────────────────────────

    def broker_pid(self) -> int | None:
        """Mosquitto's, or that of the coordinator's child."""
        if self.broker is not None:
            return self.broker.pid
        pid = self.coordinator.pid
        for child in children(pid) if pid else []:
            with contextlib.suppress(OSError):
                if b"amqtt_child" in Path(f"/proc/{child}/cmdline").read_bytes():
                    return child
        return None

    def database_pids(self) -> list[int]:
        """The server's first, then those of its connections and helpers."""
        if self.postgres is None or self.postgres.fell():
            return []
        return [self.postgres.pid, *children(self.postgres.pid)]

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────

    def _folder(self, name: str) -> Path:
        folder = self.directory / name
        folder.mkdir(exist_ok=True)
        return folder

    def _configure(self, broker_port: int) -> None:
        if self.kind_of_broker == "mosquitto":
            if MOSQUITTO is None:
                raise StageError("Mosquitto is not installed: sudo apt install mosquitto")
            settings = self.directory / "mosquitto.conf"
            lines = [f"listener {broker_port} 127.0.0.1", "allow_anonymous true", "persistence false"]
            lines += ["set_tcp_nodelay true", *(["user root"] if os.geteuid() == 0 else [])]
            settings.write_text("\n".join(lines) + "\n")
            self.broker = Proc("broker", [MOSQUITTO, "-c", str(settings)], self.directory / "broker.log")
            self._procs.append(self.broker)
            self._broker_lines = [
                'kind = "external"',
                f'url = "mqtt://127.0.0.1:{self.mqtt.port}"',
            ]
        else:
            self._broker_lines = [
                'kind = "embedded"',
                f"port = {broker_port}",
                f'public_url = "mqtt://127.0.0.1:{self.mqtt.port}"',
            ]
        self._write_settings()
        self.coordinator = Proc(
            "coordinator",
            self._mortal(
                self.directory / "coordinator.control",
                self.coordinator_diary,
                "coordinator",
                *("serve", "--config", str(self.directory / "muster.toml")),
            ),
            self.directory / "coordinator.log",
        )
        self._procs.append(self.coordinator)
        for number, maker in enumerate(self.makers):
            self._configure_maker(maker, number)

    def _write_settings(self) -> None:
        lines = [
            f'data = "{self.data}"',
            f'[web]\nport = {self._web_port}\npublic_url = "{self.url}"',
            "[broker]",
            *self._broker_lines,
            f'[database]\nurl = "{self.database_url}"',
            f"[dispatch]\nsuspect_after_minutes = {SUSPECT_AFTER / 60}\nnonce_margin_seconds = 1",
            '[log]\nformat = "text"',
        ]
        (self.directory / "muster.toml").write_text("\n".join(lines) + "\n")

    def _configure_maker(self, maker: Maker, number: int) -> None:
        port = maker.home / "tty"
        sizes = ((220, 220, 250), (180, 180, 180), (235, 235, 250))[number % 3]
        settings = [
            f'state = "{maker.state}"',
            f"place = [{41 + number / 10:.1f}, 2.1]",
            "clear_from_page = true",
            '[consent]\ndefault = "auto"',
            f'[[printer]]\nname = "{PRINTER}"\nmaterial = "petg"\nthermal_protection = true\ndriver = "serial"',
            f'port = "{port}"',
            "[printer.profile]",
            *(f"{name} = {size}" for name, size in zip(("width", "depth", "height"), sizes, strict=True)),
        ]
        maker.config.write_text("\n".join(settings) + "\n")
        maker.printer = Proc(
            f"{maker.name}-printer",
            [
                *(sys.executable, "-m", "tests.chaos.printer", "--link", str(port)),
                *(
                    "--log",
                    str(maker.printed),
                    "--speed",
                    str(self._speed),
                    "--seed",
                    str(self._seed + number),
                ),
            ],
            maker.home / "printer.err",
        )
        maker.agent = Proc(
            maker.name,
            self._mortal(maker.home / "control", maker.diary, "agent", "--config", str(maker.config), "run"),
            maker.home / "agent.log",
        )

    def _muster_agent(self, maker: Maker, *words: str) -> list[str]:
        return [sys.executable, "-m", "agent", "--config", str(maker.config), *words]

    def _mortal(self, control: Path, diary: Path, *words: str) -> list[str]:
        planted = ["--plant", self._plant] if self._plant else []
        return [
            *(sys.executable, "-m", "tests.chaos.mortal", "--control", str(control), "--diary", str(diary)),
            *planted,
            *words,
        ]

    def _keep(self) -> None:
        while not self._stopping.wait(0.05):
            for proc in list(self._procs):
                tend(proc, self.diary)
            if self.postgres and self.postgres.fell() and self.postgres_struck:
                self.diary.note("ended", proc="database", code=-9, struck=True)
                while not self._stopping.is_set():
                    try:
                        self.postgres.serve()
                        break
                    except RuntimeError:
                        time.sleep(0.3)  # backends of the dead one have to end first
                self.postgres_struck = False

    def _wait(self, what: str, is_up: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_up():
            if time.monotonic() > deadline:
                raise StageError(f"{what} did not start: see {self.directory}")
            time.sleep(0.1)
