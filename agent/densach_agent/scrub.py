"""What names one machine, taken out of a recording: serial numbers, addresses, names, the labels and numbers of file
systems. Each is replaced by the same stand-in everywhere, of the same length and kind, so that what agreed still agrees.
"""

import hashlib
import re
from collections.abc import Iterable

from densach_agent.collectors.filesystems import LOCAL
from densach_agent.junk import is_junk

_TELLING_FILES = re.compile(r"(serial|_uuid|asset_tag|address|machine-id|hostname|vpd_pg80|wwid|eui|nguid|/cid\Z|dm/uuid)")
_TOLD = (
    re.compile(r"Serial [Nn]umber: +(\S.{3,})"),
    re.compile(r"(?:LU WWN Device Id|Logical Unit id|IEEE EUI-64): +(\S.{3,})"),
    re.compile(r'"(?:serial_number|logical_unit_id)":\s*"([^"]{4,})"'),
    re.compile(r"^E:(?:ID_SERIAL_SHORT|ID_WWN|ID_WWN_WITH_EXTENSION|ID_FS_UUID|ID_PART_TABLE_UUID|ID_PART_ENTRY_UUID)=(\S{4,})",
               re.MULTILINE),
    re.compile(r"^Serial\s*: (\S{4,})$", re.MULTILINE),
    re.compile(r"^(?:device|ups|battery)\.serial(?:\.number)?: (.{4,})$", re.MULTILINE),
    re.compile(r"(?:[?&]serial=|;SN:)([^&;\s\"]{4,})"),
)  # fmt: skip
_MAPPED = re.compile(r"(?:CRYPT-[A-Z0-9]+-|LVM-|DMRAID-|mpath-)")
"""What a device of device mapper is, before the part that is this machine's own."""
_SIGN_IN = re.compile(r"(?<=://)[^/\s@]+@")
"""A user and password in an address."""
_LABELS = re.compile(r"^(E:ID_(?:SERIAL|SERIAL_SHORT|FS_LABEL|FS_LABEL_ENC|PART_ENTRY_NAME)=)(.+)$", re.MULTILINE)
_NUMBERS = re.compile(r'("(?:id|ext_id)":\s*)(\d{6,})')
"""The unique half of a world-wide name, as smartctl gives it."""
_INTERFACE_ID = re.compile(r"^(?!0{16})([0-9a-f]{16})([0-9a-f]{16})(?= )", re.MULTILINE)
"""An address of version 6 holds the card's hardware address in its second half."""
_PLUGGED_IN = re.compile(r"/(media|run/media|mnt)/")
_SERIAL_TEXT = 0xFF


def private_words(files: Iterable[tuple[str, str | None]], texts: Iterable[str]) -> set[str]:
    """`files`: (path, first line) of what was read; `texts`: everything that was read or said, whole."""
    words = {value for path, value in files if value is not None and len(value) >= 4 and _TELLING_FILES.search(path)}
    for text in texts:
        for told in _TOLD:
            words |= {found.strip() for found in told.findall(text)}
    words = {_MAPPED.sub("", word, count=1) if _MAPPED.match(word) else word for word in words}
    words |= {word.replace("-", "") for word in words if len(word) == 36}
    return {word for word in words if not is_junk(word)}


def scrubbed(path: str, text: str, words: Iterable[str]) -> str:
    if path.endswith("/mountinfo"):
        text = "".join(line for line in text.splitlines(keepends=True) if _is_own(line))
    if path.endswith("/if_inet6"):
        text = _INTERFACE_ID.sub(lambda found: found[1] + stand_in(found[2]), text)
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, stand_in(word))
    text = _SIGN_IN.sub("", text)
    text = _LABELS.sub(lambda found: found[1] + stand_in(found[2]), text)
    return _NUMBERS.sub(lambda found: found[1] + "1" + stand_in(found[2])[1:], text)


def scrubbed_edid(raw: bytes) -> bytes:
    """Of a monitor: other serial numbers, and the checksum right if it was. Extensions are left out."""
    edid = bytearray(raw[:128])
    if len(edid) < 128:
        return bytes(edid)
    was_right = sum(edid) % 256 == 0
    number = bytes(edid[12:16])
    if len(set(number)) > 1 and any(number[1:]):  # 0, 1 and 0x01010101 are nobody's
        edid[12:16] = hashlib.sha256(b"densach:" + number).digest()[:4]
    for at in (54, 72, 90, 108):
        if edid[at : at + 3] == b"\0\0\0" and edid[at + 3] == _SERIAL_TEXT:
            told = bytes(edid[at + 5 : at + 18]).decode("cp437")
            edid[at + 5 : at + 18] = stand_in(told).encode("cp437")
    edid[126] = 0
    edid[127] = (-sum(edid[:127]) + (0 if was_right else 1)) % 256
    return bytes(edid)


def stand_in(word: str) -> str:
    """Same length, same punctuation, same kind of characters: digits for digits, letters for letters."""
    noise = hashlib.sha256(b"densach:" + word.encode()).digest() * (len(word) // 32 + 1)
    is_hex = re.fullmatch(r"(?:0x)?[0-9a-fA-F:.-]+", word) is not None
    made = []
    for place, (character, byte) in enumerate(zip(word, noise, strict=False)):
        if is_hex and place < 2 and word.startswith("0x"):
            made.append(character)
        elif character.isdigit():
            made.append(str(byte % 10))
        elif character.isalpha():
            letter = chr(97 + byte % (6 if is_hex else 26))
            made.append(letter.upper() if character.isupper() else letter)
        else:
            made.append(character)
    return "".join(made)


def _is_own(line: str) -> bool:
    """A line of mountinfo about this machine's disks: shares and sticks tell of people."""
    left, _, right = line.partition(" - ")
    return right.split(" ")[0] in LOCAL and not _PLUGGED_IN.match((left.split() + [""] * 5)[4])
