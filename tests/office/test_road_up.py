"""From a school's hub to the office over real HTTP: what is sent, kept, retried, ignored and refused."""

import asyncio
import io
import shutil
from pathlib import Path

import aiohttp
import msgspec
import pytest
from tests.office.conftest import DAY, MakeOffice, MakeSchool, Running, School

from densach_core.errors import BadInput, Conflict, NotAllowed, Unavailable
from densach_core.sender import store as sender_store
from densach_core.sender.courier import Courier
from densach_core.sender.signing import SigningKey, open_key
from densach_office.schools.model import NoticeKind
from densach_wire.upward import Envelope, FleetSummary, Record, Sukien, Verdict, canonical, raw


async def pair(office: Running, school: School) -> None:
    await school.sender.pair(office.url, await office.code(school.code))


async def held_registered(office: Running, code: str) -> int | None:
    return (await office.office.schools.school(code)).row.registered


def envelope(key: SigningKey, *records: Record, school: str = "0123456") -> bytes:
    said = Envelope(school=school, key=key.id, sent_at=0, records=[msgspec.Raw(canonical(r)) for r in records])
    return key.sign(said)


def fleet_record(version: int, registered: int = 40, school: str = "0123456", **more: str) -> Record:
    body = msgspec.json.encode({"measured": {"registered": registered}, "declared": {}, "simulated": {}, **more})
    return Record(
        id=f"{school}/fleet", event=Sukien.NEW, version=version, updated_at="2026-11-24T07:00:00+07:00",
        school=school, kind="fleet", as_of=DAY, body=msgspec.Raw(body),
    )  # fmt: skip


async def post(office: Running, body: bytes) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.post(f"{office.url}/api/v1/feed", data=io.BytesIO(body)) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_paired_school_is_seen_with_its_machines_and_only_changes_are_sent(office: Running, school: School) -> None:
    await pair(office, school)
    assert await school.say(registered=40) == 2
    await school.send()
    assert await school.waiting() == 0
    assert await held_registered(office, school.code) == 40
    assert await school.say(registered=40) == 0
    assert await school.say(registered=41) == 1
    await school.send()
    assert await held_registered(office, school.code) == 41
    versions = await office.office.schools.versions("0123456/fleet")
    assert [(held.record.version, held.record.event) for held in versions] == [(2, "UPDATE"), (1, "NEW")]


async def test_the_line_goes_down_and_comes_back_and_nothing_is_lost(make_office: MakeOffice, school: School) -> None:
    async with make_office() as office:
        port = int(office.url.rpartition(":")[2])
        await pair(office, school)
    for day in range(20, 25):
        await school.say(registered=day, as_of=f"2026-11-{day}")
    wait = await school.send()
    assert await school.waiting() == 6  # the profile once, the fleet once a day
    assert 0 < wait <= 30
    line = (await school.sender.lines())[0]
    assert line.parent.problem == "sender.no-answer"
    school.clock.advance(20 * 60_000)
    async with make_office(port=port) as office:
        await school.send()
        assert await school.waiting() == 0
        assert await held_registered(office, school.code) == 24
        days = await office.office.store.days("fleet", "2026-11-01")
        assert [held.record.as_of for held in days] == [f"2026-11-{day}" for day in range(20, 25)]
        assert (await school.sender.lines())[0].parent.problem is None


async def test_while_the_line_is_down_one_record_a_day_waits_not_one_a_change(office: Running, school: School) -> None:
    await pair(office, school)
    for n in range(50):
        await school.say(registered=n)
    assert await school.waiting() == 2


async def test_an_answer_lost_on_the_way_costs_nothing(office: Running, school: School) -> None:
    await pair(office, school)
    await school.say(registered=40)
    waiting = await school.database.read(lambda c: sender_store.waiting(c, 1, 10))
    await school.send()
    for item in waiting:
        await school.database.write(lambda c, item=item: sender_store.queue(c, 1, item))  # type: ignore[misc]
    await school.send()
    assert await school.waiting() == 0
    assert not school.sender.behind.is_set() or await school.say(registered=40) == 0
    assert {notice.kind for notice in await office.office.store.notices(school.code, 10)} == {NoticeKind.REPEAT}
    assert await held_registered(office, school.code) == 40


