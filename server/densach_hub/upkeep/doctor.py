"""`densach doctor`: what a technician should look at, each in one line with what to do."""

import shutil
import sqlite3
import urllib.request
from enum import StrEnum
from pathlib import Path

import msgspec

from densach_core.clock import DAY_MS, Clock, SystemClock, moment
from densach_core.documents import SafeStorage
from densach_core.errors import Unavailable
from densach_core.place import running, system_clock_is_synchronised
from densach_core.text import Text, t
from densach_core.web.monitoring import Health
from densach_hub.link.broker import find_mosquitto
from densach_hub.link.choice import BrokerSettings, check, external_address
from densach_hub.link.model import BrokerAddress
from densach_hub.link.probe import listens, probe
from densach_hub.upkeep.backup import DATABASES, newest, quick_check, taken_at
from densach_hub.upkeep.certificates import flaws, still_trusted
from densach_hub.upkeep.stick import LAST, last_stick
from densach_hub.upkeep.storage import ROOM_NEEDED
from densach_hub.upkeep.trial import last_trial

LITTLE_SPACE = 2 * 1024**3
BACKUP_OLD_MS = 3 * DAY_MS
TRIAL_OLD_MS = 40 * DAY_MS
EARLIEST_YEAR = 2026
UPGRADE_TAKES_MS = 3 * 3_600_000
"""As long as the unit that reads sticks may run."""


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


