"""calibre-web over a library in the form calibre keeps it (metadata.db); visitors may browse without an account."""

import contextlib
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.peers.served import NotStartedError, Served, environment, running, say, version_of, wait_until
from tests.fixtures.mosquitto import free_port

from densach_hub.library.model import Item

SCHEMA = """
CREATE TABLE library_id (id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, UNIQUE(uuid));
CREATE TABLE books (
    id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL DEFAULT 'Unknown' COLLATE NOCASE, sort TEXT COLLATE NOCASE,
    timestamp TIMESTAMP, pubdate TIMESTAMP, series_index REAL NOT NULL DEFAULT 1.0, author_sort TEXT COLLATE NOCASE,
    isbn TEXT DEFAULT '' COLLATE NOCASE, lccn TEXT DEFAULT '' COLLATE NOCASE, path TEXT NOT NULL DEFAULT '',
    flags INTEGER NOT NULL DEFAULT 1, uuid TEXT, has_cover BOOL DEFAULT 0, last_modified TIMESTAMP
);
CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, sort TEXT COLLATE NOCASE,
    link TEXT NOT NULL DEFAULT '', UNIQUE(name));
CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, UNIQUE(name));
CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, sort TEXT COLLATE NOCASE, UNIQUE(name));
CREATE TABLE publishers (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, sort TEXT COLLATE NOCASE, UNIQUE(name));
CREATE TABLE ratings (id INTEGER PRIMARY KEY, rating INTEGER, UNIQUE(rating));
CREATE TABLE languages (id INTEGER PRIMARY KEY, lang_code TEXT NOT NULL COLLATE NOCASE, UNIQUE(lang_code));
CREATE TABLE comments (id INTEGER PRIMARY KEY, book INTEGER NOT NULL, text TEXT NOT NULL COLLATE NOCASE, UNIQUE(book));
CREATE TABLE data (id INTEGER PRIMARY KEY, book INTEGER NOT NULL, format TEXT NOT NULL COLLATE NOCASE,
    uncompressed_size INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE(book, format));
CREATE TABLE identifiers (id INTEGER PRIMARY KEY, book INTEGER NOT NULL, type TEXT NOT NULL DEFAULT 'isbn' COLLATE NOCASE,
    val TEXT NOT NULL COLLATE NOCASE, UNIQUE(book, type));
CREATE TABLE metadata_dirtied (id INTEGER PRIMARY KEY, book INTEGER NOT NULL, UNIQUE(book));
CREATE TABLE custom_columns (id INTEGER PRIMARY KEY AUTOINCREMENT, label TEXT NOT NULL, name TEXT NOT NULL,
    datatype TEXT NOT NULL, mark_for_delete BOOL DEFAULT 0 NOT NULL, editable BOOL DEFAULT 1 NOT NULL,
    display TEXT DEFAULT '{}' NOT NULL, is_multiple BOOL DEFAULT 0 NOT NULL, normalized BOOL NOT NULL, UNIQUE(label));
CREATE INDEX books_idx ON books (sort COLLATE NOCASE);
CREATE INDEX authors_idx ON books (author_sort COLLATE NOCASE);
CREATE INDEX comments_idx ON comments (book);
CREATE INDEX data_idx ON data (book);
CREATE INDEX formats_idx ON data (format);
"""
LINKS = {"authors": "author", "tags": "tag", "series": "series", "publishers": "publisher", "ratings": "rating",
         "languages": "lang_code"}  # fmt: skip
"""Of `books_…_link`: its column beside `book`."""


