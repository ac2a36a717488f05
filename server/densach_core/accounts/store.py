"""SQL of accounts, sessions, tokens and the audit log (school.db of a hub, the database of an office)."""

from collections.abc import Iterable
from sqlite3 import Connection, IntegrityError, Row

import msgspec

from densach_core.accounts.model import Account, AccountState, Role, Token
from densach_core.accounts.rules import is_pupil_only, login_key
from densach_core.accounts.schema import MIGRATIONS as MIGRATIONS
from densach_core.accounts.schema import name_sort
from densach_core.errors import Conflict
from densach_core.folding import fold
from densach_core.text import t


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to check a log-in; never leaves this room."""

    account: Account
    secret: str | None
    totp_key: bytes | None
    totp_step: int | None
    totp_pending: bytes | None
    failures: int
    failed_at: int | None
    locked_until: int | None
    closed_at: int | None


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    account: Account
    seen_at: int
    expires_at: int
    closed_at: int | None


# --- accounts -------------------------------------------------------------------------------------------------------


def add_account(c: Connection, account: Account, *, at: int, secret: str | None, secret_long: bool) -> None:
    """Raises Conflict("accounts.login-taken")."""
    try:
        c.execute(
            "INSERT INTO account (id, login, login_key, name, name_folded, name_sort, roles, class_id, locale, secret,"
            " secret_long, must_change, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                account.id, account.login, login_key(account.login), account.name, fold(account.name), name_sort(account.name),
                roles_text(account.roles), account.class_id, account.locale, secret, secret_long, account.must_change, at,
            ),
        )  # fmt: skip
    except IntegrityError:
        raise Conflict(
            "accounts.login-taken",
            t("The log-in name {login} is taken.", login=account.login),
            t("Choose another log-in name."),
            field="login",
        ) from None


def change_account(
    c: Connection, account_id: str, *, login: str, name: str, roles: frozenset[Role], class_id: str | None
) -> None:
    """Raises Conflict("accounts.login-taken")."""
    try:
        c.execute(
            "UPDATE account SET login = ?, login_key = ?, name = ?, name_folded = ?, name_sort = ?, roles = ?,"
            " class_id = ? WHERE id = ?",
            (login, login_key(login), name, fold(name), name_sort(name), roles_text(roles), class_id, account_id),
        )
    except IntegrityError:
        raise Conflict(
            "accounts.login-taken",
            t("The log-in name {login} is taken.", login=login),
            t("Choose another log-in name."),
            field="login",
        ) from None


def account(c: Connection, account_id: str) -> Account | None:
    row = c.execute("SELECT * FROM account WHERE id = ?", (account_id,)).fetchone()
    return account_of(row) if row else None


def login_taken(c: Connection, login: str) -> bool:
    """Also by a closed account: a log-in name is never given twice."""
    return c.execute("SELECT 1 FROM account WHERE login_key = ?", (login_key(login),)).fetchone() is not None


def secrets_by_login(c: Connection, login: str) -> Secrets | None:
    """However the name is written (`rules.login_key`); closed accounts too."""
    row = c.execute("SELECT * FROM account WHERE login_key = ?", (login_key(login),)).fetchone()
    return _secrets(row) if row else None


def secrets_by_id(c: Connection, account_id: str) -> Secrets | None:
    row = c.execute("SELECT * FROM account WHERE id = ?", (account_id,)).fetchone()
    return _secrets(row) if row else None


def states(c: Connection, *, search: str, role: Role | None, limit: int, offset: int) -> tuple[list[AccountState], int]:
    """A page of accounts by given name, and how many there are in all."""
    where, values = ["1"], list[object]()
    for word in fold(search).split():
        where.append("(instr(name_folded, ?) OR instr(login_key, ?))")
        values += [word, word]
    if role is not None:
        where.append("instr(' ' || roles || ' ', ?)")
        values.append(f" {role} ")
    condition = " AND ".join(where)
    total: int = c.execute(f"SELECT count(*) FROM account WHERE {condition}", values).fetchone()[0]  # noqa: S608
    rows = c.execute(
        f"SELECT * FROM account WHERE {condition} ORDER BY closed_at IS NOT NULL, roles = 'student', name_sort, id"  # noqa: S608
        " LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    return [_state(row) for row in rows], total


def names(c: Connection, account_ids: Iterable[str]) -> dict[str, str]:
    """id → name; ids that are no accounts are left out."""
    ids = list(account_ids)
    marks = ",".join("?" * len(ids))
    return {r["id"]: r["name"] for r in c.execute(f"SELECT id, name FROM account WHERE id IN ({marks})", ids)}  # noqa: S608


def state(c: Connection, account_id: str) -> AccountState | None:
    row = c.execute("SELECT * FROM account WHERE id = ?", (account_id,)).fetchone()
    return _state(row) if row else None


def states_of_class(c: Connection, class_id: str) -> list[AccountState]:
    """Open accounts of a class, in no order."""
    return [_state(r) for r in c.execute("SELECT * FROM account WHERE class_id = ? AND closed_at IS NULL", (class_id,))]


def open_with_role(c: Connection, role: Role) -> int:
    """How many open accounts have a role (the last administrator must stay)."""
    found: int = c.execute(
        "SELECT count(*) FROM account WHERE closed_at IS NULL AND instr(' ' || roles || ' ', ?)", (f" {role} ",)
    ).fetchone()[0]
    return found


def set_secret(c: Connection, account_id: str, *, secret: str, long: bool, must_change: bool) -> None:
    """`secret` is its hash; `long`: it may stand without a second factor. Unlocks the account; its sessions stay."""
    c.execute(
        "UPDATE account SET secret = ?, secret_long = ?, must_change = ?, failures = 0, locked_until = NULL WHERE id = ?",
        (secret, long, must_change, account_id),
    )


def rehash(c: Connection, account_id: str, secret: str) -> None:
    """The same secret, hashed by today's parameters."""
    c.execute("UPDATE account SET secret = ? WHERE id = ?", (secret, account_id))


