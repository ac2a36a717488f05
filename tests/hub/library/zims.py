"""ZIM files made with libzim's own writer, and one that needs no libzim to make."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TITLE = "Bách khoa thử nghiệm"
ARTICLES = {
    "song/dong-nai": ("Sông Đồng Nai", "<p>Sông Đồng Nai chảy qua nhiều tỉnh.</p><p>Thác Trị An ở trên sông.</p>"),
    "song/hong": ("Sông Hồng", "<p>Sông Hồng bắt nguồn từ Vân Nam.</p><img src='../anh/ban-do.png' alt=''>"),
    "trang-dau": ("Trang đầu", "<p>Chọn một bài.</p><a href='song/dong-nai'>Đồng Nai</a>"),
}
SCRIPT = "<script>try { parent.document.title } catch (e) { document.body.dataset.apart = 'yes' }</script>"
FILM = bytes(range(256)) * 12_000


def zim(path: Path, *, more: Sequence[tuple[str, str, str]] = (), picture: bytes = b"", metadata: Mapping[str, str] = {}) -> Path:
    """A small one: three articles in Vietnamese, a redirect, a picture, a film. `more`: (path, title, HTML)."""
    from libzim.writer import Creator, Hint, Item, StringProvider  # type: ignore[import-untyped]

    class Entry(Item):  # type: ignore[misc]
        def __init__(self, path: str, title: str, body: str | bytes, kind: str) -> None:
            super().__init__()
            self._said = (path, title, kind)
            self._body = body

        def get_path(self) -> str:
            return self._said[0]

        def get_title(self) -> str:
            return self._said[1]

        def get_mimetype(self) -> str:
            return self._said[2]

        def get_contentprovider(self) -> Any:
            return StringProvider(self._body)

        def get_hints(self) -> dict[Any, int]:
            return {Hint.FRONT_ARTICLE: int(self._said[2] == "text/html")}

    with Creator(path).config_verbose(False) as creator:
        creator.set_mainpath("trang-dau")
        for name, (title, body) in ARTICLES.items():
            page = f"<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1>{body}{SCRIPT}</body></html>"
            creator.add_item(Entry(name, title, page, "text/html"))
        for name, title, body in more:
            creator.add_item(Entry(name, title, body, "text/html"))
        creator.add_item(Entry("anh/ban-do.png", "", picture or b"\x89PNG\r\n\x1a\n", "image/png"))
        creator.add_item(Entry("phim/song.mp4", "", FILM, "video/mp4"))
        creator.add_redirection("dong-nai", "Đồng Nai", "song/dong-nai", {Hint.FRONT_ARTICLE: True})
        if picture:
            creator.add_illustration(48, picture)
        said = {"Title": TITLE, "Language": "vie", "Creator": "Nhóm biên soạn", "Description": "Các bài về sông"}
        said["Date"] = "2026-01-02"
        for name, value in {**said, **metadata}.items():
            creator.add_metadata(name, value)
    return path


def bare(title: str = "Không nén") -> bytes:
    """One entry, M/Title, in a cluster that is not packed: written by hand after the format's description."""
    body = title.encode()
    mimes = b"text/plain\0\0"
    head = 80
    dirent = struct.pack("<HBcIII", 0, 0, b"M", 0, 0, 0) + b"Title\0\0"
    paths_at = head + len(mimes)
    titles_at = paths_at + 8
    dirent_at = titles_at + 4
    clusters_at = dirent_at + len(dirent)
    cluster_at = clusters_at + 8
    cluster = b"\x01" + struct.pack("<II", 8, 8 + len(body)) + body
    end = cluster_at + len(cluster)
    header = struct.pack(
        "<4sHH16sIIQQQQIIQ",
        b"ZIM\x04",
        6,
        1,
        b"\0" * 16,
        1,
        1,
        paths_at,
        titles_at,
        clusters_at,
        head,
        0xFFFFFFFF,
        0xFFFFFFFF,
        end,
    )
    tables = struct.pack("<Q", dirent_at) + struct.pack("<I", 0) + dirent + struct.pack("<Q", cluster_at)
    return header + mimes + tables + cluster + b"\0" * 16
