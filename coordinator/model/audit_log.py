"""The audit log: what people did, each entry chained to the one before it by its hash. Pure: no database here.

An entry's hash is the SHA-256 of `DOMAIN` and, as one array in JSON, the hash before it (zeros before the first) and
the entry's fields in their order. So no entry can be altered, taken out, put in or moved without every later hash being
another. Who can write all of the database could make all of them anew: against that, and against a cut tail, keep a
head elsewhere.

Entries name people who work here, and things by their ids. Never a maker, a patient, a signer, an address or a secret:
so what a privacy request takes away never stood in the chain.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec

DOMAIN = b"muster trail 1\0"  # as the log was called first: hashes that stand go on from it
BEGINNING = "0" * 64
"""What stands for the hash before the first entry's."""

Detail = str | int | float | bool | None

_ACT = re.compile(r"[a-z]{2,20}(\.[a-z-]{2,24}){0,2}\Z")
_SUBJECT = re.compile(r"[a-z]{2,20}(/[A-Za-z0-9_.:-]{1,80})?\Z")
_WORD = re.compile(r"[A-Za-z0-9_.,:/+-]{0,80}\Z")
_LONGEST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """An act: the how manieth, when (seconds since 1970 UTC), who, as which role, by what way, what, on what.

    `role` is "" where nobody knows it; `via` is page, api, cli, link or inside. `details` are an object in JSON with
    sorted keys. `hash` is hex.
    """

    number: int
    at: float
    by: str
    role: str
    via: str
    act: str
    subject: str
    details: str
    hash: str = ""


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """The first place where the chain does not hold: the entry's number, and what is wrong there."""

    number: int
    why: str

    def __str__(self) -> str:
        return f"entry {self.number}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainCheck:
    """What a look at the whole audit log found. `head` is the last entry's hash as far as the chain holds."""

    whole: bool
    entries: int
    head: str
    first: ChainBreak | None


def plain(details: Mapping[str, Detail]) -> str:
    """Details as they are kept.

    Raises:
        ValueError: a text in them is not one word of an id or a name of ours, so it might be about a person.
    """
    for name, value in details.items():
        if not _WORD.match(name) or (isinstance(value, str) and not _WORD.match(value)):
            raise ValueError(f"the audit log keeps numbers and ids, no free text: {name}")
    made = msgspec.json.encode(dict(details), order="deterministic").decode()
    if len(made) > _LONGEST:
        raise ValueError("the details of one act are too long for the audit log")
    return made


def sealed(entry: AuditEntry, before: str) -> AuditEntry:
    """The entry with its hash; `before` is the one of the entry before it, or `BEGINNING`.

    Raises:
        ValueError: the act or its subject is not in the audit log's words.
    """
    if not _ACT.match(entry.act) or not _SUBJECT.match(entry.subject):
        raise ValueError(
            f"an act is like `need.cancel`, on `need/n-k7m2p9xqrt`: {entry.act}, {entry.subject}"
        )
    return replace(entry, hash=digest(entry, before))


def digest(entry: AuditEntry, before: str) -> str:
    """What an entry's hash must be, in hex."""
    said = msgspec.json.encode(
        [
            before,
            entry.number,
            float(entry.at),
            entry.by,
            entry.role,
            entry.via,
            entry.act,
            entry.subject,
            entry.details,
        ]
    )
    return hashlib.sha256(DOMAIN + said).hexdigest()


def check_chain(entries: Iterable[AuditEntry], *, head: str = "") -> ChainCheck:
    """Walk the chain from its first entry.

    Args:
        entries: all of them, by their numbers.
        head: a hash that was exported once, "" for none: the chain must still come by it.
    """
    last, count, met = BEGINNING, 0, head in ("", BEGINNING)

    def broken(why: str) -> ChainCheck:
        return ChainCheck(whole=False, entries=count, head=last, first=ChainBreak(count + 1, why))

    for entry in entries:
        if entry.number != count + 1:
            return broken(
                f"is missing; the next one that is there has number {entry.number}"
                if entry.number > count + 1
                else f"an entry with number {entry.number} stands in its place"
            )
        if digest(entry, last) != entry.hash:
            return broken("is not what was written then: it, or what stood before it, was changed")
        last, count = entry.hash, entry.number
        met = met or last == head
    if not met:
        return broken("is missing, or was another: the chain does not come by the head that was kept")
    return ChainCheck(whole=True, entries=count, head=last, first=None)
