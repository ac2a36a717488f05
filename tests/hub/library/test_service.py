"""From a file to an item somebody finds: adding, reading, searching, correcting, withdrawing, counting."""

import asyncio
import errno
import sqlite3
from pathlib import Path

import pytest
from tests.hub.library import made
from tests.hub.library.world import library_in, put_in, read_all

from densach_core.clock import FixedClock
from densach_core.errors import BadInput, NotFound, Unavailable
from densach_hub.library.model import Creator, Filters, Form, Kind, Record, State
from densach_hub.library.service import Library
from densach_hub.library.vault import disk_full


async def titles(library: Library, typed: str, **filters: object) -> list[str]:
    answer = await library.finder.search(typed, Filters(**filters))  # type: ignore[arg-type]
    return [card.title for card in answer.cards]


async def test_a_file_becomes_an_item_that_is_found(library: Library, tmp_path: Path) -> None:
    it = await put_in(library, tmp_path, "Lớp 10/Toan.epub", made.epub())
    assert (it.state, it.kind, it.title, it.language) == (State.READY, Kind.EPUB, made.TITLE, "vi")
    assert it.cover is not None
    assert library.vault.has(it.cover)
    assert library.file_of(it).read_bytes() == made.epub()
    assert await titles(library, "dai so") == [made.TITLE]
    assert await titles(library, "Đại số") == [made.TITLE]
    assert await titles(library, "anh") == [made.TITLE]


async def test_the_same_file_is_one_item(library: Library, tmp_path: Path) -> None:
    path = made.put(tmp_path, "a.epub", made.epub())
    first = await library.add_file(path, by="test")
    again = await library.add_file(made.put(tmp_path, "other-name.epub", made.epub()), by="test")
    assert not first.already
    assert again.already
    assert again.item == first.item


async def test_the_grade_is_taken_from_the_folder(library: Library, tmp_path: Path) -> None:
    path = made.put(tmp_path, "bai-1.pdf", made.pdf())
    added = await library.add_file(path, by="test", folder="Khối 7/Toán")
    it = await library.item(added.item, hidden=True)
    assert (it.grade_from, it.grade_to, it.title) == (7, 7, "bai 1")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ecole", "L'école des femmes"),
        ("ÉCOLE", "L'école des femmes"),
        ("phuong trinh", "Phương trình và hệ"),
        ("dai so", "Đại số lớp 10"),
        ("dong", "Đồng dao"),
        ("strasse", "Die Straße"),
        ("coeur", "Le cœur simple"),
        ("lodz", "Łódź 1905"),
        ("Phương trì", "Phương trình và hệ"),
    ],
)
async def test_titles_are_found_without_marks_and_while_typing(library: Library, typed: str, stored: str) -> None:
    for title in (
        "L'école des femmes",
        "Phương trình và hệ",
        "Đại số lớp 10",
        "Đồng dao",
        "Die Straße",
        "Le cœur simple",
        "Łódź 1905",
    ):
        await library.add_record(Record(title=title), by="test")
    assert await titles(library, typed) == [stored]


async def test_tones_that_were_typed_rank_first(library: Library) -> None:
    for title in ("Dai so vui", "Đái sọ", "Đại số và giải tích", "Dài sợ"):
        await library.add_record(Record(title=title), by="test")
    found = await titles(library, "đại số")
    assert found[0] == "Đại số và giải tích"
    assert len(found) == 4
    assert (await titles(library, "dai so"))[0] == "Dai so vui" or len(await titles(library, "dai so")) == 4


async def test_words_inside_lead_to_the_chapter(library: Library, tmp_path: Path) -> None:
    it = await put_in(library, tmp_path, "a.epub", made.epub())
    answer = await library.finder.search("strasse coeur", Filters())
    assert answer.cards == ()
    assert [(one.card.id, one.hits[0].section, one.hits[0].label) for one in answer.inside] == [(it.id, 1, "Chương hai")]
    assert ("straße, cœur", True) in answer.inside[0].hits[0].excerpt
    hits = await library.finder.inside("biet thuc", it.id)
    assert [hit.section for hit in hits] == [0]