def set_locale(c: Connection, account_id: str, locale: str) -> None:
    c.execute("UPDATE account SET locale = ? WHERE id = ?", (locale, account_id))


def set_closed(c: Connection, account_id: str, closed_at: int | None) -> None:
    """Epoch ms; None opens the account again. Its sessions stay: end them too."""
    c.execute("UPDATE account SET closed_at = ? WHERE id = ?", (closed_at, account_id))


def note_failure(c: Connection, account_id: str, *, at: int, failures: int, locked_until: int | None) -> None:
    """`failures` is the new count, `locked_until` epoch ms (None: not locked)."""
    c.execute(
        "UPDATE account SET failures = ?, failed_at = ?, locked_until = ? WHERE id = ?",
        (failures, at, locked_until, account_id),
    )


def note_success(c: Connection, account_id: str, *, at: int) -> None:
    """Forgets the failures."""
    c.execute("UPDATE account SET failures = 0, locked_until = NULL, last_log_in_at = ? WHERE id = ?", (at, account_id))


def unlock(c: Connection, account_id: str) -> None:
    c.execute("UPDATE account SET failures = 0, locked_until = NULL WHERE id = ?", (account_id,))


# --- second factor --------------------------------------------------------------------------------------------------


def set_pending_totp(c: Connection, account_id: str, key: bytes | None) -> None:
    """A key that was shown and not confirmed yet."""
    c.execute("UPDATE account SET totp_pending = ? WHERE id = ?", (key, account_id))


def set_totp(c: Connection, account_id: str, key: bytes | None, step: int | None) -> None:
    """`step`: the last time step used (RFC 6238, 30 s); None for `key` turns the second factor off."""
    c.execute("UPDATE account SET totp_key = ?, totp_step = ?, totp_pending = NULL WHERE id = ?", (key, step, account_id))


def use_totp_step(c: Connection, account_id: str, step: int) -> bool:
    """False when the step (or a later one) was used meanwhile."""
    return (
        c.execute(
            "UPDATE account SET totp_step = ? WHERE id = ? AND (totp_step IS NULL OR totp_step < ?)", (step, account_id, step)
        ).rowcount
        == 1
    )


def set_recovery(c: Connection, account_id: str, hashes: list[bytes]) -> None:
    """Replaces all codes, used ones too; SHA-256 digests."""
    c.execute("DELETE FROM account_recovery WHERE account_id = ?", (account_id,))
    c.executemany("INSERT INTO account_recovery (account_id, hash) VALUES (?, ?)", [(account_id, h) for h in hashes])


def use_recovery(c: Connection, account_id: str, hashed: bytes, at: int) -> bool:
    """Spends a recovery code; False when there is no such unused one."""
    return (
        c.execute(
            "UPDATE account_recovery SET used_at = ? WHERE account_id = ? AND hash = ? AND used_at IS NULL",
            (at, account_id, hashed),
        ).rowcount
        == 1
    )


def recovery_left(c: Connection, account_id: str) -> int:
    """How many codes were not used yet."""
    left: int = c.execute(
        "SELECT count(*) FROM account_recovery WHERE account_id = ? AND used_at IS NULL", (account_id,)
    ).fetchone()[0]
    return left


# --- sessions -------------------------------------------------------------------------------------------------------


