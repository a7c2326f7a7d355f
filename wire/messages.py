"""The whole conversation between an agent and the coordinator, in its order.

    agent                              coordinator
      presence (retained, will) ─────▶   who is there, with which printers
      ready ─────────────────────────▶   this printer waits for work: a fresh nonce
        ◀───────────────────────── grant   one attempt, committed to that nonce
      open ──────────────────────────▶   this printer's owner wants to be asked first; and what they answered
        ◀───────────────────────── offer   what might be printed: binds nobody; a yes brings a ready for it
        ◀────────────────────── withdraw   an offer that does not stand any more
      report ────────────────────────▶   numbered events of the agent's journal
        ◀─────────────────────────── ack   committed up to this number
      telemetry ─────────────────────▶   to look at; may get lost
        ◀─────────────────────── request   cancel, pause, resume, cleared: the agent decides
        ◀──────────────────────── recall   say again all behind this number: a coordinator that forgot
        ◀────────────────────────── keys   which keys may sign from now on, signed by the root

Births, readies and reports say what the agent holds, and as of when: a statement that stays true however late it
comes, from which the coordinator learns which grants never arrived, and whether it has itself lost events.

Nothing starts that the agent did not just ask for: a grant whose nonce is not the printer's current one is
dropped. Agents know durations only (their clocks may be wrong); what must not act late carries the
coordinator's `sent` and `expires`, and the agent reckons the coordinator's clock from what it hears.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from gcode.profile import Profile
from wire.keyset import SignedKeys
from wire.lifecycle import Step
from wire.manifest import Clock, Counter, Name, Signed

Epoch = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]
Nonce = Annotated[str, Meta(min_length=16, max_length=64)]
Text = Annotated[str, Meta(max_length=400)]
Seconds = Annotated[float, Meta(ge=0, le=30 * 86_400)]
Degrees = Annotated[float, Meta(ge=-180, le=180)]


def text(words: str) -> str:
    """Any words as a `Text`: cut to its length, and without what is no character (from a garbled byte)."""
    return words.encode("utf-8", "replace").decode()[:400]


class Message(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every message shares: its kind, as `kind` in the JSON; unknown fields are ignored."""


class Printer(Struct, frozen=True, kw_only=True):
    """A printer as its owner describes it. `material` is what is loaded now."""

    name: Name
    driver: Annotated[str, Meta(max_length=16)]
    profile: Profile
    material: Name


# ── from the agent ────────────────────────────────────────────────────────────────────────────────────────


class Holding(Struct, frozen=True, kw_only=True):
    """What an agent holds: every attempt that is not over, as of event `seq` of its journal.

    It speaks of attempts that answer a ready with a counter up to `counter`: grants to later ones may be on
    their way. `acked` is the last event that the coordinator has acknowledged; a coordinator that has fewer was
    restored from an older copy, and recalls them.
    """

    counter: Counter
    seq: Counter
    acked: Counter
    held: Annotated[tuple[Name, ...], Meta(max_length=64)] = ()


class Presence(Message, frozen=True, kw_only=True, tag="presence"):
    """Birth (retained) and will. `connection` only rises: a death that is not of the current one is ignored.

    `epoch` is made with the journal: a new one means that the agent's disk was lost. `place` is (latitude,
    longitude) rounded to 0.1°, never an address. `keys` is the version of the key set that the agent goes by.
    """

    online: bool
    connection: Counter
    epoch: Epoch
    software: Annotated[str, Meta(max_length=64)] = ""
    place: tuple[Degrees, Degrees] | None = None
    printers: Annotated[tuple[Printer, ...], Meta(max_length=64)] = ()
    holding: Holding | None = None
    keys: Counter | None = None


class Parts(Struct, frozen=True):
    """Parts by name: none of them but these, or, with `every`, all of them but these."""

    every: bool = True
    but: Annotated[tuple[Name, ...], Meta(max_length=256)] = ()

    def __contains__(self, part: str) -> bool:
        return (part in self.but) != self.every

    @property
    def is_empty(self) -> bool:
        """Whether there are none."""
        return not self.every and not self.but


class Ready(Message, frozen=True, kw_only=True, tag="ready"):
    """A printer is idle, its bed is confirmed clear, and its owner's hours allow a job.

    `counter` is persisted and only rises, so a late duplicate changes nothing. `lifetime` is how long the
    nonce stays good; `window` how long a job may take to end before the owner's quiet hours. `held` names
    every attempt of this agent that is not over, as of event `seq` of its journal. `sequence` is that of the last
    manifest which was taken for this printer: the next must be higher. `keys` is the version of the agent's key set.
    `parts` are those that its owner lets it print unasked; with `offer`, it waits for what was offered under that
    name, and for nothing else.
    """

    printer: Name
    nonce: Nonce
    counter: Counter
    lifetime: Seconds
    window: Seconds
    material: Name
    epoch: Epoch
    seq: Counter
    held: Annotated[tuple[Name, ...], Meta(max_length=64)] = ()
    sequence: Annotated[int, Meta(ge=0, le=2**52)] = 0
    keys: Counter | None = None
    parts: Parts = Parts()
    offer: Name | None = None