async def test_a_hub_restored_from_an_old_backup_rises_above_what_the_office_holds(
    office: Running, make_school: MakeSchool
) -> None:
    async with make_school() as school:
        await pair(office, school)
        await school.say(registered=10)
        await school.send()
    shutil.copytree(school.folder, school.folder.with_name("backup"))
    async with make_school() as school:
        for registered in (11, 12, 13):
            await school.say(registered=registered)
            await school.send()
    async with make_school(folder="backup") as restored:
        await restored.say(registered=99)
        await restored.send()
        assert await held_registered(office, "0123456") == 13
        assert restored.sender.behind.is_set()
        assert await restored.say(registered=99) == 1  # said again, though it looks unchanged
        await restored.send()
        assert await held_registered(office, "0123456") == 99
        assert (await office.office.schools.versions("0123456/fleet"))[0].record.version == 5


async def test_lower_and_equal_versions_are_ignored_and_noticed(office: Running, school: School) -> None:
    await pair(office, school)
    key = open_key(school.folder / "keys")
    assert (await post(office, envelope(key, fleet_record(5, 50))))[0] == 200
    for version, registered, kind in ((5, 50, "repeat"), (5, 51, "other"), (4, 40, "older")):
        status, said = await post(office, envelope(key, fleet_record(version, registered)))
        assert status == 200
        answer = msgspec.convert(said, dict[str, list[dict[str, object]]])["answers"][0]
        assert (answer["verdict"], answer["version"]) == ("ignored", 5)
        assert (await office.office.store.notices(school.code, 1))[0].kind == kind
    assert await held_registered(office, school.code) == 50


async def test_one_record_that_does_not_fit_harms_no_other(office: Running, school: School) -> None:
    await pair(office, school)
    key = open_key(school.folder / "keys")
    good = fleet_record(1, 40)
    bad = [
        msgspec.structs.replace(good, id="0123456/secrets", kind="secrets"),
        msgspec.structs.replace(good, body=raw(None)),
        msgspec.structs.replace(good, id="0123456/other", version=1),
        msgspec.structs.replace(good, school="999", id="999/fleet"),
        msgspec.structs.replace(good, updated_at="2026-11-24 07:00"),
        msgspec.structs.replace(good, version=0),
    ]
    status, said = await post(office, envelope(key, *bad, good))
    answers = msgspec.convert(said, dict[str, list[dict[str, object]]])["answers"]
    assert status == 200
    assert [answer["verdict"] for answer in answers] == ["refused"] * 6 + ["accepted"]
    assert [answer.get("code") for answer in answers[:6]] == [
        "record.unknown-kind", "record.unfit-body", "record.strange-id", "record.other-school", "record.strange-time",
        "record.strange-version",
    ]  # fmt: skip
    assert await held_registered(office, school.code) == 40


async def test_unknown_school_wrong_key_tampering_and_rubbish_are_refused_with_a_code(
    office: Running, school: School, tmp_path: Path
) -> None:
    await pair(office, school)
    key, stranger = open_key(school.folder / "keys"), open_key(tmp_path / "stranger")
    record = fleet_record(1, 40)
    tampered = envelope(key, record).replace(b'"registered":40', b'"registered":4000')
    for body, status, code in (
        (envelope(stranger, fleet_record(1, school="777"), school="777"), 403, "feed.unknown-school"),
        (envelope(stranger, record), 403, "feed.wrong-signature"),
        (tampered, 403, "feed.wrong-signature"),
        (b"not json", 422, "feed.malformed"),
        (b"[" * 100_000, 422, "feed.malformed"),
        (b"{}", 422, "feed.malformed"),
        (b"x" * 2_000_000, 413, "feed.too-large"),
    ):
        answered, said = await post(office, body)
        assert (answered, said["code"]) == (status, code)
    assert await held_registered(office, school.code) is None
    notices = await office.office.store.notices(school.code, 10)
    assert [n.kind for n in notices] == [NoticeKind.SIGNATURE], "two tries, one line: nobody pushes the others out"


