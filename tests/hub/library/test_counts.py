"""What is counted column by column is what is counted one by one; and the only hit there is needs no order."""

from hypothesis import given
from hypothesis import strategies as st

from densach_hub.library.counts import Shape, counted
from densach_hub.library.model import Facet, Filters, Record
from densach_hub.library.service import Library

WORD = st.sampled_from([None, "a", "b", "c"])
GRADES = st.tuples(st.none() | st.integers(1, 12), st.none() | st.integers(1, 12))
SHAPES = st.lists(
    st.tuples(st.tuples(WORD, WORD, GRADES, WORD, WORD, WORD, WORD), st.integers(1, 9)), max_size=12, unique_by=lambda one: one[0]
)


@given(SHAPES)
def test_counts_are_those_of_each_shape(drawn: list[tuple[tuple[str | None, ...], int]]) -> None:
    shapes: list[tuple[Shape, int]] = [
        ((kind, subject, *grades, language, material, audience, licence), n)  # type: ignore[misc]
        for (kind, subject, grades, language, material, audience, licence), n in drawn
    ]
    facets, total = counted(shapes, Filters())
    assert total == sum(n for _, n in shapes)
    for at, found in ((1, facets.subjects), (4, facets.languages), (7, facets.licences)):
        expected: dict[str, int] = {}
        for shape, n in shapes:
            if shape[at] is not None:
                expected[str(shape[at])] = expected.get(str(shape[at]), 0) + n
        assert found == tuple(Facet(key, expected[key]) for key in sorted(expected, key=lambda key: (-expected[key], key)))
    for facet in facets.grades:
        grade = int(facet.key)
        limited, fitting = counted(shapes, Filters(grade=grade))
        assert fitting == facet.n
        assert limited.grades == facets.grades, "a limit leaves its own counts alone"


async def test_one_hit_keeps_to_limits_and_pages(library: Library) -> None:
    await library.add_record(Record(title="Cá chép hóa rồng", language="vi"), by="test")
    await library.add_record(Record(title="Chim chích bông", language="en"), by="test")
    found = await library.finder.search("cá chép", Filters())
    assert ([card.title for card in found.cards], found.total, found.more) == (["Cá chép hóa rồng"], 1, False)
    assert [facet.key for facet in found.facets.languages] == ["vi"]
    assert (await library.finder.search("cá chép", Filters(language="vi"))).total == 1
    other = await library.finder.search("cá chép", Filters(language="en"))
    assert (other.cards, other.total) == ((), 0)
    beyond = await library.finder.search("cá chép", Filters(), offset=1)
    assert (beyond.cards, beyond.total, beyond.more) == ((), 1, False)
