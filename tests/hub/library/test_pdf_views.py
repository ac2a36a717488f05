"""Office documents as PDF: LibreOffice in its bounds, once for each document, and what happens where it fails or is not there.

A small program stands in for LibreOffice, which takes 400 MB; `pytest tests/hub/library/real_office.py` tries the real one.
"""

import os
import sys
from pathlib import Path

import pytest
from tests.hub.library import made, made_formats
from tests.hub.library.world import World, put_in

from densach_core.errors import Unavailable
from densach_hub.library import vault
from densach_hub.library.model import Item, State
from densach_hub.library.service import Library

GOOD = """
import resource, sys, pathlib
out, source = sys.argv[sys.argv.index("--outdir") + 1], sys.argv[-1]
assert source.endswith("document.docx") and "--headless" in sys.argv and "UserInstallation=file://" in " ".join(sys.argv)
limits = {resource.getrlimit(what)[0] for what in (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU)}
assert resource.RLIM_INFINITY not in limits
pathlib.Path(out, "document.pdf").write_bytes(pathlib.Path(__file__).with_name("view.pdf").read_bytes())
with open(__file__ + ".runs", "a") as runs: runs.write("x")
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called soffice, first on the way."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "view.pdf").write_bytes(made.pdf())
    program = folder / "soffice"
    says(program, GOOD)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return program


def says(program: Path, body: str) -> None:
    program.write_text(f"#!{sys.executable}\n{body}")
    program.chmod(0o755)


async def document(library: Library, folder: Path) -> Item:
    return await put_in(library, folder, "bai.docx", made_formats.packed(made_formats.docx_files()))


async def test_a_document_becomes_pages_once(world: World, tmp_path: Path, stand_in: Path) -> None:
    it = await document(world.library, tmp_path)
    assert "/view" in await world.text(f"/items/{it.id}")
    assert "đang được chuẩn bị" in await world.text(f"/items/{it.id}/view", {"Accept-Language": "vi"})
    assert await world.library.views.make_waiting() == 1
    assert await world.library.views.make_waiting() == 0
    assert Path(f"{stand_in}.runs").read_text() == "x"
    async with world.http.get(f"{world.base}/items/{it.id}/view", headers={"Range": "bytes=0-4"}) as response:
        assert (response.status, response.headers["Content-Type"]) == (206, "application/pdf")
        assert await response.read() == b"%PDF-"
    assert [path.name for path in world.library.views.folder.glob("*")] == [str(it.file)[:2]]
    assert (await world.library.item(it.id)).remark is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("raise SystemExit(1)", "library.view-failed"),
        ("", "library.view-failed"),
        (GOOD.replace("view.pdf", "soffice"), "library.view-failed"),
        ("bytearray(4 * 1024**3)", "library.view-failed"),
        ("import time; time.sleep(60)", "library.view-too-slow"),
    ],
    ids=["fails", "makes nothing", "makes no PDF", "wants memory", "hangs"],
)
async def test_what_cannot_be_done_is_a_remark(world: World, tmp_path: Path, stand_in: Path, body: str, code: str) -> None:
    says(stand_in, body)
    it = await document(world.library, tmp_path)
    world.library.views._wall_seconds = 4 if "sleep" in body else 60
    assert await world.library.views.make_waiting() == 0
    now = await world.library.item(it.id)
    assert (now.state, now.remark) == (State.READY, code)
    assert not world.library.views.has_pages(it)
    async with world.http.get(f"{world.base}/items/{it.id}/view", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, f"/items/{it.id}")
    says(stand_in, GOOD)
    assert await world.library.views.make_waiting() == 0  # not again and again
    assert await world.library.views.make(it)
    assert (await world.library.item(it.id)).remark is None


async def test_without_libreoffice_it_is_downloaded(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    it = await document(world.library, tmp_path)
    assert await world.library.views.make_waiting() == 0
    page = await world.text(f"/items/{it.id}")
    assert f"/items/{it.id}/view" not in page
    assert f"/items/{it.id}/file?save" in page


async def test_a_full_disk_is_no_fault_of_the_document(
    world: World, tmp_path: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = await document(world.library, tmp_path)
    monkeypatch.setattr(vault, "KEEP_FREE_BYTES", 2**60)
    with pytest.raises(Unavailable):
        await world.library.views.make_waiting()
    assert world.library.views.comes(await world.library.item(it.id))
