"""Monitors, by the EDID each of them sends (VESA E-EDID 1.4): maker, model, serial, size, date.

Known traps: a serial number that is one for all (0, 1, 0x01010101); Acer's, of which half is text and half a number; a
size in the detailed timing that is an aspect ratio or another monitor's (then the one in centimetres stands); projectors,
whose picture has no size. What does not add up (checksum) is not believed at all: only that something is connected.
"""

import math

from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept, kept_name
from densach_agent.machine import Machine, NoData, clean
from densach_wire.messages import Item

_HEADER = b"\x00\xff\xff\xff\xff\xff\xff\x00"
_DRM = "sys/class/drm"
_MAKERS = {
    "ACI": "ASUS",
    "ACR": "Acer",
    "AIC": "AG Neovo",
    "AMT": "AMT",
    "AOC": "AOC",
    "APP": "Apple",
    "AUO": "AU Optronics",
    "AUS": "ASUS",
    "BNQ": "BenQ",
    "BOE": "BOE",
    "CMN": "Innolux",
    "CMO": "Chi Mei",
    "CPQ": "Compaq",
    "CPT": "CPT",
    "CSO": "CSOT",
    "CTX": "CTX",
    "DEL": "Dell",
    "EIZ": "EIZO",
    "ELO": "Elo",
    "ENC": "EIZO",
    "EPI": "Envision",
    "FUS": "Fujitsu",
    "GBT": "Gigabyte",
    "GSM": "LG",
    "GWY": "Gateway",
    "HAR": "Haier",
    "HEC": "Hisense",
    "HIT": "Hitachi",
    "HKC": "HKC",
    "HPC": "HP",
    "HPN": "HP",
    "HPQ": "HP",
    "HSD": "HannStar",
    "HSP": "HannStar",
    "HWP": "HP",
    "IBM": "IBM",
    "INL": "Innolux",
    "IVM": "iiyama",
    "IVO": "InfoVision",
    "KDC": "Kodi",
    "LEN": "Lenovo",
    "LGD": "LG Display",
    "LGP": "LG Philips",
    "LPL": "LG Philips",
    "MAX": "Belinea",
    "MED": "Medion",
    "MEI": "Panasonic",
    "MEL": "Mitsubishi",
    "MSI": "MSI",
    "NEC": "NEC",
    "OPT": "Optoma",
    "PHL": "Philips",
    "PNS": "Panasonic",
    "QDS": "Quanta",
    "SAM": "Samsung",
    "SDC": "Samsung Display",
    "SEC": "Samsung",
    "SEK": "Seiko",
    "SHP": "Sharp",
    "SNY": "Sony",
    "STN": "Samtron",
    "SZM": "Mitac",
    "TCL": "TCL",
    "TOS": "Toshiba",
    "TPV": "TPV",
    "TSB": "Toshiba",
    "VIZ": "Vizio",
    "VSC": "ViewSonic",
    "XMI": "Xiaomi",
    "ZCM": "Zenith",
}  # fmt: skip - the makers of what stands in schools, of the PNP id registry
_SAME_FOR_ALL = frozenset({0, 1, 0x01010101, 0xFFFFFFFF, 0x10000000, 0x20202020})
_RATIOS = frozenset({(16, 9), (16, 10), (4, 3), (5, 4), (160, 90), (160, 100), (1600, 900)})
_BUILT_IN = ("eDP", "LVDS", "DSI")


def collect(machine: Machine) -> list[Item]:
    found: list[Item] = []
    taken: set[str] = set()
    for name in machine.names(_DRM):
        if not name.startswith("card") or "-" not in name:
            continue
        edid = machine.raw(f"{_DRM}/{name}/edid", 512)
        if edid or machine.open_text(f"{_DRM}/{name}/status") == "connected":
            port = name.partition("-")[2]
            # Two graphics cards may both have a port of this name.
            found.append(parse(name if port in taken else port, edid or b""))
            taken.add(port)
    if not found:
        raise NoData
    return found


def parse(port: str, edid: bytes) -> Item:
    """An item for a port; with nothing but the port if the EDID is missing or damaged."""
    built_in = True if any(name in port for name in _BUILT_IN) else None
    if len(edid) < 128 or edid[:8] != _HEADER or sum(edid[:128]) % 256:
        return item("display", port, damaged_edid=bool(edid) or None, built_in=built_in)
    word = int.from_bytes(edid[8:10], "big")
    letters = "".join(chr(64 + (word >> shift & 31)) for shift in (10, 5, 0))
    number = int.from_bytes(edid[12:16], "little")
    texts = {edid[at + 3]: _text(edid[at + 5 : at + 18]) for at in (54, 72, 90, 108) if edid[at : at + 3] == b"\0\0\0"}
    timed = edid[54:56] != b"\0\0"
    width_mm, height_mm = _size(edid)
    # Week 255: the year is the model's, not that of its making; 0: no week is told.
    year, week = edid[17] + 1990 if edid[17] else None, edid[16] if 0 < edid[16] <= 54 else None
    text = kept(texts.get(0xFF))
    told = None if number in _SAME_FOR_ALL else number
    return item(
        "display",
        port,
        maker=_MAKERS.get(letters, letters),
        model=kept_name(texts.get(0xFC)) or f"{letters}{int.from_bytes(edid[10:12], 'little'):04X}",
        serial=_serial(letters, text, told),
        serial_number=told,
        id=f"{letters}{int.from_bytes(edid[10:12], 'little'):04X}",
        width_mm=width_mm,
        height_mm=height_mm,
        size_inches=round(math.hypot(width_mm, height_mm) / 25.4, 1) if width_mm and height_mm else None,
        width_px=(edid[56] + (edid[58] >> 4 << 8) or None) if timed else None,
        height_px=(edid[59] + (edid[61] >> 4 << 8) or None) if timed else None,
        year=year,
        week=week if year else None,
        built_in=built_in,
        analog=None if edid[20] & 0x80 else True,
    )


def _serial(letters: str, text: str | None, number: int | None) -> str | None:
    """As it stands on the monitor's back. Acer prints eight characters of the text, the number in hexadecimal, four more
    of the text: the text alone is the same for many."""
    if letters == "ACR" and text is not None and len(text) == 12 and number is not None:
        return f"{text[:8]}{number:08x}{text[8:]}".upper()
    return text or (kept(str(number)) if number is not None else None)


def _size(edid: bytes) -> tuple[int | None, int | None]:
    """Millimetres: those of the detailed timing, if they agree with the centimetres of the header or are sensible alone."""
    rough = (edid[21], edid[22])
    exact = (edid[66] + (edid[68] >> 4 << 8), edid[67] + ((edid[68] & 15) << 8)) if edid[54:56] != b"\0\0" else (0, 0)
    if not all(rough) or rough in _RATIOS:  # nought: a projector; one nought: a ratio
        return exact if all(rough) and min(exact) >= 100 and exact not in _RATIOS else (None, None)
    if all(abs(mm - 10 * cm) <= 50 for mm, cm in zip(exact, rough, strict=True)) and exact not in _RATIOS:
        return exact
    return rough[0] * 10, rough[1] * 10


def _text(raw: bytes) -> str:
    return clean(raw.split(b"\n")[0].decode("cp437", "replace"))


COLLECTOR = Collector("display", 2, collect)
