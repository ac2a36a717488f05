"""Who made a memory module: the maker's number by JEDEC (JEP106) → name. Firmware that has no name of its own writes the
number, in one of several spellings.
"""

import re

_MAKERS = {
    (1, 0x01): "AMD", (1, 0x04): "Fujitsu", (1, 0x07): "Hitachi", (1, 0x2C): "Micron", (1, 0x89): "Intel", (1, 0x98): "Toshiba",
    (1, 0xAD): "SK hynix", (1, 0xC1): "Infineon", (1, 0xCE): "Samsung", (2, 0x4F): "Transcend", (2, 0x7A): "Apacer",
    (2, 0x94): "SMART Modular", (2, 0x98): "Kingston", (2, 0xBA): "PNY", (3, 0x9E): "Corsair", (3, 0xFE): "Elpida",
    (4, 0x0B): "Nanya", (4, 0x25): "Kingmax", (5, 0x43): "Ramaxel", (5, 0xCB): "ADATA", (5, 0xCD): "G.Skill",
    (5, 0xEF): "Team Group", (6, 0x02): "Patriot", (6, 0x51): "Qimonda", (6, 0x9B): "Crucial", (11, 0x91): "CXMT",
}  # fmt: skip
_HEX = re.compile(r"(?:0x)?([0-9A-F]{4,32})\Z", re.IGNORECASE)
_BANK = re.compile(r"Bank (\d+), Hex 0x([0-9A-F]{2})\Z", re.IGNORECASE)


def is_number(text: str) -> bool:
    """Whether a maker's name is none but a number of JEDEC."""
    return _HEX.match(text) is not None and any(letter.isdigit() for letter in text)


def maker(text: str | None) -> str | None:
    """From `80AD000080AD` (count of continuation codes, with or without parity, and code), `7F7F7F25` (the codes themselves),
    `CE00000000000000`, or dmidecode's `Bank 4, Hex 0x25`. None if it is no such number, or of a maker not in the table."""
    bank = _BANK.match(text or "")
    if bank is not None:
        return _MAKERS.get((int(bank[1]), _odd(int(bank[2], 16))))
    found = _HEX.match(text or "")
    if found is None or len(found[1]) % 2:
        return None
    codes = bytes.fromhex(found[1])
    if codes[0] == 0x7F:
        rest = codes.lstrip(b"\x7f")
        return _MAKERS.get((len(codes) - len(rest) + 1, _odd(rest[0]))) if rest else None
    if codes[0] & 0x7F < 0x10 and codes[1]:
        return _MAKERS.get(((codes[0] & 0x7F) + 1, _odd(codes[1])))
    return _MAKERS.get((1, _odd(codes[0])))


def _odd(code: int) -> int:
    """With its parity bit, which some firmware drops."""
    return code if code.bit_count() % 2 else code ^ 0x80
