"""What people type and what they mean: spellings, keys without a driver, slips, order, counts, suggestions."""

import sqlite3
from pathlib import Path

import pytest
from tests.hub.library import made
from tests.hub.library.world import World, put_in

from densach_hub.library import hits, index, vocabulary
from densach_hub.library.formats.found import Passage
from densach_hub.library.licences import licence_of
from densach_hub.library.model import Answer, Creator, Filters, Kind, Record
from densach_hub.library.narrowing import subject_asked_for
from densach_hub.library.query import exact_words, parse, spelled
from densach_hub.library.service import Library

TITLES = (
    "Toán học vui", "Tiếng Việt 5", "Vật lí 10", "Địa lý 8", "Kỹ thuật điện", "Hoà bình", "Khoẻ và đẹp", "Phương trình bậc hai",
    "Lập trình Python", "Đường tới Điện Biên Phủ", "Algebra for everybody", "Đồng dao",
)  # fmt: skip


async def fill(library: Library) -> None:
    for title in TITLES:
        await library.add_record(Record(title=title, creators=(Creator("Nguyễn Thị Hoà"),)), by="test")


async def ask(library: Library, typed: str, **filters: object) -> Answer:
    return await library.finder.search(typed, Filters(**filters))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("vat ly", "Vật lí 10"), ("vật lý", "Vật lí 10"), ("địa lí", "Địa lý 8"), ("kĩ thuật", "Kỹ thuật điện"),
        ("hòa bình", "Hoà bình"), ("khỏe", "Khoẻ và đẹp"), ("ĐỒNG", "Đồng dao"),
    ],
)  # fmt: skip
async def test_both_spellings_are_right(library: Library, typed: str, title: str) -> None:
    await fill(library)
    answer = await ask(library, typed)
    assert [card.title for card in answer.cards] == [title]
    assert answer.read_as is None


def test_spellings() -> None:
    assert exact_words("Lý Khoẻ THUỶ quý hoà") == "lí khỏe thủy quí hòa"
    assert spelled("Vật LÝ, my yêu, quý") == "vat li, mi yeu, qui"


@pytest.mark.parametrize(
    ("typed", "title", "read_as"),
    [
        ("toans hocj", "Toán học vui", "toán học"),
        ("toan hocj", "Toán học vui", "toan học"),
        ("tieengs vieejt", "Tiếng Việt 5", "tiếng việt"),
        ("tie6ng1 vie65t", "Tiếng Việt 5", "tiếng việt"),
        ("dduwowngf", "Đường tới Điện Biên Phủ", "đường"),
        ("phuogn trinh", "Phương trình bậc hai", "phương trình"),
        ("phuong trnh", "Phương trình bậc hai", "phương trình"),
        ("phuongg trinh", "Phương trình bậc hai", "phương trình"),
        ("algbera", "Algebra for everybody", "algebra"),
        ("evrybdy", "Algebra for everybody", "everybody"),
        ("lap trinh pyhton ", "Lập trình Python", "lập trình python"),
    ],
)
async def test_slips_and_raw_keys_are_forgiven(library: Library, typed: str, title: str, read_as: str) -> None:
    await fill(library)
    answer = await ask(library, typed)
    assert (answer.cards[0].title, answer.read_as) == (title, read_as)
    literally = await library.finder.search(typed, Filters(), as_typed=True)
    assert literally.read_as is None


async def test_what_is_there_is_not_read_otherwise(library: Library) -> None:
    for title in ("Toans and hocj", "Toán học"):
        await library.add_record(Record(title=title), by="test")
    answer = await ask(library, "toans hocj")
    assert ([card.title for card in answer.cards], answer.read_as) == (["Toans and hocj"], None)


