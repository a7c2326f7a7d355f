"""What an owner lets a printer print unasked, wants to be asked about, or never prints. Pure.

Set by the owner's settings alone: no message changes any of it.
"""

from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from wire.manifest import Name
from wire.messages import Parts

Mode = Literal["ask", "auto", "never"]
"""`auto` means within the owner's hours, and on a bed that was said to be clear."""


class HubConsent(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What holds for one coordinator. Without a `default`, that of all holds."""

    default: Mode | None = None
    parts: dict[Name, Mode] = {}


class Consent(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The owner's consent; `hub` is by the host of a coordinator's address."""

    default: Mode = "ask"
    parts: dict[Name, Mode] = {}
    hub: dict[str, HubConsent] = {}


class ConsentTerms(Struct, frozen=True, kw_only=True):
    """What holds towards the coordinator that the agent has joined."""

    default: Mode = "ask"
    parts: dict[str, Mode] = {}

    def mode(self, part: str) -> Mode:
        """What its owner says to this part."""
        return self.parts.get(part, self.default)

    @property
    def unasked(self) -> Parts:
        """The parts that need no question."""
        return self._parts("auto")

    @property
    def asked(self) -> Parts:
        """The parts that the owner wants to be asked about."""
        return self._parts("ask")

    def _parts(self, mode: Mode) -> Parts:
        every = self.default == mode
        return Parts(every, tuple(sorted(p for p, said in self.parts.items() if (said == mode) != every)))


def terms(consent: Consent, hub: str) -> ConsentTerms:
    """What holds towards the coordinator at the address `hub`: the most particular word counts.

    That is a part's word for this hub, then the part's for all, then the hub's default, then the default of all.
    """
    rule = consent.hub.get(urlsplit(hub).hostname or "", HubConsent())
    return ConsentTerms(default=rule.default or consent.default, parts=consent.parts | rule.parts)
