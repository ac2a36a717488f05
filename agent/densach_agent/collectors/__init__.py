"""What is read of a machine. A new thing: one file here, one line in `ALL`, one recorded machine in the tests.

Each section is a list of items `(class, key, attributes)`; units are in the attributes' names (`size_bytes`).
Modules are named, not imported: the resident process must know the sections, but never reads them itself.
"""

from importlib import import_module

from densach_agent.collectors.model import Collector

ALL: dict[str, str] = {
    "system": "system",
    "firmware": "firmware",
    "slots": "slots",
    "cpu": "cpu",
    "memory": "memory",
    "disk": "disk",
    "smart": "smart",
    "filesystems": "filesystems",
    "gpu": "gpu",
    "display": "display",
    "network": "network",
    "usb": "usb",
    "pci": "pci",
    "input": "input",
    "battery": "battery",
    "ups": "ups",
    "printer": "printer",
    "camera": "camera",
    "sound": "sound",
    "os": "operating_system",
    "time": "time_sync",
    "updates": "updates",
    "encryption": "encryption",
    "firewall": "firewall",
    "sources": "sources",
    "packages": "packages",
}
"""Section → module."""


def load(name: str) -> Collector:
    """Raises KeyError for a section that nobody collects."""
    found = import_module(f"densach_agent.collectors.{ALL[name]}").COLLECTOR
    assert isinstance(found, Collector), name  # noqa: S101 - a mistake in this folder, not in data
    return found
