"""How far the set-up of a school has come."""

import msgspec


class SetupState(msgspec.Struct, frozen=True, kw_only=True):
    """Document `setup`. What a step made is kept where it belongs; here only that it was looked at. Epoch ms."""

    started_at: int | None = None
    clock_at: int | None = None
    rooms_at: int | None = None
    done_at: int | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Which steps are done, in their order."""

    clock: bool
    school: bool
    calendar: bool
    admin: bool
    rooms: bool

    @property
    def next(self) -> str:
        return next((step for step in STEPS if not getattr(self, step)), "finish")

    @property
    def complete(self) -> bool:
        """Whether the hub may be opened: rooms can be made later, the rest cannot."""
        return self.school and self.calendar and self.admin


STEPS = ("clock", "school", "calendar", "admin", "rooms")
