"""Printrun's printcore."""

import logging
import sys
import time
from importlib import import_module
from pathlib import Path

from tests.bench.serial.hosts.meter import Meter


def main(port: str, baud: int, path: str) -> None:
    gcoder, printcore = import_module("printrun.gcoder"), import_module("printrun.printcore")
    logging.disable(logging.CRITICAL)
    with Path(path).open() as stream:
        plate = gcoder.LightGCode(stream.read().splitlines())
    core = printcore.printcore(port, baud)
    while not core.online:
        time.sleep(0.02)
    meter = Meter()
    core.startprint(plate)
    while core.printing:
        time.sleep(0.02)
    meter.tell()
    core.disconnect()


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
