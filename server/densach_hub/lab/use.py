"""What machines were used for, in words and lengths for a page: classes of application and kinds of session. Pure."""

from collections.abc import Sequence

import msgspec

from densach_core.text import Text, t
from densach_hub.fleet.telling import UsePart

APPLICATIONS: dict[str, Text] = {
    "browser": t("Web browser"),
    "office": t("Office and reading"),
    "coding": t("Programming"),
    "media": t("Pictures, sound, film"),
    "e-learning": t("Learning programs"),
    "game": t("Games"),
    "system": t("Files and settings"),
    "other": t("Other programs"),
}
KINDS: dict[str, Text] = {
    "local": t("Sitting at the machine"),
    "kiosk": t("As a kiosk"),
    "exam": t("In an exam"),
    "remote": t("From elsewhere (remote)"),
}


class Share(msgspec.Struct, frozen=True):
    """A line with its bar. `width` is its length in percent of the longest."""

    label: Text
    ms: int
    machines: int
    width: int


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """`in_front` adds up to hours in use; `running` does not, for several programs run at once."""

    in_front: tuple[Share, ...] = ()
    running: tuple[Share, ...] = ()
    kinds: tuple[Share, ...] = ()
    """Empty where everybody just sat at the machine."""
    unknown_ms: int = 0
    machines: int = 1
    """How many were asked."""
    simulated: bool = False

    @property
    def told(self) -> bool:
        return bool(self.in_front or self.running or self.kinds or self.unknown_ms)


def use_of(parts: Sequence[UsePart], unknown_ms: int, machines: int, *, simulated: bool) -> Use:
    kinds = [part for part in parts if part.what == "kind"]
    return Use(
        in_front=_shares([part for part in parts if part.what == "foreground"], APPLICATIONS),
        running=_shares([part for part in parts if part.what == "running"], APPLICATIONS),
        kinds=_shares(kinds, KINDS) if any(part.name != "local" for part in kinds) else (),
        unknown_ms=unknown_ms,
        machines=machines,
        simulated=simulated,
    )


def _shares(parts: Sequence[UsePart], words: dict[str, Text]) -> tuple[Share, ...]:
    longest = max((part.ms for part in parts), default=0) or 1
    return tuple(
        Share(words[part.name], part.ms, part.machines, max(1, round(100 * part.ms / longest)))
        for part in parts
        if part.name in words
    )
