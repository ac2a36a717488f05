"""Chapters, audiobooks of several files, subtitles: beside the film, inside it, in a ZIP with it."""

from pathlib import Path

import pytest
from tests.hub.library import made, made_formats
from tests.hub.library.formats.reading import found_in, read

from densach_hub.library.formats.mp4_text import chapters_of
from densach_hub.library.formats.subtitles import Cue, cues, language_of, plain, spoken, webvtt
from densach_hub.library.model import Heading, Kind


def test_chapters_of_an_mp3(tmp_path: Path) -> None:
    found, _ = found_in(tmp_path, "a.mp3", made_formats.mp3_with_chapters())
    assert found.headings == (Heading("Mở đầu", 0), Heading("Phần hai", 4))
    assert found.title == "Dế Mèn phiêu lưu ký"


def test_chapters_of_an_mp4_from_its_track_or_from_neros_list(tmp_path: Path) -> None:
    found, text = found_in(tmp_path, "a.m4b", made_formats.mp4_with_text(("Mở bài", "Thân bài"), chapters=True))
    assert found.headings == (Heading("Mở bài", 0), Heading("Thân bài", 2))
    assert text == []
    moov = made.box(b"udta", made_formats.nero_chapters(("Một", "Hai")))
    assert chapters_of(moov, []) == ((0, "Một"), (10_000, "Hai"))
    assert chapters_of(moov[:-3], []) == ()


def test_subtitles_inside_an_mp4(tmp_path: Path) -> None:
    result, text = read(tmp_path, "a.mp4", made_formats.mp4_with_text())
    assert result.found is not None
    assert [(track.language, track.name) for track in result.tracks] == [("vi", "track-0.vtt")]
    body = (tmp_path / "out" / "track-0.vtt").read_text()
    assert body.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nXin chào\n")
    assert (text[0].section, text[0].label, text[0].text) == (0, "0:00", "Xin chào Tạm biệt")


def test_an_audiobook_of_several_files_in_natural_order(tmp_path: Path) -> None:
    found, _ = found_in(tmp_path, "truyen.zip", made_formats.audiobook())
    assert (found.kind, found.media_type, found.remark) == (Kind.AUDIO, "application/zip", None)
    assert [heading.label for heading in found.headings] == ["1 Đầu", "2 Giữa", "10 Kết"]
    assert [heading.section for heading in found.headings] == [0, 5, 10]
    assert 14_000 < (found.duration_ms or 0) < 16_000
    packed, _ = found_in(tmp_path, "truyen.zip", made_formats.audiobook(stored=False))
    assert packed.remark == "library.packed-media"


def test_a_film_with_its_subtitles_in_a_zip(tmp_path: Path) -> None:
    body = made_formats.packed({"phim/a.mp4": made.mp4(title="Phim"), "phim/a.vi.srt": made_formats.SRT.encode("utf-16")})
    result, text = read(tmp_path, "a.zip", body)
    assert result.found is not None
    assert (result.found.kind, result.found.title) == (Kind.VIDEO, "Phim")
    assert [track.language for track in result.tracks] == ["vi"]
    assert [(p.section, p.label) for p in text] == [(1, "0:01"), (65, "1:05")]


@pytest.mark.parametrize("suffix", [".srt", ".vtt"])
def test_subtitles_by_themselves_are_searchable(tmp_path: Path, suffix: str) -> None:
    body = made_formats.SRT if suffix == ".srt" else f"WEBVTT\n\n{made_formats.SRT.replace(',', '.')}"
    result, text = read(tmp_path, f"phim.vi{suffix}", body.encode())
    assert result.found is not None
    assert (result.found.kind, result.found.remark) == (Kind.DOCUMENT, "library.subtitles-alone")
    assert "quang hợp" in text[1].text
    assert result.tracks[0].language == "vi"


def test_only_words_and_italics_reach_the_screen() -> None:
    found = cues(made_formats.SRT.encode())
    assert found[0] == Cue(1000, 3500, "Xin chào <i>các em</i>")
    assert found[1].text == "Hôm nay ta học về alert(1) quang hợp\nở cây xanh &amp; lá"
    assert plain("<i>a<b>b</i>c --> d") == "<i>a<b>b</b></i>c → d"
    assert plain("x < 3 & y") == "x &lt; 3 &amp; y"
    again = cues(webvtt(found))
    assert again == found
    assert [second for second, _ in spoken(found)] == [1, 65]


def test_subtitles_with_odd_times_and_ends() -> None:
    body = "1\r\n1:02.5 --> 00:01:04,5\r\nA\r\n\r\n2\r\n00:00:09,000 --> 00:00:01,000\r\nngược\r\n\r\nno time\r\n"
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in cues(body.encode())] == [(62_500, 64_500, "A")]
    assert cues(b"") == []


@pytest.mark.parametrize(("name", "language"), [("a.vi.srt", "vi"), ("a_eng.srt", "en"), ("a.srt", None), ("phim hay.srt", None)])
def test_the_language_from_the_name(name: str, language: str | None) -> None:
    assert language_of(name) == language
