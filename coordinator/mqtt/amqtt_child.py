"""The embedded broker: amqtt in a process of its own, on loopback only, for trying Muster out.

`python -m coordinator.mqtt.amqtt_child HOST PORT WORD` says WORD once it listens, and ends when its stdin is closed,
as it is when the coordinator dies whatever death. Each line on stdin names the agents that are let in no more. It knows
no certificates and lets everyone else do everything. Only this process imports amqtt, which is large.
"""

import asyncio
import logging
import os
import sys

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig
from amqtt.errors import BrokerError

from coordinator.mqtt.amqtt_auth import REVOKED

_LONGEST = 1 << 22
"""Bytes of a line that names who is revoked."""


def configuration(host: str, port: int) -> BrokerConfig:
    """What amqtt needs to be told: one listener, everyone welcome, no `$SYS` topics, no packets logged."""
    return BrokerConfig(
        listeners={"default": ListenerConfig(bind=f"{host}:{port}")},
        plugins={
            "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
            "coordinator.mqtt.amqtt_auth.AuthPlugin": {},
        },
    )


async def serve(host: str, port: int, word: str) -> None:
    """Run the broker until stdin is at its end; print `word` once it listens.

    Raises:
        BrokerError: amqtt can't listen there.
    """
    broker = Broker(configuration(host, port))
    await broker.start()
    print(word, flush=True)  # noqa: T201 - how the parent learns of it
    lines = asyncio.StreamReader(limit=_LONGEST)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(0, "rb", closefd=False)
    )
    while line := await lines.readline():
        await revoke(broker, set(line.decode().split()))
    # Nothing is kept and clients reconnect by themselves: to leave is all that is left to do. amqtt's own
    # shutdown waits for each client, some seconds long.
    os._exit(0)


async def revoke(broker: Broker, names: set[str]) -> None:
    """Let these agents in no more, and end their connections; let in again who is not named any more."""
    REVOKED.clear()
    REVOKED.update(names)
    for name, (_, handler) in list(broker.sessions.items()):
        if name in names and handler.writer is not None:
            await handler.writer.close()


def main() -> int:
    """The command's exit code: 0 when told to end, 1 when it can't listen."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.ERROR, stream=sys.stderr)
    host, port, word = sys.argv[1:]
    try:
        asyncio.run(serve(host, int(port), word))
    except BrokerError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201 - its log is stderr
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