@contextlib.contextmanager
def calibreweb(folder: Path, items: Sequence[Item]) -> Iterator[Served]:
    name = f"calibre-web {version_of('calibreweb')}"
    program = str(environment("calibreweb") / "cps")
    books, settings, log, port = folder / "books", folder / "app.db", folder / "log", free_port()
    books.mkdir()
    _fill(books / "metadata.db", items)
    command = [program, "-p", str(settings), "-i", "127.0.0.1", "-o", "/dev/null"]
    variables = {"CALIBRE_PORT": str(port), "CALIBRE_DBPATH": str(folder), "CACHE_DIRECTORY": str(folder / "cache")}
    address = f"http://127.0.0.1:{port}"
    say(f"{name}: first start, which makes its settings")
    with running(name, command, log, variables) as pid:
        wait_until(name, f"{address}/login", pid, log)
    try:
        _settle(settings, books)
    except sqlite3.Error as error:
        raise NotStartedError(f"{name} could not be set up: {error}") from error
    say(f"{name}: starting")
    with running(name, command, log, variables) as pid:
        wait_until(name, f"{address}/book/1", pid, log)
        pages = tuple(f"/book/{number}" for number in range(1, len(items) + 1))
        yield Served(name, address, "/search/stored?query={}", pages, pid, r'href="/book/\d', python=True)


def _settle(settings: Path, books: Path, seconds: float = 60.0) -> None:
    """Where the books are, and that guests may browse. The first start may still be writing."""
    until = time.monotonic() + seconds
    while True:
        try:
            with contextlib.closing(sqlite3.connect(settings, timeout=30)) as c:
                c.execute("UPDATE settings SET config_calibre_dir = ?, config_anonbrowse = 1", (str(books),))
                c.commit()
                return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _fill(path: Path, items: Sequence[Item]) -> None:
    authors = {name: number for number, name in enumerate(sorted({it.creators[0].name for it in items}, key=str.lower), 1)}
    merged: dict[str, int] = {}
    for name, number in authors.items():
        merged.setdefault(name.lower(), number)
    tags = {name: number for number, name in enumerate(sorted({it.subject or "" for it in items}), 1)}
    languages = {name: number for number, name in enumerate(sorted({it.language or "und" for it in items}), 1)}
    made_at = "2023-11-14 22:13:20+00:00"
    with contextlib.closing(sqlite3.connect(path)) as c:
        c.executescript(SCHEMA)
        for table, column in LINKS.items():
            c.executescript(
                f"CREATE TABLE books_{table}_link (id INTEGER PRIMARY KEY, book INTEGER NOT NULL, {column} INTEGER NOT NULL,"
                f" UNIQUE(book, {column}));"
                f"CREATE INDEX books_{table}_link_aidx ON books_{table}_link ({column});"
                f"CREATE INDEX books_{table}_link_bidx ON books_{table}_link (book);"
            )
        c.execute("INSERT INTO library_id (uuid) VALUES (?)", (str(uuid.UUID(int=5000)),))
        kept = [(number, name, name) for name, number in authors.items() if merged[name.lower()] == number]
        c.executemany("INSERT INTO authors (id, name, sort) VALUES (?, ?, ?)", kept)
        c.executemany("INSERT INTO tags (id, name) VALUES (?, ?)", [(number, name) for name, number in tags.items()])
        c.executemany("INSERT INTO languages (id, lang_code) VALUES (?, ?)", [(n, name) for name, n in languages.items()])
        for number, it in enumerate(items, 1):
            author = it.creators[0].name
            c.execute(
                "INSERT INTO books (id, title, sort, timestamp, pubdate, author_sort, path, uuid, last_modified)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (number, it.title, it.title, made_at, made_at, author, f"x/{number}", str(uuid.UUID(int=number)), made_at),
            )
            c.execute("INSERT INTO comments (book, text) VALUES (?, ?)", (number, f"<p>{it.description}</p>"))
            c.execute(
                "INSERT INTO data (book, format, uncompressed_size, name) VALUES (?, 'PDF', 1000000, ?)", (number, str(number))
            )
            c.execute("INSERT INTO books_authors_link (book, author) VALUES (?, ?)", (number, merged[author.lower()]))
            c.execute("INSERT INTO books_tags_link (book, tag) VALUES (?, ?)", (number, tags[it.subject or ""]))
            c.execute(
                "INSERT INTO books_languages_link (book, lang_code) VALUES (?, ?)", (number, languages[it.language or "und"])
            )
        c.commit()
