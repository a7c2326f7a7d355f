"""The driver of the toy kind: it looks, and prints nothing."""

import json
import urllib.request
from pathlib import Path

from agent.printers.driver import Condition, Heat, PrinterError, Status


class ToyDriver:
    """A printer that is always idle."""

    def __init__(self, url: str) -> None:
        self._url = url

    def status(self) -> Status:
        try:
            with urllib.request.urlopen(f"{self._url}/toy/heat", timeout=4) as answer:
                return Status(condition=Condition.IDLE, nozzle=Heat(json.load(answer)["nozzle"], 0))
        except OSError as error:
            return Status(condition=Condition.UNREACHABLE, why=str(error))

    def start(self, attempt: str, path: Path, seconds: float) -> None:
        raise PrinterError("it prints nothing")

    def pause(self) -> None:
        raise PrinterError("nothing runs")

    resume = cancel = pause

    def close(self) -> None:
        pass
