"""The line that lets the hub in: a script that anybody may read, and a line that runs no other."""

import asyncio
import html
import os
import re
import shutil
import subprocess
from pathlib import Path

import aiohttp
from tests.hub.provisioning.conftest import Site
from tests.hub.provisioning.test_provision_pages import signed_in

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


async def test_the_line_runs_this_script_and_no_other(site: Site, tmp_path: Path) -> None:
    async with await signed_in(site) as session, session.get(f"{site.hub.base}/lab/provision") as answer:
        page = await answer.text()
    assert str(fingerprint(site.stage.provisioning.public_key().split()[1])) in page
    found = re.search(r'id="let-in"[^>]*>(.*?)</code>', page)
    assert found is not None
    line = html.unescape(found[1])
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\ngrep -c densach-hub-plays "$2"\n')
    sudo.chmod(0o755)

    def run(line: str, *tools: str) -> tuple[bool, str]:
        for tool in ("wget", "curl"):
            (tmp_path / tool).unlink(missing_ok=True)
            if tool not in tools:
                (tmp_path / tool).write_text("#!/bin/sh\nexit 127\n")
                (tmp_path / tool).chmod(0o755)
        place = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
        done = subprocess.run(["sh", "-c", line], env=place, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode == 0, done.stdout

    for tool in ("wget", "curl"):
        if shutil.which(tool):
            assert await asyncio.to_thread(run, line, tool) == (True, "1\n")
    other = line.replace("/join/let-in.sh", "/join/linux.sh")
    assert (await asyncio.to_thread(run, other, "curl"))[0] is False
