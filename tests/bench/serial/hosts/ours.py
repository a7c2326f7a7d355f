"""The serial driver with its pump, as the agent has it: both processes are counted, the pump's memory is told.

`busy` as a fourth argument lets a thread of the agent compute all the time; `grows` stops a print after some
seconds, and tells how the pump's memory grew since it began.
"""

import sys
import tempfile
import time
from pathlib import Path
from threading import Thread

from agent.printers.driver import Condition
from agent.printers.serial.driver import SerialDriver
from tests.bench.serial.hosts.meter import Meter, memory

GROWTH_SECONDS = 8.0


def compute() -> None:
    while True:
        sum(range(1000))


def grows(driver: SerialDriver, pump: int, path: str) -> None:
    driver.start("bench", Path(path), 36000)
    time.sleep(2)
    before = memory(pump, peak=False)
    meter = Meter(pump)
    time.sleep(GROWTH_SECONDS)
    meter.tell(growth=memory(pump, peak=False) - before)
    driver.cancel()
    while driver.status().ending is None:
        time.sleep(0.02)


def prints(driver: SerialDriver, pump: int, path: str) -> None:
    meter = Meter(pump)
    driver.start("bench", Path(path), 3600)
    while (status := driver.status()).ending is None:
        time.sleep(0.1)
    if status.why:
        sys.stderr.write(status.why + "\n")
    meter.tell()


def main(port: str, baud: int, path: str, mode: str = "") -> None:
    with tempfile.TemporaryDirectory() as folder:
        driver = SerialDriver("bench", port, baud, Path(folder), top=0)
        try:
            while driver.status().condition is not Condition.IDLE:
                time.sleep(0.02)
            pump = int((Path(folder) / "bench" / "pump.lock").read_text())
            if mode == "grows":
                grows(driver, pump, path)
            else:
                if mode == "busy":
                    Thread(target=compute, daemon=True).start()
                prints(driver, pump, path)
        finally:
            driver.close()


main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
