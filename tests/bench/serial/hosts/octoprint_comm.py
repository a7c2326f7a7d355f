"""OctoPrint's serial layer, without the web server around it."""

import logging
import os
import sys
import tempfile
import time
from importlib import import_module
from types import SimpleNamespace

from tests.bench.serial.hosts.meter import Meter


def main(port: str, baud: int, path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        serve(port, baud, path, folder)


def serve(port: str, baud: int, path: str, folder: str) -> None:
    comm = import_module("octoprint.util.comm")
    events, plugin, settings = (
        import_module(f"octoprint.{name}") for name in ("events", "plugin", "settings")
    )
    logging.disable(logging.CRITICAL)
    chosen = settings.settings(init=True, basedir=folder)
    chosen.setBoolean(["serial", "capabilities", "autoreport_temp"], True)
    plugin.plugin_manager(init=True, plugin_folders=[], plugin_bases=[], plugin_entry_points=[])
    events.eventManager()
    extruder = {"count": 1, "offsets": [(0, 0)], "nozzleDiameter": 0.4, "sharedNozzle": False}
    profile = {
        "id": "_default",
        "volume": {
            "width": 200,
            "depth": 200,
            "height": 200,
            "formFactor": "rectangular",
            "origin": "lowerleft",
        },
        "extruder": extruder,
        "heatedBed": True,
        "heatedChamber": False,
        "axes": {axis: {"speed": 6000, "inverted": False} for axis in "xyze"},
    }
    profiles = SimpleNamespace(get_current_or_default=lambda: profile, get_current=lambda: profile)
    done: list[bool] = []

    def finish(*_: object, **__: object) -> None:
        done.append(True)

    callback = comm.MachineComPrintCallback()
    callback.on_comm_print_job_done = finish

    machine = comm.MachineCom(port, baud, callbackObject=callback, printerProfileManager=profiles)
    machine.start()
    while not machine.isOperational():
        time.sleep(0.02)
    machine.selectFile(path, False)
    meter = Meter()
    machine.startPrint()
    while not done:
        time.sleep(0.02)
    meter.tell()
    machine.close(wait=False)
    os._exit(0)  # its threads have no end


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
