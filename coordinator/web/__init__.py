"""Pages for people and an API for programs, over one desk."""

from coordinator.web.application import create
from coordinator.web.server import Server

__all__ = ["Server", "create"]
