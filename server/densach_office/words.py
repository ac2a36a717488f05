"""Codes that travel, in words: kinds of alerts, and what an office noticed about what arrived."""

from densach_core.text import Text, t
from densach_office.schools.model import NoticeKind

ALERTS: dict[str, Text] = {
    "removed": t("parts removed from machines"),
    "suspected": t("parts that may have been removed"),
    "disk": t("disks that are failing"),
    "twin": t("machines copied from one disk image"),
    "silent": t("machines that are silent"),
    "fault": t("faults reported and not yet closed"),
    "space": t("disks that are full"),
    "heat": t("machines that run hot"),
    "clock": t("machines with a wrong clock"),
    "changed": t("machines that changed"),
    "waiting": t("machines waiting to be admitted"),
    "never-heard": t("machines never heard"),
    "quarantine": t("messages that did not fit"),
    "lost": t("gaps in what machines told"),
}

NOTICES: dict[str, Text] = {
    NoticeKind.REPEAT: t("The same record came again; it was ignored."),
    NoticeKind.OLDER: t("An older version came; it was ignored."),
    NoticeKind.OTHER: t("Another content came under a version already used; it was ignored."),
    NoticeKind.DIRECT: t("An office below spoke for a school that sends by itself; it was ignored."),
    NoticeKind.REFUSED: t("A record did not fit and was refused."),
    NoticeKind.SIGNATURE: t("Something came with a signature that does not fit the school's key."),
}
