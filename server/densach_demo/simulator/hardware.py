"""Invented computers: what the collectors of the real agent would have read on them. Makers are invented too."""

import hashlib
from functools import partial

import msgspec

from densach_agent.collectors.software import Program, on_the_wire
from densach_wire.factors import factor_digest
from densach_wire.messages import Factor, InventorySection, Item, Value, digest_bytes

GIB = 1024**3
MB = 10**6


class Model(msgspec.Struct, frozen=True):
    """A delivery of equal machines, as schools buy them."""

    maker: str
    name: str
    year: int
    cpu: str
    cores: int
    modules_gib: tuple[int, ...]
    disk: str
    disk_gib: int
    os: tuple[str, str]
    shows_front: bool = True
    """Whether its desktop shows which window is in front."""


MODELS = (
    Model("Hoa Sen", "HS-310", 2019, "Sen i3-8100", 4, (4, 4), "HS SATA 240", 240, ("Debian GNU/Linux", "12")),
    Model("Hoa Sen", "HS-510", 2022, "Sen i5-10400", 6, (8, 8), "HS NVMe 256", 256, ("Debian GNU/Linux", "12")),
    Model("Sông Hồng", "SH-Mini 2", 2016, "Hồng G4400", 2, (4,), "SH HDD 500", 500, ("Ubuntu", "22.04"), shows_front=False),
)
APPS = (
    ("libreoffice-writer", "7.4.7", "editors", "LibreOffice Writer", 32),
    ("libreoffice-calc", "7.4.7", "editors", "LibreOffice Calc", 27),
    ("firefox-esr", "115.14.0", "web", "Firefox ESR", 220), ("geogebra", "5.0", "math", "GeoGebra", 95),
    ("scratch", "3.29", "education", "Scratch", 120), ("thonny", "4.0.1", "education", "Thonny", 6),
    ("gimp", "2.10.34", "graphics", "GIMP", 21), ("audacity", "3.2.4", "sound", "Audacity", 15),
    ("vlc", "3.0.20", "video", "VLC", 5),
)  # fmt: skip
PLAIN = (("python3", "3.11.2", "python", 90), ("ibus-unikey", "0.7.0", "utils", 1), ("openssh-server", "9.2", "net", 2))
"""What stands in no menu."""
BOUGHT = (
    ("google-chrome-stable", "128.0", "Google LLC", "Google Chrome", 330),
    ("zoom", "6.1", "Zoom Communications", "Zoom", 560),
)
"""From elsewhere than the distribution, on the machines of one delivery."""


class Hardware(msgspec.Struct, frozen=True):
    """One machine of a model. `number` makes its serials; `stolen` modules are no longer in it."""

    model: Model
    number: int
    stolen: int = 0
    disk_free_gib: float = 120.0

    @property
    def hostname(self) -> str:
        return f"pc-{self.number:02}"

    @property
    def memory_bytes(self) -> int:
        return sum(self.model.modules_gib[: len(self.model.modules_gib) - self.stolen]) * GIB

    @property
    def mac(self) -> str:
        """Locally administered: no maker owns it."""
        return f"02:5e:00:00:{self.number >> 8 & 255:02x}:{self.number & 255:02x}"

    def factors(self) -> tuple[Factor, ...]:
        serials = {"board": "B", "product-uuid": "U", "disk": "D", "mac": "M"}
        strong = [Factor(kind, factor_digest(kind, f"sim-{mark}-{self.number:06}")) for kind, mark in serials.items()]
        image = factor_digest("machine-id", f"sim-image-{self.model.name}-{self.number}")
        return (*strong, Factor("machine-id", image, strong=False))

    def sections(self) -> tuple[InventorySection, ...]:
        model, number = self.model, self.number
        modules = range(len(model.modules_gib) - self.stolen)
        return (
            _section(
                "system",
                _item("product", "product", maker=model.maker, name=model.name, serial=f"SIM{number:05}", year=model.year),
                _item("board", "board", maker=model.maker, model=f"{model.name}-MB", serial=f"SIMB{number:05}"),
            ),
            _section("cpu", _item("cpu", "cpu 0", model=model.cpu, cores=model.cores, threads=model.cores)),
            _section(
                "memory",
                *(
                    _item(
                        "memory", f"DIMM {at}", size_bytes=model.modules_gib[at] * GIB, kind="DDR4", maker="Sim",
                        serial=f"SIMR{number:05}{at}",
                    )
                    for at in modules
                ),
                _item("memory-total", "total", size_bytes=self.memory_bytes, modules=len(modules)),
            ),
            _section(
                "disk",
                _item(
                    "disk", "sda", model=model.disk, serial=f"SIMD{number:05}", size_bytes=model.disk_gib * 10**9,
                    kind="hdd" if "HDD" in model.disk else "ssd", bus="sata",
                ),
            ),
            _section("display", _item("display", "HDMI-1", maker="Sim", model="Sim 19", serial=f"SIMS{number:05}")),
            _section("network", _item("network", "eth0", mac=self.mac, kind="ethernet", speed_mbps=1000, wake_on_lan=True)),
            _section("os", _item("os", "os", name=model.os[0], version=model.os[1], arch="x86_64", kernel="6.1.0")),
            _section("packages", *on_the_wire(self._programs())),
        )  # fmt: skip

    def _programs(self) -> list[Program]:
        maker = self.model.os[0].partition(" ")[0]
        since = f"{self.model.year}-08-2{self.number % 9}"
        told = partial(Program, source="dpkg", install_date=since)
        found = [
            told(
                key=f"dpkg:{name}", name=name, version=version, area=area, title=title, app=True, origin=maker, size_bytes=mb * MB
            )
            for name, version, area, title, mb in APPS
        ]
        found += [
            told(key=f"dpkg:{name}", name=name, version=version, area=area, origin=maker, size_bytes=mb * MB)
            for name, version, area, mb in PLAIN
        ]
        if self.model is MODELS[1]:
            found += [
                told(
                    key=f"dpkg:{name}", name=name, version=version, publisher=publisher, title=title, app=True, size_bytes=mb * MB
                )
                for name, version, publisher, title, mb in BOUGHT
            ]
        if self.number % 11 == 0:  # brought along by somebody
            game = "Bắn bóng.AppImage"
            found.append(Program(source="appimage", key=f"appimage:/opt/{game}", name="Bắn bóng", app=True, size_bytes=48 * MB))
        return found


def _item(cls: str, key: str, **attrs: Value) -> Item:
    return Item(cls, key, dict(attrs))


def _section(name: str, *items: Item) -> InventorySection:
    return InventorySection(name, items, hashlib.sha256(digest_bytes(items)).hexdigest()[:32])


def hardware(number: int) -> Hardware:
    """The machine with this number: deliveries of fifteen alike, a few of them with fuller disks."""
    model = MODELS[(number - 1) // 15 % len(MODELS)]
    free = 12.0 + (number * 37 % 100)
    return Hardware(model, number, disk_free_gib=free)
