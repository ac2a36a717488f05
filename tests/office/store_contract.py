"""What every store of schools must do, whatever it is made of. An implementation's test subclasses this."""

import msgspec

from densach_office.schools.model import Arrival, Child, ChildKind, NoticeKind, PairingCode
from densach_office.schools.port import SchoolStore
from densach_wire.upward import Record, Sukien, Verdict

AT = 1_795_500_000_000


def child(code: str, kind: ChildKind = ChildKind.SCHOOL, paired_at: int = AT) -> Child:
    return Child(code=code, kind=kind, name=f"Trường {code}", key="00" * 32, key_id=f"key-{code}", paired_at=paired_at)


def code(for_code: str, hash_: str = "h1", kind: ChildKind = ChildKind.SCHOOL) -> PairingCode:
    return PairingCode(hash=hash_, code=for_code, kind=kind, name="", issued_at=AT - 10, issued_by="Lan", expires_at=AT + 1000)


def arrival(
    school: str, version: int, *, kind: str = "fleet", as_of: str = "2026-11-24", digest: str | None = None,
    event: Sukien = Sukien.UPDATE, body: bytes = b"{}",
) -> Arrival:  # fmt: skip
    record = Record(
        id=f"{school}/{kind}", event=event, version=version, updated_at="2026-11-24T07:00:00+07:00", school=school,
        kind=kind, as_of=as_of, body=msgspec.Raw(body),
    )  # fmt: skip
    return Arrival(record=record, digest=digest or f"{school}-{kind}-{version}")