def examine(data: Path, backups: Path, clock: Clock, mqtt: BrokerSettings | None = None, stick: Path = LAST) -> list[Finding]:
    """All checks of a data folder, whether its hub runs or not. Changes nothing.

    Blocking: a database gets 20 s, a broker 6 s. `mqtt` is the hub's table of settings (default: as without a file).
    """
    return [
        _clock(clock),
        *_disks(data, backups),
        _program(mqtt or BrokerSettings()),
        _broker(data, mqtt or BrokerSettings()),
        *_certificates(data, clock),
        *(_database(data / name) for name in DATABASES),
        *_documents(data),
        _backup(backups, clock),
        *_trial(data, clock),
        *_stick(stick, clock),
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
    source = clock.source if isinstance(clock, SystemClock) else "system"
    if source == "browser":
        return Finding("clock", Verdict.LOOK, t("The time was taken from a browser: {time}.", time=shown))
    if source == "doubted":
        return Finding(
            "clock",
            Verdict.LOOK,
            t("The hub is not sure of the time; it says {time}.", time=shown),
            t("Open “The hub's clock” as technician and set it."),
        )
    if system_clock_is_synchronised():
        return Finding("clock", Verdict.FINE, t("The clock says {time}; a time service keeps it right.", time=shown))
    return Finding("clock", Verdict.FINE, t("The clock says {time}; it comes from the system.", time=shown))


def _disks(data: Path, backups: Path) -> list[Finding]:
    found = [_disk("disk", data)]
    if backups.exists() and backups.stat().st_dev != data.stat().st_dev:
        found.append(_disk("disk/backups", backups))
    return found


def _disk(subject: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    gigabytes = round(free / 1024**3, 1)
    if free < LITTLE_SPACE:
        verdict = Verdict.BROKEN if free < ROOM_NEEDED else Verdict.LOOK
        return Finding(
            subject,
            verdict,
            t("Only {size} GB are free on the disk of {folder}.", size=gigabytes, folder=str(folder)),
            t("Free some space or add a disk."),
        )
    return Finding(subject, Verdict.FINE, t("{size} GB are free on the disk of {folder}.", size=gigabytes, folder=str(folder)))


def _program(mqtt: BrokerSettings) -> Finding:
    if check(mqtt) is None:
        return Finding("broker", Verdict.FINE, t("The message broker is run by somebody else: {url}", url=mqtt.url))
    program = find_mosquitto()
    if program is None:
        return Finding(
            "broker",
            Verdict.LOOK,
            t("Mosquitto is not installed; the in-process broker serves this machine only."),
            t("Install it with the system's package manager: apt install mosquitto"),
        )
    return Finding("broker", Verdict.FINE, t("Mosquitto is installed: {path}", path=program))


def _broker(data: Path, mqtt: BrokerSettings) -> Finding:
    """A running hub says whether its line stands; else an external broker is asked with the hub's account, the hub's own
    child whether it answers at all."""
    subject, external, hub = "broker/answer", external_address(mqtt), running(data)
    if external is None and hub is None:
        return Finding(
            subject,
            Verdict.LOOK,
            t("The hub is not running, nor is its message broker."),
            t("Start it: densach hub run --data {folder}", folder=str(data)),
        )
    if hub is not None and _line_stands(hub.http):
        return Finding(subject, Verdict.FINE, t("The message broker answers; the hub is connected to it."))
    port, others = _listeners(data)
    said = probe(external or BrokerAddress("127.0.0.1", port or check(mqtt) or 0))
    if said.silent is not None:
        return Finding(
            subject,
            Verdict.BROKEN,
            t("The message broker does not answer: {reason}", reason=said.silent),
            t("Start the hub again; if it stays, look at its log."),
        )
    if external is not None and said.refused is not None:
        return Finding(
            subject,
            Verdict.BROKEN,
            t("The message broker refuses the hub: {reason}", reason=said.refused),
            t("Check user name and password in densach.toml: [mqtt]."),
        )
    closed = [f"{host}:{port}" for host, port in others if external is None and not listens(host, port)]
    if closed:
        return Finding(
            subject,
            Verdict.BROKEN,
            t("Machines cannot reach the message broker at {where}.", where=", ".join(closed)),
            t("Start the hub again; if it stays, look at its log."),
        )
    return Finding(subject, Verdict.FINE, t("The message broker answers."))


def _line_stands(http: str) -> bool:
    """Whether the hub at this address says that it is connected. False also when it does not say."""
    try:
        with urllib.request.urlopen(f"http://{http}/healthz", timeout=3) as answer:
            told = msgspec.json.decode(answer.read(), type=Health)
    except (OSError, ValueError, msgspec.MsgspecError):
        return False
    return all(one.ok for one in told.checks if one.name in {"broker", "link"}) and any(c.name == "link" for c in told.checks)


def _listeners(data: Path) -> tuple[int | None, list[tuple[str, int]]]:
    """The hub's own port at its Mosquitto (the last of the file), and where machines and equipment connect."""
    try:
        lines = (data / "mosquitto" / "mosquitto.conf").read_text("utf-8").splitlines()
        found = [line.split()[1:] for line in lines if line.startswith("listener ")]
        ports = [(_reachable(rest[0] if rest else ""), int(port)) for port, *rest in found]
    except (OSError, ValueError):
        return None, []
    return (ports[-1][1], ports[:-1]) if ports else (None, [])


def _reachable(bind: str) -> str:
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104 - read, not bound


def _certificates(data: Path, clock: Clock) -> list[Finding]:
    subject, keys = "certificates", data / "keys"
    if not keys.is_dir() or not any(keys.iterdir()):
        return [Finding(subject, Verdict.LOOK, t("The school has no keys yet."), t("Start the hub once."))]
    wrong = flaws(keys, clock.now_ms())
    found = [Finding(subject, Verdict.BROKEN if one.broken else Verdict.LOOK, one.what, one.do) for one in wrong]
    if trusted := still_trusted(keys, data / "school.db"):
        found.append(
            Finding(
                "certificates/revoked",
                Verdict.LOOK,
                t("The revocation list lacks {n} retired machines.", n=trusted),
                t("Bring each back into the register and retire it again."),
            )
        )
    return found or [Finding(subject, Verdict.FINE, t("The school's keys and certificates belong together and do not expire."))]


def _database(path: Path) -> Finding:
    if not path.exists():
        return Finding(path.name, Verdict.LOOK, t("{file} does not exist yet.", file=path.name), t("Start the hub once."))
    try:
        fault = quick_check(path, seconds=20.0)
    except TimeoutError:
        return Finding(
            path.name,
            Verdict.LOOK,
            t("{file} is too large to be examined in a short time.", file=path.name),
            t("Look again when nobody works with the hub."),
        )
    except Unavailable as full:
        return Finding(path.name, Verdict.BROKEN, full.what, full.do)
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


def _trial(data: Path, clock: Clock) -> list[Finding]:
    """Whether the last attempt at restoring was a success; nothing where none is made (the playbooks set a timer)."""
    trial = last_trial(data)
    if trial is None:
        return []
    at = moment(trial.tried_at).strftime("%d/%m/%Y %H:%M")
    if not trial.good:
        return [
            Finding(
                "backup/restore",
                Verdict.BROKEN,
                t("The backup could not be restored when that was tried on {time} ({code}).", time=at, code=trial.code or ""),
                t("Take a new backup, then try again: densach hub try-backup"),
            )
        ]
    said = t("A backup was restored for a trial on {time}: {n} files.", time=at, n=trial.files)
    if clock.now_ms() - trial.tried_at > TRIAL_OLD_MS:
        return [Finding("backup/restore", Verdict.LOOK, said, t("Try again: densach hub try-backup"))]
    return [Finding("backup/restore", Verdict.FINE, said)]


def _stick(file: Path, clock: Clock) -> list[Finding]:
    """What came of the last stick with updates; nothing where none was plugged in."""
    stick = last_stick(file)
    if stick is None:
        return []
    at = moment(stick.at).strftime("%d/%m/%Y %H:%M")
    if stick.word == "done":
        said = t("The system's updates were installed from {file} on {time}.", file=stick.file, time=at)
        return [Finding("updates/stick", Verdict.FINE, said)]
    if stick.word == "refused":
        said = t("The stick with {file} was refused on {time} ({code}).", file=stick.file, time=at, code=stick.code or "?")
        do = t("See why: densach bundle verify FILE. Then copy it again, or ask its maker for the key's fingerprint.")
        return [Finding("updates/stick", Verdict.LOOK, said, do)]
    if stick.word in ("opened", "kept") and clock.now_ms() - stick.at < UPGRADE_TAKES_MS:
        said = t("The system's updates are being installed from {file} (since {time}).", file=stick.file, time=at)
        return [Finding("updates/stick", Verdict.FINE, said)]
    said = t("The system's updates from {file} were not installed to their end ({time}).", file=stick.file, time=at)
    do = t("Plug the stick in again. If it stays so: journalctl -u 'densach-usb-update@*'")
    return [Finding("updates/stick", Verdict.BROKEN, said, do)]
