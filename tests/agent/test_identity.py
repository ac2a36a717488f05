"""Which machine is this? The field's traps, each as a pair of fingerprints."""

from pathlib import Path

import pytest

from densach_agent.identity import fingerprint
from densach_agent.junk import is_junk
from densach_agent.record import recorded_machine
from densach_wire.factors import factor_digest, normal_uuid
from densach_wire.likeness import Verdict, decide
from densach_wire.messages import Factor

CASES = Path(__file__).parents[1] / "fixtures" / "machines"


def factors(**values: str) -> tuple[Factor, ...]:
    """machine_id is a weak one, all others are strong."""
    return tuple(
        Factor(kind.replace("_", "-"), factor_digest(kind, value), kind != "machine_id") for kind, value in values.items()
    )


SEAT_1 = factors(board="B1", product_uuid="U1", mac="M1", disk="D1")


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (SEAT_1, Verdict.SAME),
        (factors(board="B2", product_uuid="U2", mac="M2", disk="D2"), Verdict.CLONE),  # image on another machine
        (factors(board="B1", product_uuid="U1", mac="M1", disk="D2"), Verdict.NEW_DISK),
        (factors(board="B2", product_uuid="U2", mac="M2", disk="D1"), Verdict.SAME),  # board swapped, disk kept
        (factors(board="B1", product_uuid="U1", mac="M9", disk="D1"), Verdict.SAME),  # another network card
        (factors(mac="M1", disk="D1"), Verdict.SAME),  # no root: serials cannot be read
        (factors(mac="M2"), Verdict.SAME),  # one changed, nothing else to be read: no proof
        (factors(mac="M2", disk="D2"), Verdict.CLONE),  # a lab of "To be filled by O.E.M." boards
        (factors(board="B2", product_uuid="U1", mac="M2", disk="D2"), Verdict.CLONE),  # one UUID on all boards of a lab
        ((), Verdict.SAME),
    ],
)
def test_what_changed_decides(now: tuple[Factor, ...], verdict: Verdict) -> None:
    assert decide(SEAT_1, now).verdict is verdict


def test_the_machine_id_decides_nothing() -> None:
    copied = factors(board="B2", mac="M2", machine_id="same")
    assert decide(factors(board="B1", mac="M1", machine_id="same"), copied).verdict is Verdict.CLONE


def test_a_copied_virtual_machine_is_a_clone_and_an_old_one_is_itself() -> None:
    def guest(uuid: str, mac: str) -> tuple[Factor, ...]:
        return (*factors(product_uuid=uuid), Factor("mac", factor_digest("mac", mac), strong=False))

    assert decide(guest("U1", "52:54:00:1"), guest("U2", "52:54:00:2")).verdict is Verdict.CLONE
    assert decide(guest("U1", "52:54:00:1"), guest("U1", "52:54:00:2")).verdict is Verdict.SAME


def test_a_uuid_in_either_byte_order_is_one() -> None:
    assert normal_uuid("00112233-4455-6677-8899-AABBCCDDEEFF") == normal_uuid("33221100-5544-7766-8899-aabbccddeeff")


@pytest.mark.parametrize(
    "value",
    [
        None, "", " ", "To be filled by O.E.M.", "TO BE FILLED BY O.E.M. ", "Default string", "System Serial Number", "None",
        "0", "00000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "03000200-0400-0500-0006-000700080009", "xxxxxxxxxx",
        "NO_UUID_AVAILABLE", "fefefefe-fefe-fefe-fefe-fefefefefefe", "Not Specified", "12345678", "00:00:00:00:00:00",
        "SerNum0", "<BAD INDEX>", "0x00000000",
    ],
)  # fmt: skip
def test_junk_is_known(value: str | None) -> None:
    assert is_junk(value)


@pytest.mark.parametrize(
    "value", ["7XK2PW1", "PF0A1B2C", "90:b1:1c:6e:2d:41", "Z3TQ8K2M", "4c4c4544-0058-4b10-8032-b7c04f505731"]
)
def test_serials_are_not_junk(value: str) -> None:
    assert not is_junk(value)


def test_an_office_pc_has_strong_factors_and_a_hostile_one_invents_none() -> None:
    strong = {factor.kind for factor in fingerprint(recorded_machine(CASES / "office-2012")) if factor.strong}
    assert strong == {"board", "chassis", "product", "product-uuid", "disk", "mac"}
    assert [factor for factor in fingerprint(recorded_machine(CASES / "hostile")) if factor.strong] == []
    assert all(not factor.strong for factor in fingerprint(recorded_machine(CASES / "vm")) if factor.kind == "mac")
