"""Parcels; what is in one stands in the ledger, as the movements that packed it."""

from coordinator.model.records import Parcel
from coordinator.store import schema
from coordinator.store.engine import Tx
from coordinator.store.repository import Repository

parcels = Repository(schema.parcel, Parcel)


def of_need(tx: Tx, need: str) -> list[Parcel]:
    """A need's parcels, newest first."""
    return parcels.find(tx, schema.parcel.c.need == need, newest="packed")
