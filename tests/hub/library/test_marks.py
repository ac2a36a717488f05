"""Bookmarks, highlights and notes: merged between devices, in their limits, and nobody's but their owner's."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hub.library import made
from tests.hub.library.world import World, library_in, put_in

from densach_core.accounts.model import Role
from densach_core.clock import FixedClock
from densach_core.errors import NotFound
from densach_hub.library.marks import MOST_MARKS, Colour, Mark, MarkKind, MarkNote, later_mark, merged, told
from densach_hub.library.service import Library

CFI = "epubcfi(/6/4!/4/4,/1:3,/1:14)"
NOW = 1_800_000_000_000


def note(id_: str = "mark-0001", *, at: int = NOW, text: str = "", base: int = 0, **more: Any) -> MarkNote:
    return MarkNote(id=id_, kind=MarkKind.HIGHLIGHT, where=CFI, at=at, note=text, base=base, **more)


def mark(text: str, at: int, device: str, *, version: int = 1, deleted: bool = False) -> Mark:
    new = told(note(at=at, text=text, deleted=deleted), "x", device=device, device_now=NOW, now=NOW)
    return msgspec.structs.replace(new, version=version)


TEXTS = st.sampled_from(["", "một", "hai", "hai ba"])
MARKS = st.builds(mark, TEXTS, st.integers(NOW - 5, NOW), st.sampled_from(["a", "b"]), deleted=st.booleans())


@given(MARKS, MARKS)
def test_the_later_one_holds_whoever_comes_first(a: Mark, b: Mark) -> None:
    assert later_mark(a, b) == later_mark(b, a)
    assert merged(a, b, 0).mark.says == merged(b, a, 0).mark.says


@given(MARKS, MARKS)
def test_of_two_devices_neither_text_is_lost(a: Mark, b: Mark) -> None:
    result = merged(a, b, 0)
    texts = [result.mark.note, result.copy.note if result.copy else ""]
    if a.device != b.device and not a.deleted and not b.deleted:
        assert all(any(one.note in text for text in texts) for one in (a, b))
    else:
        assert result.copy is None


def test_a_change_before_a_removal_stays_removed_and_one_after_it_comes_back() -> None:
    gone = mark("", NOW - 10, "a", version=2, deleted=True)
    assert merged(gone, mark("vội", NOW - 20, "b"), 1).mark.deleted
    back = merged(gone, mark("nghĩ lại", NOW - 5, "b"), 1).mark
    assert not back.deleted
    assert back.note == "nghĩ lại"
    assert back.version == 3


def test_the_devices_clock_may_be_wrong() -> None:
    """Ten years behind and a minute old, or a year ahead and now: only the age counts."""
    behind = NOW - 10 * 365 * 86_400_000
    old = told(note(at=behind - 60_000), "x", device="a", device_now=behind, now=NOW)
    ahead = NOW + 365 * 86_400_000
    new = told(note(at=ahead), "x", device="b", device_now=ahead, now=NOW)
    assert (old.changed_at, new.changed_at) == (NOW - 60_000, NOW)


@pytest.fixture
async def book(library: Library, tmp_path: Path) -> str:
    return (await put_in(library, tmp_path, "a.epub", made.epub())).id


async def take(
    library: Library, item_id: str, *notes: MarkNote, device: str = "a", account: str = "p"
) -> tuple[list[Mark], list[str]]:
    it = await library.item(item_id)
    taken = await library.marking.take(account, it, notes, device=device, device_now=NOW)
    return taken.marks, [one.problem.code for one in taken.refused]


async def test_two_devices_that_wrote_apart_lose_neither_text(library: Library, book: str) -> None:
    first, _ = await take(library, book, note(text="ý đầu"))
    assert first[0].version == 1
    await take(library, book, note(at=NOW - 40, text="viết ở phòng máy", base=1), device="a")
    for _ in range(2):  # a lost answer: sent twice, kept once
        found, _ = await take(library, book, note(at=NOW - 20, text="viết ở nhà", base=0), device="b")
    assert sorted(one.note for one in found) == sorted(["ý đầu", "viết ở nhà"])
    assert found[0].where == found[1].where == CFI


async def test_a_removal_wins_by_its_clock_and_its_words_are_gone(library: Library, book: str) -> None:
    await take(library, book, note(at=NOW - 100, text="bí mật", quote="bậc hai"))
    left, _ = await take(library, book, note(at=NOW - 50, deleted=True, base=1))
    assert left == []
    left, _ = await take(library, book, note(at=NOW - 70, text="sửa khi không có mạng", base=1), device="b")
    assert left == []
    rows = await library._school.read(lambda c: c.execute("SELECT note, quote, label FROM reading_mark").fetchall())
    assert [tuple(row) for row in rows] == [("", "", "")]
    left, _ = await take(library, book, note(at=NOW, text="viết sau khi xoá", base=1), device="b")
    assert [one.note for one in left] == ["viết sau khi xoá"]


async def test_what_cannot_be_a_mark_is_refused_by_code_and_holds_up_no_other(library: Library, book: str) -> None:
    bad = [
        note("x"),
        note("place-00001", fraction=2.0),
        MarkNote(id="place-00002", kind=MarkKind.BOOKMARK, where="7", at=NOW),
        note("long-000001", text="ơ" * 4_001),
    ]
    found, codes = await take(library, book, *bad, note("good-000001", text="Ừ"))
    assert codes == ["library.mark-id", "library.mark-place", "library.mark-place", "library.mark-note-long"]
    assert [one.id for one in found] == ["good-000001"]
    assert found[0].colour is Colour.YELLOW


async def test_a_pdf_is_marked_by_page_and_letters_a_film_is_not(library: Library, tmp_path: Path) -> None:
    pdf = (await put_in(library, tmp_path, "a.pdf", made.pdf())).id
    film = (await put_in(library, tmp_path, "a.mp4", made.mp4())).id
    good = [
        MarkNote(id="page-000001", kind=MarkKind.BOOKMARK, where="2.25", at=NOW),
        MarkNote(id="page-000002", kind=MarkKind.HIGHLIGHT, where="2:6-10", at=NOW, colour=Colour.BLUE),
    ]
    bad = [
        MarkNote(id="page-000003", kind=MarkKind.HIGHLIGHT, where="2:10-6", at=NOW),
        MarkNote(id="page-000004", kind=MarkKind.BOOKMARK, where=CFI, at=NOW),
    ]
    found, codes = await take(library, pdf, *good, *bad)
    assert {one.where for one in found} == {"2.25", "2:6-10"}
    assert codes == ["library.mark-place"] * 2
    assert (await take(library, film, good[0]))[1] == ["library.mark-kind"]


async def test_a_book_holds_so_many_and_removing_makes_room(library: Library, book: str) -> None:
    for start in range(0, MOST_MARKS, 100):
        await take(library, book, *[note(f"many-{n:06}") for n in range(start, start + 100)])
    found, codes = await take(library, book, note("many-toomany"))
    assert (len(found), codes) == (MOST_MARKS, ["library.marks-full"])
    assert (await take(library, book, note("many-000003", text="sửa được", base=1)))[1] == []
    assert (await take(library, book, note("many-toomany"), account="other"))[1] == []
    await library.marking.remove("p", book, "many-000000")
    assert (await take(library, book, note("many-toomany")))[1] == []
    with pytest.raises(NotFound):
        await library.marking.remove("p", book, "many-000000")


async def test_marks_are_there_after_the_hub_starts_again(tmp_path: Path) -> None:
    async with library_in(tmp_path / "data", clock=FixedClock()) as library:
        book = (await put_in(library, tmp_path, "a.epub", made.epub())).id
        await take(library, book, note(text="còn đây"))
    async with library_in(tmp_path / "data") as library:
        assert [one.note for one in await library.marking.of("p", book)] == ["còn đây"]
        assert await library.marking.items("p") == [(book, 1)]


async def test_marks_belong_to_their_owner_alone(world: World, tmp_path: Path) -> None:
    """Owner, another pupil, teacher, librarian, head, administrator, stranger: over the API."""
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    address = f"{world.base}/api/v1/items/{it.id}/marks"
    owner = await world.as_(Role.STUDENT)
    body = {"marks": [msgspec.to_builtins(note(text="của riêng em"))], "now": NOW, "device": "a"}
    async with world.http.post(address, json=body, headers=owner) as answer:
        assert answer.status == 200, await answer.text()
        assert [one["note"] for one in (await answer.json())["marks"]] == ["của riêng em"]
    await world.accounts.add(login="khac", name="Khác", roles=frozenset({Role.STUDENT}), by="test", secret="135792")
    other = (await world.accounts.log_in("khac", "135792")).cookie
    name = owner["Cookie"].partition("=")[0]
    strangers = {"pupil": {"Cookie": f"{name}={other}", "Origin": world.base}}
    for role in (Role.TEACHER, Role.LIBRARIAN, Role.PRINCIPAL, Role.ADMIN):
        strangers[role.value] = await world.as_(role)
    for who, headers in strangers.items():
        for path in (address, f"{world.base}/api/v1/marks"):
            async with world.http.get(path, headers=headers) as answer:
                assert "của riêng em" not in await answer.text(), who
        async with world.http.delete(f"{address}/mark-0001", headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (404, "library.no-mark"), who
        async with world.http.post(address, json={**body, "marks": []}, headers=headers) as answer:
            assert (await answer.json())["marks"] == [], who
    async with world.http.get(address) as answer:
        assert answer.status == 401
    async with world.http.get(address, headers=owner) as answer:
        assert len((await answer.json())["marks"]) == 1
    async with world.http.delete(f"{address}/mark-0001", headers=owner) as answer:
        assert answer.status == 204
