"""Figures as people read them: rounded half up, decimal comma in Vietnamese, "chưa rõ" for what nobody knows."""

from decimal import ROUND_HALF_UP, Decimal

from densach_core.criteria.model import Reason
from densach_core.text import Text, t
from densach_wire.upward import State


def rounded(value: float, decimals: int) -> Decimal:
    """Half up on the shortest decimal that names the float: 2.675 is 2.68, as a person with a pencil has it."""
    return Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def figure(value: float | None, decimals: int, locale: str) -> str | None:
    """ "1.234,5" in Vietnamese, "1,234.5" in English; None stays None, for the page to say that it is unknown."""
    if value is None:
        return None
    words = f"{rounded(value, decimals):,f}"
    return words if locale == "en" else words.translate(str.maketrans(",.", ".,"))


def norm(value: float | None, locale: str) -> str | None:
    """A bound as documents write it: "2", "1,5"."""
    if value is None:
        return None
    return figure(value, 0 if float(value).is_integer() else 2, locale)


STATES: dict[str, Text] = {
    State.MEASURED: t("measured"),
    State.DECLARED: t("declared"),
    State.UNKNOWN: t("unknown"),
}

REASONS: dict[str, Text] = {
    Reason.NO_MACHINES: t("No machine has reported or been declared yet."),
    Reason.NO_ROSTER: t("There is no class list. Import it to know this figure."),
    Reason.NO_CLASS: t("No class of this level is in the class list."),
    Reason.SIZE_UNKNOWN: t("The size of a class is not known."),
    Reason.ROOM_UNKNOWN: t("It is not known in which computer room the largest class is taught. Name the room."),
    Reason.NO_WORKING: t("No computer works in the room."),
    Reason.NOT_HEARD: t("The machines have not been heard long enough to tell."),
    Reason.NO_NORM: t("No document sets a norm for this."),
    Reason.NO_STUDIO: t("Nothing is known about a studio."),
    Reason.NO_LIBRARY: t("Nothing is known about the library."),
    Reason.NO_DESK: t("Loans are not counted yet: there is no lending desk."),
    Reason.SIMULATED: t("The school's older software sent this figure with simulated machines in it only."),
    Reason.NO_CALENDAR: t("There is no school calendar. Set it up to know this figure."),
}


def reason(code: str | None) -> Text | None:
    if code is None:
        return None
    return REASONS.get(code, t("This figure is not known."))


LEVELS: dict[str, Text] = {
    "MN": t("Preschool"),
    "TH": t("Primary"),
    "THCS": t("Lower secondary"),
    "THPT": t("Upper secondary"),
    "GDTX": t("Continuing education"),
}


def level(code: str) -> Text:
    return LEVELS.get(code, t("Level {code}", code=code))
