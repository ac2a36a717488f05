"""Argon2id for secrets people choose, SHA-256 for secrets the hub draws.

19 MiB, t=2, p=1: 34 ms on the reference machine (the library's default takes 190 ms). Two at a time, in threads,
so that a class logging in at once is served at the speed of two cores and the event loop never waits.
"""

import asyncio
import contextlib
import ctypes
import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from densach_core.accounts.rules import secret_form

AT_ONCE = 2
M_MMAP_THRESHOLD = -3
RETURNED_FROM = 1024 * 1024


def return_large_blocks() -> None:
    """Makes the C library give blocks of 1 MiB and more back when they are freed.

    glibc learns from the first freed 19 MiB to keep such blocks in the arena of whatever thread asked: a class that has logged
    in leaves 80–110 MB behind (measured: 137 MB resident instead of 23). Other C libraries have no such setting and no need.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, RETURNED_FROM)


class Hashing:
    def __init__(self, *, memory_kib: int = 19 * 1024, rounds: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._nobody: str | None = None
        return_large_blocks()

    async def hash(self, secret: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, secret_form(secret))

    async def matches(self, hashed: str | None, secret: str) -> bool:
        """Whether `secret` belongs to `hashed`. Without a hash it takes just as long and is False."""
        async with self._turns:
            return await asyncio.to_thread(self._matches, hashed, secret_form(secret))

    def outdated(self, hashed: str) -> bool:
        """Whether a hash was made with other costs than today's."""
        return self._hasher.check_needs_rehash(hashed)

    def _matches(self, hashed: str | None, secret: str) -> bool:
        if hashed is None:
            self._nobody = self._nobody or self._hasher.hash(secrets.token_hex(16))
        try:
            return self._hasher.verify(hashed or self._nobody or "", secret) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False


def new_key() -> str:
    """256 random bits for a cookie or a token."""
    return secrets.token_urlsafe(32)


def digest(key: str) -> bytes:
    """How a random key is kept: whoever reads the database cannot use it."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
