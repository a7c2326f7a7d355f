"""The people of the demo: everything that a person would do on the pages, done through the same HTTP API."""

from typing import Any

from coordinator.client import Client
from coordinator.model.records import Attempt
from coordinator.model.views import NeedDetail, PrinterView
from wire.lifecycle import State
from wire.messages import Wish


class DemoPeople:
    """A coordinator, three makers, an inspector, a courier and a hospital, at one keyboard."""

    def __init__(self, url: str, key: str) -> None:
        self.office = Client(url, key, by="demo")
        self._wished: set[str] = set()
        self._has_scrapped = False
        self.need = ""
        self.tracking = ""
        """The address of the hospital's page."""

    def ask(self, quantity: int) -> None:
        """A hospital asks, is vetted, and files its need."""
        hospital = self.office.add_hospital(
            name="Hospital del Mar", contact="ward 7, +34 600 000 000", latitude=41.384, longitude=2.194
        )
        self.office.approve_hospital(hospital.id)
        filed = self.office.file_need(hospital=hospital.id, part="ear-saver", quantity=quantity, priority=7)
        self.need, self.tracking = filed.need.id, filed.tracking

    def printers(self) -> list[PrinterView]:
        """What the printers do."""
        return self.office.printers()

    def look(self) -> NeedDetail:
        """The need with its lots and parcels."""
        return self.office.need(self.need)

    def act(self, detail: NeedDetail) -> None:
        """Do what is to be done next, wherever something waits for a person."""
        for lot in detail.attempts:
            self._tend(lot)
        progress = detail.progress
        if progress.at_hub and progress.at_hub + progress.received >= progress.requested:
            self.office.send(self.office.pack(self.need).id)
        for parcel in detail.parcels:
            if parcel.sent is not None and parcel.received is None:
                token = self.tracking.rsplit("/", 1)[1]
                self.office.receive(token, parcel.id, units=parcel.units, by="Sister Agnès")

    def result(self, seconds: float) -> dict[str, Any]:
        """The demo in figures."""
        detail = self.look()
        return {
            "needed": detail.need.quantity,
            "printed": sum(lot.count for lot in detail.attempts if lot.good is not None),
            "good": sum(lot.good or 0 for lot in detail.attempts),
            "scrapped": detail.progress.scrapped,
            "received": detail.progress.received,
            "attempts": len(detail.attempts),
            "agents": len({lot.agent for lot in detail.attempts}),
            "ledger_balanced": self.office.ledger().balanced,
            "seconds": round(seconds, 1),
        }

    def _tend(self, lot: Attempt) -> None:
        if lot.state is State.PRINTED and lot.id not in self._wished:
            self._wished.add(lot.id)
            self.office.ask(lot.id, Wish.CLEARED)
        elif lot.state is State.CLEARED:
            scrapped = 0 if self._has_scrapped else 1
            self._has_scrapped = True
            self.office.inspect(lot.id, good=lot.count - scrapped, scrapped=scrapped)
            if lot.count > scrapped:
                self.office.collect(lot.id)


def has_signed(detail: NeedDetail) -> bool:
    """Whether the hospital has all that it asked for."""
    return detail.progress.received >= detail.progress.requested
