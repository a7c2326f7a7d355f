"""A day in minutes: waits of the product that a run of twenty minutes could not sit out, made shorter.

Only waits: no rule, no limit. Each name must exist where it stands (a test holds that), so that a wait which is
renamed is not silently long again.
"""

import importlib
from collections.abc import Mapping
from functools import partial
from typing import Any

AGENT: dict[str, Any] = {
    "agent.attempt.readiness.LIFETIME": 20.0,
    "agent.attempt.readiness.RENEWAL": 5.0,
    "agent.attempt.monitor.INSIST": 3.0,
    "agent.attempt.following.GRACE": 6.0,
    "agent.conversation.link.KEEPALIVE": 5,
    "agent.conversation.link.PATIENCE": 5.0,
    "agent.conversation.link.STEADY": 5.0,
    "agent.conversation.reporter.RESEND": 2.0,
    "agent.app.RETRY": 1.0,
    "agent.conversation.telemetry.INTERVAL": 2.0,
}
COORDINATOR: dict[str, Any] = {
    "coordinator.app.SWEEP": 2,
    "coordinator.work.grants.REST": 3.0,
    "coordinator.conversation.AFTER_RESTORE": 6.0,
    "coordinator.conversation.RECALL": 2.0,
    "coordinator.work.reports.PRINTED_SHARE": 0.0005,
    "coordinator.mqtt.link.KEEPALIVE": 5,
    "coordinator.mqtt.link.PATIENCE": 5.0,
    "coordinator.mqtt.link.LONGEST_PAUSE": 2.0,
    "coordinator.mqtt.link.RENEWAL": 3.0,
    "coordinator.mqtt.broker.LONGEST_PAUSE": 2.0,
}
LONGEST_BACKOFF = 3.0
SUSPECT_AFTER = 12.0
"""Seconds of silence until an attempt is suspect; a setting of the coordinator's."""


def hasten(waits: Mapping[str, Any]) -> None:
    """Set them in this process."""
    for name, value in waits.items():
        module, _, constant = name.rpartition(".")
        loaded = importlib.import_module(module)
        if not hasattr(loaded, constant):
            raise LookupError(f"there is no {name} any more: see {__file__}")
        setattr(loaded, constant, value)


def hasten_agent() -> None:
    """What an agent waits for."""
    hasten(AGENT)
    for module in ("agent.conversation.link", "agent.attempt.fetch"):
        loaded = importlib.import_module(module)
        setattr(loaded, "backoff", partial(getattr(loaded, "backoff"), cap=LONGEST_BACKOFF))  # noqa: B009, B010


def hasten_coordinator() -> None:
    """What the coordinator waits for."""
    hasten(COORDINATOR)