def add_session(c: Connection, hashed: bytes, account_id: str, *, at: int, expires_at: int, address: str | None) -> None:
    """`hashed` is the cookie's digest; times in epoch ms."""
    c.execute("INSERT INTO account_session VALUES (?, ?, ?, ?, ?, ?)", (hashed, account_id, at, at, expires_at, address))


def session(c: Connection, hashed: bytes) -> SessionRow | None:
    """Whether it still holds is for `rules.session_alive` to say: expired ones and closed accounts come too."""
    row = c.execute(
        "SELECT a.*, s.seen_at, s.expires_at FROM account_session s JOIN account a ON a.id = s.account_id WHERE s.hash = ?",
        (hashed,),
    ).fetchone()
    if row is None:
        return None
    return SessionRow(account=account_of(row), seen_at=row["seen_at"], expires_at=row["expires_at"], closed_at=row["closed_at"])


def touch_session(c: Connection, hashed: bytes, at: int) -> None:
    """Somebody used it at `at` (epoch ms)."""
    c.execute("UPDATE account_session SET seen_at = ? WHERE hash = ?", (at, hashed))


def end_session(c: Connection, hashed: bytes) -> None:
    c.execute("DELETE FROM account_session WHERE hash = ?", (hashed,))


def end_sessions(c: Connection, account_id: str, *, but: bytes | None = None) -> None:
    """All of an account, except the one whose digest is `but`."""
    c.execute("DELETE FROM account_session WHERE account_id = ? AND hash IS NOT ?", (account_id, but))


def end_old_sessions(c: Connection, *, now: int) -> None:
    """Those whose absolute end has passed, for every account."""
    c.execute("DELETE FROM account_session WHERE expires_at <= ?", (now,))


def session_count(c: Connection, account_id: str) -> int:
    found: int = c.execute("SELECT count(*) FROM account_session WHERE account_id = ?", (account_id,)).fetchone()[0]
    return found


# --- tokens ---------------------------------------------------------------------------------------------------------


def add_token(c: Connection, token: Token, hashed: bytes) -> None:
    c.execute(
        "INSERT INTO account_token VALUES (?, ?, ?, ?, ?, NULL, ?, NULL)",
        (token.id, hashed, token.name, roles_text(token.roles), token.created_at, token.expires_at),
    )


def token(c: Connection, hashed: bytes) -> Token | None:
    """By its digest; revoked and expired ones too."""
    row = c.execute("SELECT * FROM account_token WHERE hash = ?", (hashed,)).fetchone()
    return _token(row) if row else None


def tokens(c: Connection) -> list[Token]:
    return [_token(row) for row in c.execute("SELECT * FROM account_token ORDER BY created_at DESC")]


def touch_token(c: Connection, token_id: str, at: int) -> None:
    c.execute("UPDATE account_token SET used_at = ? WHERE id = ?", (at, token_id))


def revoke_token(c: Connection, token_id: str, at: int) -> bool:
    """False when there is none or it was revoked before."""
    return c.execute("UPDATE account_token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (at, token_id)).rowcount == 1


# --- rows -----------------------------------------------------------------------------------------------------------


def roles_text(roles: frozenset[Role]) -> str:
    """As the column has them: sorted, one space between."""
    return " ".join(sorted(roles))


def roles_of(text: str) -> frozenset[Role]:
    return frozenset(Role(word) for word in text.split())


def account_of(row: Row) -> Account:
    roles = roles_of(row["roles"])
    second_factor = row["totp_key"] is not None
    too_short = not (row["secret_long"] or second_factor or is_pupil_only(roles))
    return Account(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        roles=roles,
        class_id=row["class_id"],
        locale=row["locale"],
        must_change=bool(row["must_change"]) or too_short,
        second_factor=second_factor,
    )


def _secrets(row: Row) -> Secrets:
    return Secrets(
        account=account_of(row),
        secret=row["secret"],
        totp_key=row["totp_key"],
        totp_step=row["totp_step"],
        totp_pending=row["totp_pending"],
        failures=row["failures"],
        failed_at=row["failed_at"],
        locked_until=row["locked_until"],
        closed_at=row["closed_at"],
    )


def _state(row: Row) -> AccountState:
    return AccountState(
        account=account_of(row),
        has_secret=row["secret"] is not None,
        failures=row["failures"],
        locked_until=row["locked_until"],
        last_log_in_at=row["last_log_in_at"],
        created_at=row["created_at"],
        closed_at=row["closed_at"],
    )


def _token(row: Row) -> Token:
    return Token(
        id=row["id"],
        name=row["name"],
        roles=roles_of(row["roles"]),
        created_at=row["created_at"],
        used_at=row["used_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
