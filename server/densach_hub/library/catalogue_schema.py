"""The tables of the catalogue beside works, editions and items: other names, versions, what may be one thing, imports, lists."""

import sqlite3

import msgspec

from densach_core.migrations import Migration
from densach_hub.library.matching import keys_of

_strings = msgspec.json.Decoder(tuple[str, ...])


def _first_keys(c: sqlite3.Connection) -> None:
    """Gives what is in the library already the keys by which twins are found."""
    rows = c.execute(
        "SELECT i.id, w.title, e.identifiers FROM item i JOIN edition e ON e.id = i.edition_id JOIN work w ON w.id = e.work_id"
    ).fetchall()
    for row in rows:
        keys = keys_of(row["title"], _strings.decode(row["identifiers"]))
        c.executemany("INSERT INTO match_key VALUES (?, ?, ?)", [(kind, key, row["id"]) for kind, key in keys])


CATALOGUE = [
    Migration(
        "school fields, other names, versions",
        """
        ALTER TABLE work ADD COLUMN material TEXT;
        ALTER TABLE work ADD COLUMN curriculum TEXT;
        ALTER TABLE work ADD COLUMN audience TEXT;
        ALTER TABLE work ADD COLUMN level TEXT;
        ALTER TABLE work ADD COLUMN ddc TEXT;
        ALTER TABLE work ADD COLUMN cutter TEXT;
        ALTER TABLE work ADD COLUMN collections TEXT NOT NULL DEFAULT '[]';
        ALTER TABLE edition ADD COLUMN series TEXT;
        ALTER TABLE edition ADD COLUMN series_number TEXT;
        ALTER TABLE edition ADD COLUMN place TEXT;
        ALTER TABLE edition ADD COLUMN statement TEXT;
        ALTER TABLE edition ADD COLUMN extent TEXT;
        ALTER TABLE edition ADD COLUMN licence TEXT;
        ALTER TABLE item ADD COLUMN copies INTEGER;
        ALTER TABLE item ADD COLUMN batch TEXT;
        ALTER TABLE item ADD COLUMN merged_into TEXT;
        ALTER TABLE item ADD COLUMN offered_by TEXT;
        ALTER TABLE item ADD COLUMN reviewed_by TEXT;
        ALTER TABLE item ADD COLUMN reviewed_at INTEGER;
        ALTER TABLE item ADD COLUMN review_note TEXT;
        CREATE INDEX item_batch ON item(batch) WHERE batch IS NOT NULL;
        CREATE INDEX item_offered ON item(offered_by) WHERE offered_by IS NOT NULL;
        CREATE TABLE name_form (
            kind TEXT NOT NULL, variant TEXT NOT NULL, preferred TEXT NOT NULL, PRIMARY KEY (kind, variant)
        ) WITHOUT ROWID;
        CREATE INDEX name_form_preferred ON name_form(kind, preferred);
        CREATE INDEX work_creator_name ON work_creator(name);
        CREATE TABLE item_version (
            seq INTEGER PRIMARY KEY, item_id TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL, why TEXT NOT NULL,
            record TEXT NOT NULL
        );
        CREATE INDEX item_version_item ON item_version(item_id, seq);
        CREATE TABLE match_key (
            kind TEXT NOT NULL, key TEXT NOT NULL, item_id TEXT NOT NULL, PRIMARY KEY (kind, key, item_id)
        ) WITHOUT ROWID;
        CREATE INDEX match_key_item ON match_key(item_id);
        CREATE TABLE different (a TEXT NOT NULL, b TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL, PRIMARY KEY (a, b))
            WITHOUT ROWID;
        CREATE TABLE merger (
            id INTEGER PRIMARY KEY, kept TEXT NOT NULL, gone TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL,
            gone_state TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, moved TEXT NOT NULL, undone_at INTEGER
        );
        """,
    ),
    Migration("keys of what is there", _first_keys),
    Migration(
        "imports",
        """
        CREATE TABLE import_batch (
            id TEXT PRIMARY KEY, file_name TEXT NOT NULL, format TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL,
            state TEXT NOT NULL, total INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0, code TEXT, ignored TEXT
            NOT NULL DEFAULT '[]', path TEXT, changed_at INTEGER NOT NULL, kept_back INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID;
        CREATE TABLE import_row (
            batch TEXT NOT NULL REFERENCES import_batch(id), line INTEGER NOT NULL, action TEXT NOT NULL, code TEXT,
            detail TEXT, title TEXT NOT NULL DEFAULT '', item TEXT, record TEXT, before TEXT, expects INTEGER, file TEXT,
            key TEXT, done INTEGER NOT NULL DEFAULT 0, left_at INTEGER, PRIMARY KEY (batch, line)
        ) WITHOUT ROWID;
        CREATE INDEX import_row_action ON import_row(batch, action, line);
        CREATE INDEX import_row_key ON import_row(batch, key) WHERE key IS NOT NULL;
        """,
    ),
    Migration(
        "reading lists",
        """
        CREATE TABLE reading_list (
            id TEXT PRIMARY KEY, class_id TEXT NOT NULL, title TEXT NOT NULL, note TEXT, by_id TEXT NOT NULL,
            by_name TEXT NOT NULL, created_at INTEGER NOT NULL, closed_at INTEGER, salt BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX reading_list_class ON reading_list(class_id);
        CREATE INDEX reading_list_by ON reading_list(by_id);
        CREATE TABLE reading_list_item (
            list_id TEXT NOT NULL REFERENCES reading_list(id), item_id TEXT NOT NULL, place INTEGER NOT NULL,
            PRIMARY KEY (list_id, item_id)
        ) WITHOUT ROWID;
        CREATE TABLE reading_list_opened (
            list_id TEXT NOT NULL, item_id TEXT NOT NULL, reader BLOB NOT NULL, PRIMARY KEY (list_id, item_id, reader)
        ) WITHOUT ROWID;
        """,
    ),
]
"""Append only. `import_row.line` counts records (MARC) or lines (tables) from 1; `before` is what a change replaced."""
