"""Where messages go: `muster/1/{shard}/{agent}/up|down/{kind}`, exact names only."""

import hashlib
import re

from msgspec import Struct

from wire.errors import LocalError, RemoteError

VERSION = 1
"""The protocol's version. It stands in every topic, so that two versions never meet on one."""
ROOT = f"muster/{VERSION}"
NAME = r"^[a-z0-9][a-z0-9-]{0,47}(?!\n)$"
"""What agents, printers, parts and jobs are called: safe in a topic, a path and a file's name.

By itself `$` would let a line's end pass behind the last letter."""

UP = ("presence", "ready", "open", "report", "telemetry")
DOWN = ("grant", "offer", "withdraw", "ack", "request", "recall", "keys")

_name = re.compile(NAME[:-1] + r"\Z")
_topic = re.compile(rf"{ROOT}/([0-9a-f]{{2}})/([a-z0-9][a-z0-9-]{{0,47}})/(up|down)/([a-z]{{1,16}})\Z")


class Topic(Struct, frozen=True):
    """A topic taken apart. `way` is "up" (from the agent) or "down"."""

    agent: str
    way: str
    kind: str

    def __str__(self) -> str:
        return f"{ROOT}/{shard(self.agent)}/{self.agent}/{self.way}/{self.kind}"


def shard(agent: str) -> str:
    """Two hex digits: the coordinator worker that this agent belongs to. Keeps each agent's order."""
    return hashlib.sha256(agent.encode()).hexdigest()[:2]


def up(agent: str, kind: str) -> str:
    """The topic of one kind of the agent's messages."""
    return _build(agent, "up", kind, UP)


def down(agent: str, kind: str) -> str:
    """The topic of one kind of the coordinator's messages to an agent."""
    return _build(agent, "down", kind, DOWN)


def downs(agent: str) -> list[str]:
    """All that an agent subscribes to, without wildcards."""
    return [down(agent, kind) for kind in DOWN]


def ups() -> list[str]:
    """The filters of a coordinator that serves every shard."""
    return [f"{ROOT}/+/+/up/{kind}" for kind in UP]


def parse(text: str) -> Topic:
    """Take a received topic apart.

    Raises:
        RemoteError: not one of ours, or the shard is not the agent's.
    """
    match = _topic.match(text)
    if match is None:
        raise RemoteError("topic", f"not a topic of this protocol: {text[:100]!r}")
    digits, agent, way, kind = match.groups()
    if digits != shard(agent) or kind not in (UP if way == "up" else DOWN):
        raise RemoteError("topic", f"not a topic of this protocol: {text!r}")
    return Topic(agent, way, kind)


def _build(agent: str, way: str, kind: str, kinds: tuple[str, ...]) -> str:
    if not _name.match(agent) or kind not in kinds:
        raise LocalError("topic", f"no such topic: {agent!r} {way} {kind!r}")
    return str(Topic(agent, way, kind))
