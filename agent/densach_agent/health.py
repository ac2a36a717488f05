"""How the machine fares: a sample a minute, kept in memory, and one record for many of them."""

import psutil  # type: ignore[import-untyped,unused-ignore]

from densach_agent.clock import Clock
from densach_wire.messages import Health, Volume

_LOCAL_FILE_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "exfat", "ntfs", "ntfs3", "f2fs", "zfs"})


class HealthWatch:
    """`sample` now and then; `record` closes the window. Network file systems are never asked: they may hang."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun_up_ms = clock.up_ms()
        self._cpu: list[float] = []
        self._temps: dict[str, float] = {}
        psutil.cpu_percent(interval=None)  # the first answer of a process means nothing

    @property
    def samples(self) -> int:
        return len(self._cpu)

    def sample(self) -> None:
        self._cpu.append(psutil.cpu_percent(interval=None))
        for name, celsius in _temperatures().items():
            self._temps[name] = max(celsius, self._temps.get(name, celsius))

    def record(self) -> Health:
        now = self._clock.up_ms()
        memory, swap, network = psutil.virtual_memory(), psutil.swap_memory(), psutil.net_io_counters()
        battery = psutil.sensors_battery()
        record = Health(
            span_ms=now - self._begun_up_ms,
            cpu_pct=round(sum(self._cpu) / len(self._cpu), 1) if self._cpu else None,
            cpu_max_pct=max(self._cpu) if self._cpu else None,
            load_1m=round(psutil.getloadavg()[0], 2),
            mem_total_bytes=memory.total,
            mem_used_bytes=memory.total - memory.available,
            swap_used_bytes=swap.used if swap.total else None,
            volumes=_volumes(),
            temps={name: round(celsius, 1) for name, celsius in self._temps.items()},
            uptime_ms=now,
            on_ac=None if battery is None else battery.power_plugged,
            battery_pct=None if battery is None else round(battery.percent, 1),
            rx_bytes=None if network is None else network.bytes_recv,
            tx_bytes=None if network is None else network.bytes_sent,
        )
        self._begun_up_ms, self._cpu, self._temps = now, [], {}
        return record


def _volumes() -> tuple[Volume, ...]:
    found: dict[str, Volume] = {}
    for part in psutil.disk_partitions(all=False):
        if part.fstype not in _LOCAL_FILE_SYSTEMS or part.device in found or part.mountpoint.startswith("/snap/"):
            continue
        try:
            usage = psutil.disk_usage(part.mountpoint)
        except OSError:
            continue
        found[part.device] = Volume(part.mountpoint[:200], usage.total, usage.free)
    if not found:  # containers and live systems: the root has no device
        usage = psutil.disk_usage("/")
        found["/"] = Volume("/", usage.total, usage.free)
    return tuple(found.values())[:16]


def _temperatures() -> dict[str, float]:
    """The hottest of each chip; sensors that are not wired show 0 or the boiling point."""
    found: dict[str, float] = {}
    for chip, sensors in psutil.sensors_temperatures().items():
        sane = [one.current for one in sensors if 1 < one.current < 125]
        if sane:
            found[chip[:64]] = max(sane)
    return found