async def test_a_replayed_envelope_changes_nothing(office: Running, school: School) -> None:
    await pair(office, school)
    key = open_key(school.folder / "keys")
    old = envelope(key, fleet_record(1, 10))
    await post(office, old)
    await post(office, envelope(key, fleet_record(2, 20)))
    assert (await post(office, old))[0] == 200
    assert await held_registered(office, school.code) == 20


async def test_pairing_codes_work_once_for_their_school_and_a_withdrawn_key_needs_a_new_one(
    office: Running, school: School, make_school: MakeSchool
) -> None:
    code = await office.code(school.code)
    async with make_school("555") as other:
        with pytest.raises(NotAllowed) as wrong:
            await other.sender.pair(office.url, code)
        assert wrong.value.code == "pairing.wrong-code"
    await school.sender.pair(office.url, code.lower().replace("-", " "))
    with pytest.raises(Conflict) as used:
        await school.sender.pair(office.url, code)
    assert used.value.code == "pairing.code-used"
    await office.office.store.revoke(school.code, office.clock.now_ms())
    await school.say(registered=3)
    await school.send()
    assert (await school.sender.lines())[0].parent.problem == "feed.key-revoked"
    assert await school.waiting() == 2
    await pair(office, school)
    await school.send()
    assert await school.waiting() == 0
    expired = await office.code(school.code)
    office.clock.advance(15 * 86_400_000)
    with pytest.raises(NotAllowed) as late:
        await school.sender.pair(office.url, expired)
    assert late.value.code == "pairing.code-expired"


async def test_what_is_no_office_is_told_so(school: School, office: Running) -> None:
    with pytest.raises(BadInput):
        await school.sender.pair("ftp://x", "A")
    with pytest.raises(Unavailable) as nobody:
        await school.sender.pair("http://127.0.0.1:9", "A")
    assert nobody.value.code == "sender.no-answer"
    with pytest.raises(Unavailable) as strange:
        await school.sender.pair(f"{office.url}/static", "A")
    assert strange.value.code in {"sender.strange-answer", "page.not-found"}


async def test_what_is_no_longer_said_is_cancelled(office: Running, school: School) -> None:
    await pair(office, school)
    await school.say(registered=40)
    await school.send()
    await school.sender.publish([], whole=frozenset({"fleet"}))
    await school.send()
    assert await held_registered(office, school.code) is None
    await school.say(registered=41)
    await school.send()
    newest = (await office.office.schools.versions("0123456/fleet"))[0].record
    assert (newest.event, newest.version) == (Sukien.NEW, 3)


async def test_an_envelope_without_records_is_a_sign_of_life(office: Running, school: School) -> None:
    await pair(office, school)
    await school.send()
    school.clock.advance(11 * 60_000)
    await school.send()
    child = await office.office.store.child(school.code)
    assert child is not None
    assert child.heard_at == school.clock.now_ms()


async def test_nothing_a_school_sends_can_carry_a_person(office: Running, school: School) -> None:
    """A member nobody wrote down in the wire contract is dropped before it is stored."""
    await pair(office, school)
    key = open_key(school.folder / "keys")
    await post(office, envelope(key, fleet_record(1, 40, pupil="Nguyễn Văn An")))
    held = await office.office.store.record("0123456/fleet")
    assert held is not None
    assert "An" not in bytes(held.record.body).decode()
    assert msgspec.json.decode(held.record.body, type=FleetSummary).measured.registered == 40


async def test_answers_come_in_the_order_of_the_records(office: Running, school: School) -> None:
    await pair(office, school)
    key = open_key(school.folder / "keys")
    records = [fleet_record(n, n) for n in (3, 1, 4, 2)]
    async with Courier() as courier:
        answer = await courier.feed(office.url, envelope(key, *records))
    assert [a.verdict for a in answer.answers] == [
        Verdict.ACCEPTED, Verdict.IGNORED, Verdict.ACCEPTED, Verdict.IGNORED,
    ]  # fmt: skip


async def test_while_it_runs_what_is_said_goes_up_by_itself(office: Running, school: School) -> None:
    await pair(office, school)
    task = asyncio.create_task(school.sender.run(), name="sender")
    try:
        async with asyncio.timeout(10):
            for registered in (5, 6):
                await school.say(registered=registered)
                while await held_registered(office, school.code) != registered or await school.waiting():
                    await asyncio.sleep(0.02)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
