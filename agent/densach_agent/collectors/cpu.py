"""Processors: model, cores, threads, microcode (from /proc/cpuinfo)."""

from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Machine, NoData, clean
from densach_wire.messages import Item


def collect(machine: Machine) -> list[Item]:
    text = machine.whole("proc/cpuinfo", 1024 * 1024)
    if not text:
        raise NoData
    blocks = [_fields(block) for block in text.split("\n\n") if block.strip()]
    packages: dict[str, list[dict[str, str]]] = {}
    for block in blocks:
        if "processor" in block:
            packages.setdefault(block.get("physical id", "0"), []).append(block)
    common = {key: value for block in blocks for key, value in block.items() if key != "processor"}
    return [_package(machine, key, threads, common) for key, threads in sorted(packages.items())]


def _package(machine: Machine, key: str, threads: list[dict[str, str]], common: dict[str, str]) -> Item:
    first = {**common, **threads[0]}
    cores = {block.get("core id") for block in threads} - {None}
    top_khz = machine.number("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")
    return item(
        "cpu",
        f"CPU {key}",
        model=first.get("model name") or first.get("Model") or first.get("Hardware"),
        maker=first.get("vendor_id"),
        cores=len(cores) or _number(first.get("cpu cores")) or len(threads),
        threads=len(threads),
        max_mhz=top_khz // 1000 if top_khz else None,
        microcode=first.get("microcode"),
        bits64="lm" in first.get("flags", "").split() if "flags" in first else None,
    )


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.splitlines() if ":" in line)
    return {key.strip(): value.strip() if key.startswith("flags") else clean(value) for key, _, value in pairs}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


COLLECTOR = Collector("cpu", 2, collect)
