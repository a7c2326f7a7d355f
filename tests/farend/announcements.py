"""Servers that announce themselves over mDNS, on the loop-back only."""

import socket
from collections.abc import Generator
from contextlib import contextmanager

from zeroconf import ServiceInfo, Zeroconf


@contextmanager
def announced(kind: str, name: str, port: int, **text: str) -> Generator[None]:
    """Announce `_{kind}._tcp` at this port of 127.0.0.1 until the block ends."""
    service = f"_{kind}._tcp.local."
    with Zeroconf(interfaces=["127.0.0.1"]) as network:
        info = ServiceInfo(
            service,
            f"{name}.{service}",
            addresses=[socket.inet_aton("127.0.0.1")],
            port=port,
            properties=text,
            server=f"{name.lower()}.local.",
        )
        network.register_service(info)
        yield
        network.unregister_service(info)
