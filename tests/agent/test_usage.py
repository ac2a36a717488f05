"""From people at a machine to what leaves it: hours by class of application, and nobody's name."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.agent.desk import Desk

from densach_agent.outbox import Outbox
from densach_agent.settings import Settings
from densach_agent.watch import Watch
from densach_wire.messages import Desired, SessionKind, UsageSlice

SECRETS = (
    "nguyen.van.bimat",
    "bimat",
    "Nguyen Van Bi Mat",
    "bao-cao-mat.odt",
    "secret.example",
    "10.11.12.13",
    "hiddenprogram",
    "SECRETNOTE",
)


class Lesson:
    """A watch that writes to an outbox on disk, over a desk."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk(folder / "root")
        self.folder = folder / "data"
        self.folder.mkdir()
        self.outbox = Outbox(self.folder / "outbox.db", self.desk.clock)
        settings = Settings(off=("inventory", "health"))
        self.watch = Watch(self.desk.machine, self.desk.clock, self.outbox, settings, lambda: None)
        self.watch.user_key = b"school"

    def minutes(self, minutes: float, every_s: int = 30) -> None:
        for _ in range(round(minutes * 60 / every_s)):
            self.watch.turn()
            self.desk.clock.advance(every_s * 1000)

    def told(self) -> list[UsageSlice]:
        rows = self.outbox.after(0, max_records=1000)
        return [msgspec.json.decode(row.body, type=UsageSlice) for row in rows if row.kind == "usage"]

    def bytes(self) -> bytes:
        """Everything that lies on the disk, and all that would go over the wire."""
        wire = b"".join(bytes(row.body) for row in self.outbox.after(0, max_records=1000))
        return wire + b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def lesson(tmp_path: Path) -> Iterator[Lesson]:
    made = Lesson(tmp_path)
    yield made
    made.outbox.close()


def _secret_session(lesson: Lesson) -> None:
    desk = lesson.desk
    desk.sit("3", "nguyen.van.bimat", DISPLAY=":0", REMOTE_HOST="10.11.12.13", REMOTE_USER="Nguyen Van Bi Mat")
    desk.run("3", "soffice.bin", "hiddenprogram", "firefox-esr", "bash")
    for pid, line in [(1000, "soffice\0/home/bimat/bao-cao-mat.odt\0"), (1002, "firefox\0https://secret.example/\0")]:
        (desk.root / f"proc/{pid}/cmdline").write_text(line)
        (desk.root / f"proc/{pid}/environ").write_text("SECRETNOTE=1\0")


def test_nothing_that_names_a_person_or_what_they_do_is_kept_or_leaves(lesson: Lesson) -> None:
    _secret_session(lesson)
    lesson.minutes(40)
    lesson.watch.stop()
    assert [piece.apps_how for piece in lesson.told()] == ["running"] * len(lesson.told()) != []
    found = lesson.bytes()
    assert b'"office"' in found
    assert [secret for secret in SECRETS if secret.casefold().encode() in found.lower()] == []


def test_where_the_school_wants_names_the_login_name_is_all_that_is_added(lesson: Lesson) -> None:
    lesson.watch.wish(Desired(names=True))
    _secret_session(lesson)
    lesson.minutes(20)
    lesson.watch.stop()
    found = lesson.bytes()
    assert b"nguyen.van.bimat" in found  # so the search above does find what is there
    others = [secret for secret in SECRETS[2:] if secret.casefold().encode() in found.lower()]
    assert others == []


def test_an_hour_of_changing_windows_is_four_slices_not_a_hundred(lesson: Lesson) -> None:
    lesson.desk.sit("3")
    for minute in range(60):
        label = ("office", "browser", "learning")[minute % 3]
        for half in range(2):
            lesson.desk.run("3", f"@{label}.0.{(minute * 2 + half) % 97}")
            lesson.minutes(0.5)
    lesson.watch.stop()
    assert len(lesson.told()) in (4, 5)  # quarters of an hour
    total: dict[str, int] = {}
    for piece in lesson.told():
        assert piece.apps_how == "foreground"
        assert sum(piece.apps.values()) == piece.active_ms
        for label, ms in piece.apps.items():
            total[label] = total.get(label, 0) + ms
    assert sum(total.values()) == 3_600_000
    assert all(abs(ms - 1_200_000) <= 60_000 for ms in total.values())


def test_an_exam_a_break_and_a_desktop_that_does_not_tell(lesson: Lesson) -> None:
    lesson.desk.sit("3")
    lesson.minutes(3)  # without a helper, on XFCE: unknown
    flag = lesson.desk.root / "etc/densach/exam"
    flag.parent.mkdir(parents=True)
    flag.touch()
    for tick in range(10):
        lesson.desk.run("3", f"@browser.{0 if tick < 6 else 5}.{tick}")
        lesson.minutes(0.5)
    lesson.watch.stop()
    pieces = lesson.told()
    by_kind = {
        kind: [sum(getattr(p, name) for p in pieces if p.kind is kind) for name in ("active_ms", "idle_ms", "unknown_ms")]
        for kind in (SessionKind.LOCAL, SessionKind.EXAM)
    }
    assert by_kind == {SessionKind.LOCAL: [180_000, 0, 180_000], SessionKind.EXAM: [150_000, 150_000, 0]}


def test_a_hub_that_wants_a_sample_every_five_minutes_gets_every_minute_counted(lesson: Lesson) -> None:
    lesson.watch.wish(Desired(usage_sample_s=300))
    lesson.desk.sit("3")
    lesson.minutes(60, every_s=300)
    lesson.watch.stop()
    assert sum(piece.active_ms for piece in lesson.told()) == 3_600_000
