"""A catalogue of any size with as much text as wanted, made up: words as frequent as words are (Zipf), always the same.

Texts go straight into search.db, as if their files had been read before; the catalogue's rows are real ones.
"""

import copy
import itertools
import random
import sqlite3
from collections.abc import Iterator

import msgspec
from tests.bench.hub import BY

from densach_core.folding import fold
from densach_hub.library import index, store
from densach_hub.library.formats.found import Passage
from densach_hub.library.model import Creator, Form, Item, Kind, State
from densach_hub.opening import Rooms

COMMON = (  # noqa: SIM905 - read as a list of words
    "và của là có các được trong cho với một những không người này khi đến ra như về từ để học sinh bài toán phương trình đại số "
    "hình học sách giáo khoa lớp tập văn học lịch sử địa lý vật lý hóa sinh tiếng việt anh tin nhạc đường"
    " sông núi biển trời đất nước"
).split()
_ONSETS = "b c ch d đ g gh h k kh l m n ng nh p ph qu r s t th tr v x".split()  # noqa: SIM905 - read as a list of words
_RIMES = (  # noqa: SIM905 - read as a list of words
    "a an ang anh ao at ăn âm ân âu e en êu ia iên in inh o oa oan oc on ông ơi u ua uân uông ư ươi ương y yên"
).split()
_SUBJECTS = ("toan", "vat-ly", "hoa-hoc", "sinh-hoc", "ngu-van", "lich-su", "dia-ly", "tieng-anh", "tin-hoc", "am-nhac")
_FAMILIES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ")
SLICE = 1_000
PASSAGE_WORDS = 300
PAGES = 120


class Words:
    """Draws words: the common ones often, some eight hundred syllables now and then, rare ones (names, foreign) seldom."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        syllables = [onset + rime for onset in _ONSETS for rime in _RIMES]
        self._chance.shuffle(syllables)
        rare = ["".join(self._chance.choices("aeioubcdglmnrstv", k=self._chance.randint(4, 10))) for _ in range(20_000)]
        self._words = [*COMMON, *syllables, *rare]
        self._weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(self._words))))

    def drawn(self, seed: int) -> "Words":
        """The same words, drawn in another order."""
        other = copy.copy(self)
        other._chance = random.Random(seed)
        return other

    def some(self, n: int) -> list[str]:
        return self._chance.choices(self._words, cum_weights=self._weights, k=n)

    def item(self, number: int) -> Item:
        chance = self._chance
        grade = 1 + number % 12
        digest = f"{number:064x}"
        return Item(
            id=f"{number:012x}",
            work_id=f"w{number:011x}",
            edition_id=f"e{number:011x}",
            title=" ".join(self.some(chance.randint(3, 8))).capitalize() + f" {number}",
            form=Form.FILE,
            state=State.READY,
            added_at=1_700_000_000_000 + number,
            added_by=BY,
            changed_at=1_700_000_000_000 + number,
            ready_at=1_700_000_000_000 + number,
            creators=(Creator(f"{chance.choice(_FAMILIES)} {' '.join(self.some(2)).title()}"),),
            description=" ".join(self.some(25)),
            subject=chance.choice(_SUBJECTS),
            grade_from=grade,
            grade_to=min(12, grade + chance.randrange(2)),
            language="vi" if number % 5 else "en",
            kind=Kind.PDF,
            file=digest,
            file_name=f"{number}.pdf",
            size=1_000_000,
            media_type="application/pdf",
            pages=PAGES,
        )

    def passages(self, n: int) -> Iterator[Passage]:
        for number in range(n):
            text = " ".join(self.some(PASSAGE_WORDS))
            yield Passage(number, None, text, fold(text))


class Filled(msgspec.Struct, frozen=True):
    """`letters` is the size of all texts as UTF-8."""

    records: int
    passages: int
    text_bytes: int


async def fill(rooms: Rooms, records: int, text_bytes: int, *, seed: int = 7) -> Filled:
    """Fills an empty library; texts belong to the first items, 120 pages each, until there is enough of them."""
    words = Words(seed)
    school, search = rooms.library.finder._school, rooms.library.finder._search
    for start in range(0, records, SLICE):
        items = [words.item(number) for number in range(start, min(start + SLICE, records))]

        def add(c: sqlite3.Connection, some: list[Item] = items) -> None:
            for it in some:
                store.add(c, it)

        await school.write(add)
        await search.write(lambda c, some=items: index.put_all(c, some))  # type: ignore[misc]
    written = passages = 0
    for number in itertools.count():
        if written >= text_bytes or number >= records:
            break
        pages = list(words.passages(PAGES))
        written += sum(len(page.text.encode()) for page in pages)
        passages += len(pages)
        item, file = f"{number:012x}", f"{number:064x}"

        def put(c: sqlite3.Connection, item: str = item, file: str = file, pages: list[Passage] = pages) -> None:
            index.add_text(c, item, file, pages)
            index.text_done(c, item, file)

        await search.write_grouped(put)
    for start in range(number, records, SLICE):
        rest = range(start, min(start + SLICE, records))

        def none(c: sqlite3.Connection, rest: range = rest) -> None:
            for bare in rest:
                index.text_done(c, f"{bare:012x}", f"{bare:064x}")

        await search.write(none)
    await rooms.library.cataloguer.catch_up()
    return Filled(records, passages, written)
