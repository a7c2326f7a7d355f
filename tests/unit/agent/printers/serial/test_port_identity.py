"""Two CH340 adapters without serial numbers: what they are called, and that neither is taken for the other."""

from pathlib import Path

import pytest
from serial.tools.list_ports_common import ListPortInfo

from agent.printers.driver import PrinterError
from agent.printers.serial.port import outlets
from agent.printers.serial.port_identity import PortLocator

SHARED = "usb-1a86_USB_Serial-if00-port0"
SOCKETS = ("pci-0000:00:14.0-usb-0:1:1.0-port0", "pci-0000:00:14.0-usb-0:2:1.0-port0")


class Machine:
    """Folders such as udev and the kernel make."""

    def __init__(self, folder: Path) -> None:
        self.dev, self.ids, self.paths, self.sys = (
            folder / name for name in ("dev", "by-id", "by-path", "sys")
        )
        for each in (self.dev, self.ids, self.paths, self.sys):
            each.mkdir()

    def plug(self, number: int, serial: str = "") -> ListPortInfo:
        """An adapter into a socket."""
        device = self.dev / f"ttyUSB{number}"
        device.touch()
        usb = self.sys.parent / "devices" / f"usb{number}"
        (usb / "interface" / device.name).mkdir(parents=True)
        (usb / "idVendor").write_text("1a86\n")
        (usb / "idProduct").write_text("7523\n")
        if serial:
            (usb / "serial").write_text(f"{serial}\n")
        (self.sys / device.name).mkdir()
        (self.sys / device.name / "device").symlink_to(usb / "interface" / device.name)
        name = SHARED.replace("Serial", f"Serial_{serial}") if serial else SHARED
        (self.ids / name).unlink(missing_ok=True)  # the last one wins, as with udev
        (self.ids / name).symlink_to(device)
        (self.paths / SOCKETS[number]).symlink_to(device)
        told = ListPortInfo(str(device))
        told.vid, told.pid, told.serial_number, told.product = 0x1A86, 0x7523, serial or None, "USB Serial"
        return told

    def whereabouts(self, port: Path) -> PortLocator:
        return PortLocator(self.sys.parent / f"{port.name}.json", port, self.ids, self.sys)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def names(machine: Machine, *plugged: ListPortInfo) -> list[str]:
    return [Path(each.path).name for each in outlets(plugged, machine.ids, machine.paths)]


def test_one_adapter_goes_by_its_own_name(machine: Machine):
    assert names(machine, machine.plug(0)) == [SHARED]


def test_two_that_share_a_name_go_by_their_sockets(machine: Machine):
    assert names(machine, machine.plug(0), machine.plug(1)) == list(SOCKETS)


def test_two_with_serial_numbers_go_by_those(machine: Machine):
    told = names(machine, machine.plug(0, "A1"), machine.plug(1, "B2"))
    assert told == ["usb-1a86_USB_Serial_A1-if00-port0", "usb-1a86_USB_Serial_B2-if00-port0"]


def test_without_such_folders_a_port_goes_by_its_device(machine: Machine, tmp_path: Path):
    both = (machine.plug(0), machine.plug(1))
    found = outlets(both, tmp_path / "none", tmp_path / "none")
    assert [each.path for each in found] == [each.device for each in both]


@pytest.mark.parametrize("by", ["device", "socket"])
def test_the_other_one_is_not_taken_for_a_printer_that_was_unplugged(machine: Machine, by: str):
    first = Path(machine.plug(0).device)
    port = first if by == "device" else machine.paths / SOCKETS[0]
    machine.whereabouts(port).keep(port, 115200)
    first.unlink()
    machine.plug(1)
    assert machine.whereabouts(port).find() == port


def test_a_name_that_two_share_is_refused(machine: Machine):
    machine.plug(0)
    port = machine.ids / SHARED
    assert machine.whereabouts(port).find() == port
    machine.plug(1)
    with pytest.raises(PrinterError, match="by-path"):
        machine.whereabouts(port).find()
