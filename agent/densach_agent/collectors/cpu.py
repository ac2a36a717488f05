"""Processors: model, sockets, cores, threads, clock, microcode. x86 says it in /proc/cpuinfo; an ARM core there is a number
of its designer, so its name comes from a small table, and what kind of board it is from the device tree (`system`).
"""

import re

from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Machine, NoData, clean
from densach_wire.messages import Item

_CPU0 = "sys/devices/system/cpu/cpu0"
_VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "CentaurHauls": "VIA", "HygonGenuine": "Hygon"}
_ARM_MAKERS = {0x41: "ARM", 0x42: "Broadcom", 0x43: "Cavium", 0x48: "HiSilicon", 0x51: "Qualcomm", 0x61: "Apple", 0xC0: "Ampere"}
_ARM_CORES = {
    0xB76: "ARM1176",
    0xC05: "Cortex-A5",
    0xC07: "Cortex-A7",
    0xC08: "Cortex-A8",
    0xC09: "Cortex-A9",
    0xC0F: "Cortex-A15",
    0xD03: "Cortex-A53",
    0xD04: "Cortex-A35",
    0xD05: "Cortex-A55",
    0xD07: "Cortex-A57",
    0xD08: "Cortex-A72",
    0xD09: "Cortex-A73",
    0xD0A: "Cortex-A75",
    0xD0B: "Cortex-A76",
    0xD0C: "Neoverse-N1",
    0xD0D: "Cortex-A77",
    0xD41: "Cortex-A78",
    0xD44: "Cortex-X1",
    0xD46: "Cortex-A510",
    0xD47: "Cortex-A710",
}  # fmt: skip - MIDR_EL1, the cores that sit in boards for schools
_BASE_IN_NAME = re.compile(r"@ (\d+(?:\.\d+)?) ?GHz")
_NAMES = ("model name", "cpu model", "Processor", "cpu", "Model", "Hardware")


def collect(machine: Machine) -> list[Item]:
    text = machine.whole("proc/cpuinfo", 1024 * 1024)
    if not text:
        raise NoData
    blocks = [_fields(block) for block in text.split("\n\n") if block.strip()]
    packages: dict[str, list[dict[str, str]]] = {}
    for block in blocks:
        if "processor" in block:
            packages.setdefault(block.get("physical id", "0"), []).append(block)
    common: dict[str, str] = {}
    for block in blocks:
        common |= {key: value for key, value in block.items() if key not in common and key not in ("processor", "core id")}
    if not common:
        raise NoData
    if not packages:  # SPARC, S/390: one block that counts
        count = next((common[name] for name in ("ncpus active", "cpus active", "# processors") if name in common), None)
        packages = {"0": [{}] * min(_number(count) or 1, 4096)}
    return [_package(machine, key, threads, common) for key, threads in sorted(packages.items())]


def _package(machine: Machine, key: str, threads: list[dict[str, str]], common: dict[str, str]) -> Item:
    first = {**common, **threads[0]}
    cores = {block.get("core id") for block in threads} - {None}
    maker, model = _arm(threads) if "CPU part" in first else (None, None)
    model = model or next((first[name] for name in _NAMES if first.get(name)), None)
    top_khz = machine.number(f"{_CPU0}/cpufreq/cpuinfo_max_freq")
    return item(
        "cpu",
        f"CPU {key}",
        model=model,
        maker=maker or _VENDORS.get(first.get("vendor_id", ""), first.get("vendor_id")),
        cores=len(cores) or _number(first.get("cpu cores")) or len(threads),
        threads=len(threads),
        base_mhz=_base_mhz(machine, model),
        max_mhz=top_khz // 1000 if top_khz else None,
        cache_bytes=_cache(machine),
        family=_number(first.get("cpu family")),
        stepping=_number(first.get("stepping")),
        microcode=first.get("microcode"),
        bits64=_bits64(first),
        virtualisation=_virtualisation(first),
    )


def _arm(threads: list[dict[str, str]]) -> tuple[str | None, str | None]:
    """Maker and core; of big and little cores both, the bigger number (the later and stronger core) first."""
    parts = sorted({_hex(block.get("CPU part")) for block in threads}, reverse=True)
    names = [_ARM_CORES[part] for part in parts if part in _ARM_CORES]
    return _ARM_MAKERS.get(_hex(threads[0].get("CPU implementer"))), " + ".join(names) or None


def _base_mhz(machine: Machine, model: str | None) -> int | None:
    khz = machine.number(f"{_CPU0}/cpufreq/base_frequency")
    named = _BASE_IN_NAME.search(model or "")
    return khz // 1000 if khz else round(float(named[1]) * 1000) if named else None


def _cache(machine: Machine) -> int | None:
    """The largest cache, in bytes (`sys/…/cache/index3/size` says `8192K`)."""
    found = [machine.open_text(f"{_CPU0}/cache/{name}/size") or "" for name in machine.names(f"{_CPU0}/cache")]
    sizes = [int(size[:-1]) * 1024 for size in found if size.endswith("K") and size[:-1].isdecimal()]
    return max(sizes, default=None)


def _bits64(first: dict[str, str]) -> bool | None:
    if "flags" in first:
        return "lm" in first["flags"].split()
    if "CPU architecture" in first:
        return (_number(first["CPU architecture"]) or 0) >= 8 or None  # 7 may be a 64-bit core under a 32-bit kernel
    return None


def _virtualisation(first: dict[str, str]) -> bool | None:
    flags = first.get("flags", "").split()
    return bool({"vmx", "svm"} & set(flags)) if flags and "hypervisor" not in flags else None


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.splitlines() if ":" in line)
    return {key.strip(): value.strip() if key.startswith("flags") else clean(value) for key, _, value in pairs}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() else None


def _hex(text: str | None) -> int:
    try:
        return int(text or "", 16)
    except ValueError:
        return -1


COLLECTOR = Collector("cpu", 2, collect)
