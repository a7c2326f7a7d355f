"""Whom the embedded broker does not let in. A file of its own, for amqtt finds its plug-ins by import."""

from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

REVOKED: set[str] = set()
"""Agents that were revoked. The child is told of them, and fills this in."""


class AuthPlugin(BaseAuthPlugin):
    """Refuses who calls itself by a name that is revoked. That is all it can do: here nobody proves a name."""

    async def authenticate(self, *, session: Session) -> bool:
        """Whether this client may come in."""
        return session.client_id not in REVOKED
