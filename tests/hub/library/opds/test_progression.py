"""A reading app's place and the library's own are one; the newer record holds, whoever brings it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.hub.library import made
from tests.hub.library.opds.test_door import PIN, account, basic, refused
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_hub.library.model import Form, Item, Kind, State
from densach_hub.library.opds.browsing import offer_of
from densach_hub.library.opds.progression import Device, packed, references_of, unpacked, where_of

DEVICE = {"id": "urn:uuid:019c0047-cc8d-7ec4-a3c3-938ccadc020a", "name": "Thorium (máy của An)"}


def record(progression: float = 0.4, age_s: float = 60, **more: Any) -> dict[str, Any]:
    then = datetime.fromtimestamp(datetime.now(UTC).timestamp() - age_s, UTC)
    return {"modified": then.isoformat(), "device": DEVICE, "progression": progression, **more}


async def put(world: World, item: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
    async with world.http.put(f"{world.base}/opds/items/{item}/progression", json=body, headers=headers) as response:
        kind = "application/opds-progression+json" if response.status in {200, 201, 409} else "application/problem+json"
        assert response.content_type in {kind, "application/opds-authentication+json"}
        return response.status, await response.json(content_type=None)


async def get(world: World, item: str, headers: dict[str, str]) -> Any:
    async with world.http.get(f"{world.base}/opds/items/{item}/progression", headers=headers) as response:
        assert (response.status, response.content_type) == (200, "application/opds-progression+json")
        assert response.headers["Cache-Control"] == "private, no-store"
        return await response.json(content_type=None)


async def test_a_place_is_kept_found_again_and_merged_by_its_clock(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    owner, mine = await account(world, "an"), basic("an", PIN)
    assert await get(world, it.id, mine) is None
    first = record(0.4, references=["#epubcfi(/6/24!/4/2/8:0)", "EPUB/ch02.xhtml#s1"], title="Chương 2")
    status, told = await put(world, it.id, first, mine)
    assert status == 201
    assert (told["progression"], told["device"], told["references"]) == (0.4, DEVICE, ["#epubcfi(/6/24!/4/2/8:0)"])
    assert abs(datetime.fromisoformat(told["modified"]).timestamp() - datetime.fromisoformat(first["modified"]).timestamp()) < 1
    assert (await put(world, it.id, first, mine))[0] == 200, "told twice is told once"
    told = await get(world, it.id, mine)
    assert (await put(world, it.id, record(0.1, age_s=3600), mine)) == (409, told), "an old copy takes nothing back"
    assert await get(world, it.id, mine) == told
    status, told = await put(world, it.id, record(0.2, age_s=1), mine)
    assert (status, told["progression"]) == (200, 0.2), "reading something again is no accident"
    place = await world.library.readers.place(owner.id, it.id)
    assert place is not None
    assert (place.fraction, place.where) == (0.2, "-")


async def test_the_librarys_own_reader_and_apps_share_it(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.pdf", made.pdf([f"trang {n}" for n in range(10)]))
    pupil = await world.as_(Role.STUDENT)
    note = {"where": "7.25", "fraction": 0.625, "at": 1000, "now": 1000, "device": "Chrome"}
    async with world.http.post(f"{world.base}/api/v1/items/{it.id}/place", json=note, headers=pupil) as response:
        assert response.status == 200
    told = await get(world, it.id, pupil)
    assert (told["progression"], told["references"], told["device"]["name"]) == (0.625, ["#page=7"], "Chrome")
    assert (await put(world, it.id, record(0.9, age_s=-3_000_000, references=["#page=10"]), pupil))[0] == 200
    async with world.http.get(f"{world.base}/api/v1/items/{it.id}/place", headers=pupil) as response:
        here = await response.json()
    assert (here["where"], here["fraction"]) == ("10", 0.9)
    assert here["age_ms"] < 30_000, "a record from the future counts as now"


async def test_a_clock_years_off_does_no_harm_when_it_is_told(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    await account(world, "an")
    wrong = {"modified": "2001-01-01T00:00:00Z", "device": DEVICE, "progression": 0.5}
    await put(world, it.id, record(0.3, age_s=600), basic("an", PIN))
    status, _ = await put(world, it.id, wrong, basic("an", PIN) | {"Date": "Mon, 01 Jan 2001 00:00:10 GMT"})
    assert status == 200


async def test_a_place_is_its_owners(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    await account(world, "an")
    await account(world, "ba")
    await put(world, it.id, record(), basic("an", PIN))
    path = f"/opds/items/{it.id}/progression"
    assert await get(world, it.id, basic("ba", PIN)) is None
    for role in (Role.TEACHER, Role.LIBRARIAN, Role.ADMIN):
        assert await get(world, it.id, await world.as_(role)) is None
    await refused(world, path, {})
    assert (await put(world, it.id, record(), {}))[0] == 401
    cookie = (await world.as_(Role.STUDENT)) | {"Origin": "http://evil.example"}
    assert (await put(world, it.id, record(), cookie))[0] == 403, "no other site moves a reader's place"


async def test_where_no_place_is(world: World, tmp_path: Path) -> None:
    text = await put_in(world.library, tmp_path, "a.txt", "xin chào các bạn".encode())
    await account(world, "an")
    for item in (text.id, "nothing"):
        assert (await put(world, item, record(), basic("an", PIN)))[0] == 404


async def test_what_is_no_record_is_a_bad_request(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    await account(world, "an")
    bodies: tuple[Any, ...] = (
        {}, [], "x", record(1.5), record(-0.1), record() | {"modified": "yesterday"}, record() | {"references": "x"},
        record() | {"device": {"id": "", "name": "x"}}, record() | {"device": {"id": "x"}},
    )  # fmt: skip
    for body in bodies:
        status, told = await put(world, it.id, body, basic("an", PIN))
        assert (status, told["status"]) == (400, 400), body
        assert told["title"]


async def test_too_much_is_refused(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    await account(world, "an")
    assert (await put(world, it.id, record(title="x" * 100_000), basic("an", PIN)))[0] == 413


def item(kind: Kind, **more: Any) -> Item:
    return Item(
        id="i", work_id="w", edition_id="e", title="T", form=Form.FILE, state=State.READY, added_at=0, added_by="t", changed_at=0,
        kind=kind, **more,
    )  # fmt: skip


def test_places_and_references_are_read_both_ways() -> None:
    pdf, film, book = item(Kind.PDF, pages=11), item(Kind.VIDEO, duration_ms=200_000), item(Kind.EPUB)
    assert where_of(pdf, ["x", "a.pdf#page=17"], 0.5) == "17"
    assert where_of(pdf, [], 0.5) == "6"
    assert where_of(item(Kind.PDF), [], 1.0) == "1"
    assert where_of(film, ["#t=849.250"], 0.7) == "849.250"
    assert where_of(film, [], 0.25) == "50.000"
    assert where_of(book, ["c1.xhtml#p", "#epubcfi(/6/4%5Bch%5D!/4/2)"], 0.1) == "epubcfi(/6/4[ch]!/4/2)"
    assert references_of(book, "epubcfi(/6/4[ch]!/4/2)") == ("#epubcfi(/6/4[ch]!/4/2)",)
    assert references_of(book, where_of(book, ["c1.xhtml#p", "#t=4.2", "has space"], 0.1)) == ("c1.xhtml#p", "#t=4.2")
    assert references_of(book, where_of(book, ["x" * 3_000], 0.1)) == ()
    assert references_of(film, "12.5") == ("#t=12.5",)
    assert offer_of(item(Kind.LINK, media_type="application/x-url")).media_type == "text/html"


def test_devices_know_themselves_again() -> None:
    for known in (DEVICE["id"], "https://reader.example.com", "urn:x:1"):
        assert unpacked(packed(Device(known, "Máy"))) == Device(known, "Máy")
    long = packed(Device("https://example.com/" + "x" * 90, "Máy" * 40))
    assert len(long) <= 60
    assert unpacked(long).id == unpacked(packed(Device("https://example.com/" + "x" * 90, "M"))).id
    assert unpacked("Chrome") == Device("urn:densach:device:Chrome", "Chrome")
