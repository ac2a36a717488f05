"""Another catalogue's OPDS: its feeds as records, its files fetched with limits, from no other door than its own."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import encode_basic_auth, web
from click.testing import CliRunner
from tests.hub.library import made
from tests.hub.library.world import World, put_in, world_in

from densach_core.accounts.model import Role
from densach_core.errors import BadInput, Problem
from densach_hub.cli_library import library
from densach_hub.library import harvesting
from densach_hub.library.batches import Action, Batch, Stage
from densach_hub.library.exchange import opds
from densach_hub.library.exchange.doors import open_source
from densach_hub.library.exchange.opds import Asked
from densach_hub.library.exchange.visiting import Visitor, checked, is_own

ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/terms/">
<id>x</id><title>Tủ sách</title>{links}
<entry><title>Dế Mèn phiêu lưu ký</title><id>urn:uuid:1</id><author><name>Tô Hoài</name></author>
<category term="Truyện"/><dc:language>vie</dc:language>
<dc:issued>1941</dc:issued><dc:identifier>urn:isbn:9786042089289</dc:identifier>
<summary>Một chú dế.</summary>
<link rel="http://opds-spec.org/acquisition/buy" href="/buy.epub" type="application/epub+zip"/>
<link rel="http://opds-spec.org/acquisition" href="{pdf}" type="application/pdf"/>
<link rel="http://opds-spec.org/acquisition/open-access" href="{epub}" type="application/epub+zip"/></entry></feed>"""


def atom(links: str = "", epub: str = "/a.epub", pdf: str = "a.pdf") -> bytes:
    return ATOM.format(links=links, epub=epub, pdf=pdf).encode()


