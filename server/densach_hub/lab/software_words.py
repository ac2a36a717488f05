"""Licence classes, their grounds and the sources of software in a person's words."""

from densach_core.text import Text, t
from densach_wire.licences import Ground, LicenceClass

CLASSES: dict[LicenceClass, Text] = {
    LicenceClass.FREE: t("free and open source"),
    LicenceClass.PROPRIETARY: t("proprietary"),
    LicenceClass.UNKNOWN: t("licence unknown"),
}
GROUNDS: dict[Ground, Text] = {
    Ground.SCHOOL: t("the school said so"),
    Ground.LICENCE: t("the package names its licence"),
    Ground.COMPONENT: t("the distribution sorted it so"),
    Ground.LIST: t("the list that comes with Đèn Sách"),
    Ground.NONE: t("nothing says it"),
}
SOURCES: dict[str, Text] = {
    "dpkg": t("Debian package (dpkg)"),
    "rpm": t("RPM package"),
    "pacman": t("Arch package (pacman)"),
    "flatpak": t("Flatpak"),
    "snap": t("Snap"),
    "pip": t("Python package (pip)"),
    "appimage": t("AppImage file"),
    "by-hand": t("put there by hand"),
}
