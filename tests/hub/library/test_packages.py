"""The packages' origin: a second host name on the same port, or a second port; and nothing but packages there."""

from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from tests.hub.library import made
from tests.hub.library.world import World, put_in

from densach_core.web.keys import SITE
from densach_core.web.site import Site, serve
from densach_hub.library.model import Form, Item, State
from densach_hub.library.packages import by_host, package_address
from densach_hub.library.service import Library

ITEM = Item(
    id="ab12", work_id="w", edition_id="e", title="x", form=Form.FILE, state=State.READY, added_at=0, added_by="x", changed_at=0
)


@pytest.mark.parametrize(
    ("origin", "host", "address"),
    [
        (":8082", "10.0.0.5:8080", "http://10.0.0.5:8082/p/ab12/"),
        (":8082", "densach.lan", "http://densach.lan:8082/p/ab12/"),
        (":8082", "[::1]:8080", "http://[::1]:8082/p/ab12/"),
        ("//goi.densach.lan", "densach.lan:8080", "http://goi.densach.lan:8080/p/ab12/"),
        ("//goi.densach.lan", "densach.lan", "http://goi.densach.lan/p/ab12/"),
        ("//goi.densach.lan:99", "densach.lan:8080", "http://goi.densach.lan:99/p/ab12/"),
        ("https://goi.truong.example", "densach.lan", "https://goi.truong.example/p/ab12/"),
        (None, "densach.lan", None),
    ],
)
def test_where_a_package_runs_as_this_browser_sees_it(origin: str | None, host: str, address: str | None) -> None:
    app = web.Application()
    app[SITE] = Site(name="x", title="x", packages=origin)
    assert package_address(make_mocked_request("GET", "/", headers={"Host": host}, app=app), ITEM) == address


def test_a_secure_page_does_not_frame_the_plain_port() -> None:
    app = web.Application()
    app[SITE] = Site(name="x", title="x", packages=":8082")
    request = make_mocked_request("GET", "/", headers={"Host": "densach.lan", "X-Forwarded-Proto": "https"}, app=app)
    assert package_address(request, ITEM) is None


async def test_a_second_name_on_the_same_port(library: Library, tmp_path: Path) -> None:
    it = await put_in(library, tmp_path, "s.zip", made.simulation(folder="con-lac/", files={"a.js": "1"}))

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="the hub's own page")

    app = web.Application(middlewares=[by_host(library, "//goi.lan")])
    app.router.add_get("/{path:.*}", page)
    async with serve(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as http:

        async def get(path: str, host: str) -> tuple[int, str, str]:
            async with http.get(f"http://127.0.0.1:{port}{path}", headers={"Host": host}, allow_redirects=False) as response:
                return response.status, await response.text(), response.headers.get("Content-Security-Policy", "")

        assert await get(f"/p/{it.id}/", "densach.lan") == (200, "the hub's own page", "")
        for host in ("goi.lan", f"goi.lan:{port}", "GOI.lan"):
            status, body, policy = await get(f"/p/{it.id}/con-lac/index.html", host)
            assert (status, "Con lắc" in body) == (200, True)
            assert policy.startswith("sandbox allow-scripts")
            assert "allow-same-origin" not in policy
            assert (await get("/", host))[0] == 404
            assert (await get("/desk", host))[0] == 404
        assert (await get(f"/p/{it.id}/", "goi.lan"))[0] == 302


async def test_only_simulations_are_packages(world: World, tmp_path: Path) -> None:
    book = await put_in(world.library, tmp_path, "a.epub", made.epub())
    simulation = await put_in(world.library, tmp_path, "s.zip", made.simulation())
    for path, status in (
        (f"/p/{simulation.id}/", 200),
        (f"/p/{simulation.id}/nothing.js", 404),
        (f"/p/{simulation.id}/%2e%2e/%2e%2e/etc/passwd", 404),
        (f"/p/{book.id}/OEBPS/c0.xhtml", 404),
        ("/p/nothing/", 404),
        ("/", 404),
        ("/api/v1/items", 404),
    ):
        async with world.http.get(world.packages + path) as response:
            assert response.status == status, path
            assert "Set-Cookie" not in response.headers
