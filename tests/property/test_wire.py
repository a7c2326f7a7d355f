"""The wire's promises, for anything that can be said and for anything that can arrive."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gcode.profile import Profile
from tests.farend.keys import Keys
from wire import codec, enrolment, messages, topics
from wire.errors import LocalError, RemoteError
from wire.lifecycle import BY_AGENT, FINAL, TABLE, State, Step, advance, allows
from wire.manifest import Manifest, Release, Signed, key_id, sign, verify
from wire.messages import (
    Ack,
    Answer,
    Answered,
    Blame,
    Event,
    Grant,
    Holding,
    Offer,
    Open,
    Parts,
    Presence,
    Printer,
    Ready,
    Recall,
    Report,
    Request,
    Telemetry,
    Wish,
    Withdraw,
)

names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
hexes = st.text("0123456789abcdef", min_size=64, max_size=64)
epochs = st.text("0123456789abcdef", min_size=32, max_size=32)
counters = st.integers(0, 2**53)
nonces = st.text("abcdefghijklmnop0123456789", min_size=16, max_size=64)
seconds = st.floats(0, 30 * 86_400)
clocks = st.floats(0, 2**40)
texts = st.text(max_size=400).filter(lambda text: text.isprintable())

events = st.builds(
    Event,
    seq=counters,
    attempt=names,
    step=st.sampled_from(Step),
    at=clocks,
    why=texts,
    blame=st.sampled_from(Blame),
)
holdings = st.builds(
    Holding, counter=counters, seq=counters, acked=counters, held=st.lists(names, max_size=4).map(tuple)
)
papers = st.builds(Signed, st.binary(max_size=300), hexes, st.binary(min_size=64, max_size=64))
printers = st.builds(
    Printer, name=names, driver=st.just("serial"), profile=st.just(Profile()), material=names
)
parts = st.builds(Parts, st.booleans(), st.lists(names, max_size=3).map(tuple))
ups = st.one_of(
    st.builds(
        Presence,
        online=st.booleans(),
        connection=counters,
        epoch=epochs,
        software=st.text("abc 1.", max_size=64),
        place=st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
        printers=st.lists(printers, max_size=3).map(tuple),
        holding=st.none() | holdings,
    ),
    st.builds(
        Ready,
        printer=names,
        nonce=nonces,
        counter=counters,
        lifetime=seconds,
        window=seconds,
        material=names,
        epoch=epochs,
        seq=counters,
        held=st.lists(names, max_size=4).map(tuple),
        parts=parts,
        offer=st.none() | names,
    ),
    st.builds(
        Open,
        printer=names,
        counter=counters,
        lifetime=seconds,
        window=seconds,
        material=names,
        epoch=epochs,
        parts=parts,
        has=st.lists(
            st.builds(Answered, offer=names, answer=st.sampled_from(Answer), why=texts), max_size=3
        ).map(tuple),
    ),
    st.builds(
        Report,
        epoch=epochs,
        events=st.lists(events, min_size=1, max_size=5).map(tuple),
        since=counters,
        papers=st.lists(papers, max_size=3).map(tuple),
        holding=st.none() | holdings,
    ),
    st.builds(
        Telemetry,
        printer=names,
        condition=st.sampled_from(["idle", "printing"]),
        bed_clear=st.booleans(),
        attempt=st.none() | names,
        progress=st.floats(0, 1),
        nozzle=st.none() | st.floats(-300, 1000),
        bed=st.none() | st.floats(-300, 1000),
        why=texts,
    ),
)
manifests = st.builds(
    Manifest,
    attempt=names,
    job=names,
    agent=names,
    printer=names,
    nonce=nonces,
    part=names,
    version=st.just("1"),
    parameters=st.dictionaries(names, st.floats(-1e6, 1e6), max_size=4),
    count=st.integers(1, 1000),
    material=names,
    profile=hexes,
    url=st.just("https://muster.example/files/x"),
    size=st.integers(1, 1000),
    digest=hexes,
    grams=st.floats(0.1, 100),
    seconds=st.floats(0.1, 1000),
    release=st.none()
    | st.builds(Release, hexes, st.integers(1, 1000), hexes, st.binary(min_size=64, max_size=64)),
    not_before=clocks,
    expires=clocks,
    sequence=counters,
)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
HUB = Keys()
downs = st.one_of(
    st.builds(Grant, sent=clocks, manifest=manifests.map(lambda manifest: sign(manifest, KEY))),
    st.builds(
        Offer,
        sent=clocks,
        expires=clocks,
        offer=names,
        printer=names,
        part=names,
        version=st.just("1"),
        title=texts,
        purpose=texts,
        count=st.integers(1, 1000),
        material=names,
        seconds=st.floats(0.1, 1000),
        grams=st.floats(0.1, 100),
        deadline=st.none() | clocks,
    ),
    st.builds(Withdraw, sent=clocks, expires=clocks, offer=names, why=texts),
    st.builds(Ack, sent=clocks, epoch=epochs, seq=counters),
    st.builds(Recall, sent=clocks, epoch=epochs, seq=counters),
    st.builds(messages.Keys, sent=clocks, keys=st.just(HUB.signed)),
    st.builds(Request, sent=clocks, expires=clocks, attempt=names, wish=st.sampled_from(Wish), by=texts),
)


@given(ups)
def test_what_an_agent_says_arrives_as_it_was_said(message):
    assert codec.decode_up(codec.encode(message), codec.kind(message)) == message


@given(downs)
def test_what_the_coordinator_says_arrives_as_it_was_said(message):
    assert codec.decode_down(codec.encode(message), codec.kind(message)) == message


@given(st.binary(max_size=300), st.sampled_from(topics.UP + topics.DOWN))
@pytest.mark.parametrize("decode", [codec.decode_up, codec.decode_down])
def test_random_bytes_raise_only_the_wires_own_error(
    decode: Callable[[bytes, str], object], data: bytes, kind: str
):
    with pytest.raises(RemoteError):
        decode(data, kind)


@given(ups, st.data())
def test_a_damaged_message_is_read_or_refused_but_never_a_crash(message, data):
    encoded = bytearray(codec.encode(message))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] = data.draw(st.integers(0, 255))
    with suppress(RemoteError):
        codec.decode_up(bytes(encoded), codec.kind(message))


@given(st.text(max_size=120))
def test_a_random_topic_raises_only_the_wires_own_error(text):
    with suppress(RemoteError):
        assert str(topics.parse(text)) == text


@given(names, st.sampled_from(topics.UP))
def test_a_topic_taken_apart_is_the_topic_put_together(agent, kind):
    assert topics.parse(topics.up(agent, kind)) == topics.Topic(agent, "up", kind)


@given(names)
def test_an_agent_subscribes_to_exact_names_only(agent):
    assert not [topic for topic in topics.downs(agent) if "+" in topic or "#" in topic]


@given(st.text(max_size=60))
def test_no_name_can_reach_into_another_agents_topics(name):
    try:
        topic = topics.up(name, "ready")
    except LocalError:
        return
    assert topic.split("/")[3] == name
    assert topic.count("/") == 5


@given(manifests)
def test_a_manifest_survives_its_signature(manifest):
    assert verify(sign(manifest, KEY), {key_id(KEY.public_key()): KEY.public_key()}) == manifest


@given(manifests, st.data())
def test_any_changed_byte_of_a_manifest_breaks_its_signature(manifest, data):
    signed = sign(manifest, KEY)
    body = bytearray(signed.body)
    position = data.draw(st.integers(0, len(body) - 1))
    body[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(RemoteError, match="signature"):
        verify(Signed(bytes(body), signed.key, signed.signature), {signed.key: KEY.public_key()})


class AnyHistory(RuleBasedStateMachine):
    """Steps in any order: either the table knows them or the attempt stays where it was."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State.GRANTED
        self.finals: list[State] = []

    @rule(step=st.sampled_from(Step))
    def step(self, step: Step) -> None:
        before = self.state
        try:
            self.state = advance(before, step)
        except RemoteError:
            assert not allows(before, step)
        if before in FINAL:
            assert self.state is before

    @invariant()
    def stays_in_the_table(self) -> None:
        assert self.state in TABLE


TestAnyHistory = AnyHistory.TestCase


def test_every_state_can_end():
    def reachable(state: State, seen: frozenset[State] = frozenset()) -> set[State]:
        following = set(TABLE[state].values()) - seen
        return following.union(*(reachable(other, seen | following) for other in following))

    for state in State:
        assert state in FINAL or reachable(state) & FINAL


def test_only_the_agent_can_say_that_anything_moved():
    moving = {State.STARTING, State.PRINTING, State.PAUSED, State.PRINTED}
    leading_in = {step for steps in TABLE.values() for step, to in steps.items() if to in moving}
    assert leading_in <= BY_AGENT


@given(st.text(max_size=200) | st.text(max_size=200).map(lambda text: enrolment.PREFIX + text))
def test_a_random_invite_raises_only_the_wires_own_error(text):
    with pytest.raises(RemoteError):
        enrolment.parse(text)


def test_an_invite_survives_being_pasted_over_two_lines():
    invite = enrolment.Invite("https://muster.example", "c" * 22, "0" * 64, "1" * 64)
    text = str(invite)
    assert enrolment.parse(text[:30] + "\n  " + text[30:] + "\n") == invite
