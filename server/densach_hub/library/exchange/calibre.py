"""A Calibre library: `metadata.db` read without touching it, or the `metadata.opf` files in the folders where there is none."""

import html
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lxml import etree

from densach_hub.library.exchange.line import Line, Source, line_of, unreadable, wrong
from densach_hub.library.exchange.marc_fields import LANGUAGES, ROLES
from densach_hub.library.matching import isbn13
from densach_hub.library.model import Creator

MOST_FOLDERS = 50
MOST_OPF = 4 * 1024 * 1024
READ = ("epub", "pdf", "mp3", "m4b", "mp4", "cbz", "docx", "odt", "txt")
"""The formats of a book that the library reads, the one to take first."""
_TAG = re.compile(r"<[^>]*>")
_BOOKS = """
    SELECT b.id, b.title, b.path, b.pubdate, b.series_index, b.uuid,
      (SELECT group_concat(a.name, char(10)) FROM books_authors_link l JOIN authors a ON a.id = l.author
        WHERE l.book = b.id) AS names,
      (SELECT group_concat(t.name, char(10)) FROM books_tags_link l JOIN tags t ON t.id = l.tag WHERE l.book = b.id) AS tags,
      (SELECT s.name FROM books_series_link l JOIN series s ON s.id = l.series WHERE l.book = b.id) AS series,
      (SELECT p.name FROM books_publishers_link l JOIN publishers p ON p.id = l.publisher WHERE l.book = b.id) AS publisher,
      (SELECT g.lang_code FROM books_languages_link l JOIN languages g ON g.id = l.lang_code WHERE l.book = b.id) AS language,
      (SELECT text FROM comments WHERE book = b.id) AS about,
      (SELECT group_concat(type || ':' || val, char(10)) FROM identifiers WHERE book = b.id) AS identifiers,
      (SELECT group_concat(lower(format) || '/' || name, char(10)) FROM data WHERE book = b.id) AS files
    FROM books b ORDER BY b.id
"""


def is_calibre(folder: Path) -> bool:
    return folder.is_dir() and ((folder / "metadata.db").is_file() or next(folder.glob("*/*/metadata.opf"), None) is not None)


def calibre_in(shelves: Iterable[Path]) -> list[Path]:
    """The Calibre libraries in these folders (a stick that was plugged in), at most three folders down. Never raises."""
    found: list[Path] = []
    for shelf in shelves:
        for pattern in ("", "*", "*/*", "*/*/*"):
            with suppress(OSError):
                places = sorted(islice(shelf.glob(f"{pattern}/metadata.db" if pattern else "metadata.db"), MOST_FOLDERS))
                found += [one.parent for one in places if _inside(shelf, str(one.relative_to(shelf))) is not None]
    return list(dict.fromkeys(found))[:MOST_FOLDERS]


