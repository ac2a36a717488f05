"""The typed facts criteria are computed from. None means "nobody told us", and never "none there".

Facts hold no person: a class is its size, a machine its place and state.
"""

import msgspec

LEVELS = ("TH", "THCS", "THPT")


class MachineFact(msgspec.Struct, frozen=True, kw_only=True):
    """A computer of the register.

    `measured` is False when a person entered it by hand. `working`: it ran on one of the last school days (measured), or
    a person says it is fit (declared); None when neither is known. `for_pupils` leaves out a teacher's or office machine.
    """

    id: str
    name: str
    room: str | None = None
    measured: bool = True
    simulated: bool = False
    working: bool | None = None
    connected: bool | None = None
    for_pupils: bool = True


class RoomFact(msgspec.Struct, frozen=True):
    """A room where pupils use computers, and the levels it serves when somebody said so."""

    id: str
    name: str
    levels: tuple[str, ...] = ()


class ClassFact(msgspec.Struct, frozen=True, kw_only=True):
    """A class: its level, how many pupils, the computer rooms it is taught in (empty: nobody said)."""

    id: str
    name: str
    level: str
    pupils: int | None
    rooms: tuple[str, ...] = ()


class EquipmentFact(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of studio equipment, heard by itself (measured) or entered by hand."""

    id: str
    name: str
    kind: str = ""
    measured: bool = True
    simulated: bool = False
    working: bool | None = None


class StudioFact(msgspec.Struct, frozen=True, kw_only=True):
    """`equipment` is None while nothing at all was ever heard or declared."""

    rooms: tuple[str, ...] = ()
    equipment: tuple[EquipmentFact, ...] | None = ()


class LibraryFact(msgspec.Struct, frozen=True, kw_only=True):
    """`titles` are works, `items` digital copies that can be opened, `reads` openings within `reads_days` days;
    `loans` stays None until there is a desk that lends."""

    titles: int | None = None
    items: int | None = None
    reads: int | None = None
    reads_days: int = 30
    loans: int | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about a school on a day (`as_of`, ISO date). A part that is None was not available at all.

    `school_days` are the days over which "working" was looked at; None without a calendar. `register_known`: a real
    machine or piece of equipment was heard or declared at some time, be it gone since; before that, none is not 0.
    `last_heard_at` (epoch ms): when a real machine last spoke.
    """

    as_of: str
    levels: tuple[str, ...] = ()
    machines: tuple[MachineFact, ...] | None = None
    rooms: tuple[RoomFact, ...] | None = None
    classes: tuple[ClassFact, ...] | None = None
    studio: StudioFact | None = None
    library: LibraryFact | None = None
    school_days: tuple[str, ...] | None = None
    last_heard_at: int | None = None
    register_known: bool = True

    @property
    def simulated(self) -> frozenset[str]:
        """Ids of the machines and the equipment that only pretend."""
        machines = {machine.id for machine in self.machines or () if machine.simulated}
        pieces = (self.studio.equipment if self.studio else None) or ()
        return frozenset(machines | {piece.id for piece in pieces if piece.simulated})

    def real(self) -> "Facts":
        """The same school without what is simulated: the ground of every headline figure."""
        machines, studio = self.machines, self.studio
        if machines is not None:
            machines = tuple(machine for machine in machines if not machine.simulated)
        if studio is not None and studio.equipment is not None:
            pieces = tuple(piece for piece in studio.equipment if not piece.simulated)
            studio = msgspec.structs.replace(studio, equipment=pieces if pieces or self.register_known else None)
        return msgspec.structs.replace(self, machines=machines if machines or self.register_known else None, studio=studio)
