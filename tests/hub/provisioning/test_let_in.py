"""The line that lets the hub in: a script that anybody may read, and a key named in it so that nobody can take its place."""

import asyncio
import shlex
import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from tests.fixtures.certificates import TestAuthority
from tests.hub.provisioning.conftest import Site
from tests.hub.provisioning.test_provision_pages import signed_in

from densach_core.web.keys import SITE
from densach_core.web.site import Site as Pages
from densach_hub.provisioning import let_in
from densach_hub.provisioning.keys import fingerprint


async def test_the_script_names_this_hub_and_its_key(site: Site) -> None:
    key = site.stage.provisioning.public_key().rpartition(" ")[0]
    async with aiohttp.ClientSession() as nobody:
        async with nobody.get(f"{site.hub.base}/join/let-in.sh", headers={"Host": "may-chu.lan:8080"}) as answer:
            script = await answer.text()
        async with nobody.get(f"{site.hub.base}/join/let-in.sh", headers={"Host": "$(reboot)"}) as answer:
            assert "reboot" not in await answer.text()
    assert answer.status == 200
    assert f"key='{key}'" in script
    assert "user='quantri'" in script
    assert "hub=${DENSACH_HUB:-http://may-chu.lan:8080}" in script
    assert "@" not in script.replace("$@", "")
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


async def test_the_page_shows_the_line_and_what_to_compare(site: Site) -> None:
    async with await signed_in(site) as session, session.get(f"{site.hub.base}/lab/provision") as answer:
        page = await answer.text()
    assert f"curl -fsS {site.hub.base}/join/let-in.sh | sudo sh" in page
    assert str(fingerprint(site.stage.provisioning.public_key().split()[1])) in page


async def shown_by(port: int | None) -> str:
    """The line on a page that came by HTTPS through a proxy on this machine."""
    app = web.Application()
    app[SITE] = Pages(name="x", title="x", https=port)
    headers = {"Host": f"localhost:{port}" if port else "localhost", "X-Forwarded-Proto": "https"}
    return await let_in.line(make_mocked_request("GET", "/lab/provision", headers=headers, app=app))


async def test_by_https_the_line_trusts_one_key_only(tmp_path: Path) -> None:
    """curl itself accepts what the line names, and nothing in its place."""
    (tmp_path / "other").mkdir()
    ours, another = TestAuthority(tmp_path), TestAuthority(tmp_path / "other")

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.0 200 OK\r\n\r\necho trusted\n")
        await writer.drain()
        writer.close()

    async def curl(line: str) -> tuple[int | None, bytes]:
        words = shlex.split(line.partition(" | ")[0])
        done = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
        said, _ = await done.communicate()
        return done.returncode, said

    contexts = []
    for one in (ours, another):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(one.cert, one.key)
        contexts.append(context)
    async with await asyncio.start_server(answered, "127.0.0.1", 0, ssl=contexts[0]) as server:
        port = server.sockets[0].getsockname()[1]
        line = await shown_by(port)
        assert "https://" in line
        assert await curl(line) == (0, b"echo trusted\n")
    async with await asyncio.start_server(answered, "127.0.0.1", port, ssl=contexts[1]):
        assert await curl(line) == (90, b"")  # CURLE_SSL_PINNEDPUBKEYNOTMATCH


@pytest.mark.parametrize("port", [1, None])
async def test_where_nothing_can_be_asked_the_plain_address_stays(port: int | None) -> None:
    assert await shown_by(port) == "curl -fsS http://localhost/join/let-in.sh | sudo sh"
