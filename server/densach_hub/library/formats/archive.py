"""ZIP files opened with suspicion: no paths out of the archive, no bombs, no secrets, nothing unpacked to disk."""

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from lxml import etree

from densach_hub.library.formats.found import Unreadable

MOST_ENTRIES = 20_000
MOST_BYTES = 8 * 1024**3
SUSPICIOUS_FROM = 256 * 1024**2
MOST_RATIO = 120
TEXT_LIMIT = 32 * 1024**2
PICTURE_LIMIT = 64 * 1024**2
STREAM_LIMIT = 256 * 1024**2
_LOCAL = struct.Struct("<26sHH")
BAD_ZIP = (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError, NotImplementedError, ValueError, RuntimeError)


class Archive:
    """An open ZIP whose directory was found harmless."""

    def __init__(self, zip_file: zipfile.ZipFile) -> None:
        self._zip = zip_file
        self.entries = {info.filename: info for info in zip_file.infolist() if not info.is_dir()}

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def read(self, name: str, limit: int = TEXT_LIMIT) -> bytes:
        """An entry's bytes, at most `limit`; raises Unreadable when it is larger, encrypted or damaged."""
        body = self._first(self.member(name, limit), limit + 1)
        if len(body) > limit:
            raise Unreadable("library.part-too-large", name)
        return body

    def member(self, name: str, limit: int) -> zipfile.ZipInfo:
        """What the directory says of an entry; raises Unreadable when it is missing, encrypted or larger than `limit`."""
        info = self.entries.get(name)
        if info is None:
            raise Unreadable("library.missing-part", name)
        if info.flag_bits & 1:
            raise Unreadable("library.encrypted", name)
        if info.file_size > limit:
            raise Unreadable("library.part-too-large", name)
        return info

    def head(self, name: str, size: int) -> bytes:
        """The first `size` bytes of an entry; raises Unreadable."""
        return self._first(self.entries[name], size)

    def place(self, name: str) -> int:
        """Where an entry's bytes begin in the file: behind its local header (APPNOTE 4.3.7). Raises Unreadable."""
        info = self.entries[name]
        file = self._zip.fp
        if file is None:
            raise Unreadable("library.damaged", name)
        file.seek(info.header_offset)
        header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\3\4"):
            raise Unreadable("library.damaged", name)
        _, name_length, extra_length = _LOCAL.unpack(header)
        return int(info.header_offset + _LOCAL.size + name_length + extra_length)

    def _first(self, info: zipfile.ZipInfo, size: int) -> bytes:
        try:
            with self._zip.open(info) as file:
                return file.read(size)
        except (*BAD_ZIP, zlib.error) as error:
            raise Unreadable("library.damaged", f"{info.filename}: {error}") from error

    @contextmanager
    def stream(self, name: str, limit: int) -> Iterator[IO[bytes]]:
        """An entry to be read a piece at a time; raises Unreadable, also for what turns out damaged inside the block."""
        info = self.member(name, limit)
        try:
            with self._zip.open(info) as file:
                yield file
        except (*BAD_ZIP, zlib.error) as error:
            raise Unreadable("library.damaged", f"{name}: {error}") from error

    def elements(self, name: str, *tags: str, limit: int = STREAM_LIMIT) -> Iterator[etree._Element]:
        """The elements of these names (any namespace) as they end, each emptied when the next is asked for.

        For parts too large to be held whole. No entities, no DTD, no network. Raises Unreadable.
        """
        with self.stream(name, limit) as file:
            events = etree.iterparse(
                file, events=("end",), tag=[f"{{*}}{tag}" for tag in tags], resolve_entities=False, no_network=True,
                load_dtd=False, recover=True, huge_tree=False,
            )  # fmt: skip
            try:
                for _, element in events:
                    yield element
                    element.clear(keep_tail=False)
                    while (before := element.getprevious()) is not None and (parent := element.getparent()) is not None:
                        parent.remove(before)
            except (etree.XMLSyntaxError, ValueError) as error:
                raise Unreadable("library.damaged", f"{name}: {error}") from error

    def xml(self, name: str) -> etree._Element:
        """An entry as XML, without entities and network; raises Unreadable when it is none."""
        root = parse_xml(self.read(name))
        if root is None:
            raise Unreadable("library.damaged", f"{name}: no XML")
        return root

    def get(self, name: str, limit: int = TEXT_LIMIT) -> bytes | None:
        """Like `read`, but None where there is nothing usable."""
        try:
            return self.read(name, limit)
        except Unreadable:
            return None


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Opens and checks a ZIP. Raises Unreadable: damaged (also half-copied), zip-path, zip-bomb, zip-too-many."""
    try:
        zip_file = zipfile.ZipFile(path)
    except BAD_ZIP as error:
        raise Unreadable("library.damaged", str(error)) from error
    with zip_file:
        check_directory(zip_file.infolist(), path.stat().st_size)
        yield Archive(zip_file)


def check_directory(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Looks at names and declared sizes only, so that a bomb is refused before anything is unpacked."""
    if len(entries) > MOST_ENTRIES:
        raise Unreadable("library.zip-too-many", str(len(entries)))
    for info in entries:
        if not is_safe_name(info.filename):
            raise Unreadable("library.zip-path", info.filename)
    total = sum(info.file_size for info in entries)
    if total > MOST_BYTES or (total > SUSPICIOUS_FROM and total > size * MOST_RATIO):
        raise Unreadable("library.zip-bomb", str(total))


def is_safe_name(name: str) -> bool:
    """Whether an entry's name stays inside: no absolute paths, drives, backslashes or `..`."""
    if not name or name.startswith("/") or "\\" in name or "\0" in name or ":" in name.split("/", 1)[0]:
        return False
    return ".." not in name.split("/")


def resolve(base: str, href: str) -> str | None:
    """The entry a reference inside `base` means; None when it leads out of the archive or to another place."""
    bare = unquote(href.partition("#")[0])
    if not bare or "://" in bare or bare.startswith(("data:", "/")):
        return None
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(base), bare))
    return joined if is_safe_name(joined) else None


def start_page(archive: Archive) -> str | None:
    """`index.html` at the top, or in the one folder everything is in."""
    if "index.html" in archive:
        return "index.html"
    tops = {name.split("/", 1)[0] for name in archive.entries if not name.startswith("__MACOSX/")}
    if len(tops) == 1 and (name := f"{tops.pop()}/index.html") in archive:
        return name
    return None


def parse_xml(body: bytes) -> etree._Element | None:
    """XML forgivingly parsed: no entities expanded, no DTD, no network."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=False)
    try:
        return etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
