"""EDID, right and wrong."""

import pytest

from densach_agent.collectors.display import parse
from densach_agent.scrub import scrubbed_edid


def edid(
    letters: str = "DEL", *, number: int = 0, text: str | None = None, cm: tuple[int, int] = (52, 32),
    mm: tuple[int, int] = (518, 324), name: str = "SCREEN",
) -> bytearray:  # fmt: skip
    word = 0
    for letter in letters:
        word = word << 5 | (ord(letter) - 64)
    made = bytearray(128)
    made[:8] = b"\0\xff\xff\xff\xff\xff\xff\0"
    made[8:10], made[10:12], made[12:16] = word.to_bytes(2, "big"), b"\x12\x34", number.to_bytes(4, "little")
    made[16], made[17], made[20], made[21], made[22] = 7, 30, 0x80, *cm
    made[54:56] = b"\x02\x3a"
    made[56], made[58], made[59], made[61] = 1920 & 255, 1920 >> 8 << 4, 1080 & 255, 1080 >> 8 << 4
    made[66], made[67], made[68] = mm[0] & 255, mm[1] & 255, mm[0] >> 8 << 4 | mm[1] >> 8
    for at, tag, said in ((72, 0xFC, name), (90, 0xFF, text)):
        if said is not None:
            made[at : at + 18] = b"\0\0\0" + bytes([tag]) + b"\0" + (said.encode() + b"\n" + b" " * 13)[:13]
    made[127] = -sum(made) % 256
    return made


def test_a_monitor() -> None:
    item = parse("HDMI-A-1", bytes(edid(number=74565, text="CN0X9M8")))
    assert item.attrs == {
        "maker": "Dell", "model": "SCREEN", "serial": "CN0X9M8", "serial_number": 74565, "id": "DEL3412", "width_mm": 518,
        "height_mm": 324, "size_inches": 24.1, "width_px": 1920, "height_px": 1080, "year": 2020, "week": 7,
    }  # fmt: skip


@pytest.mark.parametrize("number", [0, 1, 0x01010101, 0xFFFFFFFF])
def test_a_number_that_is_one_for_all_is_none(number: int) -> None:
    assert not {"serial", "serial_number"} & set(parse("VGA-1", bytes(edid(number=number))).attrs)


def test_acers_number_is_half_text() -> None:
    """Two monitors whose text is the same are two."""
    one = parse("VGA-1", bytes(edid("ACR", number=0x719032_8F, text="L49086694237")))
    two = parse("VGA-1", bytes(edid("ACR", number=0x719032_90, text="L49086694237")))
    assert (one.attrs["serial"], two.attrs["serial"]) == ("L49086697190328F4237", "L4908669719032904237")
    assert parse("VGA-1", bytes(edid("ACR", number=7, text="SHORT77"))).attrs["serial"] == "SHORT77"


@pytest.mark.parametrize(
    ("cm", "mm", "size"),
    [
        ((52, 32), (518, 324), (518, 324)),
        ((52, 32), (160, 90), (520, 320)),  # a ratio instead of a size
        ((52, 32), (0, 0), (520, 320)),
        ((52, 32), (310, 174), (520, 320)),  # another monitor's
        ((0, 0), (0, 0), None),  # a projector
        ((16, 9), (160, 90), None),
        ((16, 9), (708, 398), (708, 398)),
    ],
)
def test_sizes(cm: tuple[int, int], mm: tuple[int, int], size: tuple[int, int] | None) -> None:
    attrs = parse("HDMI-A-1", bytes(edid(cm=cm, mm=mm))).attrs
    assert (attrs.get("width_mm"), attrs.get("height_mm")) == (size or (None, None))
    assert ("size_inches" in attrs) == (size is not None)


def test_what_does_not_add_up_is_not_believed() -> None:
    damaged = edid(text="CN0X9M8")
    damaged[30] ^= 1
    for raw in (bytes(damaged), bytes(edid())[:100], b"\x01" + bytes(edid())[1:]):
        assert parse("VGA-1", raw).attrs == {"damaged_edid": True}
    assert parse("eDP-1", b"").attrs == {"built_in": True}


def test_scrubbing_changes_the_numbers_and_nothing_else() -> None:
    raw = bytes(edid(number=0x12345678, text="CN0X9M8"))
    before, after = parse("VGA-1", raw).attrs, parse("VGA-1", scrubbed_edid(raw)).attrs
    assert {name for name in before if before[name] != after[name]} == {"serial", "serial_number"}
    assert scrubbed_edid(raw) == scrubbed_edid(raw)
    damaged = raw[:127] + bytes([raw[127] ^ 1])
    assert parse("VGA-1", scrubbed_edid(damaged)).attrs == {"damaged_edid": True}
