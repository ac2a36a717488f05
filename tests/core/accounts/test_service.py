"""Looking after accounts: rules at their doors, the last administrator, own secrets, tokens, order, and what survives a move."""

import pytest

from densach_core.accounts.audit import Audit, noted_from
from densach_core.accounts.hashing import Hashing
from densach_core.accounts.model import STAFF, Account, Role
from densach_core.accounts.schema import name_sort
from densach_core.accounts.service import Accounts
from densach_core.clock import DAY_MS, FixedClock
from densach_core.database import Database
from densach_core.errors import BadInput, Conflict, NotFound, TooMany
from densach_core.i18n import sort_key

PASSWORD = "bốn từ rất dễ nhớ"
SHORT = "bàn ghế 9"


async def admin(accounts: Accounts, login: str = "quantri") -> Account:
    return await accounts.add(login=login, name="Quản trị", roles=frozenset({Role.ADMIN}), by="test", secret=PASSWORD)


async def test_a_log_in_name_is_one_persons_whatever_its_case(accounts: Accounts) -> None:
    await admin(accounts)
    with pytest.raises(Conflict) as caught:
        await admin(accounts, "QuanTri")
    assert caught.value.code == "accounts.login-taken"


@pytest.mark.parametrize(
    ("login", "name", "roles", "secret"),
    [
        ("a b", "A", {Role.TEACHER}, PASSWORD),
        ("hoa", "", {Role.TEACHER}, PASSWORD),
        ("hoa", "Hoa", set(), PASSWORD),
        ("hoa", "Hoa", {Role.TEACHER}, "ngắn"),
        ("hoa", "Hoa", {Role.STUDENT}, "12"),
        ("hoa", "Hoa", {Role.STUDENT}, PASSWORD),
    ],
)
async def test_what_cannot_be_an_account(accounts: Accounts, login: str, name: str, roles: set[Role], secret: str) -> None:
    with pytest.raises(BadInput):
        await accounts.add(login=login, name=name, roles=frozenset(roles), by="test", secret=secret)


@pytest.mark.parametrize("role", sorted(STAFF))
async def test_a_short_staff_password_must_be_helped_by_a_second_factor(accounts: Accounts, role: Role) -> None:
    account = await accounts.add(login="hoa", name="Hoa", roles=frozenset({role}), by="test", secret=SHORT)
    assert account.must_change
    long = await accounts.add(login="lan", name="Lan", roles=frozenset({role}), by="test", secret=PASSWORD)
    assert not long.must_change


