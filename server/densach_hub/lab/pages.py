"""All addresses of the lab: each module below adds its own to the one list."""

from densach_hub.lab import asking, asking_api, declare, doors, fault, machines, morning, papers, rooms, software, who
from densach_hub.lab.frame import routes

__all__ = [
    "asking", "asking_api", "declare", "doors", "fault", "machines", "morning", "papers", "rooms", "routes", "software", "who",
]  # fmt: skip
