"""A printer to try things with: a firmware's side of the cable, at the far end of a pty."""

from agent.printers.virtual.cli import main

__all__ = ["main"]
