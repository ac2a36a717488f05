"""Whether a studio room is ready, and how equipment's days are drawn. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from densach_core.text import Text, t, tn
from densach_hub.fleet.sights import EquipmentRow, Glyph, RoomSight
from densach_hub.fleet.telling import EquipmentDay
from densach_hub.studio.model import Bar, Check, Verdict

WORKS = frozenset({Glyph.IN_USE, Glyph.IDLE, Glyph.OFF})
READINGS: dict[str, tuple[Text, str]] = {
    "power_w": (t("Power now"), "W"),
    "voltage_v": (t("Voltage"), "V"),
    "current_a": (t("Current"), "A"),
    "energy_wh": (t("Energy since ever"), "Wh"),
    "rssi_pct": (t("Wi-Fi"), "%"),
    "rssi_dbm": (t("Wi-Fi"), "dBm"),
    "lamp_hours": (t("Lamp hours"), "h"),
    "temperature_c": (t("Temperature"), "°C"),
}


def checks(room: RoomSight, equipment: Sequence[EquipmentRow]) -> tuple[Check, ...]:
    """What has to hold for a recording: a computer that works, equipment that answers, nothing reported broken.

    What is simulated makes no room ready, and none unready."""
    return (_computer(room), _equipment(equipment), _faults(room))


def _computer(room: RoomSight) -> Check:
    there = [s for s in (*room.seats, *room.loose) if s.machine is not None]
    standing = [s for s in there if not s.simulated]
    if there and not standing:
        return Check(Verdict.UNKNOWN, t("Only a simulated computer is here."), t("Put the studio's computer into this room."))
    if not standing:
        return Check(Verdict.UNKNOWN, t("No computer is registered here."), t("Put the studio's computer into this room."))
    if any(s.glyph in WORKS for s in standing):
        return Check(Verdict.YES, t("A computer works."))
    if all(s.glyph is Glyph.DECLARED for s in standing):
        return Check(Verdict.UNKNOWN, t("The computer is only declared."), t("Install the agent, to know how it is."))
    return Check(Verdict.NO, t("No computer works."), t("Check power and network of the studio's computer."))


def _equipment(rows: Sequence[EquipmentRow]) -> Check:
    if not rows:
        return Check(Verdict.UNKNOWN, t("No equipment speaks here."), t("Put the equipment of the list into this room."))
    real = [row for row in rows if not row.machine.simulated]
    if not real:
        return Check(Verdict.UNKNOWN, t("Only simulated equipment is here."), t("Put the equipment of the list into this room."))
    rows = real
    away = [row for row in rows if row.online is False]
    if away:
        return Check(
            Verdict.NO,
            tn(
                "{n} of {all} pieces of equipment does not answer.",
                "{n} of {all} pieces of equipment do not answer.",
                n=len(away),
                all=len(rows),
            ),
            t("Check their power and Wi-Fi."),
        )
    if any(row.online is None for row in rows):
        return Check(Verdict.UNKNOWN, t("Some equipment has not said whether it is there."))
    return Check(Verdict.YES, tn("The piece of equipment answers.", "All {n} pieces of equipment answer.", n=len(rows)))


def _faults(room: RoomSight) -> Check:
    hurt = sum(1 for s in (*room.seats, *room.loose) if not s.simulated and (s.faults or s.findings))
    if hurt:
        return Check(
            Verdict.NO,
            tn("{n} machine needs a person.", "{n} machines need a person.", n=hurt),
            t("Look at the alerts of this room."),
        )
    return Check(Verdict.YES, t("Nothing is reported broken."))


def bars(days: Sequence[EquipmentDay], today: date, n: int = 28) -> tuple[Bar, ...]:
    """On-time of the last `n` days; a day without a word is None, not 0."""
    by_day = {entry.day: entry for entry in days}
    drawn: list[Bar] = []
    for back in range(n - 1, -1, -1):
        day = today - timedelta(days=back)
        entry = by_day.get(day.isoformat())
        said = day.strftime("%d/%m")
        if entry is None:
            drawn.append(Bar(said, None, t("{day}: nothing was told", day=said)))
        else:
            hours = entry.on_ms / 3_600_000
            drawn.append(Bar(said, hours, t("{day}: on for {hours} hours", day=said, hours=round(hours, 1))))
    return tuple(drawn)


def known_sum(values: Sequence[float | None]) -> float | None:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def readable(readings: Mapping[str, float]) -> tuple[tuple[Text, float, str], ...]:
    """The latest readings with their names and units; what has no name of ours keeps its own."""
    return tuple((*_named(name)[:1], value, _named(name)[1]) for name, value in sorted(readings.items()))


def _named(metric: str) -> tuple[Text, str]:
    return READINGS.get(metric, (Text(metric), ""))
