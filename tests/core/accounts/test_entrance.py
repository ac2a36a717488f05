"""Coming in: sessions, locks, what a guesser sees, and what survives a restart."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.core.accounts.conftest import cheap

from densach_core.accounts import store, totp
from densach_core.accounts.audit import Audit
from densach_core.accounts.doorkeeper import ADDRESS_FAILURES
from densach_core.accounts.model import Account, Role
from densach_core.accounts.rules import ABSOLUTE_MS, HOUR_MS, MINUTE_MS
from densach_core.accounts.service import Accounts
from densach_core.clock import FixedClock
from densach_core.database import Database
from densach_core.errors import BadInput, TooMany

PASSWORD = "bốn từ rất dễ nhớ"
PIN = "804159"


async def staff(accounts: Accounts, login: str = "lan", role: Role = Role.TECHNICIAN) -> Account:
    return await accounts.add(login=login, name="Nguyễn Thị Lan", roles=frozenset({role}), by="test", secret=PASSWORD)


async def pupil(accounts: Accounts, login: str = "hs001") -> Account:
    return await accounts.add(
        login=login, name="Trần Văn An", roles=frozenset({Role.STUDENT}), by="test", secret=PIN, class_id="6a"
    )


async def test_whoever_knows_name_and_password_gets_a_session(accounts: Accounts) -> None:
    await staff(accounts)
    entry = await accounts.log_in(" LAN ", PASSWORD, address="10.0.0.7")
    assert entry.cookie is not None
    who = await accounts.session(entry.cookie)
    assert who is not None
    assert who.name == "Nguyễn Thị Lan"
    assert who.roles == {Role.TECHNICIAN}


async def test_wrong_name_and_wrong_password_read_the_same(accounts: Accounts) -> None:
    await staff(accounts)
    with pytest.raises(BadInput) as wrong_secret:
        await accounts.log_in("lan", "something else")
    with pytest.raises(BadInput) as wrong_name:
        await accounts.log_in("nobody", PASSWORD)
    assert wrong_secret.value.code == wrong_name.value.code == "accounts.wrong"
    assert wrong_secret.value.what == wrong_name.value.what


async def test_the_cookie_is_not_in_the_database(accounts: Accounts, school: Database) -> None:
    await staff(accounts)
    entry = await accounts.log_in("lan", PASSWORD)
    assert entry.cookie
    assert len(entry.cookie) >= 43, "256 bits"
    stored = await school.read(lambda c: c.execute("SELECT hash FROM account_session").fetchone()[0])
    assert entry.cookie.encode() not in stored
    assert len(stored) == 32


async def test_sessions_survive_a_restart(tmp_path: Path, clock: FixedClock) -> None:
    async with Database(tmp_path / "school.db", {"accounts": store.MIGRATIONS}) as school:
        accounts = Accounts(school, clock, hashing=cheap())
        await pupil(accounts)
        entry = await accounts.log_in("hs001", PIN)
    async with Database(tmp_path / "school.db", {"accounts": store.MIGRATIONS}) as school:
        who = await Accounts(school, clock, hashing=cheap()).session(entry.cookie or "")
    assert who is not None
    assert who.class_id == "6a"


async def test_logging_in_gives_a_new_session_and_ends_the_one_brought_along(accounts: Accounts) -> None:
    """Session fixation: a cookie planted in the browser before is worth nothing afterwards."""
    await staff(accounts)
    await pupil(accounts)
    planted = (await accounts.log_in("hs001", PIN)).cookie
    assert planted
    assert await accounts.session(planted)
    entry = await accounts.log_in("lan", PASSWORD, instead_of=planted)
    assert entry.cookie != planted
    assert await accounts.session(planted) is None
    made_up = "x" * 43
    entry = await accounts.log_in("lan", PASSWORD, instead_of=made_up)
    assert entry.cookie != made_up
    assert await accounts.session(made_up) is None


async def test_logging_out_ends_the_session_at_once(accounts: Accounts) -> None:
    await staff(accounts)
    cookie = (await accounts.log_in("lan", PASSWORD)).cookie or ""
    assert await accounts.session(cookie)
    await accounts.log_out(cookie)
    assert await accounts.session(cookie) is None


async def test_an_idle_session_ends_and_a_used_one_lasts_to_its_absolute_end(accounts: Accounts, clock: FixedClock) -> None:
    await staff(accounts)
    idle = (await accounts.log_in("lan", PASSWORD)).cookie or ""
    used = (await accounts.log_in("lan", PASSWORD)).cookie or ""
    for _ in range(11 * 4):
        clock.advance(15 * MINUTE_MS)
        assert await accounts.session(used)
    assert await accounts.session(idle) is None
    clock.advance(ABSOLUTE_MS - 11 * HOUR_MS)
    assert await accounts.session(used) is None


async def test_five_wrong_tries_lock_for_a_quarter_of_an_hour(accounts: Accounts, clock: FixedClock, audit: Audit) -> None:
    account = await pupil(accounts)
    for _ in range(5):
        with pytest.raises(BadInput):
            await accounts.log_in("hs001", "000000", address="10.0.0.9")
    with pytest.raises(TooMany) as caught:
        await accounts.log_in("hs001", PIN)
    assert caught.value.code == "accounts.locked"
    assert caught.value.facts["retry_after_s"] == 15 * 60 + 1
    newest = (await audit.latest())[0]
    assert (newest.what, newest.address, newest.on) == ("accounts.locked", "10.0.0.9", account.id)
    clock.advance(15 * MINUTE_MS)
    assert (await accounts.log_in("hs001", PIN)).cookie


async def test_a_lock_survives_a_restart(school: Database, accounts: Accounts, clock: FixedClock) -> None:
    await pupil(accounts)
    for _ in range(5):
        with pytest.raises(BadInput):
            await accounts.log_in("hs001", "000000")
    with pytest.raises(TooMany):
        await Accounts(school, clock, hashing=cheap()).log_in("hs001", PIN)


async def test_guesses_sent_at_once_are_still_only_five(accounts: Accounts, school: Database) -> None:
    await pupil(accounts)
    answers = await asyncio.gather(*(accounts.log_in("hs001", f"{n:06d}") for n in range(200, 240)), return_exceptions=True)
    assert sum(isinstance(a, BadInput) for a in answers) == 5
    assert sum(isinstance(a, TooMany) for a in answers) == 35


async def test_a_name_nobody_has_locks_like_any_other(accounts: Accounts) -> None:
    for _ in range(5):
        with pytest.raises(BadInput):
            await accounts.log_in("nobody", "000000")
    with pytest.raises(TooMany):
        await accounts.log_in("nobody", "000000")


async def test_a_success_forgets_failures(accounts: Accounts) -> None:
    await pupil(accounts)
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(BadInput):
                await accounts.log_in("hs001", "000000")
        await accounts.log_in("hs001", PIN)


async def test_staff_unlock(accounts: Accounts) -> None:
    account = await pupil(accounts)
    for _ in range(5):
        with pytest.raises(BadInput):
            await accounts.log_in("hs001", "000000")
    await accounts.unlock(account.id, by="test")
    assert (await accounts.log_in("hs001", PIN)).cookie


async def test_a_shared_address_is_slowed_but_never_locked(accounts: Accounts, clock: FixedClock) -> None:
    """One joker in the room guesses at everybody: the others still come in, and after ten minutes at full speed."""
    await pupil(accounts)
    for n in range(ADDRESS_FAILURES):
        with pytest.raises(BadInput):
            await accounts.log_in(f"name{n}", "000000", address="10.0.0.1")
    door = accounts._entrance._door
    assert door.is_slow("10.0.0.1")
    assert not door.is_slow("10.0.0.2")
    assert (await accounts.log_in("hs001", PIN, address="10.0.0.1")).cookie
    clock.advance(11 * MINUTE_MS)
    assert not door.is_slow("10.0.0.1")


async def test_a_closed_account_stays_out_and_its_sessions_end(accounts: Accounts) -> None:
    account = await pupil(accounts)
    cookie = (await accounts.log_in("hs001", PIN)).cookie or ""
    assert await accounts.session(cookie)
    await accounts.close(account.id, by="test")
    assert await accounts.session(cookie) is None
    with pytest.raises(BadInput):
        await accounts.log_in("hs001", PIN)


async def test_a_composed_and_a_decomposed_password_are_one(accounts: Accounts) -> None:
    import unicodedata

    await staff(accounts)
    assert (await accounts.log_in("lan", unicodedata.normalize("NFD", PASSWORD))).cookie


async def test_an_old_hash_is_renewed_at_log_in(school: Database, clock: FixedClock) -> None:
    from densach_core.accounts.hashing import Hashing

    await pupil(Accounts(school, clock, hashing=cheap()))
    await Accounts(school, clock, hashing=Hashing(memory_kib=128, rounds=1)).log_in("hs001", PIN)
    stored: str = await school.read(lambda c: c.execute("SELECT secret FROM account").fetchone()[0])
    assert "m=128," in stored


async def test_the_second_factor_asks_for_a_code_that_counts_once(accounts: Accounts, clock: FixedClock) -> None:
    account = await staff(accounts)
    key = await accounts.second_factor.begin(account)
    assert await accounts.second_factor.begin(account) == key, "a reloaded page keeps the QR code"
    with pytest.raises(BadInput):
        await accounts.second_factor.finish(account, "000000")
    codes = await accounts.second_factor.finish(account, totp.hotp(key, clock.now_ms() // 30_000))
    assert len(set(codes)) == 8

    entry = await accounts.log_in("lan", PASSWORD)
    assert entry.cookie is None
    assert entry.ticket
    with pytest.raises(BadInput):
        await accounts.log_in_with_code(entry.ticket, totp.hotp(key, clock.now_ms() // 30_000))
    clock.advance(30_000)
    code = totp.hotp(key, clock.now_ms() // 30_000)
    assert (await accounts.log_in_with_code(entry.ticket, code)).cookie
    with pytest.raises(BadInput) as caught:
        await accounts.log_in_with_code(entry.ticket, code)
    assert caught.value.code == "accounts.ticket-over"

    assert (await accounts.log_in("lan", PASSWORD, codes[0].upper().replace("-", " "))).cookie
    with pytest.raises(BadInput):
        await accounts.log_in("lan", PASSWORD, codes[0])
    assert await accounts.second_factor.recovery_left(account) == 7


async def test_guessing_codes_locks_too(accounts: Accounts, clock: FixedClock) -> None:
    account = await staff(accounts)
    key = await accounts.second_factor.begin(account)
    await accounts.second_factor.finish(account, totp.hotp(key, clock.now_ms() // 30_000))
    ticket = (await accounts.log_in("lan", PASSWORD)).ticket or ""
    for _ in range(5):
        with pytest.raises(BadInput):
            await accounts.log_in_with_code(ticket, "12345x")
    with pytest.raises(TooMany):
        await accounts.log_in_with_code(ticket, "12345x")


async def test_a_ticket_lasts_five_minutes(accounts: Accounts, clock: FixedClock) -> None:
    account = await staff(accounts)
    key = await accounts.second_factor.begin(account)
    await accounts.second_factor.finish(account, totp.hotp(key, clock.now_ms() // 30_000))
    ticket = (await accounts.log_in("lan", PASSWORD)).ticket or ""
    clock.advance(5 * MINUTE_MS + 1)
    with pytest.raises(BadInput) as caught:
        await accounts.log_in_with_code(ticket, totp.hotp(key, clock.now_ms() // 30_000))
    assert caught.value.code == "accounts.ticket-over"


async def test_the_audit_log_cannot_be_rewritten(accounts: Accounts, school: Database) -> None:
    await staff(accounts)
    for wrong in ("UPDATE audit SET what = 'nothing'", "DELETE FROM audit"):
        with pytest.raises(sqlite3.IntegrityError):
            await school.write(lambda c, wrong=wrong: c.execute(wrong))  # type: ignore[misc]
