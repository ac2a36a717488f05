"""Values that firmware makers put where a serial number should be. The one place that knows them.

From the field: `03000200-0400-0500-0006-000700080009` was found on the machines of 689 schools; "To be filled by O.E.M."
on whole labs. Fingerprints travel as digests, so the list is kept as digests, for each kind of factor.
"""

from collections.abc import Mapping

from densach_wire.factors import factor_digest
from densach_wire.messages import Factor

SHARED_BY_MANY = 3
"""A value seen on so many machines says nothing about any of them."""

_WORDS = (
    "", "0", "00", "000", "0000", "00000", "000000", "0000000", "00000000", "none", "n/a", "na", "null", "unknown",
    "default", "default string", "to be filled by o.e.m.", "to be filled by o.e.m", "o.e.m.", "oem", "empty",
    "system serial number", "base board serial number", "chassis serial number", "serial number", "serial",
    "not specified", "not available", "not applicable", "no asset tag", "asset-1234567890", "0123456789", "1234567890",
    "123456789", "12345678", "invalid", "x.x", "xxxxxxx", "type1serial", "no_uuid_available", "mb-1234567890",
    "ffffffff", "00020003000400050006000700080009", "03000200040005000006000700080009", "qemu harddisk", "vmware",
)  # fmt: skip
_UUIDS = (
    "03000200-0400-0500-0006-000700080009", "00020003-0004-0005-0006-000700080009",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "fefefefe-fefe-fefe-fefe-fefefefefefe", "12345678-1234-5678-90ab-cddeefaabbcc",
    "12345678-1234-1234-1234-123456789012", "00000000-0000-0000-0000-000000000001",
    "4c4c4544-0000-2010-8020-80c04f202020",
)  # fmt: skip
_MACS = ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "02:00:00:00:00:00", "00:11:22:33:44:55", "12:34:56:78:9a:bc")
_KINDS = ("board", "chassis", "product", "product-uuid", "disk", "mac", "tpm", "machine-id")
_DIGESTS = frozenset(factor_digest(kind, value) for kind in _KINDS for value in (*_WORDS, *_UUIDS, *_MACS))
_PLAIN = frozenset((*_WORDS, *_UUIDS, *_MACS))


def is_junk(factor: Factor, machines: Mapping[str, int]) -> bool:
    """Whether a factor says nothing. `machines`: digest → on how many *other* machines it was seen."""
    return factor.digest in _DIGESTS or machines.get(factor.digest, 0) >= SHARED_BY_MANY - 1


def is_junk_serial(value: object) -> bool:
    """The same question for a serial number as inventory items carry it, in clear."""
    if not isinstance(value, str):
        return value is None
    folded = " ".join(value.split()).casefold()
    return folded in _PLAIN or len(set(folded.replace("-", "").replace(":", ""))) <= 1
