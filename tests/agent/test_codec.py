"""Bytes of any kind: decoding ends soon, in a value or in an error with a stable code; one bad record spoils no batch."""

import json
import tracemalloc
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densach_wire.codec import (
    MAX_PLAIN,
    Decoded,
    decode,
    decode_batch,
    decode_presence,
    encode,
    encode_batch,
    section_digest,
)
from densach_wire.errors import WireError
from densach_wire.messages import (
    Ack,
    Batch,
    Event,
    EventRecord,
    Gap,
    GapRecord,
    Health,
    HealthRecord,
    InventoryRecord,
    InventorySection,
    Item,
    Moment,
    Presence,
    UsageRecord,
    UsageSlice,
    wall_to_ms,
)


def letter(*records: object, **changes: object) -> bytes:
    whole = {"v": 1, "dev": "d1", "stream": "s1", "boot": "b1", "sent": {"wall": 1.5, "up": 9}, "recs": list(records)}
    return json.dumps({**whole, **changes}).encode()


def record(seq: object = 1, kind: object = "event", **changes: object) -> dict[str, object]:
    return {"seq": seq, "wall": 1.0, "up": 1, "k": kind, "d": {"kind": "boot"}, **changes}


def whole_batch() -> Batch:
    return Batch(
        dev="d1",
        stream="s1",
        boot="b1",
        sent=Moment(100.5, 1_795_500_000.25),
        recs=(
            InventoryRecord(seq=1, up=1, wall=2, d=InventorySection("memory", (Item("memory", "DIMM 0", {"mb": 4096}),))),
            UsageRecord(seq=2, up=1, d=UsageSlice(session="1", start=Moment(1), end=Moment(3), active_ms=1000, idle_ms=1000)),
            HealthRecord(seq=3, up=1, d=Health(cpu_pct=3.5, temps={"cpu": 51.5})),
            GapRecord(seq=9, up=1, d=Gap(4, 9, "size", {"health": 6})),
            EventRecord(seq=10, up=1, d=Event("clock-jump", {"by_ms": -3000})),
        ),
    )


@pytest.mark.parametrize("compress", [True, False])
def test_a_batch_comes_back_as_it_went(compress: bool) -> None:
    batch = whole_batch()
    decoded = decode_batch(encode_batch(batch, compress=compress))
    assert decoded.records == batch.recs
    assert decoded.bad == ()
    assert decoded.envelope.sent.wall_ms == 1_795_500_000_250
    assert b'"from":4' in encode_batch(batch, compress=False)


def test_unknown_fields_are_ignored_everywhere() -> None:
    decoded = decode_batch(letter({**record(), "new": [1, {"a": 2}]}, more={"x": 1}))
    assert len(decoded.records) == 1


BOMB = zlib.compress(b" " * (1024**3 // 8), 9)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "wire.not-json"),
        (b"hello", "wire.not-json"),
        (b"\x00\x01", "wire.not-json"),
        (b"{", "wire.not-json"),
        (b'{"v":1', "wire.not-json"),
        (b'{"v":1,"dev":"\xff\xfe"}', "wire.not-json"),
        (b"{" + b" " * 300_000 + b"}", "wire.too-large"),
        (b"x" * 10_000_000, "wire.too-large"),
        (b"x\x9c", "wire.bad-zlib"),
        (b"x\x9c" + b"\xff" * 100, "wire.bad-zlib"),
        (zlib.compress(letter(record()))[:-3], "wire.bad-zlib"),
        (zlib.compress(letter(record())) + b"more", "wire.bad-zlib"),
        (zlib.compress(b"not json at all"), "wire.not-json"),
        (BOMB, "wire.too-large"),
        (b"{}", "wire.bad-shape"),
        (letter(recs={}), "wire.bad-shape"),
        (letter(dev=7), "wire.bad-shape"),
        (letter(sent=None), "wire.bad-shape"),
        (letter(stream="x" * 100), "wire.bad-shape"),
        (letter(v=2), "wire.version"),
        (letter(*[1] * 6000), "wire.too-large"),
    ],
)
def test_a_batch_that_cannot_be_used_says_why(payload: bytes, code: str) -> None:
    with pytest.raises(WireError) as caught:
        decode_batch(payload)
    assert caught.value.code == code