class Answer(StrEnum):
    """What an owner says to an offer."""

    NONE = "none"
    YES = "yes"
    NO = "no"


class Answered(Struct, frozen=True, kw_only=True):
    """An offer that an agent has, and what its owner has said to it."""

    offer: Name
    answer: Answer = Answer.NONE
    why: Text = ""


class Open(Message, frozen=True, kw_only=True, tag="open"):
    """A printer could take work, but its owner wants to be asked about `parts`. Nothing can be granted to it.

    `counter` only rises. For `lifetime` seconds it is so; a job may last for `window`. `has` are
    all offers that the agent has for this printer: one that is not named any more is forgotten there.
    """

    printer: Name
    counter: Counter
    lifetime: Seconds
    window: Seconds
    material: Name
    epoch: Epoch
    parts: Parts
    has: Annotated[tuple[Answered, ...], Meta(max_length=16)] = ()


class Blame(StrEnum):
    """What an attempt that came to nothing says about others."""

    NOBODY = "nobody"
    """Circumstances: quiet hours, a restart, a file that could not be fetched."""
    JOB = "job"
    """What was granted is at fault: any printer would say the same."""
    PRINTER = "printer"
    """The printer failed: it may do so again, or the job made it."""


class Event(Struct, frozen=True, kw_only=True):
    """One line of the agent's journal. `at` is the agent's own clock, for people to read only."""

    seq: Counter
    attempt: Name
    step: Step
    at: Clock
    why: Text = ""
    blame: Blame = Blame.NOBODY


class Report(Message, frozen=True, kw_only=True, tag="report"):
    """Events in order without a gap, sent again until acknowledged. (epoch, seq) makes a repeat harmless.

    With events that were acknowledged once and are recalled come `papers`, the manifests of their attempts, by
    which a coordinator that forgot them knows its own signature. `since` is the last event that is kept no more.
    """

    epoch: Epoch
    events: Annotated[tuple[Event, ...], Meta(min_length=1, max_length=100)]
    since: Counter = 0
    papers: Annotated[tuple[Signed, ...], Meta(max_length=100)] = ()
    holding: Holding | None = None


class Telemetry(Message, frozen=True, kw_only=True, tag="telemetry"):
    """How a printer looks now; for people, no decision hangs on it."""

    printer: Name
    condition: Annotated[str, Meta(max_length=16)]
    bed_clear: bool
    attempt: Name | None = None
    progress: Annotated[float, Meta(ge=0, le=1)] = 0
    nozzle: Annotated[float, Meta(ge=-300, le=1000)] | None = None
    bed: Annotated[float, Meta(ge=-300, le=1000)] | None = None
    why: Text = ""


# ── from the coordinator ──────────────────────────────────────────────────────────────────────────────────


class Grant(Message, frozen=True, kw_only=True, tag="grant"):
    """One committed attempt, in answer to one ready. Never retained."""

    sent: Clock
    manifest: Signed


class Offer(Message, frozen=True, kw_only=True, tag="offer"):
    """What a printer might print, for its owner to say yes or no to. No unit is bound by it, and nothing starts.

    `count` and `seconds` are bounds: what is granted after a yes is no more than that. `title` is the part's, and
    `purpose` what it is for, both for people; `deadline` is when it is needed. It is over at `expires`.
    """

    sent: Clock
    expires: Clock
    offer: Name
    printer: Name
    part: Name
    version: Annotated[str, Meta(min_length=1, max_length=32)]
    title: Text
    purpose: Text
    count: Annotated[int, Meta(ge=1, le=1000)]
    material: Name
    seconds: Annotated[float, Meta(gt=0, le=14 * 86_400)]
    grams: Annotated[float, Meta(gt=0, le=10_000)]
    deadline: Clock | None = None


class Withdraw(Message, frozen=True, kw_only=True, tag="withdraw"):
    """An offer does not stand any more, whatever was answered. What has been granted is not touched by it."""

    sent: Clock
    expires: Clock
    offer: Name
    why: Text = ""


class Ack(Message, frozen=True, kw_only=True, tag="ack"):
    """All events of `epoch` up to `seq` are committed. Sent only after the commit."""

    sent: Clock
    epoch: Epoch
    seq: Counter


class Wish(StrEnum):
    """What a person may ask of an attempt."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    CLEARED = "cleared"
    """The owner says on the coordinator's page that the bed is clear; counts only if the owner allows it."""


class Request(Message, frozen=True, kw_only=True, tag="request"):
    """A wish for one attempt. The agent decides and reports the result; nothing happens after `expires`."""

    sent: Clock
    expires: Clock
    attempt: Name
    wish: Wish
    by: Text


class Recall(Message, frozen=True, kw_only=True, tag="recall"):
    """Nothing of `epoch` behind event `seq` is known here, whatever was acknowledged once: say it (again)."""

    sent: Clock
    epoch: Epoch
    seq: Counter


class Keys(Message, frozen=True, kw_only=True, tag="keys"):
    """A newer key set than the agent goes by."""

    sent: Clock
    keys: SignedKeys


Up = Presence | Ready | Open | Report | Telemetry
Down = Grant | Offer | Withdraw | Ack | Request | Recall | Keys
