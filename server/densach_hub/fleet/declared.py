"""Machines written down by hand in a table: a CSV file, shown before it is carried out."""

from densach_hub.fleet.register import Register
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.sights import ImportPreview


class Declared:
    """Columns are found by the text of their header, in Vietnamese or English, never by position; a machine is matched
    by asset number, then serial, then name in its room; what the file does not name is never touched."""

    def __init__(self, register: Register, rooms: Rooms) -> None:
        self._register = register
        self._rooms = rooms

    async def preview(self, csv: bytes) -> ImportPreview:
        """What the file would do. Raises BadInput where it is no table with a name column."""
        raise NotImplementedError

    async def carry_out(self, csv: bytes, digest: str, *, by: str) -> ImportPreview:
        """Does what was shown. Raises Conflict when file or register changed since the preview."""
        raise NotImplementedError
