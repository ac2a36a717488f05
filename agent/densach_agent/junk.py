"""The agent's door to the one list of junk values (densach_wire.junk)."""

from densach_wire.junk import is_junk, kept, kept_name

__all__ = ["is_junk", "kept", "kept_name"]
