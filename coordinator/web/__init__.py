"""Pages for people and an API for programs."""

from coordinator.web.application import create
from coordinator.web.server import WebServer

__all__ = ["WebServer", "create"]