async def test_filters_and_counts(library: Library) -> None:
    for n in range(30):
        await library.add_record(
            Record(title=f"Toán vui {n}", subject="toan" if n % 2 else "vat-ly", grade_from=6, grade_to=6 + n % 4), by="test"
        )
    answer = await library.finder.search("toan", Filters(subject="toan"), limit=10)
    assert (answer.total, len(answer.cards), answer.more) == (15, 10, True)
    second = await library.finder.search("toan", Filters(subject="toan"), limit=10, offset=10)
    assert (len(second.cards), second.more) == (5, False)
    assert not {c.id for c in answer.cards} & {c.id for c in second.cards}
    assert (await library.finder.search("toan", Filters(grade=9))).total == 7
    home = await library.finder.home()
    assert {shelf.filters.subject: shelf.total for shelf in home.subjects} == {"toan": 15, "vat-ly": 15}
    assert {g.key: g.n for g in home.grades}["6"] == 30


async def test_odd_queries_are_answered(library: Library) -> None:
    await library.add_record(Record(title='Dấu "ngoặc" AND (kép)'), by="test")
    for typed in ('"', "AND", "a AND", "(", "*", "-x", "NEAR(a b)", "title:x", "\0", "x" * 500, "ngoac*", "  ", "’"):
        await library.finder.search(typed, Filters())
    assert await titles(library, 'ngoac" kep') == ['Dấu "ngoặc" AND (kép)']


async def test_a_broken_file_is_a_row_with_a_reason_and_can_be_tried_again(library: Library, tmp_path: Path) -> None:
    it = await put_in(library, tmp_path, "x.epub", made.zip_bomb())
    assert (it.state, it.problem) == (State.BROKEN, "library.zip-bomb")
    with pytest.raises(NotFound):
        await library.item(it.id)
    assert (await library.retry(it.id)).state is State.WAITING
    await library.cataloguer.read_waiting()
    assert (await library.item(it.id, hidden=True)).state is State.BROKEN


async def test_what_a_person_said_holds_when_the_file_is_read_again(library: Library, tmp_path: Path) -> None:
    path = made.put(tmp_path, "a.epub", made.epub())
    known = Record(title="Tên đúng", subject="toan", grade_from=10)
    added = await library.add_file(path, by="test", known=known)
    (it,) = await read_all(library)
    assert (it.id, it.title, it.subject, it.grade_to) == (added.item, "Tên đúng", "toan", 10)
    assert it.creators == (Creator("Nguyễn Văn Ánh"),)
    changed = await library.edit(
        it.id, Record(title="Tên khác", creators=(Creator("Ai đó", "editor"),), grade_from=9, grade_to=6)
    )
    assert (changed.grade_from, changed.grade_to) == (6, 9)
    assert changed.subject is None
    assert await titles(library, "ten khac") == ["Tên khác"]
    assert await titles(library, "dung") == []
    with pytest.raises(BadInput):
        await library.edit(it.id, Record(title=" "))
    with pytest.raises(BadInput):
        await library.edit(it.id, Record(title="x", grade_from=13))


async def test_withdrawn_is_hidden_not_gone(library: Library, tmp_path: Path) -> None:
    it = await put_in(library, tmp_path, "a.epub", made.epub())
    await library.withdraw(it.id, by="Thủ thư", why="bản quyền")
    assert await titles(library, "dai so") == []
    assert (await library.finder.search("strasse", Filters())).inside == ()
    with pytest.raises(NotFound):
        await library.item(it.id)
    hidden = await library.item(it.id, hidden=True)
    assert hidden.withdrawn_why == "bản quyền"
    assert library.file_of(hidden).exists()
    await library.take_back(it.id)
    assert await titles(library, "dai so") == [made.TITLE]
    assert len((await library.finder.search("strasse", Filters())).inside) == 1


async def test_records_without_a_file(library: Library) -> None:
    record = Record(title="Chương trình GDPT 2018", key="4771-1", source="moet.gov.vn")
    first = await library.add_record(record, by="catalogue")
    again = await library.add_record(record, by="catalogue")
    assert (again.item, again.already) == (first.item, True)
    it = await library.item(first.item)
    assert (it.form, it.readable) == (Form.LISTED, False)
    held = await library.holdings()
    assert (held.titles, held.items, held.listed) == (0, 0, 1)


async def test_covers_from_pictures_only(library: Library, tmp_path: Path) -> None:
    added = await library.add_record(Record(title="Sách"), by="test")
    changed = await library.set_cover(added.item, made.put(tmp_path, "c.jpg", made.jpeg()))
    assert changed.cover is not None
    with pytest.raises(BadInput):
        await library.set_cover(added.item, made.put(tmp_path, "c2.jpg", made.pdf()))
    assert (await library.set_cover(added.item, None)).cover is None


