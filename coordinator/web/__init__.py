"""Pages for people and an API for programs, over one desk."""

from coordinator.web.server import Server
from coordinator.web.site import create

__all__ = ["Server", "create"]
