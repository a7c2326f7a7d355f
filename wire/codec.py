"""Messages to bytes and back: JSON, bounded, strict about what is known and lenient about what is new."""

from typing import TypeVar

import msgspec

from wire.errors import LocalError, RemoteError
from wire.messages import (
    Ack,
    Down,
    Grant,
    Keys,
    Message,
    Offer,
    Open,
    Presence,
    Ready,
    Recall,
    Report,
    Request,
    Telemetry,
    Up,
    Withdraw,
)

LIMIT = 64 * 1024
"""Bytes of one message, both ways; also what the broker is told to allow."""

_MessageT = TypeVar("_MessageT", Up, Down)

_encoder = msgspec.json.Encoder()
_kinds: dict[type[Message], str] = {
    Presence: "presence",
    Ready: "ready",
    Open: "open",
    Report: "report",
    Telemetry: "telemetry",
    Grant: "grant",
    Offer: "offer",
    Withdraw: "withdraw",
    Ack: "ack",
    Request: "request",
    Recall: "recall",
    Keys: "keys",
}
_up: msgspec.json.Decoder[Up] = msgspec.json.Decoder(Up)
_down: msgspec.json.Decoder[Down] = msgspec.json.Decoder(Down)


def kind(message: Up | Down) -> str:
    """The last word of the topic that a message belongs on."""
    return _kinds[type(message)]


def encode(message: Up | Down) -> bytes:
    """A message as bytes.

    Raises:
        LocalError: it breaks its own bounds; nothing may be sent.
    """
    data = _encoder.encode(message)
    try:
        if isinstance(message, Up):
            _decode(data, _up)
        else:
            _decode(data, _down)
    except RemoteError as error:
        raise LocalError(error.code, f"we were about to send what is not allowed: {error}") from None
    return data


def decode_up(data: bytes, topic_kind: str) -> Up:
    """A message from an agent, as received on its topic.

    Raises:
        RemoteError: too long, not JSON, not a message, or a message on another kind's topic.
    """
    return _on_topic(_decode(data, _up), topic_kind)


def decode_down(data: bytes, topic_kind: str) -> Down:
    """A message from the coordinator, as received on its topic; errors as in `decode_up`."""
    return _on_topic(_decode(data, _down), topic_kind)


def _decode(data: bytes, decoder: "msgspec.json.Decoder[_MessageT]") -> _MessageT:
    if len(data) > LIMIT:
        raise RemoteError("too-long", f"a message of {len(data)} bytes is over {LIMIT}")
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteError("malformed", f"not a message: {error}") from None


def _on_topic(message: _MessageT, topic_kind: str) -> _MessageT:
    if kind(message) != topic_kind:
        raise RemoteError("wrong-topic", f"a {kind(message)} came on the topic for {topic_kind}")
    return message
