"""Joining the school, without HTTP: tokens, the waiting list, who is who, being shut out."""

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.hub.fleet.conftest import DAY, HOUR, MINUTE, Lab, factors, hello

from densach_core.database import Database
from densach_core.errors import BadInput, Conflict, TooMany, Unavailable
from densach_hub.fleet import enrolment
from densach_hub.fleet.enrolment import Site
from densach_hub.fleet.model import WaitingState
from densach_hub.fleet.sights import FindingKind
from densach_wire.enrolment import EnrolAnswer, EnrolRequest, ca_digest, parse_token
from densach_wire.messages import System


def csr() -> str:
    """A request as agents make it: its subject is never used."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def asks(name: str = "PC-01", n: int = 1, **more: object) -> EnrolRequest:
    shown = factors(f"board-{n}", f"disk-{n}", f"mac-{n}")
    plain = EnrolRequest(hostname=name, fingerprint=shown, csr_pem=csr(), os=System("linux", "Debian", "12"), maker="FPT")
    return msgspec.structs.replace(plain, **more)


async def enrol(lab: Lab, request: EnrolRequest, address: str = "10.0.0.5") -> EnrolAnswer:
    return await lab.fleet.enrolment.enrol(request, address=address)


async def _token(lab: Lab, room: str | None = None, **more: int) -> str:
    return (await lab.fleet.enrolment.new_token(by="Lan", room=room, **more))[1]


async def test_a_token_admits_into_its_room(lab: Lab) -> None:
    room = await lab.fleet.rooms.new("Phòng Tin 1", by="Lan", seats=2)
    token = await _token(lab, room.id)
    answer = await enrol(lab, asks(token=token))
    assert (answer.state, answer.school, answer.user_key) == ("admitted", "truong", lab.fleet.authority.user_key)
    assert answer.ca is not None
    assert parse_token(token).ca_digest == ca_digest(answer.ca)
    certificate = x509.load_pem_x509_certificate((answer.certificate or "").encode())
    assert certificate.subject.rfc4514_string() == f"CN={answer.device}"
    machine = await lab.fleet.register.machine(answer.device or "")
    assert (machine.name, machine.maker, machine.os) == ("PC-01", "FPT", "Debian 12")
    assert machine.place is not None
    assert machine.place.room == room.id
    assert machine.certificate == f"{certificate.serial_number:x}"
    assert lab.fleet.register.knows(machine.id)


async def test_a_token_is_good_for_so_many_machines_and_hours(lab: Lab) -> None:
    token = await _token(lab, uses=2, hours=1)
    states = [(await enrol(lab, asks(f"PC-{n}", n, token=token))).state for n in (1, 2, 3)]
    assert states == ["admitted", "admitted", "refused"]
    late = await _token(lab, hours=1)
    lab.clock.advance(HOUR)
    assert (await enrol(lab, asks("PC-9", 9, token=late))).state == "refused"
    assert await lab.fleet.enrolment.tokens() == []


async def test_a_revoked_or_made_up_token_opens_nothing(lab: Lab) -> None:
    token, text = await lab.fleet.enrolment.new_token(by="Lan", room=None)
    await lab.fleet.enrolment.revoke_token(token.id, by="Lan")
    assert (await enrol(lab, asks(token=text))).state == "refused"
    assert (await enrol(lab, asks(token="ds1.nonsense"))).state == "refused"
    for _ in range(18):
        await enrol(lab, asks(token="ds1.nonsense"), "10.9.9.9")
    for _ in range(2):
        await enrol(lab, asks(token="ds1.nonsense"), "10.9.9.9")
    with pytest.raises(TooMany):
        await enrol(lab, asks(token="ds1.nonsense"), "10.9.9.9")


async def test_secrets_are_stored_as_hashes_only(lab: Lab, school: Database) -> None:
    text = await _token(lab)
    answer = await enrol(lab, asks())
    dump = "\n".join(await school.read(lambda c: list(c.iterdump())))
    assert parse_token(text).secret not in dump
    assert answer.ticket is not None
    assert answer.ticket not in dump


async def test_without_a_token_one_waits_for_one_click(lab: Lab) -> None:
    request = asks()
    first = await enrol(lab, request)
    assert (first.state, first.certificate) == ("waiting", None)
    again = msgspec.structs.replace(request, ticket=first.ticket)
    assert (await enrol(lab, again)).state == "waiting"
    waiting = await lab.fleet.enrolment.waiting()
    assert [(w.hostname, w.twin_of, w.same_as) for w in waiting] == [("PC-01", None, None)]
    assert [f.kind for f in await lab.fleet.alerts.morning()] == [FindingKind.WAITING]
    room = await lab.fleet.rooms.new("Phòng Tin 1", by="Lan", seats=2)
    machine = await lab.fleet.enrolment.admit(waiting[0].id, by="Lan", room=room.id, seat="02")
    answer = await enrol(lab, again)
    assert (answer.state, answer.device) == ("admitted", machine.id)
    assert machine.place is not None
    assert machine.place.seat == "02"
    assert await lab.fleet.enrolment.waiting() == []
    with pytest.raises(Conflict):
        await lab.fleet.enrolment.admit(waiting[0].id, by="Lan")


async def test_a_lost_ticket_makes_no_second_entry_and_a_stolen_one_is_worthless(lab: Lab) -> None:
    request = asks()
    first = await enrol(lab, request)
    second = await enrol(lab, request)
    assert first.ticket != second.ticket
    assert len(await lab.fleet.enrolment.waiting()) == 1
    waiting = (await lab.fleet.enrolment.waiting())[0]
    await lab.fleet.enrolment.admit(waiting.id, by="Lan")
    thief = await enrol(lab, asks("THIEF", 7, ticket=second.ticket))
    assert (thief.state, thief.certificate) == ("waiting", None)


async def test_a_full_list_of_one_address_shuts_nobody_else_out_and_empties_itself(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrolment, "MOST_WAITING_OF_ONE", 2)
    for n in (1, 2):
        assert (await enrol(lab, asks(f"PC-0{n}", n))).state == "waiting"
    with pytest.raises(TooMany) as full:
        await enrol(lab, asks("PC-03", 3))
    assert full.value.code == "fleet.waiting-full"
    assert (await enrol(lab, asks("PC-04", 4), address="10.0.0.6")).state == "waiting"
    lab.clock.advance(8 * DAY)
    assert (await enrol(lab, asks("PC-03", 3))).state == "waiting"
    assert [w.hostname for w in await lab.fleet.enrolment.waiting()] == ["PC-03"]


async def test_refused_is_refused(lab: Lab) -> None:
    request = asks()
    first = await enrol(lab, request)
    await lab.fleet.enrolment.refuse((await lab.fleet.enrolment.waiting())[0].id, by="Lan")
    assert (await enrol(lab, msgspec.structs.replace(request, ticket=first.ticket))).state == "refused"


async def test_an_answer_that_got_lost_makes_no_second_machine(lab: Lab) -> None:
    token = await _token(lab, uses=5)
    request = asks(token=token, fingerprint=())
    first, second = await enrol(lab, request), await enrol(lab, request)
    assert first.device == second.device
    assert len(await lab.fleet.register.machines()) == 1
    assert (await lab.fleet.enrolment.tokens())[0].uses_left == 4


async def test_installed_anew_renamed_and_moved_it_is_still_one_machine(lab: Lab) -> None:
    one = await lab.fleet.rooms.new("Phòng Tin 1", by="Lan", seats=2)
    two = await lab.fleet.rooms.new("Phòng Tin 2", by="Lan", seats=2)
    first = await enrol(lab, asks(token=await _token(lab, one.id)))
    lab.clock.advance(DAY)
    again = await enrol(lab, asks("LIB-01", token=await _token(lab, two.id)))
    assert again.device == first.device
    machines = await lab.fleet.register.machines()
    assert [(m.id, m.name, m.place.room if m.place else None) for m in machines] == [(first.device, "LIB-01", two.id)]
    revoked = x509.load_pem_x509_crl(lab.fleet.authority.revoked_file.read_bytes())
    old = x509.load_pem_x509_certificate((first.certificate or "").encode())
    assert revoked.get_revoked_certificate_by_serial_number(old.serial_number) is not None


async def test_a_clone_becomes_a_second_machine_with_a_word_to_the_technician(lab: Lab) -> None:
    token = await _token(lab)
    original = await enrol(lab, asks(token=token))
    assert original.device is not None
    lab.clock.advance(MINUTE)
    found = await lab.fleet.telemetry.hello(
        original.device, hello(boot="b2", shown=factors("board-2", "disk-2", "mac-2")), at=lab.clock.now_ms()
    )
    assert found.twin
    clone = asks("PC-01", 2, was=original.device)
    first = await enrol(lab, clone)
    waiting = (await lab.fleet.enrolment.waiting())[0]
    assert waiting.twin_of == original.device
    kinds = [(f.kind, f.urgent, f.waiting) for f in await lab.fleet.alerts.morning()]
    assert (FindingKind.TWIN, True, waiting.id) in kinds
    await lab.fleet.enrolment.admit(waiting.id, by="Lan")
    answer = await enrol(lab, msgspec.structs.replace(clone, ticket=first.ticket))
    assert answer.state == "admitted"
    assert answer.device != original.device
    assert len(await lab.fleet.register.machines()) == 2
    findings = await lab.fleet.alerts.morning()
    assert [(f.kind, f.urgent, f.machine) for f in findings] == [(FindingKind.TWIN, False, answer.device)]


async def test_a_clone_that_copied_the_key_does_not_become_the_original(lab: Lab) -> None:
    token = await _token(lab)
    request = asks(token=token)
    original = await enrol(lab, request)
    clone = await enrol(lab, msgspec.structs.replace(request, fingerprint=factors("x", "y", "z")))
    assert clone.device != original.device


async def test_shut_out(lab: Lab) -> None:
    class Broker:
        told: frozenset[str] = frozenset()

        async def revoke(self, devices: frozenset[str]) -> None:
            self.told = devices

    broker = Broker()
    lab.fleet.enrolment.doorkeeper = broker
    request = asks(token=await _token(lab))
    device = (await enrol(lab, request)).device or ""
    await lab.fleet.enrolment.shut_out(device, by="Lan")
    assert broker.told == {device}
    assert not lab.fleet.register.knows(device)
    # With a token in hand a person has decided otherwise: it comes back as itself.
    back = await enrol(lab, msgspec.structs.replace(request, token=await _token(lab)))
    assert (back.state, back.device, broker.told) == ("admitted", device, frozenset())


async def test_nonsense_is_refused_and_a_hub_without_broker_says_so(lab: Lab) -> None:
    empty = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"
    for pem in ("", "no pem", csr().replace("A", "B"), empty):
        with pytest.raises(BadInput):
            await enrol(lab, asks(csr_pem=pem))
    lab.fleet.enrolment.site = Site(school="truong")
    with pytest.raises(Unavailable):
        await enrol(lab, asks())


async def test_decisions_are_in_the_audit_log(lab: Lab, school: Database) -> None:
    await enrol(lab, asks())
    await lab.fleet.enrolment.admit((await lab.fleet.enrolment.waiting())[0].id, by="Lan")
    rows = await school.read(lambda c: [tuple(r) for r in c.execute("SELECT by_name, what FROM audit ORDER BY seq")])
    assert ("Lan", f"fleet.machine-{WaitingState.ADMITTED}") in rows


async def test_brought_back_by_a_person_the_broker_lets_it_in_again(lab: Lab) -> None:
    class Broker:
        told: frozenset[str] = frozenset()

        async def revoke(self, devices: frozenset[str]) -> None:
            self.told = devices

    request = asks(token=await _token(lab))
    device = (await enrol(lab, request)).device or ""
    await lab.fleet.register.retire(device, by="Lan")
    await lab.fleet.open()  # as after a restart, when the broker is given the list by whoever starts it
    broker = Broker()
    broker.told = frozenset({device})
    lab.fleet.enrolment.doorkeeper = broker
    await lab.fleet.register.bring_back(device, by="Lan")
    assert (await enrol(lab, request)).device == device
    assert broker.told == frozenset()


async def test_forgotten_by_an_older_backup_it_knocks_and_keeps_its_id(lab: Lab) -> None:
    door, welcomed = lab.fleet.enrolment, list[str]()

    class Usher:
        async def welcome(self, device: str) -> None:
            assert lab.fleet.register.knows(device)
            welcomed.append(device)

    door.usher = Usher()
    says = hello(hostname="PC-07", shown=factors("board-7", "disk-7", "mac-7"))
    assert await door.knock("pc-forgotten", says)
    assert await door.knock("pc-forgotten", says)  # at each connect
    [waiting] = await door.waiting()
    assert (waiting.hostname, waiting.machine, waiting.twin_of) == ("PC-07", "pc-forgotten", None)
    [finding] = await lab.fleet.alerts.morning()
    assert (finding.kind, finding.waiting) == (FindingKind.WAITING, waiting.id)
    machine = await door.admit(waiting.id, by="Lan")
    assert (machine.id, machine.name, machine.admitted_by) == ("pc-forgotten", "PC-07", "Lan")
    assert welcomed == ["pc-forgotten"]
    assert not await door.waiting()

    # A retired machine does not come back this way, one that was refused not on the same day.
    await lab.fleet.register.retire("pc-forgotten", by="Lan")
    assert not await door.knock("pc-forgotten", says)
    assert await door.knock("pc-stranger", says)
    [stranger] = await door.waiting()
    await door.refuse(stranger.id, by="Lan")
    assert not await door.knock("pc-stranger", says)
    lab.clock.advance(DAY)
    assert await door.knock("pc-stranger", says)
