"""A printer to try things with: Marlin's side of the cable, at the far end of a pty."""

from agent.printers.virtual.terminal import main, run

__all__ = ["main", "run"]
