"""Who this agent is, as its coordinator knows it: kept in the state folder, for its owner's eyes only.

How its key and certificate come about, and are replaced, stands in `credentials.py`.
"""

import os
import ssl
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.errors import OwnerError
from wire.enrolment import EnrolmentAnswer

CREDENTIALS = "credentials.pem"
ANSWER = "identity.json"
TRUST = "web-ca.pem"
AGAIN = "ask your coordinator for an invite to join again (muster invite --agent NAME), and enroll with it"


class IdentityError(OwnerError):
    """There is no identity here, or it is damaged. Says what to do."""


class Identity(Struct, frozen=True):
    """The coordinator's answer to our enrolment, and the folder where our key lies beside it."""

    folder: Path
    answer: EnrolmentAnswer

    @property
    def agent(self) -> str:
        """Our name."""
        return self.answer.agent

    @property
    def trust(self) -> str:
        """Whom our HTTPS requests trust beside the machine's own: the coordinator's CA, and the one named to enroll.

        Raises:
            IdentityError: it can't be read.
        """
        try:
            return self.answer.ca + (self.folder / TRUST).read_text()
        except FileNotFoundError:
            return self.answer.ca
        except (OSError, UnicodeDecodeError) as error:
            raise IdentityError(f"can't read {self.folder / TRUST}: {error}") from None

    def context(self) -> ssl.SSLContext:
        """Mutual TLS to the broker: our certificate, and the coordinator's own CA as the only one trusted.

        Raises:
            IdentityError: key or certificate is damaged or gone.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=self.answer.ca)
            context.load_cert_chain(self.folder / CREDENTIALS)
        except OSError as error:
            raise IdentityError(f"our certificate in {self.folder} can't be used: {error}") from error
        return context

    def credentials(self) -> bytes:
        """Our key and certificate in PEM, below a line that says how long they are good.

        Raises:
            IdentityError: they can't be read.
        """
        try:
            return (self.folder / CREDENTIALS).read_bytes()
        except OSError as error:
            raise IdentityError(f"can't read our certificate in {self.folder}: {error.strerror}") from None


def load(folder: Path) -> Identity:
    """The identity that `save` left in `folder`.

    Raises:
        IdentityError: none, or damaged.
    """
    try:
        data = (folder / ANSWER).read_bytes()
    except FileNotFoundError:
        raise IdentityError(
            "this agent has not joined yet: get an invite from your coordinator, then run"
            " muster-agent enroll INVITE"
        ) from None
    except OSError as error:
        raise IdentityError(f"can't read {folder / ANSWER}: {error.strerror}") from error
    try:
        return Identity(folder, msgspec.json.decode(data, type=EnrolmentAnswer))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IdentityError(f"{folder / ANSWER} is damaged ({error}): remove it and enroll again") from None


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
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
