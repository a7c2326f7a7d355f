"""One who joined, and means harm: everything that valid credentials of one agent let a client try."""

import random
import socket
import time
from collections.abc import Callable, Generator
from pathlib import Path

import httpx
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent.membership import credentials
from agent.membership.enrolment import EnrolmentError, EnrolmentRefusedError, enrol, renew
from gcode.profile import Profile
from tests.e2e.siege import PATIENCE, Siege
from tests.farend import mallory
from tests.farend.broker import need_mosquitto
from tests.farend.mallory import Line, connect, packet, publish, subscribe, word
from tests.farend.mqtt import Refused
from tests.farend.shared import Shared
from wire import codec, enrolment, topics
from wire.lifecycle import State, Step
from wire.messages import Ack, Event, Presence, Printer, Report

GUARDED = pytest.param("mosquitto", marks=pytest.mark.system)
OF_BEN = [*(topics.up("ben", kind) for kind in topics.UP), *topics.downs("ben")]


@pytest.fixture(scope="module")
def sieges(tmp_path_factory: pytest.TempPathFactory) -> Generator[Callable[[str], Siege]]:
    """One of each broker, started when it is asked for."""
    shared = Shared("The coordinator with broker", lambda kind: Siege(kind, tmp_path_factory.mktemp(kind)))

    def siege(kind: str) -> Siege:
        if kind == "mosquitto":
            need_mosquitto()
        return shared.get(kind)

    yield siege
    shared.close()


@pytest.fixture(params=[GUARDED, "embedded"])
def siege(request: pytest.FixtureRequest, sieges: Callable[[str], Siege]) -> Generator[Siege]:
    """With either broker; whatever was tried, all goes on."""
    found = sieges(request.param)
    yield found
    found.holds()


@pytest.fixture(params=[GUARDED])
def guarded(request: pytest.FixtureRequest, sieges: Callable[[str], Siege]) -> Generator[Siege]:
    """With the broker that knows who is who."""
    found = sieges(request.param)
    yield found
    found.holds()


def forgeries(siege: Siege) -> dict[str, bytes]:
    """What would do harm if it were believed, by kind."""
    ben, attempt = siege.ben, siege.work.attempt
    death = Presence(online=False, connection=ben.connection + 5, epoch=ben.epoch)
    failed = Event(seq=ben.seq + 1, attempt=attempt, step=Step.FAIL, at=0.0, why="forged")
    far = {"sent": time.time(), "expires": time.time() + 600, "attempt": attempt, "by": "mallory"}
    return {
        "presence": codec.encode(death),
        "ready": msgspec.json.encode(
            {"kind": "ready", "printer": "one", "nonce": "x" * 16, "counter": 2**40}
        ),
        "report": codec.encode(Report(epoch=ben.epoch, events=(failed,))),
        "telemetry": msgspec.json.encode({"kind": "telemetry", "printer": "one", "condition": "forged"}),
        "grant": msgspec.json.encode(
            {"kind": "grant", "sent": 1.0, "manifest": {"data": "", "signature": ""}}
        ),
        "ack": codec.encode(Ack(sent=1.0, epoch=ben.epoch, seq=2**53)),
        "request": msgspec.json.encode({"kind": "request", "wish": "cancel", **far}),
        "recall": msgspec.json.encode({"kind": "recall", "sent": 1.0, "epoch": ben.epoch, "seq": 0}),
    }


# ── other agents' topics: the broker's part ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("retain", [False, True], ids=["once", "retained"])
def test_nothing_said_in_anothers_name_or_downwards_arrives(guarded: Siege, retain: bool):
    forged = forgeries(guarded)
    before = {kind: guarded.heard(kind) for kind in topics.UP}
    with guarded.linked() as line:
        for qos in (0, 1):
            for topic in [
                *OF_BEN,
                *topics.downs("mallory"),
                "$SYS/broker/uptime",
                "muster/1/ff/ben/up/report",
            ]:
                data = forged.get(topic.rpartition("/")[2], b"x")
                assert line.say(publish(topic, data, qos=qos, retain=retain))
                assert line.say(publish(topic, b"", qos=qos, retain=retain))  # to erase what is retained
        line.ping()
    assert {kind: guarded.heard(kind) for kind in topics.UP} == before
    guarded.ben.go()
    guarded.ben.come()  # what were retained would come now
    assert guarded.desk.attempt(guarded.work.attempt).state is State.PRINTING