@asynccontextmanager
async def serving(pages: Mapping[str, bytes | str], login: str = "") -> AsyncIterator[tuple[str, list[str]]]:
    """A catalogue; a text is an address it redirects to. Yields its own address, and what was asked for."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        if login and request.headers.get("Authorization") != login:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        found = pages.get(request.path_qs)
        if found is None:
            return web.Response(status=404)
        if isinstance(found, str):
            return web.Response(status=302, headers={"Location": found})
        return web.Response(body=found)

    app = web.Application()
    app.router.add_get("/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def visited(world: World, address: str, *, files: bool = True) -> Batch:
    imports = world.library.imports
    return await imports.settled((await imports.visit(address, by="Hoa", files=files, here=True)).id)


def test_a_feed_as_records() -> None:
    feed = opds.parse(atom('<link rel="next" href="?p=2"/>'), "http://o.lan/opds/all")
    entry = feed.entries[0]
    assert feed.next == "http://o.lan/opds/all?p=2"
    assert entry.link == "http://o.lan/a.epub"
    assert entry.key == "opds:urn:uuid:1"
    assert entry.fields["identifiers"] == ["ISBN 9786042089289"]
    assert (entry.fields["language"], entry.fields["published"], entry.fields["topics"]) == ("vi", "1941", ["Truyện"])


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"<html/>", b"<feed", b'{"navigation": [1, {"href": 2}], "links": {"rel": 1}}'])
def test_what_is_no_feed_or_a_broken_one_is_said_so_or_read_as_far_as_it_goes(body: bytes) -> None:
    if b'"navigation"' in body:
        assert opds.parse(body, "http://o.lan/").entries == []
        return
    with pytest.raises(BadInput, match=r"import\.not-readable"):
        opds.parse(body, "http://o.lan/")


def test_entities_are_not_expanded() -> None:
    body = b'<!DOCTYPE feed [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + atom().partition(b"?>")[2].replace(b"chu", b"&e;")
    assert "root:" not in str(opds.parse(body, "http://o.lan/").entries)


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://x/y", "http://", "http://a:b@c/", "http://x:99999/", "http://a b/"]
)
def test_only_web_addresses_are_visited(address: str) -> None:
    with pytest.raises(BadInput, match=r"import\.address"):
        checked(address)


def test_other_doors_are_not_knocked_at() -> None:
    visitor = Visitor("http://o.lan/opds")
    assert all(visitor.may_ask(one) for one in ("http://o.lan/x", "http://O.lan:80/x", "https://o.lan/x"))
    assert not any(visitor.may_ask(one) for one in ("http://p.lan/x", "http://o.lan:8080/x", "file:///x", "http://o.lan:x/"))
    assert all(is_own(one) for one in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "0.0.0.0", "fe80::1%eth0"))
    assert not is_own("192.168.1.7")


async def test_another_hub_is_taken_over_with_its_files_and_taken_back(world: World, tmp_path: Path) -> None:
    async with world_in(tmp_path / "other") as other:
        await put_in(other.library, tmp_path, "a.epub", made.epub())
        await put_in(other.library, tmp_path, "b.pdf", made.pdf())
        for n, door in enumerate(("/opds", "/opds/v2/catalog")):
            batch = await visited(world, f"{other.base}{door}")
            assert (batch.stage, batch.format, batch.counts.get("wrong", 0)) == (Stage.PREVIEW, "opds", 0)
            assert batch.counts == ({"new": 2} if n == 0 else {"same": 2}), (door, batch.counts)
            if n == 0:
                await world.library.imports.apply(batch.id)
                assert (await world.library.imports.settled(batch.id)).stage is Stage.DONE
                first = batch
        rows = await world.library.imports.rows(first.id, Action.NEW)
        items = [await world.library.item(row.item or "", hidden=True) for row in rows]
        assert all(it.file and world.library.vault.has(it.file) for it in items)
        await world.library.imports.drop(batch.id)
        assert not list(world.library.imports.folder.iterdir())
        await world.library.imports.undo(first.id)
        assert (await world.library.imports.settled(first.id)).stage is Stage.UNDONE
        assert (await world.library.finder.home()).items == 0


async def test_pages_redirects_and_files_that_lead_elsewhere(world: World) -> None:
    async with serving({}) as (secret, knocked):
        pages: dict[str, bytes | str] = {
            "/opds": "/catalogue",
            "/catalogue": atom('<link rel="next" href="/two"/>', epub=f"{secret}/steal.epub", pdf=f"{secret}/x"),
            "/two": f"{secret}/three",
        }
        async with serving(pages) as (base, asked):
            batch = await visited(world, f"{base}/opds")
            assert batch.counts == {"new": 1}
            await world.library.imports.apply(batch.id)
            done = await world.library.imports.settled(batch.id)
            assert done.stage is Stage.DONE
            remarks = await world.library.imports.remarks(batch.id)
            assert [row.code for row in remarks] == ["import.file-missing"]
            assert knocked == []
            assert asked == ["/opds", "/catalogue", "/two"]


async def test_the_hub_itself_and_closed_catalogues_are_refused_with_the_reason(world: World) -> None:
    async with serving({"/page": b"<html></html>"}) as (base, _):
        imports = world.library.imports
        for address, here, code in (
            (f"{base}/page", False, "import.own-address"),
            (f"{base}/page", True, "import.not-readable"),
            (f"{base}/nothing", True, "import.no-feed"),
            ("http://127.0.0.1:1/opds", True, "import.unreachable"),
        ):
            batch = await imports.settled((await imports.visit(address, by="Hoa", files=True, here=here)).id)
            assert (batch.stage, batch.code) == (Stage.FAILED, code)
    assert not list(imports.folder.iterdir())


async def test_a_catalogue_with_a_log_in_is_taken_and_its_password_goes(world: World) -> None:
    imports = world.library.imports
    book = made.epub(title="Dế Mèn phiêu lưu ký", chapters={"Một": "chú dế"})
    pages: dict[str, bytes | str] = {"/opds": atom(), "/a.epub": book}
    async with serving(pages, encode_basic_auth("hoa", "mật:khẩu", "utf-8")) as (base, _):
        for login, code in ((None, "import.locked"), (("hoa", "sai"), "import.login-refused")):
            begun = await imports.visit(f"{base}/opds", by="Hoa", files=True, here=True, login=login)
            assert (await imports.settled(begun.id)).code == code
        begun = await imports.visit(f"{base}/opds", by="Hoa", files=True, here=True, login=("hoa", "mật:khẩu"))
        await imports.settled(begun.id)
        assert [path.stat().st_mode & 0o077 for path in imports.folder.iterdir()] == [0]
        await imports.apply(begun.id)
        assert (await imports.settled(begun.id)).stage is Stage.DONE
    row = (await imports.rows(begun.id, Action.NEW))[0]
    assert (await world.library.item(row.item or "", hidden=True)).file
    assert not list(imports.folder.iterdir())
    with pytest.raises(BadInput) as refused:
        await imports.visit("http://o.lan/opds", by="Hoa", files=True, login=("ho:a", "x"))
    assert refused.value.code == "import.login"


async def test_a_harvest_goes_on_after_a_power_cut_with_the_page_that_was_torn(tmp_path: Path) -> None:
    pages = {f"/{n}": atom(f'<link rel="next" href="/{n + 1}"/>') for n in range(4)} | {"/4": atom()}
    async with serving(pages) as (base, asked):
        path = tmp_path / "harvest"
        order = Asked(opds=f"{base}/0", here=True)
        harvesting.begin(path, order)
        harvest = harvesting.Harvest(path, order)
        for _ in range(3):
            assert await asyncio.to_thread(harvest.step)
        os.truncate(path, path.stat().st_size - 40)
        again = harvesting.Harvest(path, order)
        while await asyncio.to_thread(again.step):
            pass
        assert asked == ["/0", "/1", "/2", "/2", "/3", "/4"]
        assert len(list(open_source(path).lines)) == 1
        assert len(list(opds.pages_in(path))) == 5


async def test_a_file_that_breaks_off_or_is_too_large_is_not_taken(tmp_path: Path) -> None:
    async with serving({"/a": b"x" * 1000}) as (base, _):
        with (tmp_path / "a").open("wb+") as file:
            assert await asyncio.to_thread(Visitor(base, here=True).into, f"{base}/a", file, 1000) == 1000
            with pytest.raises(Problem, match=r"import\.file-too-large"):
                await asyncio.to_thread(Visitor(base, here=True).into, f"{base}/a", file, 999)


async def test_the_desk_takes_an_address_and_offers_calibre_libraries_of_sticks(world: World, tmp_path: Path) -> None:
    head = await world.as_(Role.LIBRARIAN) | {"Origin": world.base}
    body = {"address": f"{world.base}/opds", "files": "1"}
    async with world.http.post(f"{world.base}/desk/imports/catalogue", data=body, headers=head) as answer:
        assert answer.status == 200
        batch_id = str(answer.url).rpartition("/")[2]
    assert (await world.library.imports.settled(batch_id)).code == "import.own-address"
    async with world.http.post(f"{world.base}/api/v1/imports/catalogue", json={"address": "file:///x"}, headers=head) as answer:
        assert (answer.status, msgspec.json.decode(await answer.read())["code"]) == (422, "import.address")
    stick = tmp_path / "media" / "lan" / "USB" / "Thư viện Calibre"
    stick.mkdir(parents=True)
    (stick / "metadata.db").write_bytes(b"no database")
    world.library.imports.shelves = (tmp_path / "media",)
    assert "Thư viện Calibre" in await world.text("/desk/imports", head)
    for folder, status in ((str(stick), 200), (str(tmp_path), 422)):
        async with world.http.post(f"{world.base}/desk/imports/folder", data={"folder": folder}, headers=head) as answer:
            assert answer.status == status


async def test_the_command_takes_an_address(tmp_path: Path) -> None:
    data = tmp_path / "command"
    data.mkdir()
    pages = {"/opds": atom(), "/a.epub": made.epub()}
    async with serving(pages) as (base, asked):
        for words, taken in ((["--records-only"], 0), ([], 1)):
            line = ["import", f"{base}/opds", "--json", "--data", str(data), *words, *(["--yes"] if taken else [])]
            done = await asyncio.to_thread(CliRunner().invoke, library, line)
            assert done.exit_code == 0, done.output
            assert (msgspec.json.decode(done.stdout)["new"], asked.count("/a.epub")) == (1, taken)
