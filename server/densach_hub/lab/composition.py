"""What a machine is made of, in a person's words, out of inventory sections. Pure.

A class nobody has named is shown as it is called on the wire; an attribute without a name here is left out.
"""

from collections.abc import Iterable

from densach_core.text import Text, t
from densach_hub.fleet.telling import Section
from densach_hub.lab.model import Fact, Part, PartGroup
from densach_wire.messages import Item, Value

SOFTWARE = frozenset({"package"})
QUIET = frozenset({"pci", "usb-hub", "repository"})
"""Classes that are counted, not listed: hundreds of packages tell a technician nothing at a glance."""

CLASSES: dict[str, tuple[str, Text]] = {
    "product": ("monitor", t("Machine")),
    "board": ("chip", t("Main board")),
    "chassis": ("monitor", t("Case")),
    "bios": ("chip", t("Firmware (BIOS)")),
    "tpm": ("shield", t("Security chip (TPM)")),
    "virtual": ("twin", t("Virtual machine")),
    "container": ("twin", t("Container")),
    "cpu": ("chip", t("Processor")),
    "memory": ("memory", t("Memory module")),
    "memory-total": ("memory", t("In all")),
    "disk": ("disk", t("Disk")),
    "optical": ("disk", t("Optical drive")),
    "disk-health": ("disk", t("Health of a disk")),
    "filesystem": ("disk", t("File system")),
    "swap": ("disk", t("Swap space")),
    "gpu": ("chip", t("Graphics card")),
    "display": ("monitor", t("Screen")),
    "network": ("globe", t("Network card")),
    "usb": ("plug", t("USB device")),
    "pci": ("chip", t("PCI device")),
    "battery": ("plug", t("Battery")),
    "input": ("plug", t("Keyboard or mouse")),
    "slot": ("chip", t("Slot for a card")),
    "power-supply": ("plug", t("Power supply")),
    "route": ("globe", t("Way out")),
    "firewall": ("shield", t("Firewall")),
    "repository": ("books", t("Software source")),
    "usb-hub": ("plug", t("USB hub")),
    "ups": ("plug", t("UPS")),
    "printer": ("print", t("Printer")),
    "printer-queue": ("print", t("Print queue")),
    "scanner": ("print", t("Scanner")),
    "camera": ("film", t("Camera")),
    "camera-virtual": ("film", t("Camera made by a program")),
    "capture": ("film", t("Capture device")),
    "sound": ("sound", t("Sound card")),
    "sound-virtual": ("sound", t("Sound card made by a program")),
    "microphone": ("sound", t("Microphone")),
    "headset": ("sound", t("Headset")),
    "time-sync": ("clock", t("Setting of the clock")),
    "updates": ("gear", t("Pending updates")),
    "encryption": ("shield", t("Encryption")),
    "os": ("gear", t("Operating system")),
    "package": ("books", t("Software")),
}
SECTIONS: dict[str, Text] = {
    "system": t("The machine"),
    "cpu": t("Processor"),
    "memory": t("Memory"),
    "disk": t("Disks"),
    "smart": t("Health of disks"),
    "filesystems": t("File systems"),
    "gpu": t("Graphics"),
    "display": t("Screens"),
    "network": t("Network"),
    "usb": t("USB devices"),
    "input": t("Keyboards and mice"),
    "printer": t("Printers and scanners"),
    "camera": t("Cameras and capture devices"),
    "sound": t("Sound and microphones"),
    "battery": t("Battery"),
    "ups": t("UPS"),
    "firmware": t("Firmware"),
    "slots": t("Slots and power supply"),
    "os": t("Operating system"),
    "time": t("Clock"),
    "updates": t("Updates"),
    "encryption": t("Encryption"),
    "firewall": t("Firewall"),
    "packages": t("Software"),
    "sources": t("Software sources"),
    "pci": t("PCI devices"),
}
ORDER = list(SECTIONS)
ATTRIBUTES: dict[str, Text] = {
    "maker": t("Maker"),
    "model": t("Model"),
    "serial": t("Serial number"),
    "version": t("Version"),
    "kind": t("Kind"),
    "bus": t("Connection"),
    "size_bytes": t("Size"),
    "memory_bytes": t("Memory"),
    "cores": t("Cores"),
    "threads": t("Threads"),
    "max_mhz": t("Highest clock (MHz)"),
    "speed_mts": t("Speed (MT/s)"),
    "speed_mbps": t("Speed (Mbit/s)"),
    "mac": t("Hardware address (MAC)"),
    "driver": t("Driver"),
    "part": t("Part number"),
    "date": t("Date"),
    "kernel": t("Kernel"),
    "arch": t("Architecture"),
    "hostname": t("Name on the network"),
    "time_zone": t("Time zone"),
    "asset_tag": t("Asset number"),
    "width_px": t("Width (pixels)"),
    "height_px": t("Height (pixels)"),
    "health_pct": t("Health (%)"),
    "secure_boot": t("Secure boot"),
    "modules": t("Modules"),
    "bank": t("Bank"),
    "form": t("Form"),
    "year": t("Year"),
    "chemistry": t("Chemistry"),
    "damaged_edid": t("Cannot be read"),
    "bits64": t("64-bit"),
    "removable": t("Removable"),
    "firmware": t("Firmware"),
    "design_mwh": t("Capacity when new (mWh)"),
    "restart_due": t("Restart needed after an update"),
    "random_mac": t("Changing hardware address"),
    "microcode": t("Microcode"),
    "release": t("Release"),
    "secure_boot_mode": t("Mode of secure boot"),
    "enabled": t("Switched on"),
    "base_mhz": t("Base clock (MHz)"),
    "cache_bytes": t("Largest cache"),
    "virtualisation": t("Can run virtual machines"),
    "configured_speed_mts": t("Speed it runs at (MT/s)"),
    "slots": t("Slots"),
    "empty_slots": t("Free slots"),
    "maximum_bytes": t("Takes at most"),
    "error_correction": t("Error correction"),
    "rotation_rpm": t("Rotation (per minute)"),
    "writes": t("Can write"),
    "health": t("Health"),
    "health_reason": t("Reason"),
    "wear_pct": t("Wear (%)"),
    "power_on_hours": t("Hours of running"),
    "power_cycle_count": t("Times switched on"),
    "unsafe_shutdown_count": t("Times without power at once"),
    "reallocated_count": t("Replaced sectors"),
    "pending_count": t("Unreadable sectors"),
    "uncorrectable_count": t("Errors not corrected"),
    "device": t("Device"),
    "disk": t("On disk"),
    "volume": t("Label"),
    "read_only": t("Read-only"),
    "driver_version": t("Driver version"),
    "size_inches": t("Size (inches)"),
    "built_in": t("Built in"),
    "link_up": t("Cable connected"),
    "link_duplex": t("Duplex"),
    "wake_on_lan": t("Can be woken over the network"),
    "full_mwh": t("Capacity now (mWh)"),
    "cycle_count": t("Charge cycles"),
    "made": t("Made"),
    "own_name": t("Name it gives itself"),
    "port": t("USB port"),
    "inputs": t("Recording streams"),
    "outputs": t("Playback streams"),
    "codec": t("Sound chip"),
    "languages": t("Printer languages"),
    "uri": t("Address"),
    "place": t("Place"),
    "description": t("Description"),
    "is_default": t("Used by default"),
    "paused": t("Paused"),
    "refuses_jobs": t("Takes no jobs"),
    "shared": t("Shared on the network"),
    "power_va": t("Power (VA)"),
    "power_w": t("Power (W)"),
    "battery_date": t("Battery of"),
    "battery_due": t("Battery must be replaced"),
    "nut_name": t("Name in NUT"),
    "locale": t("Language"),
    "keyboard": t("Keyboard"),
    "installed_on": t("Installed on"),
    "restart_for": t("Restart brings"),
    "service": t("Set by"),
    "servers": t("Time servers"),
    "synchronised": t("Synchronised"),
    "clock_in_local_time": t("Main board's clock in local time"),
    "pending": t("Updates waiting"),
    "security": t("Of these for security"),
    "lists_old": t("Lists older than two weeks"),
    "automatic": t("Installed by themselves"),
    "root_encrypted": t("System encrypted"),
    "home_encrypted": t("Home folders encrypted"),
    "swap_encrypted": t("Swap encrypted"),
    "mounts": t("Encrypted folders"),
    "in_use": t("In use"),
    "max_w": t("Power (W)"),
    "ipv4": t("Address (IPv4)"),
    "ipv6": t("Address (IPv6)"),
    "gateway": t("Gateway"),
    "dns": t("Name servers"),
    "domain": t("Domain"),
    "on": t("Switched on"),
    "address": t("Address"),
    "suite": t("Release"),
    "components": t("Components"),
    "open_mounts": t("Folders not encrypted"),
}
WORDS: dict[str, Text] = {
    "ethernet": t("cable"), "wifi": t("Wi-Fi"), "desktop": t("desktop"), "tower": t("tower"), "laptop": t("laptop"),
    "all-in-one": t("all in one"), "handheld": t("handheld"), "tablet": t("tablet"), "server": t("server case"),
    "dock": t("dock"),
    "keyboard": t("keyboard"), "mouse": t("mouse"), "input": t("input device"), "hub": t("hub"), "audio": t("sound"),
    "video": t("video"), "storage": t("storage"), "wireless": t("radio"), "communication": t("communication"),
    "smart card": t("smart card reader"), "printer": t("printer"), "camera": t("camera"),
    "usb microphone": t("on USB"), "in a camera": t("in a camera"), "in a capture device": t("in a capture device"),
    "built in": t("built in"), "screens": t("in screens"),
    "speakers": t("speakers"), "audio interface": t("audio interface"), "none": t("nobody"),
    "ssd": t("SSD"), "hdd": t("HDD"), "sd-card": t("memory card"), "emmc": t("eMMC"), "file": t("file"),
    "partition": t("partition"), "mini": t("mini PC"), "mobile": t("mobile network"), "bluetooth": t("Bluetooth"),
    "yes": t("of an unknown kind"), "bridge": t("bridge"), "network": t("network"), "display": t("display"),
    "multimedia": t("multimedia"), "memory": t("memory"), "security": t("security"), "health": t("health"),
    "diagnosis": t("diagnosis"), "system": t("system"), "processor": t("processor"), "serial bus": t("serial bus"),
    "encryption": t("encryption"), "signal processing": t("signal processing"), "accelerator": t("accelerator"),
    "uefi": t("UEFI"), "bios": t("BIOS"),
}  # fmt: skip
"""Kinds of things in a person's words; others are names that stand for themselves (DDR4)."""
STATES: dict[str, dict[str, Text]] = {
    "health": {
        "ok": t("good"), "weak": t("getting weak"), "failing": t("failing"), "unknown": t("does not say"),
        "timeout": t("no answer"), "asleep": t("asleep, not asked"),
    },
    "health_reason": {
        "pending sectors": t("sectors that cannot be read"), "uncorrectable errors": t("errors not corrected"),
        "worn out": t("nearly worn out"), "reallocated sectors": t("many replaced sectors"),
        "spare blocks used up": t("spare blocks used up"), "unreliable": t("unreliable"), "read-only": t("read-only"),
        "memory backup failed": t("power reserve failed"),
    },
    "secure_boot_mode": {
        "user": t("in force"), "setup": t("being set up, not in force"), "audit": t("trial, not in force"),
        "deployed": t("in force, locked"),
    },
    "link_duplex": {"full": t("full"), "half": t("half")},
    "error_correction": {"ecc": t("ECC")},
}  # fmt: skip
"""Of some attributes, every value in a person's words."""
UNTOLD = {"total", "default", "main"}
"""Keys of the only one of its class: no names to show."""
IN_NAME = ("maker", "model", "name", "size_bytes")