def test_nothing_of_others_is_heard_however_one_asks(guarded: Siege):
    filters = [
        *("#", "+/#", "+/+/+/+/+/+", "muster/#", "muster/1/#", "muster/1/+/+/up/#", "muster/1/+/+/down/#"),
        *("muster/1/+/ben/#", "muster/+/+/ben/+/+", "$SYS/#", "$share/g/#", "$share/g/muster/1/#"),
        *(f"$share/g/{topic}" for topic in OF_BEN),
        *OF_BEN,
        *topics.ups(),
    ]
    with guarded.linked() as line:
        for number, each in enumerate(filters, 1):
            line.say(subscribe([each], number))
        before = line.ping()
        guarded.holds()
        after = line.ping()
    assert before is not None
    assert after is not None
    assert [heard for heard in before + after if heard[0] == mallory.PUBLISH] == []


@pytest.mark.parametrize("topic", [topics.up("ben", "presence"), topics.down("ben", "request"), "$SYS/x"])
def test_a_will_for_others_is_not_carried_out(guarded: Siege, topic: str):
    before = guarded.heard("presence")
    with guarded.linked(will=(topic, forgeries(guarded).get(topic.rpartition("/")[2], b"x"))) as line:
        line.cut()
    with guarded.linked() as line:  # the broker has seen the first one's end: this is the same client
        line.ping()
    assert guarded.heard("presence") == before


@pytest.mark.parametrize("name", ["ben", "muster-coordinator", "muster:coordinator", "", "x" * 60_000])
def test_nobody_is_pushed_off_by_taking_the_clients_name(guarded: Siege, name: str):
    with guarded.line() as line:
        line.say(connect(name))
        line.ping()
    assert guarded.ben.is_there
    assert [each["event"] for each in guarded.log].count("linked to the broker") == 1


# ── what the coordinator has to judge itself ──────────────────────────────────────────────────────────────


