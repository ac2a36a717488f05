"""How figures, times and sizes are said in the language of the request at hand."""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import date

from densach_core.clock import day_of, moment
from densach_core.i18n import Languages, Locale, Text, spoken, t, tn

LOCALE: ContextVar[Locale] = ContextVar("locale", default="vi")

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Speech:
    """Filters of the templates. Times are epoch milliseconds; None is said as "unknown", never as 0."""

    def __init__(self, languages: Languages, now_ms: Callable[[], int]) -> None:
        self._languages = languages
        self._now_ms = now_ms

    def say(self, text: Text | str | None) -> str:
        return "" if text is None else self._languages.say(text, LOCALE.get())

    def gettext(self, msgid: str, /, **values: object) -> str:
        return self._languages.say(Text(msgid, values), LOCALE.get())

    def ngettext(self, one: str, many: str, /, *, n: int, **values: object) -> str:
        return self.say(Text(one, {"n": n, **values}, many, n))

    def unknown(self) -> str:
        return self.say(t("unknown"))

    def number(self, value: float | None, digits: int | None = None) -> str:
        if value is None:
            return self.unknown()
        if digits is not None:
            value = round(value, digits) if digits else round(value)
        return str(spoken(value, LOCALE.get()))

    def percent(self, value: float | None) -> str:
        return self.unknown() if value is None else f"{self.number(value * 100, 0)} %"

    def datetime(self, ms: int | None) -> str:
        return self.unknown() if ms is None else moment(ms).strftime("%d/%m/%Y %H:%M")

    def date(self, value: int | date | None) -> str:
        if value is None:
            return self.unknown()
        return (day_of(value) if isinstance(value, int) else value).strftime("%d/%m/%Y")

    def time(self, ms: int | None) -> str:
        return self.unknown() if ms is None else moment(ms).strftime("%H:%M")

    def ago(self, ms: int | None) -> str:
        """How long since a moment, in the largest fitting unit; days beyond 30 as a date."""
        if ms is None:
            return self.unknown()
        past = self._now_ms() - ms
        if past < MINUTE_MS:
            return self.say(t("just now"))
        if past < HOUR_MS:
            return self.say(tn("{n} minute ago", "{n} minutes ago", n=past // MINUTE_MS))
        if past < DAY_MS:
            return self.say(tn("{n} hour ago", "{n} hours ago", n=past // HOUR_MS))
        if past < 30 * DAY_MS:
            return self.say(tn("{n} day ago", "{n} days ago", n=past // DAY_MS))
        return self.date(ms)

    def duration(self, ms: float | None) -> str:
        """A length of time: minutes below an hour, else hours with one digit."""
        if ms is None:
            return self.unknown()
        if ms < HOUR_MS:
            return self.say(tn("{n} minute", "{n} minutes", n=round(ms / MINUTE_MS)))
        return self.say(t("{hours} h", hours=self.number(ms / HOUR_MS, 1)))

    def size(self, value: float | None) -> str:
        """Bytes in binary steps, as people read them: 3,2 GB."""
        if value is None:
            return self.unknown()
        for unit in ("B", "KB", "MB", "GB", "TB"):
            if value < 1000 or unit == "TB":
                break
            value /= 1024
        return f"{self.number(value, 0 if unit in {'B', 'KB'} or value >= 100 else 1)} {unit}"