def group(section: Section) -> PartGroup:
    """A section's things. Software is one group without its items."""
    items = [] if section.section == "packages" else section.items
    return PartGroup(
        section=section.section,
        label=SECTIONS.get(section.section, Text(section.section)),
        parts=tuple(part(item) for item in items if item.cls not in QUIET or len(section.items) <= 6),
        seen_at=section.seen_at,
        status=section.status.value,
        reason=section.reason,
    )


def groups(sections: Iterable[Section]) -> tuple[PartGroup, ...]:
    """All sections in the order a technician reads them; those with nothing to say only when a look failed."""
    place = {name: n for n, name in enumerate(ORDER)}
    found = [group(s) for s in sorted(sections, key=lambda s: (place.get(s.section, 99), s.section))]
    return tuple(g for g in found if g.parts or g.status not in ("ok", "no-data"))


def software_count(sections: Iterable[Section]) -> int:
    return sum(1 for s in sections for item in s.items if item.cls in SOFTWARE)


def part(item: Item) -> Part:
    icon, label = CLASSES.get(item.cls, ("info", Text(item.cls)))
    size = item.attrs.get("size_bytes")
    return Part(
        icon=icon,
        label=label,
        name=named(item),
        size=float(size) if isinstance(size, int | float) else None,
        facts=tuple(
            fact
            for name, told in item.attrs.items()
            for value in (told.split(", ") if name == "health_reason" and isinstance(told, str) else (told,))
            if name not in IN_NAME and (fact := _fact(name, value)) is not None
        ),
    )


def named(item: Item) -> str:
    """Maker and model in one, the maker not twice ("Dell Dell P2219H"); the slot where nothing better is known."""
    maker, model = (str(item.attrs.get(name) or "").strip() for name in ("maker", "model"))
    name = model or str(item.attrs.get("name") or "").strip()
    if maker and name and maker.casefold() not in name.casefold():
        name = f"{maker} {name}"
    return name or maker or ("" if item.key in UNTOLD or item.key == item.cls else item.key)


def class_icon(cls: str) -> str:
    return CLASSES.get(cls, ("info", Text(cls)))[0]


def _fact(name: str, value: Value) -> Fact | None:
    label = ATTRIBUTES.get(name)
    if value is None or value == "" or label is None:
        return None
    if isinstance(value, bool):
        return Fact(label, t("yes") if value else t("no"))
    if name.endswith("_bytes") and isinstance(value, int | float):
        return Fact(label, size=float(value))
    if value == 0 and name.endswith("_count"):
        return None  # nothing of the kind has happened
    if (word := STATES.get(name, {}).get(str(value))) is not None:
        return Fact(label, word)
    if name in ("kind", "service") and str(value) in WORDS:
        return Fact(label, WORDS[str(value)])
    return Fact(label, str(value))
