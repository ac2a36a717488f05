"""The list of dialects the hub understands."""

from densach_hub.intake.dialects.dialect import Dialect
from densach_hub.intake.dialects.tasmota import Tasmota


def known_dialects() -> tuple[Dialect, ...]:
    """Fresh interpreters, one for each tongue."""
    return (Tasmota(),)
