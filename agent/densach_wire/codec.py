"""Bytes to messages and back, with limits: whatever arrives, decoding ends soon, in little memory, in a value or a
WireError. One bad record never spoils its batch."""

import hashlib
import zlib
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from densach_wire.errors import BadShape, NotJson, TooLarge, WireError
from densach_wire.messages import VERSION, Batch, Envelope, Item, Presence, Record, digest_bytes

MAX_PAYLOAD = 256 * 1024
"""Bytes of one MQTT payload; the broker's `max_packet_size` is a little above."""
MAX_PLAIN = 4 * 1024 * 1024
"""Bytes of a batch after inflating."""
MAX_RECORDS = 5_000
MAX_MESSAGE = 64 * 1024
"""Bytes of any message that is not a batch."""

_ZLIB_FIRST_BYTE = 0x78
_PLAIN_FIRST_BYTES = b"{ \t\r\n"
T = TypeVar("T")


class BadRecord(Struct, frozen=True):
    """A record that does not fit, for the quarantine. It counts as received, so `seq` matters: read from the record
    where it can be, else from its neighbours; None only when a batch has no readable sequence at all."""

    seq: int | None
    code: str
    detail: str
    raw: bytes


class Decoded(Struct, frozen=True):
    envelope: Envelope
    records: tuple[Record, ...]
    """In the order of the batch."""
    bad: tuple[BadRecord, ...] = ()


class _RawBatch(Envelope, frozen=True, kw_only=True):
    recs: list[msgspec.Raw]


class _SeqOnly(Struct, frozen=True):
    seq: int


_batch = msgspec.json.Decoder(Batch)
_raw_batch = msgspec.json.Decoder(_RawBatch)
_record = msgspec.json.Decoder(Record)
_seq_only = msgspec.json.Decoder(_SeqOnly)
_encoder = msgspec.json.Encoder()


def encode(message: Struct) -> bytes:
    """Any message but a batch, as UTF-8 JSON."""
    return _encoder.encode(message)


def decode(payload: bytes, kind: type[T], *, max_bytes: int = MAX_MESSAGE) -> T:
    """Any message but a batch. Raises TooLarge, NotJson, BadShape."""
    if len(payload) > max_bytes:
        raise TooLarge(f"{len(payload)} bytes, at most {max_bytes}")
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _translate(error) from None


def encode_batch(batch: Batch, *, compress: bool = True) -> bytes:
    """JSON, compressed with zlib where that is shorter (batches of one small record often are not)."""
    return pack(_encoder.encode(batch), compress=compress)


def pack(plain: bytes, *, compress: bool = True) -> bytes:
    """The payload for a batch that is JSON already."""
    if not compress:
        return plain
    packed = zlib.compress(plain, 6)
    return packed if len(packed) < len(plain) else plain


def decode_batch(
    payload: bytes, *, max_payload: int = MAX_PAYLOAD, max_plain: int = MAX_PLAIN, max_records: int = MAX_RECORDS
) -> Decoded:
    """A whole batch that cannot be used raises TooLarge, NotJson or BadShape; single records end in `bad`."""
    plain = unpack(payload, max_payload=max_payload, max_plain=max_plain)
    try:
        whole = _batch.decode(plain)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _one_by_one(plain, max_records)  # slower, and says what is wrong
    _check(whole, len(whole.recs), max_records)
    return Decoded(_envelope(whole), whole.recs)


def unpack(payload: bytes, *, max_payload: int = MAX_PAYLOAD, max_plain: int = MAX_PLAIN) -> bytes:
    """The JSON of a payload, told apart by the first byte. Inflates at most `max_plain` bytes and stops."""
    if len(payload) > max_payload:
        raise TooLarge(f"{len(payload)} bytes, at most {max_payload}")
    if not payload:
        raise NotJson("empty")
    if payload[0] in _PLAIN_FIRST_BYTES:
        return payload  # max_payload is the tighter limit
    if payload[0] != _ZLIB_FIRST_BYTE:
        raise NotJson(f"begins with byte {payload[0]:#04x}: neither JSON nor zlib")
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(payload, max_plain + 1)
    except zlib.error as error:
        raise NotJson(f"zlib: {error}", code="wire.bad-zlib") from None
    if len(plain) > max_plain:
        raise TooLarge(f"inflates to more than {max_plain} bytes")
    if not inflater.eof or inflater.unused_data:
        raise NotJson("zlib: cut short, or something follows it", code="wire.bad-zlib")
    return plain


def decode_presence(payload: bytes) -> Presence:
    """The bare word. Raises BadShape."""
    try:
        return Presence(payload[:32].decode("ascii").strip())
    except ValueError:
        raise BadShape(f"not a presence: {payload[:32]!r}") from None


def section_digest(items: tuple[Item, ...]) -> str:
    """32 hex digits that change exactly when the items do, whatever their order."""
    return hashlib.sha256(digest_bytes(items)).hexdigest()[:32]


def _one_by_one(plain: bytes, max_records: int) -> Decoded:
    try:
        raw = _raw_batch.decode(plain)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _translate(error) from None
    _check(raw, len(raw.recs), max_records)
    records: list[Record] = []
    bad: list[tuple[int, BadRecord]] = []
    seqs: list[int | None] = []
    for place, item in enumerate(raw.recs):
        try:
            record: Record = _record.decode(item)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            problem = _translate(error)
            seqs.append(_read_seq(item))
            bad.append((place, BadRecord(seqs[-1], problem.code, problem.detail, bytes(item))))
        else:
            records.append(record)
            seqs.append(record.seq)
    placed = (msgspec.structs.replace(record, seq=_placed(seqs, place)) for place, record in bad)
    return Decoded(_envelope(raw), tuple(records), tuple(placed))


def _placed(seqs: list[int | None], place: int) -> int | None:
    """The sequence at a place, else counted on from the nearest readable neighbour before or after it."""
    for step in range(len(seqs)):
        for near in (place - step, place + step):
            if 0 <= near < len(seqs) and (seq := seqs[near]) is not None:
                found = seq + place - near
                return found if found > 0 else None
    return None


def _read_seq(item: msgspec.Raw) -> int | None:
    try:
        seq = _seq_only.decode(item).seq
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return seq if 0 < seq < 2**53 else None


def _check(envelope: Envelope, count: int, max_records: int) -> None:
    if envelope.v != VERSION:
        raise BadShape(f"contract version {envelope.v}, this is {VERSION}", code="wire.version")
    if count > max_records:
        raise TooLarge(f"{count} records, at most {max_records}")


def _envelope(batch: Envelope) -> Envelope:
    return Envelope(v=batch.v, dev=batch.dev, stream=batch.stream, boot=batch.boot, sent=batch.sent)


def _translate(error: Exception) -> WireError:
    if isinstance(error, msgspec.ValidationError):
        text = str(error)
        return BadShape(text, code="wire.unknown-kind" if text.startswith("Invalid value") and "$.k" in text else None)
    if isinstance(error, RecursionError):
        return BadShape("nested too deeply", code="wire.too-deep")
    return NotJson(str(error))


def schema_components(kinds: tuple[Any, ...]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """JSON Schemas of message types, for the generator and for OpenAPI."""
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    return list(schemas), components
