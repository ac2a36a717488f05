"""Names of levels and weekdays, and the fields that an import changes, in the reader's language."""

from densach_core.text import Text, t
from densach_hub.people.model import Level

LEVELS: dict[Level, Text] = {
    Level.TH: t("Primary"),
    Level.THCS: t("Lower secondary"),
    Level.THPT: t("Upper secondary"),
}

WEEKDAYS: dict[int, Text] = {
    1: t("Monday"),
    2: t("Tuesday"),
    3: t("Wednesday"),
    4: t("Thursday"),
    5: t("Friday"),
    6: t("Saturday"),
    7: t("Sunday"),
}

FIELDS: dict[str, Text] = {
    "name": t("name"),
    "code": t("code"),
    "birth_date": t("birth date"),
    "sex": t("sex"),
    "class": t("class"),
    "subject": t("subject"),
    "homeroom": t("homeroom class"),
    "back": t("is back"),
}
