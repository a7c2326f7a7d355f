"""Mistakes that are planted on purpose, into a process of the run and never into the product: it must find them."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

NAMES = ("ack-before-commit", "nonce-not-compared", "movement-twice", "movement-twice-unguarded")


def plant(name: str | None) -> None:
    """Make this process err."""
    if name == "ack-before-commit":
        _acknowledge_too_early()
    elif name == "nonce-not-compared":
        _compare_no_nonce()
    elif name == "movement-twice":
        _post_twice(lambda _: nullcontext())  # the database's own guards should refuse it
    elif name == "movement-twice-unguarded":
        from coordinator.store import guards

        _post_twice(guards.lowered)


def _acknowledge_too_early() -> None:
    from coordinator.conversation import Conversation
    from wire.messages import Ack, Report

    hear = Conversation.hear

    def hasty(self: Conversation, agent: str, message: Any) -> None:
        if isinstance(message, Report):
            with self._units.unrecorded() as outbox:
                outbox.post(agent, Ack(sent=self._now(), epoch=message.epoch, seq=message.events[-1].seq))
        hear(self, agent, message)

    Conversation.hear = hasty


def _compare_no_nonce() -> None:
    import math

    from agent.attempt.readiness import Readiness
    from agent.consent.standing_ready import StandingReady

    take = Readiness.take

    def trusting(self: Readiness, manifest: Any, signed: Any) -> None:
        printer = self._context.settings.printer
        self._standing = StandingReady(
            nonce=manifest.nonce,
            counter=0,
            until=math.inf,
            window=math.inf,
            material=printer.material,
            profile=printer.profile,
        )
        take(self, manifest, signed)

    Readiness.take = trusting


def _post_twice(guarded: Callable[[Any], AbstractContextManager[None]]) -> None:
    from sqlalchemy import insert

    from coordinator.store import movements, schema

    post, chance = movements.post, random.Random(0)

    def generous(tx: Any, moves: Any, *, cause: str, by: str, now: float) -> None:
        moves = list(moves)
        post(tx, moves, cause=cause, by=by, now=now)
        if moves and chance.random() < 0.05:
            again = [
                {
                    "need": each.need,
                    "lot": each.lot or "",
                    "source": each.source,
                    "target": each.target,
                    "units": each.units,
                    "cause": f"{cause}+",
                    "by": by,
                    "at": now,
                }
                for each in moves
            ]
            with guarded(tx):
                tx.execute(insert(schema.movement), again)

    movements.post = generous
