"""The agent's end of a pump: starts it where there is none, and replaces one that is older than the agent."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from agent.printers.serial import options
from agent.printers.serial.pump_protocol import (
    LONGEST,
    VERSION,
    PumpAnswer,
    PumpOrder,
    decode_answer,
    encode,
    reachable,
)

RETRY_SECONDS = 0.02


class PumpClient:
    """One pump, by its folder. Methods raise OSError or MsgspecError when it does not answer until the deadline."""

    def __init__(self, folder: Path, wanted: options.PortOptions) -> None:
        self._folder = folder
        self._setup = wanted
        self._connection: socket.socket | None = None
        self._pump: subprocess.Popen[bytes] | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    def meet(self, deadline: float) -> None:
        """Connect to the pump, starting it if there is none."""
        while not self.connect(deadline):
            self._spawn()
            if time.monotonic() > deadline:
                raise TimeoutError("it does not start; see pump.log in its folder")
            time.sleep(RETRY_SECONDS)

    def ask(self, order: PumpOrder, deadline: float) -> PumpAnswer:
        """Say something to the pump, and hear its answer; an idle pump that is not as it should be is replaced."""
        answer = self.exchange(order, deadline)
        if order.do != "status" or not self._is_stale(answer):
            return answer
        self.exchange(PumpOrder("close"), deadline)
        self.hang_up()
        while self.connect(deadline):
            self.hang_up()
            if time.monotonic() > deadline:
                raise TimeoutError("an older one does not end")
            time.sleep(RETRY_SECONDS)
        self.meet(deadline)
        return self.exchange(order, deadline)

    def exchange(self, order: PumpOrder, deadline: float) -> PumpAnswer:
        """Say something, and hear the answer."""
        assert self._connection is not None
        self._connection.settimeout(max(0.01, deadline - time.monotonic()))
        self._connection.sendall(encode(order) + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            self._connection.settimeout(max(0.01, deadline - time.monotonic()))
            more = self._connection.recv(LONGEST)
            if not more:
                raise ConnectionResetError("it ended")
            answer += more
        return decode_answer(answer)

    def connect(self, deadline: float) -> bool:
        """Whether a pump listens, to which there is a connection now."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = None
        try:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            connection.settimeout(max(0.01, deadline - time.monotonic()))
            connection.connect(reachable(self._folder / "pump.sock", folder))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            return False
        except OSError:
            connection.close()
            raise
        finally:
            if folder is not None:
                os.close(folder)
        self._connection = connection
        return True

    def hang_up(self) -> None:
        """Let go of the connection."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def outlive(self) -> None:
        """Wait until the pump that we started has ended."""
        if self._pump:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._pump.wait(1.0)

    def forget(self) -> None:
        """The pump goes on without us."""
        self.hang_up()
        self._pump = None

    def _is_stale(self, answer: PumpAnswer) -> bool:
        """Whether a pump that does nothing was started by an older agent, or for another port or rate."""
        runs = answer.status.attempt is not None and answer.status.ending is None
        return not runs and (answer.version != VERSION or answer.setup != self._setup)

    def _spawn(self) -> None:
        if self._pump and self._pump.poll() is None:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "pump.log").open("ab") as log:
            self._pump = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "agent.printers.serial.pump"),
                    *("--setup", options.encode(self._setup).decode(), "--folder", str(self._folder)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
