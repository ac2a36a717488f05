"""Comics in the order a person counts, links that lead to the web and nowhere else, lessons as they come from the field."""

from pathlib import Path

import pytest
from tests.hub.library import made, made_formats
from tests.hub.library.formats.reading import found_in, read

from densach_hub.library.formats.archive import open_archive
from densach_hub.library.formats.comic import natural, page_names, pages_of
from densach_hub.library.formats.link import web_address
from densach_hub.library.formats.scorm import Part, manifest_of
from densach_hub.library.model import Creator, Heading, Kind
from densach_hub.library.reasons import REASONS


def test_a_comic(tmp_path: Path) -> None:
    info = "<Series>Thần đồng đất Việt</Series><Number>3</Number><Writer>Lê Linh</Writer><Manga>YesAndRightToLeft</Manga>"
    found, _ = found_in(tmp_path, "a.cbz", made_formats.comic(info=info))
    assert (found.kind, found.pages, found.title) == (Kind.COMIC, 3, "Thần đồng đất Việt 3")
    assert found.creators == (Creator("Lê Linh"),)
    with open_archive(tmp_path / "stored-under-a-hash") as archive:
        pages = pages_of(archive)
    assert pages.names == ("Trang 1.png", "trang 2.png", "Trang 10.png")
    assert pages.from_right
    assert (tmp_path / "out" / "cover.jpg").exists()


def test_a_zip_of_pictures_is_a_comic_with_its_folders_as_chapters(tmp_path: Path) -> None:
    found, _ = found_in(tmp_path, "a.zip", made_formats.comic(("Tập 2/1.jpg", "Tập 1/2.jpg", "Tập 1/10.jpg")))
    assert found.headings == (Heading("Tập 1", 0), Heading("Tập 2", 2))
    other, _ = read(tmp_path, "a.zip", made_formats.packed({"a.png": made.png(), "x.exe": b"MZ"}))
    assert other.problem == "library.unknown-zip"


def test_natural_order() -> None:
    names = ["b/1.png", "a/10.png", "a/9.png", "a/09b.png", "A/2.png"]
    assert sorted(names, key=natural) == ["A/2.png", "a/9.png", "a/09b.png", "a/10.png", "b/1.png"]


@pytest.mark.parametrize(
    ("name", "body", "problem"),
    [
        ("a.cbr", b"Rar!\x1a\x07\x00" + b"\0" * 100, "library.rar"),
        ("a.cbz", made_formats.packed({"a.txt": "x"}), "library.no-pages"),
        ("a.cbz", made_formats.packed({"1.png": b"no picture"}), "library.damaged"),
        ("a.cbz", made_formats.comic()[:500], "library.damaged"),
        ("a.cbz", made.zip_bomb(), "library.zip-bomb"),
        ("a.cbz", made_formats.packed({"../1.png": made.png()}), "library.zip-path"),
        ("a.url", b"[InternetShortcut]\r\nURL=file:///etc/passwd\r\n", "library.no-web-address"),
        ("a.url", b"[InternetShortcut]\r\nURL=javascript:alert(1)\r\n", "library.no-web-address"),
        ("a.zip", made_formats.packed({"goi.zip": made_formats.lesson()}), "library.nested-zip"),
        ("a.zip", made_formats.packed({"imsmanifest.xml": "<manifest/>"}), "library.missing-part"),
        ("a.zip", made_formats.packed({"imsmanifest.xml": b"\xff\xfe\x00broken"}), "library.damaged"),
        ("a.zip", made_formats.packed({"imsmanifest.xml": made_formats.manifest("", "")}), "library.missing-part"),
        ("truyen.zip", made_formats.packed({"1.mp3": b"no sound" * 100}), "library.damaged"),
        ("phim.zip", made_formats.packed({"1.mp4": made.mp4(filler=900, cut=500)}), "library.truncated"),
        ("phim.srt", b"1\n00:00:01,000 --> 00:00:00,000\nx\n", "library.damaged"),
    ],
)
def test_traps_become_a_reason(tmp_path: Path, name: str, body: bytes, problem: str) -> None:
    result, _ = read(tmp_path, name, body)
    assert (result.found, result.problem) == (None, problem)
    assert problem in REASONS


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("Bài.url", b"[InternetShortcut]\r\nURL=https://vi.example.org/b%C3%A0i?x=1#y\r\nIconIndex=0\r\n"),
        ("Bài.url", "[InternetShortcut]\r\nURL=https://vi.example.org/b%C3%A0i?x=1#y\r\n".encode("utf-16")),
        ("Bài.desktop", b"[Desktop Entry]\nType=Link\nName=B\nURL=https://vi.example.org/b%C3%A0i?x=1#y\n"),
        (
            "Bài.webloc",
            b"<plist><dict><key>URL</key><string>https://vi.example.org/b%C3%A0i?x=1#y</string></dict></plist>",
        ),
    ],
    ids=["url", "url in utf-16", "desktop", "webloc"],
)
def test_links(tmp_path: Path, name: str, body: bytes) -> None:
    found, _ = found_in(tmp_path, name, body)
    assert (found.kind, found.source) == (Kind.LINK, "https://vi.example.org/b%C3%A0i?x=1#y")


def test_a_program_starter_is_no_link(tmp_path: Path) -> None:
    found, _ = found_in(tmp_path, "a.desktop", b"[Desktop Entry]\nType=Application\nExec=rm -rf ~\nURL=https://x.example\n")
    assert found.kind is Kind.DOCUMENT


@pytest.mark.parametrize(
    "said",
    [None, "", "ftp://x.example", "https://", "https://a:b@x.example", "http://x.example/ a", "//x.example", "http://x:port/",
     'https://x.example/"onclick', "data:text/html,x", "https://[::1"],
)  # fmt: skip
def test_addresses_that_lead_elsewhere(said: str | None) -> None:
    assert web_address(said) is None


def test_a_lesson_in_a_folder_with_other_letters_than_its_manifest(tmp_path: Path) -> None:
    found, text = found_in(tmp_path, "s.zip", made_formats.lesson(folder="Gói/", parts=2))
    assert (found.kind, found.title) == (Kind.LESSON, "Ca dao lớp 6")
    assert found.headings == (Heading("Phần 1", 0), Heading("Phần 2", 1))
    assert "Đồng dao và ca dao" in text[0].text
    assert "LMSInitialize" not in text[0].text
    with open_archive(tmp_path / "stored-under-a-hash") as archive:
        assert manifest_of(archive).parts[1] == Part("Phần 2", "Gói/bai/index1.html?lang=vi")


def test_a_manifest_cannot_lead_out_of_its_package(tmp_path: Path) -> None:
    resources = '<resource identifier="r" href="../../etc/passwd"/><resource identifier="s" href="https://x.example/a.html"/>'
    items = '<item identifierref="r"><title>A</title></item><item identifierref="s"><title>B</title></item>'
    result, _ = read(tmp_path, "s.zip", made_formats.packed({"imsmanifest.xml": made_formats.manifest(resources, items)}))
    assert result.problem == "library.missing-part"


def test_pages_hidden_by_the_system_are_none(tmp_path: Path) -> None:
    path = made.put(tmp_path, "a.zip", made_formats.packed({"a/.b.png": b"x", "__MACOSX/c.png": b"x", "a/d.png": b"x"}))
    with open_archive(path) as archive:
        assert page_names(archive) == ("a/d.png",)
