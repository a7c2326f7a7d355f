"""Where a maker's parts are picked up: sealed at rest, so that a copy of the database alone tells nobody's address.

AES-256-GCM; what is sealed for one agent can't be passed off as another's. The key lies in the data directory, and in
the back-ups with the other keys.
"""

import base64
import secrets
from dataclasses import dataclass, field

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coordinator.errors import Problem

_PURPOSE = b"muster doorstep 1\0"  # as an address was called first: what is sealed stays readable
_NONCE = 12


class Unreadable(Problem):
    """The addresses were sealed with another key."""

    kind = "unreadable"
    title = "The address can't be read"
    status = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PickupAddress:
    """As its maker entered it. None of it shows when it is printed by mistake."""

    address: str = field(repr=False)
    contact: str = field(default="", repr=False)
    """How to reach them: a telephone number, a name on the bell."""
    hours: str = field(default="", repr=False)
    """When somebody is there."""


class AddressCipher:
    """Seals and opens, with one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, address: PickupAddress, agent: str) -> str:
        """The address of this agent, as text to keep."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._cipher.encrypt(nonce, msgspec.json.encode(address), _PURPOSE + agent.encode())
        return base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, agent: str) -> PickupAddress:
        """What `seal` made for this agent.

        Raises:
            Unreadable: it was made with another key, for another agent, or was altered.
        """
        try:
            data = base64.b64decode(sealed, validate=True)
            said = self._cipher.decrypt(data[:_NONCE], data[_NONCE:], _PURPOSE + agent.encode())
            return msgspec.json.decode(said, type=PickupAddress)
        except (ValueError, InvalidTag, msgspec.DecodeError):
            raise Unreadable(
                "it was sealed with another key: put `addresses.key` of the back-up into the data directory,"
                " or have the maker enter it again"
            ) from None