def test_a_bomb_costs_no_memory() -> None:
    assert len(BOMB) < 256 * 1024
    tracemalloc.start()
    with pytest.raises(WireError):
        decode_batch(BOMB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MAX_PLAIN


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (record(2, "dance"), "wire.unknown-kind"),
        (record(2, d={"kind": 5}), "wire.bad-shape"),
        (record(2, d=None), "wire.bad-shape"),
        (record(2, up="long"), "wire.bad-shape"),
        (record(2, up=-1), "wire.bad-shape"),
        (record("two"), "wire.bad-shape"),
        (record(2.5), "wire.bad-shape"),
        (record(None), "wire.bad-shape"),
        (record(2, "usage", d={"session": "1"}), "wire.bad-shape"),
        (record(2, "gap", d={"from": 2, "to": 0}), "wire.bad-shape"),
        (record(2, "inventory", d={"section": "x", "items": [{"cls": "a"}]}), "wire.bad-shape"),
        ("text", "wire.bad-shape"),
        (None, "wire.bad-shape"),
        ([], "wire.bad-shape"),
    ],
)
def test_one_bad_record_is_set_apart_alone(bad: object, code: str) -> None:
    decoded = decode_batch(letter(record(1), bad, record(3)))
    assert [one.seq for one in decoded.records] == [1, 3]
    assert [(one.seq, one.code) for one in decoded.bad] == [(2, code)]
    assert json.loads(decoded.bad[0].raw) == bad


def outcome(payload: bytes) -> Decoded | str:
    """What was decoded, or the code of the error; any other exception fails the test."""
    try:
        return decode_batch(payload)
    except WireError as error:
        return error.code


def test_deeply_nested_records_end_as_an_error() -> None:
    payload = letter(record(1), "HERE", record(3)).replace(b'"HERE"', b"[" * 50_000 + b"]" * 50_000)
    found = outcome(payload)
    assert found == "wire.too-deep" or (isinstance(found, Decoded) and len(found.bad) == 1)


@given(st.binary(max_size=400))
def test_any_bytes(payload: bytes) -> None:
    for candidate in (payload, b"{" + payload, b"x\x9c" + payload, zlib.compress(payload)):
        found = outcome(candidate)
        assert isinstance(found, Decoded) or found.startswith("wire.")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_RECORD = st.builds(record, st.integers(1, 50), st.sampled_from(["event", "usage", "gap"]), d=_JSON)


@given(st.lists(st.one_of(_JSON, _RECORD)))
def test_any_json_as_records_is_taken_or_set_apart(records: list[object]) -> None:
    found = outcome(letter(*records))
    if isinstance(found, Decoded):
        assert len(found.records) + len(found.bad) == len(records)
    else:
        assert found == "wire.not-json"  # NaN is Python's, not JSON's


def test_small_messages_have_limits_too() -> None:
    ack = Ack("s1", 5, 1.5, ("memory", 17, "*"))
    again = decode(encode(ack), Ack)
    assert again == ack
    assert (again.sections, again.resend_from) == (("memory", "*"), 17)
    for payload in (b"[]", b"{}", b"\xff", b"x" * 70_000, b""):
        with pytest.raises(WireError):
            decode(payload, Ack)


def test_presence_is_a_bare_word() -> None:
    assert decode_presence(b"online") is Presence.ONLINE
    for payload in (b"", b'"online"', b"\xff", b"on", b"online" * 100):
        with pytest.raises(WireError):
            decode_presence(payload)


def test_a_digest_does_not_depend_on_order() -> None:
    one, two = Item("a", "1", {"x": 1, "y": 2}), Item("a", "2", {})
    assert section_digest((one, two)) == section_digest((two, Item("a", "1", {"y": 2, "x": 1})))
    assert section_digest((one,)) != section_digest((one, two))


@pytest.mark.parametrize(("wall", "ms"), [(None, None), (0.0, 0), (1.5, 1500), (-1.0, None), (1e300, None), (float("inf"), None)])
def test_clocks_that_cannot_be_are_none(wall: float | None, ms: int | None) -> None:
    assert wall_to_ms(wall) == ms


def test_the_version_is_always_said() -> None:
    assert msgspec.json.decode(encode_batch(whole_batch(), compress=False))["v"] == 1