def rubbish(siege: Siege) -> list[tuple[str, bytes]]:
    """(kind, data) to be said on one's own topics, each of which would be wrong to believe."""
    ben, attempt, own = siege.ben, siege.work.attempt, siege.mallory
    epoch = own.epoch

    def event(seq: object = 1, of: str = attempt, step: str = "fail") -> dict[str, object]:
        return {"seq": seq, "attempt": of, "step": step, "at": 0.0, "why": "forged"}

    def report(*events: object, epoch: object = epoch, **more: object) -> bytes:
        return msgspec.json.encode({"kind": "report", "epoch": epoch, "events": events, **more})

    def presence(**words: object) -> bytes:
        return msgspec.json.encode({"kind": "presence", **words})

    name = epoch.encode()
    absurd = [
        {
            "name": f"p{number}",
            "driver": "\0" * 16,
            "material": "petg",
            "profile": {"width": 1e308, "nozzle": 5e-324},
        }
        for number in range(64)
    ]
    ready = {
        "kind": "ready",
        "printer": "one",
        "nonce": f"ben-nonce-{ben.counter:010}",  # ben's own
        "counter": 1,
        "lifetime": 1,
        "window": 1,
        "material": "petg",
        "epoch": ben.epoch,
        "seq": 0,
    }
    steps = ["fetch", "finish", "clear", "cancel", "fail", "void", "doubt", "vouch", "write-off", "inspect"]
    return [
        *(("report", report(event(number, step=step))) for number, step in enumerate(steps, 1)),
        *(("report", report(event(seq))) for seq in (2**53, 2**53 + 1, 2**63, 2**64, 2**1000, -1, 1.5, "1", None)),
        ("report", report(event(5), event(9), event(2))),
        ("report", report(event(), epoch=ben.epoch)),
        ("report", report(event(), epoch="0" * 32)),
        ("report", report(event(), epoch="\n" * 32)),
        ("report", report(*(event(number) for number in range(101)))),
        ("report", report()),
        ("report", report(event(of="../../etc/passwd"))),
        ("report", report(event(of="a" * 10_000))),
        ("report", report(event(), papers=[{"data": "AAAA", "signature": "AAAA", "key": "0" * 64}] * 100)),
        ("report", report(event(), holding={"counter": 2**53, "seq": 0, "acked": 2**53, "held": [attempt]})),
        ("report", b'{"kind":"report","epoch":"' + epoch.encode() + b'","events":[{"seq":NaN}]}'),
        ("presence", b'{"kind":"presence","online":true,"connection":1,"epoch":"%s","place":[NaN,1]}' % name),
        ("presence", presence(online=True, connection=2, epoch=epoch, printers=absurd)),
        ("presence", presence(online=False, connection=2**53, epoch=ben.epoch)),
        ("ready", msgspec.json.encode(ready)),
        ("ready", msgspec.json.encode({**ready, "epoch": epoch, "held": [attempt] * 64})),
        ("ready", msgspec.json.encode({**ready, "epoch": epoch, "counter": 2**53, "lifetime": 1e308})),
        ("telemetry", b'{"kind":"telemetry","printer":"one","condition":"<script>","bed_clear":true,"progress":1}'),
        ("telemetry", b'{"kind":"telemetry","printer":"one","condition":"x","bed_clear":true,"progress":1e999}'),
        ("report", b"[" * 60_000),
        ("report", b'{"a":' * 12_000),
        ("ready", b'{"kind":"ready"' + b',"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
        ("presence", b"\xff\xfe\x00"),
        ("presence", "{\"kind\":\"presence\",\"epoch\":\"\ud800\"}".encode("utf-8", "surrogatepass")),
        ("presence", b""),
        ("ready", b"\0" * codec.LIMIT),
        ("report", b"0" * codec.LIMIT),
        ("ready", codec.encode(Ack(sent=1.0, epoch=epoch, seq=1))),
        ("report", codec.encode(own.presence())),
    ]  # fmt: skip


def test_forged_reports_and_rubbish_move_nothing_of_others(siege: Siege):
    attempts = {each.id: each.state for each in siege.desk.attempts()}
    with siege.linked() as line:
        line.say(publish(topics.up("mallory", "presence"), codec.encode(siege.mallory.presence())))
        for number, (kind, data) in enumerate(rubbish(siege), 1):
            assert line.say(publish(topics.up("mallory", kind), data, number=number))
        assert line.ping() is not None
        siege.holds()
    now = {each.id: each.state for each in siege.desk.attempts()}
    assert {name: now[name] for name in attempts} == attempts


def test_retained_on_its_own_topics_starts_and_ends_nothing(siege: Siege):
    """Whoever subscribes anew gets it: the coordinator, when its link or the broker was gone."""
    attempts = {each.id: each.state for each in siege.desk.attempts()}
    with siege.linked() as line:
        for kind, data in rubbish(siege)[:12]:
            line.say(publish(topics.up("mallory", kind), data, retain=True))
        line.ping()
        for kind in topics.UP:
            line.say(publish(topics.up("mallory", kind), b"", retain=True))
        line.ping()
    assert {each.id: each.state for each in siege.desk.attempts()} == attempts


def test_a_printer_of_a_thousand_metres_gets_no_plate_and_hinders_nobody(siege: Siege):
    absurd = Printer(
        name="one",
        driver="serial",
        profile=msgspec.structs.replace(Profile(), width=1e6, depth=1e6),
        material="petg",
    )
    own = siege.mallory
    own.connection += 10
    many = tuple(msgspec.structs.replace(absurd, name=f"p{number}") for number in range(64))
    try:
        presence = codec.encode(
            Presence(online=True, connection=own.connection, epoch=own.epoch, printers=many)
        )
    except Exception:  # noqa: BLE001 - the wire itself refuses it
        presence = msgspec.json.encode(
            Presence(online=True, connection=own.connection, epoch=own.epoch, printers=many)
        )
    with siege.linked() as line:
        line.say(publish(topics.up("mallory", "presence"), presence))
        for number in range(64):
            ready = msgspec.structs.replace(
                own.ready(), printer=f"p{number}", nonce=f"absurd-nonce-{time.time()}-{number}"
            )
            line.say(publish(topics.up("mallory", "ready"), codec.encode(ready), number=number + 1))
        line.ping()
        siege.holds()


# ── packets that are none, and too many ───────────────────────────────────────────────────────────────────


def malformed() -> list[bytes]:
    own = topics.up("mallory", "ready")
    chance = random.Random(5)
    return [
        b"\x30\xff\xff\xff\xff\xff\x7f",  # a length of five bytes
        b"\x30\xff\xff\xff\x7f" + b"x" * 1000,  # 256 MB announced
        b"\x00\x00",
        b"\xf0\x00",
        packet(mallory.PUBLISH, word(b"\xff\xfe/\xc0") + b"\0\1x", 2),
        packet(mallory.PUBLISH, word("muster/1/00/ma\0llory/up/ready") + b"\0\1x", 2),
        packet(mallory.PUBLISH, word(b"\xed\xa0\x80") + b"\0\1x", 2),
        publish("muster/1/+/ben/up/ready", b"x"),
        publish("#", b"x"),
        publish("", b"x"),
        publish("a" * 65_535, b"x"),
        publish("/" * 65_535, b"x"),
        publish(own, b"x" * (codec.LIMIT + 10_000)),
        packet(mallory.PUBLISH, word(own) + b"\0\1x", 6),  # QoS 3
        publish(own, b"x", number=0),
        packet(mallory.PUBLISH, b"\xff\xff" + own.encode()),  # a topic longer than its packet
        packet(mallory.SUBSCRIBE, b"\0\1", 2),
        packet(mallory.SUBSCRIBE, b"\0\1" + word("a/#/b") + b"\1", 2),
        packet(mallory.SUBSCRIBE, b"\0\1" + word("#") + b"\7", 2),
        packet(mallory.SUBSCRIBE, b"\0\1" + word("#") + b"\1", 0),
        subscribe(["/".join("+" * 2000)]),
        connect("mallory"),  # a second time
        packet(mallory.PUBACK, b""),
        packet(mallory.CONNACK, b"\0\0"),
        packet(6, b"\0\1"),  # PUBREL of nothing
        *(bytes([chance.randrange(256) for _ in range(200)]) for _ in range(10)),
    ]


def test_packets_that_are_none_cost_only_the_own_connection(siege: Siege):
    for each in malformed():
        with siege.linked() as line:
            line.say(each)
            line.say(packet(mallory.PINGREQ, b""))
            line.hear(0.05)
    siege.holds()
    for each in (
        *malformed(),
        connect("x", level=9),
        connect("x", flags=0xFF),
        connect(b"\xff\xff"),
        packet(mallory.CONNECT, word("MQTT")),
        packet(mallory.CONNECT, word("M" * 60_000)),
        b"GET / HTTP/1.1\r\n\r\n",
    ):
        with siege.line() as line:
            line.say(each)
            line.hear(0.02)


def test_what_is_not_even_tls_or_says_nothing_is_left_alone(siege: Siege):
    url = siege.mallory.identity.answer.broker.rpartition("//")[2]
    host, _, port = url.rpartition(":")
    idle = [socket.create_connection((host, int(port)), PATIENCE) for _ in range(30)]
    try:
        for number, line in enumerate(idle):
            line.sendall(
                (b"\x16\x03\x01\xff\xff", b"GET / HTTP/1.1\r\n\r\n", b"\x10", b"\0" * 300)[number % 4]
            )
        siege.holds()
    finally:
        for line in idle:
            line.close()


def test_a_flood_of_messages_hinders_nobody(siege: Siege):
    data = codec.encode(siege.mallory.presence())
    before = siege.flooded
    deadline = time.monotonic() + 60  # how many are too much depends on how fast the broker takes them
    while siege.flooded == before:
        assert time.monotonic() < deadline, "all of a flood was let through"
        with siege.linked() as line:
            for number in range(1300):
                kind = topics.UP[number % 4]
                if not line.say(publish(topics.up("mallory", kind), data, qos=number % 2, number=number + 1)):
                    break
            siege.holds()
    assert any(
        each["event"] == "an agent says more than it may: dropping what is too much" for each in siege.log
    )


def test_a_flood_of_connections_hinders_nobody(siege: Siege):
    for _ in range(40):
        with siege.line() as line:
            line.say(connect("mallory"))
    lines = list[Line]()
    try:
        for number in range(40):
            lines.append(siege.line())
            lines[-1].say(connect(f"mallory-{number}"))
        siege.holds()
    finally:
        for line in lines:
            line.cut()


def test_a_flood_of_subscriptions_hinders_nobody(guarded: Siege):
    with guarded.linked() as line:
        for number in range(100):
            line.say(subscribe([f"x/{number}/{each}/#" for each in range(50)], number + 1))
        guarded.holds()
        line.ping()


# ── over HTTP ─────────────────────────────────────────────────────────────────────────────────────────────


def test_other_peoples_files_are_not_served(siege: Siege):
    right = siege.work.url
    base, attempt, token = right.rsplit("/", 2)
    with httpx.Client(timeout=PATIENCE) as web:
        assert web.get(right).status_code == 404  # ben has it: he is printing
        for wrong in (
            f"{base}/{attempt}/{'0' * len(token)}",
            f"{base}/{attempt}/{token[:-1]}",
            f"{base}/{attempt}/{token}x",
            f"{base}/a-0000000000/{token}",
            f"{base}/{attempt}/{token}/../../../access.key",
            f"{base}/..%2f..%2faccess.key/{token}",
            f"{base}/{attempt}/..%2f..%2f..%2faccess.key",
            f"{base}/%00/{token}",
            f"{base}/{attempt}/%ff%fe",
            f"{base}//{token}",
            f"{siege.url}/static/..%2f..%2fsettings.py",
            f"{siege.url}/static/../../../keys/ca.key",
        ):
            answer = web.get(wrong)
            assert answer.status_code in (400, 401, 404, 422), wrong
            assert "PRIVATE" not in answer.text


def test_a_link_is_over_with_its_attempt_and_is_for_that_one_only(siege: Siege):
    ada = siege.enrol_player("ada")
    work = ada.gets_work()
    with httpx.Client(timeout=PATIENCE) as web:
        assert web.get(work.url).status_code == 200
        token = work.url.rpartition("/")[2]
        assert web.get(siege.work.url.rpartition("/")[0] + "/" + token).status_code == 404
        ada.reports(work.attempt, Step.REFUSE)
        assert web.get(work.url).status_code == 404
    ada.go()


def test_nobody_joins_by_guessing_and_who_guesses_must_wait(siege: Siege):
    with httpx.Client(base_url=siege.url, timeout=PATIENCE) as web:

        def ask(code: str, home: str) -> int:
            body = msgspec.json.encode({"code": code, "name": "eve", "csr": "-----BEGIN x"})
            return web.post(enrolment.PATH, content=body, headers={"X-Forwarded-For": home}).status_code

        codes = [ask(f"guess-number-{number:010}", "203.0.113.9") for number in range(12)]
        assert codes[0] == 403
        assert codes[-1] == 429
        assert ask("guess-number-0000000000", "198.51.100.7") == 403  # others need not wait


def test_nobody_joins_under_a_name_that_is_taken_or_renews_anothers_certificate(siege: Siege, tmp_path: Path):
    with pytest.raises(EnrolmentRefusedError, match="there is an agent called ben already"):
        enrol(enrolment.parse(siege.desk.invite()), "ben", tmp_path / "ben")
    with pytest.raises(EnrolmentError):
        enrol(enrolment.parse(siege.desk.invite()), "muster:coordinator", tmp_path / "us")
    theirs, own = siege.ben.identity, siege.mallory.identity
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ben")])
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )

    def ask(present: x509.Certificate, signer: ec.EllipticCurvePrivateKey) -> httpx.Response:
        pem = present.public_bytes(serialization.Encoding.PEM).decode()
        proof = signer.sign(enrolment.to_be_signed(csr), ec.ECDSA(hashes.SHA256()))
        body = msgspec.json.encode(enrolment.Renewal(pem, csr, proof))
        home = {"X-Forwarded-For": "203.0.113.77"}
        return httpx.post(siege.url + enrolment.RENEWAL_PATH, content=body, headers=home, timeout=PATIENCE)

    assert ask(credentials.certificate(theirs), credentials.key(own)).status_code == 403
    answer = ask(credentials.certificate(own), credentials.key(own))
    got = x509.load_pem_x509_certificate(msgspec.json.decode(answer.content)["certificate"].encode())
    assert [each.value for each in got.subject] == ["mallory"]
    assert not got.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


# ── the end ───────────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_revoked_is_out_within_seconds(siege: Siege):
    oscar = siege.enrol_player("oscar")
    work = oscar.gets_work()
    with httpx.Client(timeout=PATIENCE) as web:
        assert web.get(work.url).status_code == 200
        began = time.monotonic()
        siege.desk.revoke("oscar", why="means harm")
        siege.until(lambda: not oscar.is_there)
        assert time.monotonic() - began < PATIENCE
        assert web.get(work.url).status_code == 404
    assert siege.desk.attempt(work.attempt).state is State.SUSPECT
    with pytest.raises(Refused):
        oscar.come()
    with pytest.raises(EnrolmentRefusedError, match="taken back"):
        renew(oscar.identity)
    assert not next(view for view in siege.desk.agents() if view.name == "oscar").online
