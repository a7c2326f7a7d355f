"""Who may speak: every agent that joined and is not revoked. Kept in memory, as the link asks with each message."""

from coordinator.store import certificates
from coordinator.store.engine import Store


class Allowlist:
    """Safe to use from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: frozenset[str] = frozenset()
        self.reload()

    def reload(self) -> None:
        """Read it anew: somebody joined, or was revoked."""
        with self._store.read() as tx:
            self._names = frozenset(certificates.welcome(tx))

    def __contains__(self, agent: object) -> bool:
        """Whether this agent may speak."""
        return agent in self._names
