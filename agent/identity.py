"""Who this agent is, as its coordinator knows it: kept in the state folder, for its owner's eyes only."""

import os
import ssl
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.errors import OwnerError
from wire.enrolment import Answer

_KEY = "key.pem"
_CERTIFICATE = "certificate.pem"
_ANSWER = "identity.json"


class IdentityError(OwnerError):
    """There is no identity here, or it is damaged. Says what to do."""


class Identity(Struct, frozen=True):
    """The coordinator's answer to our enrolment, and the folder where our key lies beside it."""

    folder: Path
    answer: Answer

    @property
    def agent(self) -> str:
        """Our name."""
        return self.answer.agent

    def context(self) -> ssl.SSLContext:
        """Mutual TLS to the broker: our certificate, and the coordinator's own CA as the only one trusted.

        Raises:
            IdentityError: key or certificate is damaged or gone.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=self.answer.ca)
            context.load_cert_chain(self.folder / _CERTIFICATE, self.folder / _KEY)
        except OSError as error:
            raise IdentityError(f"our certificate in {self.folder} can't be used: {error}") from error
        return context


def load(folder: Path) -> Identity:
    """The identity that `save` left in `folder`.

    Raises:
        IdentityError: none, or damaged.
    """
    try:
        data = (folder / _ANSWER).read_bytes()
    except FileNotFoundError:
        raise IdentityError(
            "this agent has not joined yet: get an invite from your coordinator, then run"
            " muster-agent enroll INVITE"
        ) from None
    except OSError as error:
        raise IdentityError(f"can't read {folder / _ANSWER}: {error.strerror}") from error
    try:
        return Identity(folder, msgspec.json.decode(data, type=Answer))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IdentityError(f"{folder / _ANSWER} is damaged ({error}): remove it and enroll again") from None


def save(folder: Path, answer: Answer, key: str) -> Identity:
    """Keep an enrolment's result; `key` is our private key in PEM.

    Raises:
        IdentityError: the folder can't be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(folder / _KEY, key.encode())
        write(folder / _CERTIFICATE, answer.certificate.encode())
        # Last: with it the identity is whole.
        write(folder / _ANSWER, msgspec.json.encode(answer))
    except OSError as error:
        raise IdentityError(f"can't write to {folder}: {error.strerror}") from error
    return Identity(folder, answer)


def write(path: Path, data: bytes) -> None:
    """Replace a file as a whole, readable by us only."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
