"""An index of the version before answers at once, and is made anew by itself."""

import sqlite3
from pathlib import Path

from tests.hub.library.test_index_faults import in_step
from tests.hub.library.test_rebuild import fill, found
from tests.hub.library.world import library_in

from densach_hub.library import sides
from densach_hub.library.model import Filters, Record


def made_older(path: Path) -> None:
    """Takes away what this version added."""
    c = sqlite3.connect(path, isolation_level=None)
    (name,) = c.execute("SELECT name FROM side").fetchone()
    for table in (f"entry_word_{name}", f"passage_word_{name}", f"entry_shape_{name}"):
        c.execute(f"DROP TABLE {table}")
    for column in ("material", "audience", "licence", "shape"):
        c.execute(f"ALTER TABLE entry_{name} DROP COLUMN {column}")
    c.execute(f"CREATE VIRTUAL TABLE entry_terms_{name} USING fts5vocab(entry_words_{name}, 'col')")
    c.execute(f"CREATE VIRTUAL TABLE passage_terms_{name} USING fts5vocab(passage_words_{name}, 'row')")
    c.execute("UPDATE side SET version = 4")
    c.execute("DELETE FROM migration WHERE number = 4")
    c.close()


async def test_an_older_index_answers_until_it_is_made_anew(tmp_path: Path) -> None:
    async with library_in(tmp_path) as library:
        await fill(library, 20, 2)
        for n, subject in enumerate(("toan", "toan", "vat-ly")):
            await library.add_record(Record(title=f"Lăng kính {n}", subject=subject, grade_from=6, grade_to=7), by="t")
    made_older(tmp_path / "search.db")
    async with library_in(tmp_path) as library:
        for _ in range(2):
            assert (await found(library, "quyển số"), await found(library, "quang hop")) == ((20, 2), (0, 2))
            answer = await library.finder.search("lang knih", Filters())
            assert (answer.read_as, answer.total) == ("Lăng kính".lower(), 3)
            assert [(facet.key, facet.n) for facet in answer.facets.subjects] == [("toan", 2), ("vat-ly", 1)]
            await library.cataloguer.catch_up()
        assert await library.finder._search.read(sides.version) == sides.VERSION
        await library.finder._search.write(in_step)