async def test_reads_count_a_reader_once_a_day_and_name_nobody(tmp_path: Path) -> None:
    clock = FixedClock()
    async with library_in(tmp_path / "data", clock=clock) as library:
        one = (await library.add_record(Record(title="Một"), by="t")).item
        two = (await library.add_record(Record(title="Hai"), by="t")).item
        for reader in ("account a", "account a", "guest 10.0.0.5 Firefox"):
            library.readers.opened(one, reader)
        library.readers.opened(two, "account a")
        await library.readers.flush()
        clock.advance(86_400_000)
        library.readers.opened(one, "account a")
        reads = await library.reads("2000-01-01", "2100-01-01")
        assert reads.total == 4
        assert [(day.reads, day.items) for day in reads.days] == [(3, 2), (1, 1)]
        assert [(item.title, item.reads) for item in reads.items] == [("Một", 3), ("Hai", 1)]
        stored = await library._school.read(lambda c: c.execute("SELECT reader FROM item_read").fetchall())
        assert all(b"account" not in row["reader"] for row in stored)
        salts = await library._school.read(lambda c: c.execute("SELECT count(*) FROM reader_salt").fetchone()[0])
        assert salts == 1


async def test_holdings_count_titles_and_items(library: Library, tmp_path: Path) -> None:
    await put_in(library, tmp_path, "a.epub", made.epub())
    await put_in(library, tmp_path, "b.mp4", made.mp4())
    await put_in(library, tmp_path, "c.pdf", b"%PDF-1.4 nothing")
    held = await library.holdings()
    assert (held.titles, held.items, held.broken) == (2, 2, 1)
    assert held.by_kind == {"epub": 1, "video": 1}
    assert {title.title for title in await library.held_titles()} == {made.TITLE, "Thí nghiệm"}


async def test_the_index_can_be_lost(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with library_in(data) as library:
        await put_in(library, tmp_path, "a.epub", made.epub())
        await library.add_record(Record(title="Chỉ có tên"), by="t")
    for file in data.glob("search.db*"):
        file.unlink()
    async with library_in(data) as library:
        assert await titles(library, "dai so") == []
        await library.cataloguer.catch_up()
        assert await titles(library, "dai so") == [made.TITLE]
        assert await titles(library, "chi co ten") == ["Chỉ có tên"]
        assert len((await library.finder.search("strasse", Filters())).inside) == 1
        assert await library.cataloguer.catch_up() == 0
        assert await library.cataloguer.rebuild() > 0
        assert len((await library.finder.search("strasse", Filters())).inside) == 1


async def test_a_full_disk_refuses_before_it_writes(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1024))
    with pytest.raises(Unavailable) as refused:
        await library.add_file(made.put(tmp_path, "a.epub", made.epub()), by="test")
    assert refused.value.code == "library.disk-full"
    assert list(library.vault.folder.iterdir()) == []


async def test_a_file_that_takes_the_hub_down_three_times_is_left_alone(library: Library, tmp_path: Path) -> None:
    """The try is counted on disk before it is made: whatever ends the hub meanwhile, the fourth start goes on without it."""
    from densach_hub.library import store

    fatal = await library.add_file(made.put(tmp_path, "fatal.pdf", made.pdf()), by="test")
    good = await library.add_file(made.put(tmp_path, "good.epub", made.epub()), by="test")
    for _ in range(3):
        await library._school.write(lambda c: store.count_attempt(c, fatal.item))
    await library.cataloguer.read_waiting()
    left = await library.item(fatal.item, hidden=True)
    assert (left.state, left.problem) == (State.BROKEN, "library.reader-crashed")
    assert (await library.item(good.item)).state is State.READY
    await library.retry(fatal.item)
    await library.cataloguer.read_waiting()
    assert (await library.item(fatal.item)).state is State.READY


async def test_only_one_process_reads(library: Library) -> None:
    with library.cataloguer.alone() as first, library.cataloguer.alone() as second:
        assert (first, second) == (True, False)


async def test_a_full_disk_stops_work_for_a_while_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    from densach_hub.library import service

    monkeypatch.setattr(service, "LATER_SECONDS", 0.01)
    faults = [OSError(errno.ENOSPC, "full"), disk_full(), sqlite3.OperationalError("disk I/O error")]
    done = asyncio.Event()

    async def work() -> None:
        if faults:
            raise faults.pop()
        done.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(service._again_and_again(work, "a test"), name="work")
    async with asyncio.timeout(5):
        await done.wait()
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
