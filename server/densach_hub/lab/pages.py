"""All addresses of the lab: each module below adds its own to the one list."""

from densach_hub.lab import declare, doors, fault, machines, morning, papers, rooms
from densach_hub.lab.frame import routes

__all__ = ["declare", "doors", "fault", "machines", "morning", "papers", "rooms", "routes"]
