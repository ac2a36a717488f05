"""Answers given before are given again, to whoever may see them, until anything changes; never to another question."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from tests.hub.library.world import World

from densach_core.accounts.model import Role
from densach_core.errors import Unavailable
from densach_core.text import t
from densach_hub.library.model import Answer, Filters, Record
from densach_hub.library.query import alike, parse
from densach_hub.library.remembered import Remembered
from densach_hub.library.service import Library

EVERY = (None, Role.STUDENT, Role.TEACHER, Role.LIBRARIAN, Role.ADMIN)


class Word(msgspec.Struct, frozen=True):
    said: str


class Looking:
    """Counts how often it is looked for; `go` lets those go on who look."""

    def __init__(self) -> None:
        self.times = 0
        self.generation = 0
        self.go = asyncio.Event()
        self.words = Remembered(Word, 100_000)
        self.problem: Exception | None = None

    async def ask(self, key: str, *, worth: bool = True) -> str:
        async def look() -> Word:
            self.times += 1
            said = f"{key} {self.times}"
            await self.go.wait()
            if self.problem is not None:
                raise self.problem
            return Word(said)

        return (await self.words.answer(key, lambda: self.generation, look, worth=lambda _: worth)).said


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


async def test_who_asks_the_same_at_once_is_looked_for_once() -> None:
    looking = Looking()
    asking = [asyncio.create_task(looking.ask("toán")) for _ in range(60)]
    await until(lambda: looking.times == 1)
    looking.go.set()
    assert await asyncio.gather(*asking) == ["toán 1"] * 60
    assert await looking.ask("toán") == "toán 1"
    assert await looking.ask("lí") == "lí 2"


async def test_what_changed_meanwhile_is_looked_for_anew() -> None:
    looking = Looking()
    before = asyncio.create_task(looking.ask("toán"))
    await until(lambda: looking.times == 1)
    looking.generation = 1
    after = asyncio.create_task(looking.ask("toán"))
    await until(lambda: looking.times == 2)
    looking.go.set()
    assert [await before, await after] == ["toán 1", "toán 2"]
    assert await looking.ask("toán") == "toán 2"
    looking.generation = 2
    assert await looking.ask("toán") == "toán 3"


async def test_who_goes_away_takes_the_answer_from_nobody() -> None:
    looking = Looking()
    first, *others = [asyncio.create_task(looking.ask("toán")) for _ in range(5)]
    await until(lambda: looking.times == 1)
    others[0].cancel()
    first.cancel()
    await until(lambda: looking.times == 2)
    looking.go.set()
    assert await asyncio.gather(*others[1:]) == ["toán 2"] * 3
    assert first.cancelled()


async def test_a_trouble_is_told_to_all_and_not_kept() -> None:
    looking = Looking()
    looking.problem = Unavailable("database.too-slow", t("This took longer than allowed."))
    asking = [asyncio.create_task(looking.ask("toán")) for _ in range(3)]
    await until(lambda: looking.times == 1)
    looking.go.set()
    told = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(one) for one in told] == [Unavailable] * 3
    looking.problem = None
    assert await looking.ask("toán", worth=False) == "toán 2"
    assert await looking.ask("toán") == "toán 3", "half an answer is not kept"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Đại số", "đại  SỐ", True),
        ("đại số, 7", "đại số 7", True),
        ("đại số", "dai so", False),
        ("đại số", "đại sổ", False),
        ("đại số", "đại số ", False),
        ("đại số", "số đại", False),
        ("a b", "ab", False),
    ],
)
def test_which_words_are_one_question(one: str, other: str, *, same: bool) -> None:
    assert (alike(parse(one)) == alike(parse(other))) is same


async def test_an_answer_names_the_words_as_they_were_typed(library: Library) -> None:
    await library.add_record(Record(title="Đại số 7"), by="test")
    for typed in ("Đại số", "đại  số", "ĐẠI SỐ", "dai so"):
        found = await library.finder.search(typed, Filters())
        assert (found.query, [card.title for card in found.cards]) == (" ".join(typed.split()), ["Đại số 7"])


async def test_limits_pages_and_ways_are_questions_of_their_own(library: Library) -> None:
    for number in range(3):
        await library.add_record(Record(title=f"Đại số tập {number}", grade_from=6 + number, language="vi"), by="test")
    for _ in range(2):
        assert (await library.finder.search("đại số", Filters())).total == 3
        assert (await library.finder.search("đại số", Filters(grade=7))).total == 1
        assert (await library.finder.search("đại số", Filters(language="en"))).total == 0
        pages = [await library.finder.search("đại số", Filters(), limit=1, offset=n) for n in range(3)]
        assert len({page.cards[0].id for page in pages}) == 3
        assert (await library.finder.search("ddaij soos", Filters())).read_as is not None
        assert (await library.finder.search("ddaij soos", Filters(), as_typed=True)).read_as is None


def _ask(world: World, headers: dict[str, str]) -> tuple[Callable[[str], Awaitable[Answer]], Callable[[str], Awaitable[str]]]:
    async def data(words: str) -> Answer:
        async with world.http.get(f"{world.base}/api/v1/search", params={"q": words}, headers=headers) as response:
            return msgspec.json.decode(await response.read(), type=Answer)

    async def page(words: str) -> str:
        async with world.http.get(f"{world.base}/search", params={"q": words}, headers=headers) as response:
            return await response.text()

    return data, page


async def test_what_is_withdrawn_or_added_shows_at_once_whoever_asked_before(world: World) -> None:
    library = world.library
    kept = await library.add_record(Record(title="Cá chép hóa rồng"), by="test")
    asking = [_ask(world, {} if role is None else await world.as_(role)) for role in EVERY]

    async def shown(title: str, suggested: str) -> list[bool]:
        found = []
        for data, page in asking:
            found += [
                title in [card.title for card in (await data("ca chep")).cards],
                title.replace(" ", "-") in marked(await page("ca chep")),
            ]
        names = await library.finder.suggest(suggested)
        return [*found, title in [card.title for card in names.cards]]

    def marked(html: str) -> str:
        return html.replace("<mark>", "").replace("</mark>", "").replace(" ", "-")

    assert all(await shown("Cá chép hóa rồng", "ca ch"))
    await library.withdraw(kept.item, by="test", why="rách")
    assert not any(await shown("Cá chép hóa rồng", "ca ch"))
    await library.add_record(Record(title="Cá chép trông trăng"), by="test")
    assert all(await shown("Cá chép trông trăng", "ca ch"))
    assert not any(await shown("Cá chép hóa rồng", "ca ch"))


async def test_pages_of_one_answer_keep_to_whom_they_are_shown(world: World) -> None:
    """The results are the same for everybody; what stands around them is not."""
    await world.library.add_record(Record(title="Đại số 7"), by="test")
    _, guest = _ask(world, {})
    _, pupil = _ask(world, await world.as_(Role.STUDENT))
    _, librarian = _ask(world, await world.as_(Role.LIBRARIAN))
    for _ in range(2):
        pages = [await page("đại số") for page in (librarian, guest, pupil)]
        assert ["/account" in page for page in pages] == [True, False, True]
        assert ["/login" in page for page in pages] == [False, True, False]
        assert all("<mark>Đại số</mark> 7" in page for page in pages)
