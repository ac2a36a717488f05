"""Tables of accounts, sessions, tokens and the audit log; append-only."""

from sqlite3 import Connection

from densach_core.i18n import sort_key
from densach_core.migrations import Migration


def name_sort(name: str) -> str:
    """A text that SQLite orders as a Vietnamese class list does: given name first, then the rest, in alphabet order."""
    return "\x01".join("".join(chr(n + 2) for n in word) for word in sort_key(name))


def _add_name_sort(c: Connection) -> None:
    c.execute("ALTER TABLE account ADD COLUMN name_sort TEXT NOT NULL DEFAULT ''")
    for row in c.execute("SELECT id, name FROM account").fetchall():
        c.execute("UPDATE account SET name_sort = ? WHERE id = ?", (name_sort(row["name"]), row["id"]))


MIGRATIONS: list[Migration] = [
    Migration(
        "accounts, sessions, tokens, audit",
        """
        CREATE TABLE account (
          id TEXT PRIMARY KEY,
          login TEXT NOT NULL,
          login_key TEXT NOT NULL UNIQUE,
          name TEXT NOT NULL,
          name_folded TEXT NOT NULL,
          roles TEXT NOT NULL,
          class_id TEXT,
          locale TEXT,
          secret TEXT,
          secret_long INTEGER NOT NULL DEFAULT 0,
          must_change INTEGER NOT NULL DEFAULT 0,
          totp_key BLOB,
          totp_step INTEGER,
          totp_pending BLOB,
          failures INTEGER NOT NULL DEFAULT 0,
          failed_at INTEGER,
          locked_until INTEGER,
          last_log_in_at INTEGER,
          created_at INTEGER NOT NULL,
          closed_at INTEGER
        ) STRICT;
        CREATE INDEX account_by_class ON account (class_id) WHERE class_id IS NOT NULL;
        CREATE TABLE account_session (
          hash BLOB PRIMARY KEY,
          account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
          created_at INTEGER NOT NULL,
          seen_at INTEGER NOT NULL,
          expires_at INTEGER NOT NULL,
          address TEXT
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX account_session_by_account ON account_session (account_id);
        CREATE TABLE account_recovery (
          account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
          hash BLOB NOT NULL,
          used_at INTEGER,
          PRIMARY KEY (account_id, hash)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE account_token (
          id TEXT PRIMARY KEY,
          hash BLOB NOT NULL UNIQUE,
          name TEXT NOT NULL,
          roles TEXT NOT NULL,
          created_at INTEGER NOT NULL,
          used_at INTEGER,
          expires_at INTEGER,
          revoked_at INTEGER
        ) STRICT;
        CREATE TABLE audit (
          seq INTEGER PRIMARY KEY AUTOINCREMENT,
          at INTEGER NOT NULL,
          by_id TEXT,
          by_name TEXT NOT NULL,
          what TEXT NOT NULL,
          "on" TEXT,
          detail TEXT,
          address TEXT
        ) STRICT;
        CREATE INDEX audit_by_time ON audit (at);
        CREATE TRIGGER audit_never_changed BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
        CREATE TRIGGER audit_never_deleted BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
        """,
    ),
    Migration("accounts by given name", _add_name_sort),
]
