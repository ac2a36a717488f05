"""Monitors, by the EDID each of them sends (VESA E-EDID 1.4): maker, model, serial, size, year."""

from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept
from densach_agent.machine import Machine, NoData, clean
from densach_wire.messages import Item

_HEADER = b"\x00\xff\xff\xff\xff\xff\xff\x00"
_MAKERS = {
    "ACR": "Acer", "AOC": "AOC", "AUO": "AU Optronics", "AUS": "ASUS", "BNQ": "BenQ", "BOE": "BOE", "CMN": "Innolux",
    "DEL": "Dell", "EIZ": "EIZO", "ENC": "EIZO", "GSM": "LG", "HPN": "HP", "HWP": "HP", "IVM": "iiyama", "LEN": "Lenovo",
    "LGD": "LG Display", "MSI": "MSI", "NEC": "NEC", "PHL": "Philips", "SAM": "Samsung", "SDC": "Samsung Display",
    "SNY": "Sony", "VSC": "ViewSonic", "XMI": "Xiaomi",
}  # fmt: skip


def collect(machine: Machine) -> list[Item]:
    found: list[Item] = []
    ports = [name for name in machine.names("sys/class/drm") if name.startswith("card") and "-" in name]
    for port in ports:
        edid = machine.raw(f"sys/class/drm/{port}/edid", 512)
        if machine.open_text(f"sys/class/drm/{port}/status") == "connected" or edid:
            found.append(parse(port.partition("-")[2], edid or b""))
    if not found:
        raise NoData
    return found


def parse(port: str, edid: bytes) -> Item:
    """An item for a port; with nothing but the port if the EDID is missing or damaged."""
    if len(edid) < 128 or edid[:8] != _HEADER or sum(edid[:128]) % 256:
        return item("display", port, damaged_edid=bool(edid) or None)
    word = int.from_bytes(edid[8:10], "big")
    letters = "".join(chr(64 + (word >> shift & 31)) for shift in (10, 5, 0))
    number = int.from_bytes(edid[12:16], "little")
    texts = {edid[at + 3]: _text(edid[at + 5 : at + 18]) for at in (54, 72, 90, 108) if edid[at : at + 3] == b"\0\0\0"}
    width_mm = edid[66] + (edid[68] >> 4 << 8) if edid[54:56] != b"\0\0" else 0
    height_mm = edid[67] + ((edid[68] & 15) << 8) if edid[54:56] != b"\0\0" else 0
    year = edid[17] + 1990 if edid[17] else None
    return item(
        "display",
        port,
        maker=_MAKERS.get(letters, letters),
        model=texts.get(0xFC) or f"{letters}{int.from_bytes(edid[10:12], 'little'):04X}",
        serial=kept(texts.get(0xFF)) or kept(str(number)) or None,
        width_mm=width_mm or edid[21] * 10 or None,
        height_mm=height_mm or edid[22] * 10 or None,
        width_px=edid[56] + (edid[58] >> 4 << 8) or None if edid[54:56] != b"\0\0" else None,
        height_px=edid[59] + (edid[61] >> 4 << 8) or None if edid[54:56] != b"\0\0" else None,
        year=year,
    )


def _text(raw: bytes) -> str:
    return clean(raw.split(b"\n")[0].decode("cp437", "replace"))


COLLECTOR = Collector("display", 2, collect)
