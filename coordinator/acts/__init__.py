"""What people can do, and who acts for one: each act is one function with one registration (`act.py`)."""

from coordinator.acts import (
    account,
    agents,
    attempts,
    hospitals,
    keys,
    login,
    makers,
    needs,
    parcels,
    people,
    pickups,
    privacy,
)
from coordinator.acts.act import ACTS

__all__ = [
    "ACTS",
    "account",
    "agents",
    "attempts",
    "hospitals",
    "keys",
    "login",
    "makers",
    "needs",
    "parcels",
    "people",
    "pickups",
    "privacy",
]
