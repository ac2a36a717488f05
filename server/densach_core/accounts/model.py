"""Who may enter: accounts, their roles, and what a log-in leaves behind. No I/O.

Hub and office share these; which roles a place gives out is the place's own affair.
"""

from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What somebody is at the school or office; an account may have several."""

    STUDENT = "student"
    TEACHER = "teacher"
    LIBRARIAN = "librarian"
    TECHNICIAN = "technician"
    PRINCIPAL = "principal"
    OFFICE = "office"
    ADMIN = "admin"


ADMINS = frozenset({Role.ADMIN})
TECHNICIANS = frozenset({Role.TECHNICIAN, Role.ADMIN})
LIBRARIANS = frozenset({Role.LIBRARIAN, Role.ADMIN})
PRINCIPALS = frozenset({Role.PRINCIPAL, Role.ADMIN})
OFFICERS = frozenset({Role.OFFICE, Role.ADMIN})
TEACHERS = frozenset({Role.TEACHER, Role.PRINCIPAL, Role.ADMIN})
STAFF = frozenset(Role) - {Role.STUDENT}
"""Everybody but pupils: long passwords, short sessions, staff pages."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One person (or one API token) as every page and every other room sees it.

    `login` is what is typed; `class_id` is a pupil's class; `locale` is None until somebody chose one.
    `must_change`: only /account and /logout may be used until the password is changed or a second factor added.
    """

    id: str
    login: str
    name: str
    roles: frozenset[Role]
    class_id: str | None = None
    locale: str | None = None
    must_change: bool = False
    second_factor: bool = False

    def has(self, roles: frozenset[Role]) -> bool:
        """Whether one of `roles` is among this account's."""
        return not self.roles.isdisjoint(roles)

    @property
    def staff(self) -> bool:
        return self.has(STAFF)


class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """An account as those who look after it see it (times in epoch ms)."""

    account: Account
    has_secret: bool
    failures: int
    locked_until: int | None
    last_log_in_at: int | None
    created_at: int
    closed_at: int | None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What a log-in gives: a cookie for the browser, or a ticket when the second factor is still to come."""

    account: Account
    cookie: str | None = None
    ticket: str | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A program's key to the API (the secret itself is shown once and stored as a hash)."""

    id: str
    name: str
    roles: frozenset[Role]
    created_at: int
    used_at: int | None
    expires_at: int | None
    revoked_at: int | None


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit log: who did what, to what, when and from where."""

    seq: int
    at: int
    by_id: str | None
    by: str
    what: str
    on: str | None
    detail: str | None
    address: str | None
