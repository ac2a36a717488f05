"""What every document has in common: hostile words, tags, languages, compression, what is not there, who may ask."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin

import pytest
from PIL import Image
from tests.hub.library import made
from tests.hub.library.opds.rules import NS, feed, links, opds2
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_hub.library.model import Creator, Record
from densach_hub.library.opds.entrance import prefers_json
from densach_hub.library.opds.listing import mark_of
from densach_hub.library.opds.picture import plain_cover

HOSTILE = "A\x01\x0b\x0c\x1b\x7f <b>&amp;]]>\ufffe\uffff\U0001fffe \U0001f4d6 ế \u202e --> \u0085"
PATHS = ("/opds/v1.2/catalog", "/opds/v1.2/items", "/opds/v2/catalog", "/opds/v2/items", "/opds/authentication.json")


async def test_hostile_words_break_no_feed(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    record = Record(
        title=HOSTILE, subtitle=HOSTILE, creators=(Creator(HOSTILE), Creator(HOSTILE, "narrator")), language=HOSTILE,
        publisher=HOSTILE, published=HOSTILE, topics=(HOSTILE,), identifiers=(HOSTILE,), description=HOSTILE * 20,
        rights=HOSTILE, series=HOSTILE, series_number=HOSTILE, collections=(HOSTILE,), extent=HOSTILE,
    )  # fmt: skip
    await world.library.edit(it.id, record)
    for path in ("/opds/v1.2/items", "/opds/v1.2/items?q=A%01%00%0b%ff", f"/opds/v1.2/items/{it.id}", "/opds/v1.2/by/language"):
        await feed(world, path)
    for path in ("/opds/v2/catalog", "/opds/v2/items", "/opds/v2/search?query=%01%00%ed%a0%80", f"/opds/v2/items/{it.id}"):
        await opds2(world, path)
    (entry,) = (await feed(world, "/opds/v1.2/items")).findall("a:entry", NS)
    assert "<b>&amp;]]>" in entry.findtext("a:title", "", NS)
    async with world.http.get(urljoin(world.base, links(entry)["http://opds-spec.org/acquisition/open-access"])) as response:
        assert await response.read() == made.epub()


async def test_a_question_repeated_costs_nothing(world: World, tmp_path: Path) -> None:
    await put_in(world.library, tmp_path, "a.epub", made.epub())
    for path in PATHS:
        async with world.http.get(world.base + path) as response:
            tag = response.headers["ETag"]
            assert response.headers["Cache-Control"] == "no-cache"
        async with world.http.get(world.base + path, headers={"If-None-Match": f'"x", {tag}'}) as response:
            assert (response.status, response.headers["ETag"], await response.read()) == (304, tag, b"")
    async with world.http.get(world.base + "/opds/v2/items") as response:
        tag = response.headers["ETag"]
    await put_in(world.library, tmp_path, "b.pdf", made.pdf())
    async with world.http.get(world.base + "/opds/v2/items", headers={"If-None-Match": tag}) as response:
        assert response.status == 200


async def test_compressed_for_those_who_want_it(world: World, tmp_path: Path) -> None:
    await put_in(world.library, tmp_path, "a.epub", made.epub())
    for path in PATHS[:4]:
        async with world.http.get(world.base + path, headers={"Accept-Encoding": "identity"}) as response:
            body = await response.read()
            assert "Content-Encoding" not in response.headers
        async with world.http.get(world.base + path, headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert "Accept-Encoding" in response.headers["Vary"]
            assert await response.read() == body


async def test_the_short_address_answers_in_the_version_asked_for(world: World) -> None:
    asked = {
        "application/opds+json, application/atom+xml;profile=opds-catalog, */*": "application/opds+json",
        "application/atom+xml": "application/atom+xml",
        "*/*": "application/atom+xml",
        "text/html,application/xhtml+xml": "application/atom+xml",
    }
    for accept, kind in asked.items():
        for path in ("/opds", "/opds/"):
            async with world.http.get(world.base + path, headers={"Accept": accept}) as response:
                assert (response.status, response.content_type) == (200, kind)
                assert "Accept" in [name.strip() for name in response.headers["Vary"].split(",")]
    async with world.http.head(world.base + "/opds/v2/catalog") as response:
        assert (response.status, response.content_type) == (200, "application/opds+json")


def test_weighing_what_is_accepted() -> None:
    assert prefers_json("application/opds+json;q=0.9, application/atom+xml;q=0.8")
    assert not prefers_json("application/opds+json;q=0.5, application/atom+xml")
    assert not prefers_json("application/opds+json;q=0")
    assert not prefers_json("")


async def test_what_is_not_there_is_said_in_a_document(world: World) -> None:
    for path in ("/opds/v3/x", "/opds/v2/items/none", "/opds/v1.2/items/none", "/opds/v2/by/x", "/opds/covers/9.png"):
        async with world.http.get(world.base + path) as response:
            assert (response.status, response.content_type) == (404, "application/problem+json")
            told = await response.json(content_type=None)
            assert told["title"]
            assert told["code"] in {"page.not-found", "library.no-item"}


async def test_a_method_nobody_answers_is_said_in_a_document(world: World) -> None:
    for path in ("/opds", "/opds/v2/catalog", "/opds/v1.2/items"):
        async with world.http.delete(world.base + path, headers={"Origin": world.base}) as response:
            assert (response.status, response.content_type) == (405, "application/problem+json")
            assert "GET" in response.headers["Allow"]
    async with world.http.delete(world.base + "/search", headers={"Origin": world.base}) as response:
        assert (response.status, response.content_type) == (405, "text/html")


async def test_nobody_sees_what_is_withdrawn_or_not_approved(world: World, tmp_path: Path) -> None:
    it = await put_in(world.library, tmp_path, "a.epub", made.epub())
    await world.library.withdraw(it.id, by="t", why="")
    for who in (None, Role.STUDENT, Role.LIBRARIAN, Role.ADMIN):
        headers = await world.as_(who) if who else {}
        assert not (await feed(world, "/opds/v1.2/items", headers)).findall("a:entry", NS)
        assert "publications" not in await opds2(world, "/opds/v2/items", headers)
        for path in (f"/opds/v2/items/{it.id}", f"/opds/v1.2/items/{it.id}", f"/items/{it.id}/file/x.epub"):
            async with world.http.get(world.base + path, headers=headers) as response:
                assert response.status == 404


async def test_downloads_in_ranges_and_with_tags(world: World, tmp_path: Path) -> None:
    await put_in(world.library, tmp_path, "a.epub", made.epub())
    (book,) = (await opds2(world, "/opds/v2/items"))["publications"]
    href = next(link["href"] for link in book["links"] if link["rel"].endswith("open-access"))
    whole = made.epub()

    async def get(**headers: str) -> tuple[int, bytes, Mapping[str, str]]:
        async with world.http.get(world.base + href, headers={k.replace("_", "-"): v for k, v in headers.items()}) as response:
            return response.status, await response.read(), response.headers

    status, body, told = await get(Range="bytes=0-9")
    assert (status, body, told["Content-Range"]) == (206, whole[:10], f"bytes 0-9/{len(whole)}")
    assert told["Content-Disposition"].startswith("attachment")
    status, body, _ = await get(Range="bytes=10-", If_Range=told["ETag"])
    assert (status, whole[:10] + body) == (206, whole)
    assert (await get(If_None_Match=told["ETag"]))[0] == 304
    assert (await get(Range=f"bytes={len(whole)}-"))[0] == 416


@pytest.mark.parametrize("tone", range(8))
def test_plain_covers_are_pictures(tone: int, tmp_path: Path) -> None:
    path = made.put(tmp_path, "x.png", plain_cover(tone))
    assert path.stat().st_size < 3_000
    with Image.open(path) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("PNG", (240, 320))


@pytest.mark.parametrize("text", ["", "1", "-", "a-1", "1-b", "٣-1", "-1-2", "9" * 19 + "-1", "1-2-3"])
def test_what_is_no_mark(text: str) -> None:
    assert mark_of(text) is None