async def test_the_second_factor_frees_a_short_password_and_its_loss_does_not(accounts: Accounts, clock: FixedClock) -> None:
    from densach_core.accounts.totp import hotp

    account = await accounts.add(login="hoa", name="Hoa", roles=frozenset({Role.ADMIN}), by="test", secret=SHORT)
    key = await accounts.second_factor.begin(account)
    await accounts.second_factor.finish(account, hotp(key, clock.now_ms() // 30_000))
    assert not (await accounts.get(account.id)).must_change
    await accounts.second_factor.remove(account.id, by="test")
    assert (await accounts.get(account.id)).must_change


async def test_the_last_administrator_can_neither_close_nor_step_down(accounts: Accounts) -> None:
    first = await admin(accounts)
    for act in (
        accounts.close(first.id, by=first),
        accounts.change(first.id, name="x", login="quantri", roles=frozenset({Role.TEACHER}), by=first),
    ):
        with pytest.raises(Conflict) as caught:
            await act
        assert caught.value.code == "accounts.last-admin"
    second = await admin(accounts, "khac")
    await accounts.close(first.id, by=second)
    await accounts.reopen(first.id, by=second)
    assert (await accounts.log_in("quantri", PASSWORD)).cookie


async def test_a_change_of_roles_is_felt_at_once(accounts: Accounts) -> None:
    await admin(accounts)
    hoa = await accounts.add(login="hoa", name="Hoa", roles=frozenset({Role.TECHNICIAN}), by="test", secret=PASSWORD)
    cookie = (await accounts.log_in("hoa", PASSWORD)).cookie or ""
    assert await accounts.session(cookie)
    await accounts.change(hoa.id, name="Hoa", login="hoa", roles=frozenset({Role.TEACHER}), by="test")
    assert await accounts.session(cookie) is None, "what a session could do, it could do with the old roles"


async def test_a_reset_ends_sessions_unlocks_and_asks_staff_for_a_new_one(accounts: Accounts) -> None:
    hoa = await accounts.add(login="hoa", name="Hoa", roles=frozenset({Role.TEACHER}), by="test", secret=PASSWORD)
    cookie = (await accounts.log_in("hoa", PASSWORD)).cookie or ""
    for _ in range(5):
        with pytest.raises(BadInput):
            await accounts.log_in("hoa", "sai")
    secret = await accounts.reset(hoa.id, by="test")
    assert await accounts.session(cookie) is None
    entry = await accounts.log_in("hoa", secret)
    assert entry.account.must_change
    await accounts.change_secret(entry.account, secret, PASSWORD, cookie=entry.cookie or "", address=None)
    again = await accounts.session(entry.cookie or "")
    assert again is not None
    assert not again.must_change


async def test_the_old_secret_is_asked_and_guessing_it_locks(accounts: Accounts) -> None:
    hoa = await accounts.add(login="hoa", name="Hoa", roles=frozenset({Role.TEACHER}), by="test", secret=PASSWORD)
    for _ in range(5):
        with pytest.raises(BadInput) as caught:
            await accounts.change_secret(hoa, "sai", PASSWORD + "x", cookie="", address=None)
        assert caught.value.code == "accounts.wrong-old"
    with pytest.raises(TooMany):
        await accounts.change_secret(hoa, PASSWORD, PASSWORD + "x", cookie="", address=None)


async def test_tokens_end_and_can_be_revoked(accounts: Accounts, clock: FixedClock, school: Database) -> None:
    roles = frozenset({Role.TECHNICIAN})
    token, bearer = await accounts.create_token(name="grafana", roles=roles, by="command", days=30)
    account = await accounts.token(bearer)
    assert account is not None
    assert (account.roles, account.name) == (roles, "grafana")
    assert await accounts.token(bearer[:-1]) is None
    assert await accounts.session(bearer) is None, "a token is no cookie"
    raw = await school.read(lambda c: bytes(c.execute("SELECT hash FROM account_token").fetchone()[0]))
    assert bearer.encode() not in raw
    clock.advance(30 * DAY_MS)
    assert await accounts.token(bearer) is None
    lasting, bearer = await accounts.create_token(name="x", roles=roles, by="command")
    assert lasting.expires_at is None
    await accounts.token(bearer)
    await accounts.revoke_token(lasting.id, by="command")
    assert await accounts.token(bearer) is None
    with pytest.raises(NotFound):
        await accounts.revoke_token(token.id + "x", by="command")


async def test_staff_come_first_then_pupils_each_by_given_name(accounts: Accounts) -> None:
    for login, name, role in (
        ("a", "Trần Văn Ân", Role.STUDENT), ("b", "Bùi Thị Ái", Role.STUDENT), ("c", "Đỗ An", Role.STUDENT),
        ("dd", "Lê Yến", Role.TEACHER),
    ):  # fmt: skip
        await accounts.add(login=login * 2, name=name, roles=frozenset({role}), by="test")
    found, total = await accounts.page()
    assert total == 4
    assert [s.account.name for s in found] == ["Lê Yến", "Bùi Thị Ái", "Đỗ An", "Trần Văn Ân"]
    found, _ = await accounts.page(search="tran an")
    assert [s.account.name for s in found] == ["Trần Văn Ân"]
    found, _ = await accounts.page(role=Role.TEACHER)
    assert [s.account.name for s in found] == ["Lê Yến"]


def test_the_stored_order_is_the_languages_order() -> None:
    names = ["Trần Văn Ân", "Bùi Thị Ái", "Đỗ An", "Lê Đức", "Lê Dức", "Hồ Út", "Hồ Ức", "Jean Zoë", "An", "Nguyễn Văn An"]
    assert sorted(names, key=name_sort) == sorted(names, key=sort_key)


async def test_the_log_says_who_what_and_from_where(accounts: Accounts, audit: Audit) -> None:
    first = await admin(accounts)
    with noted_from("10.0.0.5"):
        await audit.note(by=first, what="lab.repair-added", on="pc-1", detail={"part": "RAM"})
        await accounts.unlock(first.id, by=first)
    newest, repair, added = await audit.latest()
    assert (newest.what, newest.address, newest.by_id) == ("accounts.unlocked", "10.0.0.5", first.id)
    assert (repair.detail, repair.on) == ('{"part":"RAM"}', "pc-1")
    assert (added.by, added.address) == ("test", None)
    assert [n.seq for n in await audit.latest(before=newest.seq, limit=1)] == [repair.seq]
    assert [n.what for n in await audit.latest(search="ram")] == ["lab.repair-added"]
    assert not any(PASSWORD in (n.detail or "") for n in await audit.latest())


async def test_a_failed_change_leaves_no_line(accounts: Accounts, audit: Audit) -> None:
    await admin(accounts)
    before = await audit.latest()
    with pytest.raises(Conflict):
        await admin(accounts)
    assert await audit.latest() == before


async def test_the_real_costs_are_what_they_should_be() -> None:
    hashing = Hashing()
    hashed = await hashing.hash("804159")
    assert "m=19456,t=2,p=1" in hashed
    assert await hashing.matches(hashed, "804159")
    assert not await hashing.matches(hashed, "804158")
    assert not await hashing.matches(None, "804159")
    assert not await hashing.matches("no hash", "804159")
    assert not hashing.outdated(hashed)