def read(folder: Path) -> Source:
    """Raises BadInput("import.not-readable") when `metadata.db` is no Calibre database."""
    if not (folder / "metadata.db").is_file():
        return Source(format="calibre", lines=_opf_lines(folder))
    try:
        with closing(_open(folder)) as c:
            total = int(c.execute("SELECT count(*) FROM books").fetchone()[0])
            c.execute(f"{_BOOKS} LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise unreadable("Calibre") from error
    return Source(format="calibre", lines=_db_lines(folder), total=total)


def _open(folder: Path) -> sqlite3.Connection:
    """Read-only and immutable: no lock, no journal, nothing is written into somebody's library."""
    address = f"file:{quote(str((folder / 'metadata.db').resolve()))}?mode=ro&immutable=1"
    c = sqlite3.connect(address, uri=True, check_same_thread=False)
    c.row_factory = sqlite3.Row
    return c


def _db_lines(folder: Path) -> Iterator[Line]:
    number = 0
    with closing(_open(folder)) as c:
        try:
            for row in c.execute(_BOOKS):
                number += 1
                yield _db_line(number, folder, row)
        except sqlite3.Error as error:
            yield wrong(number + 1, "import.database-broken", str(error))


def _db_line(number: int, folder: Path, row: sqlite3.Row) -> Line:
    files, missing = [], ""
    for name in _parts(row["files"]):
        ending, _, stem = name.partition("/")
        path = _inside(folder, f"{row['path']}/{stem}.{ending}")
        if path is None:
            missing = name
        elif ending in READ:
            files.append(path)
    files.sort(key=lambda path: READ.index(path.suffix[1:].lower()))
    number_in_series = row["series_index"]
    published = str(row["pubdate"] or "")[:10]
    fields: dict[str, Any] = {
        "title": row["title"],
        "creators": [Creator(name.replace("|", ",")) for name in _parts(row["names"])],
        "topics": _parts(row["tags"]),
        "series": row["series"],
        "series_number": f"{number_in_series:g}" if row["series"] and isinstance(number_in_series, float) else None,
        "publisher": row["publisher"],
        "published": None if published.startswith("0101") else published,
        "language": LANGUAGES.get(row["language"] or "", row["language"]),
        "description": _plain(row["about"]),
        "identifiers": _identifiers([(one.partition(":")[0], one.partition(":")[2]) for one in _parts(row["identifiers"])]),
    }
    code = "import.file-missing" if missing else None
    return line_of(number, fields, key=f"calibre:{row['uuid']}", code=code, detail=missing, files=tuple(files[:1]))


def _opf_lines(folder: Path) -> Iterator[Line]:
    for number, path in enumerate(sorted(folder.rglob("metadata.opf")), 1):
        try:
            if path.stat().st_size > MOST_OPF or _inside(folder, str(path.relative_to(folder))) is None:
                yield wrong(number, "import.opf-broken", str(path.relative_to(folder)))
                continue
            parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
            root = etree.parse(str(path), parser).getroot()
        except (etree.XMLSyntaxError, OSError) as error:
            yield wrong(number, "import.opf-broken", f"{path.relative_to(folder)}: {error}")
            continue
        yield _opf_line(number, path, root)


def _opf_line(number: int, path: Path, root: etree._Element) -> Line:
    def all_of(name: str) -> list[etree._Element]:
        return list(root.iter(f"{{*}}{name}"))

    def first(name: str) -> str | None:
        return next((" ".join(one.text.split()) for one in all_of(name) if one.text and one.text.strip()), None)

    meta = {one.get("name"): one.get("content") for one in all_of("meta") if one.get("name")}
    said = [(_attribute(one, "scheme") or "", (one.text or "").strip()) for one in all_of("identifier")]
    uuid = next((value for scheme, value in said if scheme.lower() == "uuid"), None)
    published = (first("date") or "")[:10]
    fields: dict[str, Any] = {
        "title": first("title"),
        "creators": [
            Creator(" ".join(one.text.split())[:200], ROLES.get(_attribute(one, "role") or "aut", "other"))
            for one in (*all_of("creator"), *all_of("contributor"))
            if one.text and one.text.strip() and _attribute(one, "role") != "bkp"
        ],
        "topics": [" ".join(one.text.split()) for one in all_of("subject") if one.text and one.text.strip()],
        "series": meta.get("calibre:series"),
        "series_number": meta.get("calibre:series_index") if meta.get("calibre:series") else None,
        "publisher": first("publisher"),
        "published": None if published.startswith("0101") else published,
        "language": LANGUAGES.get(first("language") or "", first("language")),
        "description": _plain(first("description")),
        "rights": first("rights"),
        "identifiers": _identifiers(said),
    }
    files = sorted(
        (one for one in path.parent.iterdir() if one.suffix[1:].lower() in READ and one.is_file() and not one.is_symlink()),
        key=lambda one: READ.index(one.suffix[1:].lower()),
    )
    return line_of(number, fields, key=f"calibre:{uuid}" if uuid else None, files=tuple(files[:1]))


def _attribute(element: etree._Element, name: str) -> str | None:
    """With or without the namespace of OPF."""
    return next((str(value) for key, value in element.attrib.items() if etree.QName(key).localname == name), None)


def _identifiers(said: list[tuple[str, str]]) -> list[str]:
    found = []
    for scheme, value in said:
        if number := isbn13(value):
            found.append(f"ISBN {number}")
        elif value and scheme.lower() not in {"uuid", "calibre", ""}:
            found.append(f"{scheme}:{value}"[:200])
    return found


def _plain(markup: str | None) -> str | None:
    """Comments are HTML; only their words are kept."""
    return " ".join(html.unescape(_TAG.sub(" ", markup)).split()) if markup else None


def _parts(text: str | None) -> list[str]:
    return [part for part in (text or "").split("\n") if part]


def _inside(folder: Path, name: str) -> Path | None:
    """The file, when it is one and lies in the folder: a database may name any path, a link may lead anywhere."""
    root = folder.resolve()
    path = (root / name).resolve()
    return path if path.is_relative_to(root) and path.is_file() else None
