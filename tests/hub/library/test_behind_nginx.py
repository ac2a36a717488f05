"""A real nginx before the library, set up as docs/nginx.md says: it sends what the library allows, and nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
from tests.fixtures.nginx import Nginx, before_hub, required_nginx
from tests.hub.library import made
from tests.hub.library.world import World, put_in, world_in

from densach_core.accounts.model import Role
from densach_core.errors import BadInput
from densach_hub.library.model import Item
from densach_hub.settings import hub_settings

PROXY = {"X-Forwarded-For": "10.0.0.7"}


class Shop(msgspec.Struct):
    """The library, nginx before it, and a book that is in it."""

    world: World
    nginx: Nginx
    book: Item
    body: bytes

    @property
    def file(self) -> str:
        return f"{self.nginx.url}/items/{self.book.id}/file"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    program = required_nginx()
    folder = tmp_path / "nginx"
    folder.mkdir()
    async with world_in(tmp_path / "data", x_accel="/_vault/") as world:
        body = made.pdf(["Trang một", "Trang hai"], title="Sách <i>mẫu</i>")
        book = await put_in(world.library, tmp_path, "sach.pdf", body)
        with Nginx(program, folder) as nginx:
            nginx.start(before_hub(nginx.port, int(world.base.rpartition(":")[2]), tmp_path / "data"))
            yield Shop(world, nginx, book, body)


async def test_the_hub_only_says_where_the_file_lies(shop: Shop) -> None:
    address = f"{shop.world.base}/items/{shop.book.id}/file"
    async with shop.world.http.get(address, headers=PROXY) as answer:
        assert await answer.read() == b""
        assert answer.headers["X-Accel-Redirect"] == f"/_vault/{(shop.book.file or '')[:2]}/{shop.book.file}"
    async with shop.world.http.get(address) as answer:  # a browser on the hub itself: no proxy has asked
        assert "X-Accel-Redirect" not in answer.headers
        assert await answer.read() == shop.body


async def test_nginx_sends_a_file_with_the_hubs_own_headers(shop: Shop) -> None:
    async with (
        shop.world.http.get(shop.file) as through,
        shop.world.http.get(f"{shop.world.base}/items/{shop.book.id}/file") as direct,
    ):
        assert await through.read() == await direct.read() == shop.body
        assert "X-Accel-Redirect" not in through.headers
        for name in (
            "Content-Type", "Content-Length", "Content-Disposition", "Content-Security-Policy", "Cache-Control",
            "X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options",
        ):  # fmt: skip
            assert through.headers.getall(name) == direct.headers.getall(name), name
        assert through.headers["ETag"]


async def test_ranges_heads_and_what_is_there_already(shop: Shop) -> None:
    http = shop.world.http
    async with http.get(shop.file, headers={"Range": "bytes=5-14"}) as answer:
        assert (answer.status, await answer.read()) == (206, shop.body[5:15])
        assert answer.headers["Content-Range"] == f"bytes 5-14/{len(shop.body)}"
        assert "sandbox" not in answer.headers["Content-Security-Policy"]
        tag = answer.headers["ETag"]
    async with http.get(shop.file, headers={"Range": f"bytes={len(shop.body)}-"}) as answer:
        assert answer.status == 416
    async with http.get(shop.file, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    async with http.head(shop.file) as answer:
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(shop.body)))
    async with http.get(shop.file + "?save") as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''S%C3%A1ch")


async def test_nobody_gets_past_the_hub(shop: Shop) -> None:
    http = shop.world.http
    name = f"{(shop.book.file or '')[:2]}/{shop.book.file}"
    for path in (f"/_vault/{name}", f"/%5Fvault/{name}", f"/items/../_vault/{name}", f"//_vault/{name}"):
        async with http.get(shop.nginx.url + path, allow_redirects=False) as answer:
            assert answer.status == 404, path
    async with http.get(f"{shop.nginx.url}/desk/items/{shop.book.id}/original", allow_redirects=False) as answer:
        assert answer.status == 303
    librarian = (await shop.world.as_(Role.LIBRARIAN)) | {"Origin": shop.nginx.url}
    async with http.get(f"{shop.nginx.url}/desk/items/{shop.book.id}/original", headers=librarian) as answer:
        assert (answer.status, answer.headers["Content-Security-Policy"]) == (200, "sandbox")
        assert (answer.headers["Cache-Control"], await answer.read()) == ("no-store", shop.body)


async def test_the_hub_sees_the_browsers_address_and_scheme(shop: Shop) -> None:
    """What a browser claims of itself is overwritten by nginx: it cannot take another's place."""
    claims = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "Origin": shop.nginx.url}
    await shop.world.as_(Role.STUDENT)
    form = {"login": "student", "secret": "246813"}
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http,
        http.post(f"{shop.nginx.url}/login", data=form, headers=claims, allow_redirects=False) as answer,
    ):
        assert answer.status == 303
        assert "secure" not in answer.headers["Set-Cookie"].lower()


@pytest.mark.parametrize("prefix", ["_vault/", "/_vault", "/", "/a b/", "/../", "//x/"])
def test_the_location_is_one_nginx_can_have(tmp_path: Path, prefix: str) -> None:
    (tmp_path / "densach.toml").write_text(f'[web]\nx_accel = "{prefix}"\n')
    with pytest.raises(BadInput):
        hub_settings(tmp_path)
