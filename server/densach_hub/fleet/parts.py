"""Parts of a machine as a person calls them, for sentences of findings."""

import re

from densach_core.text import Text, t
from densach_hub.fleet.telling import Change
from densach_wire.messages import Value

_NAMES: dict[str, Text] = {
    "memory": t("memory module"),
    "memory-total": t("memory"),
    "disk": t("disk"),
    "gpu": t("graphics card"),
    "display": t("screen"),
    "board": t("main board"),
    "cpu": t("processor"),
    "chassis": t("case"),
    "product": t("machine type"),
    "network": t("network card"),
    "tpm": t("security chip"),
    "battery": t("battery"),
    "bios": t("firmware (BIOS)"),
    "printer": t("printer"),
    "scanner": t("scanner"),
    "camera": t("camera"),
    "capture": t("capture device"),
    "microphone": t("microphone"),
    "headset": t("headset"),
    "sound": t("sound card"),
    "ups": t("UPS"),
    "input": t("keyboard or mouse"),
}
PRECIOUS = frozenset({"memory", "memory-total", "disk", "gpu", "cpu", "board"})
"""What is worth stealing and does not go by itself."""
_KEY_IS_NUMBERS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}\b")


def part_name(cls: str) -> Text:
    """The name of a class of parts; one nobody has named is called by its class."""
    return _NAMES.get(cls) or t("part “{cls}”", cls=cls)


def part_words(change: Change) -> str:
    """What tells this part from its siblings: size, model, slot. No sentence, the same in every language."""
    attrs = change.before or change.after or {}
    slot = "" if change.key in (change.cls, "total") or _KEY_IS_NUMBERS.match(change.key) else change.key
    if not slot and change.cls not in PRECIOUS:
        slot = _word(attrs.get("serial"))
    words = [size_words(attrs.get("size_bytes")), _word(attrs.get("maker")), _word(attrs.get("model")), slot]
    return " ".join(dict.fromkeys(word for word in words if word))[:120]


def size_words(size: Value) -> str:
    """8 GB for what is sold as 8 GB: memory in powers of 1024 and disks of 1000 meet in one digit."""
    if not isinstance(size, int | float) or isinstance(size, bool) or size <= 0:
        return ""
    for unit, step in (("TB", 1024**4), ("GB", 1024**3), ("MB", 1024**2)):
        if size >= step * 0.9:
            n = size / step
            return f"{n:.0f} {unit}" if n >= 10 or abs(n - round(n)) < 0.05 else f"{n:.1f} {unit}".replace(".", ",")
    return f"{size:.0f} B"


def _word(value: Value) -> str:
    return value if isinstance(value, str) else ""
