"""Pages for people and an API for programs."""

from coordinator.web.application import create
from coordinator.web.server import Server

__all__ = ["Server", "create"]
