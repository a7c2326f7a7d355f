"""What acts and pages have at hand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from coordinator.keys.ca import Authority
from coordinator.keys.keyring import Keyring
from coordinator.people.authentication import Authenticator
from coordinator.privacy.address import AddressCipher
from coordinator.store.engine import Store, Tx
from coordinator.unit_of_work import UnitsOfWork
from coordinator.work.plates import PlateLibrary

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Made once, by whoever puts the coordinator together. Safe to use from any thread."""

    store: Store
    units: UnitsOfWork
    plates: PlateLibrary
    authority: Authority
    keyring: Keyring
    addresses: AddressCipher
    authenticator: Authenticator
    clock: Callable[[], float]
    """Seconds since 1970 UTC."""
    public_url: str
    """Where agents find our pages, for invites."""
    broker_url: str
    """Where agents find the broker."""
    request_lifetime: float = 600.0
    """Seconds for which an agent may act on what it was asked for."""

    def read(self, query: Callable[Concatenate[Tx, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """What a query finds, in one consistent look."""
        with self.store.read() as tx:
            return query(tx, *args, **kwargs)
