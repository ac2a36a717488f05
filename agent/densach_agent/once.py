"""Everything that is ever collected, once, as plain data. Touches no network."""

from pathlib import Path
from typing import Any

import msgspec

from densach_agent import __version__
from densach_agent.clock import SystemClock, moment
from densach_agent.collectors import ALL
from densach_agent.collectors.operating_system import system_facts
from densach_agent.health import HealthWatch
from densach_agent.identity import fingerprint
from densach_agent.machine import Machine, system_runner
from densach_agent.sessions import SessionWatch
from densach_agent.survey import Survey, wait_for


def everything(root: Path) -> dict[str, Any]:
    """Sections in the order of the collectors; health and sessions only of the machine we run on."""
    machine, clock = Machine(root, system_runner), SystemClock()
    sections = wait_for(Survey(ALL, root=root))
    found: dict[str, Any] = {
        "agent": f"densach-agent {__version__}",
        "os": msgspec.to_builtins(system_facts(machine)),
        "fingerprint": msgspec.to_builtins(fingerprint(machine)),
        "inventory": [
            {
                "section": section.section,
                "status": section.status.value,
                "reason": section.reason,
                "digest": section.digest,
                "items": [{"cls": i.cls, "key": i.key, "attrs": i.attrs} for i in section.items],
            }
            for section in sections
        ],
    }
    if str(root) == "/":
        watch = HealthWatch(clock)
        watch.sample()
        found["clock"] = msgspec.to_builtins(moment(clock))
        found["health"] = msgspec.to_builtins(watch.record())
        found["sessions"] = msgspec.to_builtins(SessionWatch(machine, clock).now())
    return found
