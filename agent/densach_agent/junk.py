"""What firmware says when nobody filled it in. One function: every path that takes a serial number asks it."""

import re

_WORDS = frozenset({
    "", "none", "[empty]", "n/a", "na", "null", "unknown", "unspecified", "undefined", "invalid", "empty", "not available",
    "not specified", "not applicable", "not provided", "no asset information", "no asset tag", "no enclosure",
    "to be filled by o.e.m.", "to be filled by o.e.m", "to be filled by oem", "tobefilledbyo.e.m.", "o.e.m.", "oem",
    "default string", "default", "system manufacturer", "system product name", "system version",
    "system serial number", "sys-1234567890", "chassis manufacturer", "chassis serial number", "chassis version",
    "base board serial number", "board serial number", "serial number", "base board product", "asset tag",
    "asset-1234567890", "type1productconfigid", "type2 - board serial number", "mb-1234567890",
    "xxxxxxxxxxx", "xxxxxxxxxxxx", "123456789", "1234567890", "0123456789", "01234567890123456789",
    "0123456789abcdef", "12345678", "1234567", "123456", "12345", "no_uuid_available", "bss-0123456789",
    "ssn12345678901234567", "none provided", "fill by oem", "notapplicable", "chassis", "virtual", "pad_serial",
})  # fmt: skip
_UUIDS = frozenset({
    "03000200-0400-0500-0006-000700080009",  # found on 689 schools
    "00020003-0004-0005-0006-000700080009",  # the same with its bytes in the other order
    "12345678-1234-5678-90ab-cddeefaabbcc", "12345678-1234-1234-1234-123456789012",
    "fefefefe-fefe-fefe-fefe-fefefefefefe", "4c4c4544-0000-2010-8020-80c04f202020",
    "00000000-0000-0000-0000-ac1f6bd0485a", "11111111-2222-3333-4444-555555555555",
})  # fmt: skip
_TEMPLATES = re.compile(r"(<.*>|(sernum|manufacturer|partnum|assettagnum)\d*|0x0+)\Z")
_ONE_CHARACTER = re.compile(r"(.)\1*\Z")
_MACS = ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "00:e0:4c:36:00:", "00:e0:4c:68:00:", "88:88:88:88:87:88")
"""All-same ones, and defaults of a maker of cheap network chips, found on thousands of boards."""


def is_junk(value: str | None) -> bool:
    """True for what says nothing about *this* machine: placeholders, counting exercises, one repeated character.

    Compared trimmed and case-folded. Also true for UUIDs known to be shared and for MAC addresses of no one.
    """
    if value is None:
        return True
    folded = " ".join(value.split()).casefold()
    bare = re.sub(r"[^0-9a-z]", "", folded)
    if folded in _WORDS or len(bare) < 3 or _ONE_CHARACTER.match(bare) or _TEMPLATES.match(folded):
        return True
    return folded in _UUIDS or folded.startswith(_MACS) or "o.e.m" in folded


def kept(value: str | None) -> str | None:
    """The value, or None if it is junk."""
    return None if is_junk(value) else value
