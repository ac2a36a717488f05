"""`densach doctor`: what a technician should look at, each in one line with what to do."""

import shutil
import sqlite3
from enum import StrEnum
from pathlib import Path

import msgspec

from densach_core.clock import DAY_MS, Clock, SystemClock, moment
from densach_core.documents import SafeStorage
from densach_core.text import Text, t
from densach_hub.link.broker import find_mosquitto
from densach_hub.upkeep.backup import DATABASES, newest, quick_check, taken_at

LITTLE_SPACE = 2 * 1024**3
BACKUP_OLD_MS = 3 * DAY_MS
EARLIEST_YEAR = 2026


class Verdict(StrEnum):
    FINE = "fine"
    LOOK = "look"
    BROKEN = "broken"


class Finding(msgspec.Struct, frozen=True):
    """One check. `subject` is its stable name; `do` is set when something should be done."""

    subject: str
    verdict: Verdict
    what: Text
    do: Text | None = None


def examine(data: Path, backups: Path, clock: Clock) -> list[Finding]:
    """All checks of a data folder, whether its hub runs or not. Blocking: runs for seconds on a large database."""
    return [
        _clock(clock),
        _disk(data),
        _broker(),
        _certificates(data),
        *(_database(data / name) for name in DATABASES),
        *_documents(data),
        _backup(backups, clock),
    ]


def _clock(clock: Clock) -> Finding:
    now = moment(clock.now_ms())
    shown = now.strftime("%d/%m/%Y %H:%M")
    if now.year < EARLIEST_YEAR:
        return Finding(
            "clock",
            Verdict.BROKEN,
            t("The hub's clock says {time}.", time=shown),
            t("Sign in as technician or administrator from a machine whose clock is right; the hub offers to take its time."),
        )
    if isinstance(clock, SystemClock) and clock.source == "browser":
        return Finding("clock", Verdict.LOOK, t("The time was taken from a browser: {time}.", time=shown))
    return Finding("clock", Verdict.FINE, t("The clock says {time}; it comes from the system.", time=shown))


def _disk(data: Path) -> Finding:
    free = shutil.disk_usage(data).free
    gigabytes = round(free / 1024**3, 1)
    if free < LITTLE_SPACE:
        return Finding(
            "disk", Verdict.LOOK, t("Only {size} GB of disk are free.", size=gigabytes), t("Free some space or add a disk.")
        )
    return Finding("disk", Verdict.FINE, t("{size} GB of disk are free.", size=gigabytes))


def _broker() -> Finding:
    program = find_mosquitto()
    if program is None:
        return Finding(
            "broker",
            Verdict.LOOK,
            t("Mosquitto is not installed; the in-process broker serves this machine only."),
            t("Install it with the system's package manager: apt install mosquitto"),
        )
    return Finding("broker", Verdict.FINE, t("Mosquitto is installed: {path}", path=program))


def _certificates(data: Path) -> Finding:
    if not (data / "keys").is_dir() or not any((data / "keys").iterdir()):
        return Finding("certificates", Verdict.LOOK, t("The school has no keys yet."), t("Start the hub once."))
    return Finding("certificates", Verdict.FINE, t("The school's keys are in place; its certificates do not expire."))


def _database(path: Path) -> Finding:
    if not path.exists():
        return Finding(path.name, Verdict.LOOK, t("{file} does not exist yet.", file=path.name), t("Start the hub once."))
    fault = quick_check(path)
    if fault is not None:
        return Finding(
            path.name,
            Verdict.BROKEN,
            t("{file} is damaged: {reason}", file=path.name, reason=fault),
            t("Stop the hub and restore the newest backup: densach restore"),
        )
    connection = sqlite3.connect(path)
    try:
        size = connection.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
    finally:
        connection.close()
    return Finding(path.name, Verdict.FINE, t("{file} is whole ({size} MB).", file=path.name, size=round(size / 1024**2, 1)))


def _documents(data: Path) -> list[Finding]:
    findings = []
    for path in sorted((data / "documents").glob("*.json")):
        storage = SafeStorage(path)
        storage.read()
        if storage.fault is not None:
            findings.append(
                Finding(
                    f"documents/{path.name}",
                    Verdict.BROKEN,
                    storage.fault,
                    t("Correct the file by hand, or put its .bak copy in place."),
                )
            )
    return findings


def _backup(backups: Path, clock: Clock) -> Finding:
    last = newest(backups)
    if last is None:
        return Finding("backup", Verdict.LOOK, t("There is no backup yet."), t("Run: densach backup DIR"))
    age = clock.now_ms() - taken_at(last)
    said = t("The newest backup is from {time}.", time=moment(taken_at(last)).strftime("%d/%m/%Y %H:%M"))
    if age > BACKUP_OLD_MS:
        return Finding("backup", Verdict.LOOK, said, t("Run: densach backup DIR"))
    return Finding("backup", Verdict.FINE, said)
