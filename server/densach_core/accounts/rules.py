"""Decisions about secrets, locks and sessions. Pure: no clock, no disk, no randomness but what is passed in."""

import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise

from densach_core.accounts.model import Role
from densach_core.errors import BadInput
from densach_core.text import t

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

FAILURES_BEFORE_LOCK = 5
FIRST_LOCK_MS = 15 * MINUTE_MS
LONGEST_LOCK_MS = 60 * MINUTE_MS
FAILURES_FORGOTTEN_MS = 24 * HOUR_MS

LONG_PASSWORD = 14
SHORT_PASSWORD = 8
LONGEST_SECRET = 200
PIN_DIGITS = 6

STAFF_IDLE_MS = 60 * MINUTE_MS
PUPIL_IDLE_MS = 3 * HOUR_MS
ABSOLUTE_MS = 12 * HOUR_MS

# No letters or digits that are read wrongly from paper (0/O, 1/l/i, 5/S).
CLEAR_LETTERS = "abcdefghjkmnpqrtuvwxyz2346789"


def login_key(login: str) -> str:
    """Two log-ins that differ only in case, spaces around or Unicode form are one person's."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def secret_form(secret: str) -> str:
    """Vietnamese keyboards type the same letter composed or decomposed: one form before hashing."""
    return unicodedata.normalize("NFC", secret)


def is_pupil_only(roles: frozenset[Role]) -> bool:
    return roles == frozenset({Role.STUDENT})


def check_login(login: str) -> str:
    """The log-in as it is kept. Raises BadInput when it is empty, too long, or holds spaces or odd characters."""
    login = unicodedata.normalize("NFC", login).strip()
    if not 2 <= len(login) <= 64 or not all(ch.isalnum() or ch in "._-@" for ch in login):
        raise BadInput(
            "accounts.login-odd",
            t("A log-in name has 2 to 64 letters, digits, dots or dashes, and no spaces."),
            t("Choose another log-in name."),
            field="login",
        )
    return login


def check_password(password: str, *, login: str, second_factor: bool) -> None:
    """Staff: at least 14 characters, or 8 with a second factor. Raises BadInput("accounts.password-…")."""
    length = len(secret_form(password))
    if length > LONGEST_SECRET:
        raise BadInput("accounts.password-long", t("This password is too long."), field="new")
    if length < (SHORT_PASSWORD if second_factor else LONG_PASSWORD):
        raise BadInput(
            "accounts.password-short",
            t("This password is too short."),
            t("Use at least 14 characters, or at least 8 together with a second factor. Four ordinary words are good."),
            field="new",
        )
    if len(set(password.casefold())) < 5 or login_key(login) in password.casefold():
        raise BadInput(
            "accounts.password-weak",
            t("This password is easily guessed."),
            t("Do not repeat one letter and do not use the log-in name in it."),
            field="new",
        )


def is_long(password: str) -> bool:
    """Whether a password may stand without a second factor."""
    return len(secret_form(password)) >= LONG_PASSWORD


def check_pin(pin: str, birth_date: date | None = None) -> None:
    """Pupils: six digits that are not a row, a repetition or the birthday. Raises BadInput("accounts.pin-…")."""
    if len(pin) != PIN_DIGITS or not (pin.isascii() and pin.isdigit()):
        raise BadInput("accounts.pin-odd", t("A PIN has exactly 6 digits."), field="new")
    if is_weak_pin(pin):
        raise BadInput(
            "accounts.pin-weak",
            t("This PIN is easily guessed: it repeats itself or is a row of digits."),
            t("Choose another one."),
            field="new",
        )
    if pin in birthday_pins(birth_date):
        raise BadInput(
            "accounts.pin-birthday",
            t("This PIN is the date of birth, which the whole class knows."),
            t("Choose another one."),
            field="new",
        )


def birthday_pins(birth_date: date | None) -> frozenset[str]:
    """Six digits that somebody who knows the birthday tries first: 05/09/2014 as 050914, 592014, 092014, 140905, 090514 …"""
    if birth_date is None:
        return frozenset()
    d, m, y = birth_date.day, birth_date.month, birth_date.year
    short = y % 100
    forms = (
        f"{d:02}{m:02}{short:02}", f"{m:02}{d:02}{short:02}", f"{short:02}{m:02}{d:02}", f"{short:02}{d:02}{m:02}",
        f"{d}{m}{y}", f"{y}{m}{d}", f"{m:02}{y}", f"{y}{m:02}", f"{d:02}{y}", f"{y}{d:02}",
    )  # fmt: skip
    return frozenset(form for form in forms if len(form) == PIN_DIGITS)


def is_weak_pin(pin: str) -> bool:
    """One digit all through, a row up or down (123456, 654321), 121212, 123123, and a row of pairs (112233).

    Other pairs such as 774411 are as good as any six digits: a rule that nobody can tell refuses without a reason.
    """
    return _is_row(pin) or pin[:2] * 3 == pin or pin[:3] * 2 == pin or (pin[0::2] == pin[1::2] and _is_row(pin[0::2]))


def _is_row(digits: str) -> bool:
    """The same digit, or one more or one less each time; after 9 comes 0."""
    return {(int(b) - int(a)) % 10 for a, b in pairwise(digits)} in ({0}, {1}, {9})


def new_pin(below: Callable[[int], int], birth_date: date | None = None) -> str:
    """A random PIN that `check_pin` accepts; `below(n)` gives a random number in [0, n)."""
    while True:
        pin = f"{below(10**PIN_DIGITS):0{PIN_DIGITS}d}"
        if not is_weak_pin(pin) and pin not in birthday_pins(birth_date):
            return pin


def new_password(choice: Callable[[Sequence[str]], str]) -> str:
    """A first password for a slip of paper: 16 clear letters in groups of four (77 bits), 19 characters."""
    letters = [choice(CLEAR_LETTERS) for _ in range(16)]
    return "-".join("".join(letters[i : i + 4]) for i in range(0, 16, 4))


def lock_ms(failures: int) -> int | None:
    """How long an account is locked after its `failures`-th wrong try in a row; None when it is not.

    Every fifth failure locks: 15 minutes, then 30, then 60. Six digits last: at most 5 tries an hour of 1,000,000.
    """
    if failures < FAILURES_BEFORE_LOCK or failures % FAILURES_BEFORE_LOCK:
        return None
    doublings = min(failures // FAILURES_BEFORE_LOCK - 1, 8)
    return int(min(FIRST_LOCK_MS * 2**doublings, LONGEST_LOCK_MS))


def idle_ms(roles: frozenset[Role]) -> int:
    """How long a session may rest. A pupil's lasts across lessons; staff see more, so theirs is shorter."""
    return PUPIL_IDLE_MS if is_pupil_only(roles) else STAFF_IDLE_MS


def session_alive(*, now: int, seen_at: int, expires_at: int, roles: frozenset[Role]) -> bool:
    """A clock that was set back (now < seen_at) keeps a session alive; its absolute end still holds."""
    return now < expires_at and now - seen_at < idle_ms(roles)
