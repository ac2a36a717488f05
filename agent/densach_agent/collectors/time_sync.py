"""Who sets this machine's clock, and whether it is set.

`synchronised` is true once it was set in this boot, false only where that has not happened an hour after the start: at
the start nobody can say yet.
"""

import re

from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Denied, Machine, NoData, clean
from densach_wire.messages import Item

_SERVICES = {
    "systemd-timesyncd": "systemd-timesyncd", "chrony": "chrony", "chronyd": "chrony", "ntp": "ntp", "ntpd": "ntp",
    "ntpsec": "ntpsec", "openntpd": "openntpd", "openntp": "openntpd",
}  # fmt: skip
_TARGETS = ("sysinit.target.wants", "multi-user.target.wants")
_SERVERS = {
    "systemd-timesyncd": ("etc/systemd/timesyncd.conf",),
    "chrony": ("etc/chrony/chrony.conf", "etc/chrony.conf"),
    "ntp": ("etc/ntp.conf", "etc/ntpsec/ntp.conf"),
    "ntpsec": ("etc/ntpsec/ntp.conf",),
    "openntpd": ("etc/openntpd/ntpd.conf",),
}
_SURE_AFTER_S = 3600


def collect(machine: Machine) -> list[Item]:
    enabled = [name.removesuffix(".service") for target in _TARGETS for name in machine.names(f"etc/systemd/system/{target}")]
    services = list(dict.fromkeys(_SERVICES[name] for name in enabled if name in _SERVICES))
    adjusted = machine.open_text("etc/adjtime") is not None and "LOCAL" in (machine.whole("etc/adjtime", 200) or "").split()
    if not services and not adjusted and not machine.names("etc/systemd/system"):
        raise NoData
    service = services[-1] if services else None  # chrony is enabled later than what it replaces
    return [
        item(
            "time-sync",
            "time-sync",
            service=service or "none",
            servers=", ".join(_servers(machine, service)[:8])[:200] or None if service else None,
            synchronised=_synchronised(machine, service),
            clock_in_local_time=adjusted or None,
        )
    ]


def _synchronised(machine: Machine, service: str | None) -> bool | None:
    if service is None:
        return None  # a virtual machine's host may set it; nobody tells us
    if service == "systemd-timesyncd":
        done = machine.exists("run/systemd/timesync/synchronized")
    elif service == "chrony":
        text = machine.command("chronyc", "-n", "tracking", seconds=1.0)
        if text is None:
            return None
        done = re.search(r"^Leap status\s*: (Normal|Insert|Delete)", text, re.MULTILINE) is not None
    else:
        text = machine.command("timedatectl", "show", "-p", "NTPSynchronized", "--value", seconds=1.5)
        if text is None or text.strip() not in ("yes", "no"):
            return None
        done = text.strip() == "yes"
    return done or (False if _up_s(machine) >= _SURE_AFTER_S else None)


def _servers(machine: Machine, service: str) -> list[str]:
    for path in _SERVERS.get(service, ()):
        try:
            text = machine.whole(path, 65536)
        except Denied:
            continue
        if text is not None:
            if service == "systemd-timesyncd":
                told = re.findall(r"^NTP=(.*)$", text, re.MULTILINE)
                return [clean(name) for line in told for name in line.split()]
            return [clean(name) for name in re.findall(r"^(?:pool|servers?|peer)\s+(\S+)", text, re.MULTILINE)]
    return []


def _up_s(machine: Machine) -> float:
    try:
        return float((machine.open_text("proc/uptime") or "0").split()[0])
    except ValueError:
        return 0.0


COLLECTOR = Collector("time", 3, collect)
