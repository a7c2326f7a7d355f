"""The HTTP server: uvicorn, which would wait for open streams for ever when it stops."""

import socket

import uvicorn

from coordinator.changes import ChangeFeed


class WebServer(uvicorn.Server):
    """Ends all streams of `changes` before it waits for the requests under way, however it was told to stop."""

    def __init__(self, config: uvicorn.Config, changes: ChangeFeed) -> None:
        super().__init__(config)
        self._changes = changes

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; with every stream at its end this takes a moment only."""
        self._changes.close()
        await super().shutdown(sockets)
