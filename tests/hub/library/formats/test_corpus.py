"""Every kind of file, broken in every common way, through the reader: a reason each time, never a crash, never for long."""

import random
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.hub.library import made, made_formats
from tests.hub.library.formats.reading import read

from densach_hub.library.reasons import REASONS

LONGEST_S = 30.0
MOST_BYTES = 500 * 1024**2
WHOLE: dict[str, Callable[[], bytes]] = {
    "a.epub": made.epub,
    "a.pdf": made.pdf,
    "a.mp4": made.mp4,
    "b.mp4": made_formats.mp4_with_text,
    "c.m4b": lambda: made_formats.mp4_with_text(("Một", "Hai"), chapters=True),
    "a.webm": made.webm,
    "a.mp3": made_formats.mp3_with_chapters,
    "a.ogg": made.ogg,
    "a.wav": made.wav,
    "a.flac": made.flac,
    "a.jpg": made.jpeg,
    "a.png": made.png,
    "a.docx": lambda: made_formats.packed(made_formats.docx_files()),
    "a.pptx": made_formats.pptx,
    "a.xlsx": made_formats.xlsx,
    "a.odt": made_formats.odt,
    "a.cbz": made_formats.comic,
    "truyen.zip": made_formats.audiobook,
    "bai.zip": made_formats.lesson,
    "mo-phong.zip": made.simulation,
    "a.srt": lambda: made_formats.SRT.encode(),
    "a.url": lambda: b"[InternetShortcut]\r\nURL=https://x.example/\r\n",
}


@pytest.fixture(autouse=True)
def _without_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """A poster is drawn by another program; here it is our own reading that is tried, hundreds of times."""
    monkeypatch.setenv("PATH", "")


@pytest.mark.parametrize("name", WHOLE)
def test_cut_off_anywhere(tmp_path: Path, name: str) -> None:
    body = WHOLE[name]()
    for part in (1, 4, 30, len(body) // 4, len(body) // 2, len(body) - 30, len(body) - 1):
        outcome(tmp_path, name, body[: max(1, part)])


@pytest.mark.parametrize("name", WHOLE)
def test_damaged_anywhere(tmp_path: Path, name: str) -> None:
    body = WHOLE[name]()
    dice = random.Random(name)
    for _ in range(8):
        broken = bytearray(body)
        for _ in range(max(1, len(body) // 400)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        outcome(tmp_path, name, bytes(broken))


@pytest.mark.parametrize("name", WHOLE)
def test_lengths_that_lie(tmp_path: Path, name: str) -> None:
    """Every four bytes that could be a length say the most they can."""
    body = WHOLE[name]()
    dice = random.Random(name)
    for at in dice.sample(range(len(body)), min(12, len(body))):
        outcome(tmp_path, name, body[:at] + b"\xff\xff\xff\xff" + body[at + 4 :])


@pytest.mark.parametrize("name", WHOLE)
def test_another_kinds_name(tmp_path: Path, name: str) -> None:
    """The bytes decide: a file of each kind that calls itself something else is what it is, or has a reason."""
    body = WHOLE[name]()
    for other in ("a.pdf", "a.epub", "a.cbz", "a.srt", "a.exe", "a"):
        outcome(tmp_path, other, body)


@pytest.mark.parametrize("name", ["a.docx", "a.odt", "a.pptx", "a.xlsx", "a.cbz", "bai.zip", "a.epub"])
def test_names_in_old_letters_and_names_twice(tmp_path: Path, name: str) -> None:
    body = WHOLE[name]()
    outcome(tmp_path, name, body.replace(b"x", b"\xc6", 3))
    outcome(tmp_path, name, body + body)


def outcome(folder: Path, name: str, body: bytes) -> None:
    """Found or a known reason, in time, within memory."""
    begun = time.monotonic()
    tracemalloc.start()
    try:
        result, _ = read(folder, name, body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - begun < LONGEST_S
    assert peak < MOST_BYTES
    if result.found is None:
        assert result.problem in REASONS, (name, result.problem, result.detail)
