import random
from base64 import b32decode
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densach_core.accounts import rules, totp
from densach_core.accounts.model import STAFF, Account, Role
from densach_core.errors import BadInput


def test_roles_are_those_the_outside_holds_on_to() -> None:
    assert {str(role) for role in Role} == {
        "student", "teacher", "librarian", "technician", "principal", "office", "admin",
    }  # fmt: skip
    assert Role.STUDENT not in STAFF


def test_a_pupil_is_no_staff() -> None:
    pupil = Account(id="p", login="p", name="An", roles=frozenset({Role.STUDENT}))
    assert not pupil.staff
    assert Account(id="t", login="t", name="Tú", roles=frozenset({Role.STUDENT, Role.TEACHER})).staff


@pytest.mark.parametrize("pin", ["774411", "804159", "110022", "121314", "123321"])
def test_pins_that_follow_no_rule_one_could_tell_are_fine(pin: str) -> None:
    rules.check_pin(pin)


@pytest.mark.parametrize("pin", ["123456", "654321", "111111", "000000", "121212", "123123", "112233", "665544", "890123"])
def test_weak_pins_are_refused(pin: str) -> None:
    with pytest.raises(BadInput) as caught:
        rules.check_pin(pin)
    assert caught.value.code == "accounts.pin-weak"


@pytest.mark.parametrize("pin", ["050914", "090514", "140905", "140509", "592014", "201495", "092014", "201409"])
def test_a_birthday_is_no_pin(pin: str) -> None:
    rules.check_pin(pin)
    with pytest.raises(BadInput) as caught:
        rules.check_pin(pin, date(2014, 9, 5))
    assert caught.value.code == "accounts.pin-birthday"


def test_what_only_resembles_a_birthday_is_a_pin() -> None:
    rules.check_pin("060914", date(2014, 9, 5))


def test_no_birthday_is_drawn() -> None:
    drawn = iter([50914, 592014, 804159])
    assert rules.new_pin(lambda _: next(drawn), date(2014, 9, 5)) == "804159"


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "12a456", "１２３４５６", "-12345"])
def test_a_pin_is_six_ascii_digits(pin: str) -> None:
    with pytest.raises(BadInput) as caught:
        rules.check_pin(pin)
    assert caught.value.code == "accounts.pin-odd"


@given(st.integers())
def test_drawn_pins_pass_their_own_rule(seed: int) -> None:
    rules.check_pin(rules.new_pin(random.Random(seed).randrange))


@given(st.integers())
def test_drawn_passwords_stand_without_a_second_factor(seed: int) -> None:
    password = rules.new_password(random.Random(seed).choice)
    rules.check_password(password, login="lan.nguyen", second_factor=False)
    assert rules.is_long(password)


@pytest.mark.parametrize(
    ("password", "second_factor", "fine"),
    [
        ("bốn từ dễ nhớ", False, False),
        ("bốn từ rất dễ nhớ", False, True),
        ("bàn ghế 9", True, True),
        ("bàn9ghế", True, False),
        ("aaaaaaaaaaaaaaaa", False, False),
        ("hoa.le và con mèo", False, False),
        ("x" * 300, False, False),
    ],
)
def test_staff_passwords(password: str, second_factor: bool, fine: bool) -> None:
    if fine:
        rules.check_password(password, login="hoa.le", second_factor=second_factor)
    else:
        with pytest.raises(BadInput):
            rules.check_password(password, login="hoa.le", second_factor=second_factor)


def test_decomposed_letters_count_once() -> None:
    """Some keyboards type ễ as three code points: neither a longer password nor another one."""
    import unicodedata

    composed = "bốn từ dễ nhớ"
    assert rules.secret_form(unicodedata.normalize("NFD", composed)) == composed


def test_locks_grow_and_have_an_end() -> None:
    minutes = [None if (ms := rules.lock_ms(n)) is None else ms // 60_000 for n in range(1, 26)]
    assert minutes[:5] == [None, None, None, None, 15]
    assert [m for m in minutes if m] == [15, 30, 60, 60, 60]


@given(st.integers(1, 10_000_000))
def test_a_lock_is_never_longer_than_an_hour(failures: int) -> None:
    lasting = rules.lock_ms(failures)
    assert lasting is None or 0 < lasting <= rules.LONGEST_LOCK_MS


def test_a_session_ends_idle_and_absolutely() -> None:
    pupil, staff = frozenset({Role.STUDENT}), frozenset({Role.TECHNICIAN})
    two_hours = 2 * rules.HOUR_MS
    end = rules.ABSOLUTE_MS
    assert rules.session_alive(now=two_hours, seen_at=0, expires_at=end, roles=pupil)
    assert not rules.session_alive(now=two_hours, seen_at=0, expires_at=end, roles=staff)
    assert not rules.session_alive(now=end, seen_at=end - 1, expires_at=end, roles=pupil)
    assert rules.session_alive(now=0, seen_at=two_hours, expires_at=end, roles=staff), "a clock set back ends nothing"


@pytest.mark.parametrize("login", ["a", "", "x y", "a" * 65, "<script>", "a/b", "tab\there"])
def test_odd_log_in_names_are_refused(login: str) -> None:
    with pytest.raises(BadInput):
        rules.check_login(login)


@pytest.mark.parametrize(("seconds", "code"), [
    (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
    (2000000000, "69279037"), (20000000000, "65353130"),
])  # fmt: skip
def test_vectors_of_rfc_6238(seconds: int, code: str) -> None:
    key = b"12345678901234567890"
    assert totp.hotp(key, seconds // 30, digits=8) == code
    assert totp.matching_step(key, code[2:], now_ms=seconds * 1000, after=None) == seconds // 30


def test_vectors_of_rfc_4226() -> None:
    key = b"12345678901234567890"
    expected = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
    assert [totp.hotp(key, n) for n in range(10)] == expected


def test_a_code_fits_one_step_before_and_after_and_once() -> None:
    key, now = bytes(range(20)), 1_795_500_000_000
    step = now // 30_000
    for n, fits in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        found = totp.matching_step(key, totp.hotp(key, step + n), now_ms=now, after=None)
        assert found == (step + n if fits else None)
    assert totp.matching_step(key, totp.hotp(key, step), now_ms=now, after=step) is None


@given(st.text())
def test_any_code_may_be_typed(code: str) -> None:
    totp.matching_step(bytes(20), code, now_ms=1_795_500_000_000, after=None)


def test_the_address_for_the_app_holds_the_key() -> None:
    key = bytes(range(20))
    address = totp.address(key, login="lan", issuer="Trường THCS Đèn Sách")
    assert address.startswith("otpauth://totp/Tr%C6%B0%E1%BB%9Dng")
    assert b32decode(totp.key_text(key)) == key
    assert f"secret={totp.key_text(key)}" in address
