"""What firmware says when nobody filled it in. One function for agent and hub: every path that takes a serial number or
an address asks it, trimmed and case-folded, so that no path skips it or spells it otherwise."""

import re

from densach_wire.factors import normal_uuid

_WORDS = frozenset({
    "", "none", "[empty]", "n/a", "na", "n.a.", "null", "nil", "unknown", "unspecified", "undefined", "invalid", "empty",
    "not available", "not specified", "not applicable", "not provided", "not set", "not settable", "no serial number",
    "no asset information", "no asset tag", "no enclosure", "no uuid available", "no_uuid_available", "none provided",
    "to be filled by o.e.m.", "to be filled by o.e.m", "to be filled by oem", "tobefilledbyo.e.m.", "o.e.m.", "oem",
    "default string", "default", "defaultstring", "default_string", "system manufacturer", "system product name",
    "system version", "system serial number", "system uuid", "sys-1234567890", "chassis manufacturer",
    "chassis serial number", "chassis version", "base board serial number", "board serial number",
    "baseboard serial number", "serial number", "serial", "serialnumber", "base board product", "asset tag",
    "asset-1234567890", "atn12345678901234567", "type1productconfigid", "type1serial", "type2 - board serial number",
    "type2boardserialnumber", "type3serial", "mb-1234567890", "bss-0123456789", "ssn12345678901234567", "x.x",
    "123456", "12345", "0123456789", "1234567890", "123456789", "12345678", "1234567", "01234567", "012345678",
    "123456789012345678", "12345678901234567890", "01234567890123456789", "0123456789abcdef", "1234567890abcdef",
    "abcdefghijklm", "9876543210", "eval", "sample", "test", "fill by oem", "filled by oem", "notapplicable", "chassis",
    "virtual", "vmware", "pad_serial", "empty slot", "qemu harddisk", "to be defined", "tbd", "reserved", "standard",
    "03000200040005000006000700080009", "00020003000400050006000700080009",
})  # fmt: skip
_UUIDS = frozenset({
    "03000200-0400-0500-0006-000700080009",  # found on 689 schools
    "00020003-0004-0005-0006-000700080009",  # the same with its bytes in the other order
    "12345678-1234-5678-90ab-cddeefaabbcc", "12345678-1234-1234-1234-123456789012", "12345678-1234-1234-1234-123456789abc",
    "12345678-1234-5678-1234-567812345678", "fefefefe-fefe-fefe-fefe-fefefefefefe", "00000000-0000-0000-0000-000000000001",
    "4c4c4544-0000-2010-8020-80c04f202020",  # a maker's pattern with no service tag in it
    "00000000-0000-0000-0000-ac1f6bd0485a", "11111111-2222-3333-4444-555555555555", "01234567-8901-2345-6789-012345678901",
    "01234567-89ab-cdef-0123-456789abcdef", "00112233-4455-6677-8899-aabbccddeeff", "ffffffff-ffff-ffff-ffff-fffffffffffe",
    "deadbeef-dead-beef-dead-beefdeadbeef",
})  # fmt: skip
_TEMPLATES = re.compile(r"(<.*>|(sernum|manufacturer|partnum|assettagnum)\d*|0x0+|qm0000\d|drive\W?serial\W?number)\Z")
"""Empty templates of firmware, and the names an emulator gives to every machine's disks."""
_ONE_CHARACTER = re.compile(r"(.)\1*\Z")
_MACS = frozenset({
    "02:00:00:00:00:00", "00:11:22:33:44:55", "12:34:56:78:9a:bc", "01:23:45:67:89:ab", "de:ad:be:ef:00:00",
    "00:00:00:00:00:01", "00:0c:29:00:00:00", "00:50:56:c0:00:01", "00:50:56:c0:00:08",  # host side of a hypervisor
    "0a:00:27:00:00:00", "02:80:37:ec:02:00", "00:05:9a:3c:78:00", "00:05:9a:3c:7a:00",  # modems and tunnels, one for all
    "00:a0:c6:00:00:00", "58:2c:80:13:92:63", "00:15:83:3d:0a:57", "00:1b:10:00:2a:ec",  # Bluetooth dongles among them
})  # fmt: skip
_MAC_STARTS = ("00:e0:4c:36:00:", "00:e0:4c:68:00:", "88:88:88:88:87:88", "02:50:41:00:00:", "20:41:53:59:4e:")
"""Defaults of makers of cheap network chips, found on thousands of boards, and of dial-up adapters."""


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
    if "o.e.m" in folded or "to be filled" in folded or normal_uuid(folded) in _NORMAL:
        return True
    address = folded.replace("-", ":")
    return address in _MACS or address.startswith(_MAC_STARTS)


def samples() -> frozenset[str]:
    """The values known by name, for whoever has only digests to compare: they cannot be matched by a pattern. Those of one
    repeated character are among them in the usual lengths."""
    repeated = {mark * n for mark in "0fx1" for n in range(1, 33)}
    return frozenset(_WORDS | _UUIDS | _MACS | repeated | {_dashed(mark * 32) for mark in "0f1"} | {"00:00:00:00:00:00"})


def kept(value: str | None) -> str | None:
    """The value, or None if it is junk."""
    return None if is_junk(value) else value


def kept_name(value: str | None) -> str | None:
    """As `kept`, of names: those may be as short as "HP", and many things share them rightly."""
    folded = " ".join((value or "").split()).casefold()
    if not any(letter.isalnum() for letter in folded) or folded in _WORDS or _TEMPLATES.match(folded) or "o.e.m" in folded:
        return None
    return value


def _dashed(plain: str) -> str:
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))


_NORMAL = frozenset(normal_uuid(value) for value in _UUIDS)
