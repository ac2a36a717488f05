"""The packet that wakes a machine over the network (AMD "Magic Packet", white paper 20213, 1995)."""

import re

PORTS = (9, 7)
"""UDP discard and echo: nobody listens, the network card reads the bytes."""
_MAC = re.compile(r"[0-9a-f]{12}\Z")


def plain_mac(text: str) -> str | None:
    """`aa:bb:cc:dd:ee:ff` of any usual spelling; None for what is no address of one card (groups, all noughts)."""
    digits = re.sub(r"[\s:.-]", "", text.strip().lower())
    if not _MAC.match(digits) or int(digits[:2], 16) & 1 or not int(digits, 16):
        return None
    return ":".join(digits[n : n + 2] for n in range(0, 12, 2))


def magic_packet(mac: str) -> bytes:
    """Six times FF, sixteen times the address. Raises ValueError."""
    known = plain_mac(mac)
    if known is None:
        raise ValueError(f"{mac!r} is no address of a network card")
    return b"\xff" * 6 + bytes.fromhex(known.replace(":", "")) * 16