async def test_a_word_inside_a_book_is_not_mended_but_asked_about(
    library: Library, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("in")
    await put_in(library, folder, "a.epub", made.epub(title="Phuong", chapters={"Một": "phuogn is what stands here"}))
    answer = await ask(library, "phuogn")
    assert (answer.meant, answer.read_as, len(answer.inside)) == ("phuong", None, 1)


async def test_a_subject_a_number_and_a_word_of_a_text_are_never_mended(
    library: Library, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await library.add_record(Record(title="Giai đoạn 7", subject="nghiep-vu"), by="test")
    for typed in ("toan 7", "toán 7", "toan", "van 7"):
        answer = await ask(library, typed)
        assert (answer.read_as, answer.meant) == (None, None)
    assert (await ask(library, "gaii doan 7")).read_as is not None
    folder = tmp_path_factory.mktemp("in")
    await put_in(library, folder, "a.epub", made.epub(title="Tàu", chapters={"Một": "một cái doam"}))
    answer = await ask(library, "doam 7")
    assert (answer.read_as, answer.meant) == (None, "đoạn 7")


async def test_a_mending_of_several_words_stands_together(library: Library) -> None:
    for title in ("Văn bản hướng dẫn quản lý dạy học và chương trình số", "Văn bản và số liệu", "Phân số lớp 4"):
        await library.add_record(Record(title=title), by="test")
    answer = await ask(library, "pân số")
    assert ([card.title for card in answer.cards], answer.read_as) == (["Phân số lớp 4"], "phân số")
    await library.add_record(Record(title="Phượng hồng, quang và hợp"), by="test")
    assert (await ask(library, "phượng trình")).meant == "chương trình"
    assert (await ask(library, "quang hoc")).meant is None


def test_the_subject_among_the_words() -> None:
    asked = {
        words: getattr(subject_asked_for(words), "code", None) for words in ("toan 7", "Vật lý 11", "lịch sử địa lí", "doan 7")
    }
    assert asked == {"toan 7": "toan", "Vật lý 11": "vat-ly", "lịch sử địa lí": "lich-su-dia-ly", "doan 7": None}


async def test_the_order_is_tones_then_phrase_then_all_then_begun(library: Library) -> None:
    order = ["Đại số", "Dai so", "Số vui và đại dương", "Đại sống"]
    for title in reversed(order):
        await library.add_record(Record(title=title), by="test")
    assert [card.title for card in (await ask(library, "đại số")).cards] == [
        "Đại số",
        "Đại sống",
        "Số vui và đại dương",
        "Dai so",
    ]
    assert [card.title for card in (await ask(library, "dai so ")).cards][:2] in (["Đại số", "Dai so"], ["Dai so", "Đại số"])


async def test_subjects_and_grades_are_words_too(library: Library) -> None:
    await library.add_record(Record(title="Cánh diều", subject="lich-su", grade_from=6, grade_to=7), by="test")
    for typed in ("lịch sử", "lich su lop 7", "canh dieu lop 6"):
        assert [card.title for card in (await ask(library, typed)).cards] == ["Cánh diều"]
    assert (await ask(library, "lich su lop 8")).loose


async def test_counts_are_as_if_only_the_other_limits_held(library: Library) -> None:
    for n in range(40):
        subject, language = ("toan", "vi") if n % 4 else ("vat-ly", "en")
        await library.add_record(
            Record(title=f"Sách {n}", subject=subject, grade_from=6, grade_to=6 + n % 2, language=language), by="t"
        )
    facets = (await ask(library, "sach", subject="toan")).facets
    assert {facet.key: facet.n for facet in facets.subjects} == {"toan": 30, "vat-ly": 10}
    assert {facet.key: facet.n for facet in facets.grades} == {"6": 30, "7": 20}
    assert {facet.key: facet.n for facet in facets.languages} == {"vi": 30}
    assert facets.exact
    everything = await ask(library, "")
    assert {facet.key: facet.n for facet in everything.facets.subjects} == {"toan": 30, "vat-ly": 10}


async def test_counts_say_when_they_are_not_all(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hits, "COUNTED", 10)
    monkeypatch.setattr(hits, "RANKED", 5)
    for n in range(20):
        await library.add_record(Record(title=f"Sách {n}", subject="toan" if n else "vat-ly"), by="t")
    answer = await ask(library, "sach")
    assert (answer.total, answer.facets.exact, answer.more) == (None, False, False)
    assert [card.title for card in answer.cards[:2]] == ["Sách 19", "Sách 18"]
    narrow = await ask(library, "sach", subject="vat-ly")
    assert (narrow.total, len(narrow.cards)) == (1, 1)


async def test_limits_that_leave_nothing_mend_no_words(library: Library) -> None:
    await fill(library)
    answer = await ask(library, "toan", kind=Kind.EPUB)
    assert (answer.total, answer.read_as, answer.cards) == (0, None, ())


async def test_suggestions_name_titles_and_people(library: Library) -> None:
    await fill(library)
    found = await library.finder.suggest("nguyen thi h")
    assert found.people == ("Nguyễn Thị Hoà",)
    assert [card.title for card in (await library.finder.suggest("phuogn")).cards] == ["Phương trình bậc hai"]
    assert [card.title for card in (await library.finder.suggest("đi")).cards][:1] != []


async def test_one_thick_book_does_not_hide_the_others(library: Library, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("in")
    await put_in(library, folder, "thick.pdf", made.pdf([f"quang hop {n}" for n in range(60)], title="Thick"))
    for n in range(4):
        await put_in(library, folder, f"{n}.pdf", made.pdf([f"quang hop {n}"], title=f"Thin {n}"))
    answer = await ask(library, "quang h")
    assert {one.card.title for one in answer.inside} == {"Thick", "Thin 0", "Thin 1", "Thin 2", "Thin 3"}


def test_slips_are_counted_as_people_make_them() -> None:
    assert [vocabulary.distance("phuogn", word) for word in ("phuong", "phuon", "trinh")] == [1, 1, 3]
    assert parse("một hai ").open_end is False


async def test_hits_lead_to_the_page_and_to_the_second(world: World, tmp_path: Path) -> None:
    book = await put_in(world.library, tmp_path, "a.pdf", made.pdf(["mot", "noi ve quang hop"]))
    film = await put_in(world.library, tmp_path, "a.mp4", made.mp4(seconds=90))

    def subtitles(c: sqlite3.Connection) -> None:
        index.remove_text(c, film.id)
        index.add_text(c, film.id, film.file or "", [Passage(75, None, "Lá cây quang hợp", "la cay quang hop")])
        index.text_done(c, film.id, film.file or "")

    await world.library.finder._search.write(subtitles)
    page = await world.text("/search?q=quang+hop", {"Accept-Language": "vi"})
    assert f"/read/{book.id}?at=1&amp;q=quang+hop" in page
    assert f"/read/{film.id}?at=75&amp;q=quang+hop" in page
    assert "1:15" in page
    assert "<mark>quang hợp</mark>" in page


async def test_type_audience_and_licence_narrow_down_too(world: World) -> None:
    library = world.library
    said: list[dict[str, str]] = [
        {"material": "textbook", "audience": "pupils", "licence": "CC BY-SA 4.0"},
        {"material": "Sách giáo khoa", "audience": "Học sinh", "licence": "https://creativecommons.org/licenses/by-sa/4.0/"},
        {"material": "exam", "rights": "Bảo lưu mọi quyền."},
        {"material": "sáng kiến kinh nghiệm", "licence": "Theo hợp đồng số 5"},
        {},
    ]
    for n, words in enumerate(said):
        await library.add_record(Record(title=f"Quyển {n}", **words), by="t")  # type: ignore[arg-type]
    facets = (await ask(library, "quyen")).facets
    assert {facet.key: facet.n for facet in facets.materials} == {"textbook": 2, "exam": 1, "sáng kiến kinh nghiệm": 1}
    assert {facet.key: facet.n for facet in facets.audiences} == {"pupils": 2}
    assert {facet.key: facet.n for facet in facets.licences} == {"cc-by-sa": 2, "other": 1, "reserved": 1}
    for typed in ("quyen", ""):
        assert (await ask(library, typed, licence="cc-by-sa")).total == 2
        assert (await ask(library, typed, material="sáng kiến kinh nghiệm")).total == 1
        assert (await ask(library, typed, audience="pupils", material="exam")).total == 0
    assert "CC BY-SA" in await world.text("/search?q=quyen")
    page = await world.text("/search?q=quyen&material=textbook")
    assert 'name="material" value="textbook"' in page
    assert '"total":2' in await world.text("/api/v1/search?q=quyen&audience=pupils")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("CC BY 4.0", "cc-by"), ("http://creativecommons.org/licenses/by-nc-nd/3.0/vn/", "cc-by-nc-nd"),
        ("CC-BY-NC-SA", "cc-by-nc-sa"), ("https://creativecommons.org/publicdomain/zero/1.0/", "cc0"),
        ("Creative Commons Attribution-NonCommercial 4.0", "cc-by-nc"),
        ("Creative Commons Ghi công - Chia sẻ tương tự", "cc-by-sa"), ("Public Domain Mark 1.0", "public-domain"),
        ("All rights reserved", "reserved"), ("theo thỏa thuận", "other"), ("  ", None), (None, None),
    ],
)  # fmt: skip
def test_one_licence_is_written_in_many_ways(said: str | None, code: str | None) -> None:
    assert licence_of(said) == code
    assert licence_of(None, said) == (None if code == "other" else code)
