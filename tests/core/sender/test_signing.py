"""The signature covers everything that was said, also members a later version adds; the key stays a secret file."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densach_core.errors import Unavailable
from densach_core.sender.signing import KEY_FILE, open_key, verify
from densach_wire.upward import Counts, Envelope, FleetSummary, canonical, digest, signed_part


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


def envelope(key_id: str, *records: bytes) -> Envelope:
    return Envelope(school="0123", key=key_id, sent_at=1, records=[msgspec.Raw(record) for record in records])


def test_a_signed_envelope_is_verified_and_any_change_is_seen(folder: Path) -> None:
    key = open_key(folder)
    sent = key.sign(envelope(key.id, b'{"b":1,"a":[1.5,null,"\xc4\x90"]}'))
    message, signature = signed_part(sent)
    assert verify(key.public, signature, message)
    assert msgspec.json.decode(message, type=Envelope).school == "0123"
    for old, new in ((b"0123", b"0124"), (b"1.5", b"1.25"), (b'"sent_at":1', b'"sent_at":2')):
        changed, same_signature = signed_part(sent.replace(old, new))
        assert not verify(key.public, same_signature, changed)
    assert not verify(key.public, "not hex", message)
    assert not verify(b"short", signature, message)


def test_members_a_newer_sender_adds_are_part_of_what_is_signed(folder: Path) -> None:
    key = open_key(folder)
    newer = msgspec.json.decode(key.sign(envelope(key.id)))
    newer["added"] = {"later": True}
    message, signature = signed_part(msgspec.json.encode(newer))
    assert b"added" in message
    assert not verify(key.public, signature, message)


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
))  # fmt: skip
def test_canonical_bytes_do_not_depend_on_order_or_on_being_read_again(value: object) -> None:
    once = canonical(value)
    assert canonical(msgspec.json.decode(once)) == once
    if isinstance(value, dict):
        assert canonical(dict(reversed(value.items()))) == once


def test_a_body_has_one_digest_however_it_came(folder: Path) -> None:
    body = FleetSummary(measured=Counts(registered=1), declared=Counts(), simulated=Counts())
    assert digest(body) == digest(msgspec.Raw(msgspec.json.encode(body)))


def test_the_key_is_made_once_kept_secret_and_never_replaced_in_silence(tmp_path: Path) -> None:
    first = open_key(tmp_path / "keys")
    path = tmp_path / "keys" / KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_key(tmp_path / "keys").id == first.id
    path.write_text("rubbish")
    with pytest.raises(Unavailable):
        open_key(tmp_path / "keys")
    assert path.read_text() == "rubbish"