class SchoolStoreContract:
    """Wants a fixture `store`, empty."""

    async def pair(self, store: SchoolStore, school: str, kind: ChildKind = ChildKind.SCHOOL) -> Child:
        await store.add_code(code(school, f"h-{school}", kind))
        assert await store.redeem(f"h-{school}", child(school, kind)) is not None
        found = await store.child(school)
        assert found is not None
        return found

    async def test_a_code_pairs_once_and_only_its_school(self, store: SchoolStore) -> None:
        await store.add_code(code("1"))
        assert await store.redeem("unknown", child("1")) is None
        other = await store.redeem("h1", child("2"))
        assert other is not None
        assert await store.child("2") is None
        used = await store.redeem("h1", child("1"))
        assert used is not None
        assert used.open(AT)
        assert (await store.child("1")) == child("1")
        again = await store.redeem("h1", msgspec.structs.replace(child("1"), key_id="stolen"))
        assert again is not None
        assert again.used_at == AT
        found = await store.child("1")
        assert found is not None
        assert found.key_id == "key-1"

    async def test_a_new_code_withdraws_the_earlier_one(self, store: SchoolStore) -> None:
        await store.add_code(code("1", "h1"))
        await store.add_code(code("1", "h2"))
        assert await store.redeem("h1", child("1")) is not None
        assert await store.child("1") is None
        assert [one.hash for one in await store.codes() if one.open(AT)] == ["h2"]

    async def test_an_expired_code_pairs_nobody(self, store: SchoolStore) -> None:
        await store.add_code(code("1"))
        await store.redeem("h1", child("1", paired_at=AT + 2000))
        assert await store.child("1") is None

    async def test_versions_only_rise_and_the_same_call_changes_nothing(self, store: SchoolStore) -> None:
        paired = await self.pair(store, "1")
        first = [arrival("1", 2), arrival("1", 1), arrival("1", 3)]
        answers = await store.take(paired, first, at=AT, sent_at=AT)
        assert [a.verdict for a in answers] == [Verdict.ACCEPTED, Verdict.IGNORED, Verdict.ACCEPTED]
        again = await store.take(paired, first, at=AT + 1, sent_at=AT)
        assert [a.verdict for a in again] == [Verdict.IGNORED] * 3
        assert [(a.version, a.digest) for a in again] == [(3, "1-fleet-3")] * 3
        assert [held.record.version for held in await store.versions("1/fleet", 10)] == [3, 2]
        held = await store.record("1/fleet")
        assert held is not None
        assert held.received_at == AT
        assert [n.kind for n in await store.notices("1", 10)] == [
            NoticeKind.REPEAT, NoticeKind.OLDER, NoticeKind.OLDER, NoticeKind.OLDER,
        ]  # fmt: skip

    async def test_cancelled_records_are_no_longer_held_but_still_known(self, store: SchoolStore) -> None:
        paired = await self.pair(store, "1")
        await store.take(paired, [arrival("1", 1)], at=AT, sent_at=AT)
        await store.take(paired, [arrival("1", 2, event=Sukien.CANCEL)], at=AT, sent_at=AT)
        assert await store.held() == []
        held = await store.record("1/fleet")
        assert held is not None
        assert held.record.version == 2

    async def test_held_is_by_kind_and_school(self, store: SchoolStore) -> None:
        for school in ("1", "2"):
            paired = await self.pair(store, school)
            both = [arrival(school, 1), arrival(school, 1, kind="profile")]
            await store.take(paired, both, at=AT, sent_at=AT)
        assert len(await store.held()) == 4
        assert [held.record.id for held in await store.held(["fleet"])] == ["1/fleet", "2/fleet"]
        assert [held.record.kind for held in await store.held(school="2")] == ["fleet", "profile"]
        assert await store.held([]) == []
        assert await store.held(["fleet"], starting="p1") == []

    async def test_the_last_version_of_each_day_and_the_one_before(self, store: SchoolStore) -> None:
        paired = await self.pair(store, "1")
        days = ["2026-10-01", "2026-10-02", "2026-11-20", "2026-11-20", "2026-11-21"]
        for version, day in enumerate(days, 1):
            await store.take(paired, [arrival("1", version, as_of=day)], at=AT, sent_at=AT)
        found = await store.days("fleet", "2026-11-01")
        assert [(held.record.version, held.record.as_of) for held in found] == [
            (2, "2026-10-02"), (4, "2026-11-20"), (5, "2026-11-21"),
        ]  # fmt: skip

    async def test_thinning_keeps_the_last_of_each_old_day(self, store: SchoolStore) -> None:
        paired = await self.pair(store, "1")
        for version, day in enumerate(["2026-11-01", "2026-11-01", "2026-11-20", "2026-11-20"], 1):
            await store.take(paired, [arrival("1", version, as_of=day)], at=AT, sent_at=AT)
        await store.thin("2026-11-10")
        assert [held.record.version for held in await store.versions("1/fleet", 10)] == [4, 3, 2]

    async def test_schools_are_those_paired_and_those_spoken_for(self, store: SchoolStore) -> None:
        await self.pair(store, "1")
        office = await self.pair(store, "xa", ChildKind.OFFICE)
        named = arrival("9", 1, kind="profile", body='{"name":"Trường Chín"}'.encode())
        await store.take(office, [named, arrival("9", 1)], at=AT + 5, sent_at=AT)
        found = {school.code: school for school in await store.schools()}
        assert set(found) == {"1", "9"}
        assert (found["9"].name, found["9"].via, found["9"].heard_at) == ("Trường Chín", "xa", AT + 5)
        assert (found["1"].via, found["1"].heard_at) == ("1", None)

    async def test_a_school_that_speaks_itself_is_not_spoken_for(self, store: SchoolStore) -> None:
        paired = await self.pair(store, "1")
        office = await self.pair(store, "xa", ChildKind.OFFICE)
        await store.take(paired, [arrival("1", 1)], at=AT, sent_at=AT)
        answers = await store.take(office, [arrival("1", 9)], at=AT, sent_at=AT)
        assert answers[0].verdict is Verdict.IGNORED
        assert (await store.notices("xa", 1))[0].kind is NoticeKind.DIRECT

    async def test_a_withdrawn_key_stays_withdrawn_until_a_new_code(self, store: SchoolStore) -> None:
        await self.pair(store, "1")
        await store.revoke("1", AT + 7)
        found = await store.child("1")
        assert found is not None
        assert found.revoked_at == AT + 7
        await store.add_code(code("1", "h9"))
        await store.redeem("h9", child("1", paired_at=AT + 8))
        found = await store.child("1")
        assert found is not None
        assert found.revoked_at is None

    async def test_taking_notes_that_the_child_spoke(self, store: SchoolStore) -> None:
        paired = await self.pair(store, "1")
        await store.take(paired, [], at=AT + 3, sent_at=AT + 2)
        found = await store.child("1")
        assert found is not None
        assert (found.heard_at, found.sent_at) == (AT + 3, AT + 2)

    async def test_an_envelope_sent_again_is_no_sign_of_life(self, store: SchoolStore) -> None:
        paired = await self.pair(store, "1")

        async def heard(version: int, at: int, sent_at: int) -> int | None:
            await store.take(paired, [arrival("1", version)], at=at, sent_at=sent_at)
            found = await store.child("1")
            assert found is not None
            return found.heard_at

        assert await heard(1, AT + 10, AT) == AT + 10
        assert await heard(1, AT + 20, AT) == AT + 10
        assert await heard(2, AT + 30, AT + 2) == AT + 30
        assert await heard(1, AT + 40, AT) == AT + 30
        assert await heard(2, AT + 50, AT + 3) == AT + 50, "sent anew because the answer was lost"
        assert await heard(3, AT + 60, AT - 9) == AT + 60, "its clock was set back"
        assert await heard(3, AT + 70, AT + 3) == AT + 60

    async def test_with_a_new_key_the_child_is_heard_whatever_its_clock_says(self, store: SchoolStore) -> None:
        paired = await self.pair(store, "1")
        await store.take(paired, [], at=AT + 1, sent_at=AT + 99_999)
        await store.add_code(code("1", "h2"))
        await store.redeem("h2", msgspec.structs.replace(child("1"), key_id="another"))
        await store.take(paired, [], at=AT + 5, sent_at=AT)
        found = await store.child("1")
        assert found is not None
        assert (found.heard_at, found.sent_at) == (AT + 5, AT)
