"""Files nobody should trust, through the librarian's form on a running hub: each is a row with a reason, nothing more."""

import os
import signal
from pathlib import Path

import psutil
import pytest
from tests.fixtures.road import Hub, Road, until
from tests.hub.library import made

pytestmark = pytest.mark.timeout(300)


def everything_below(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


def reader_of(hub: Hub) -> psutil.Process | None:
    """The process that reads files, while there is one."""
    return next((c for c in hub.children() if "densach_hub.library.formats.reader" in c.cmdline()), None)


def test_bombs_ways_out_and_masks(road: Road) -> None:
    hub = road.hub()
    outside = everything_below(road.folder) - {p.relative_to(road.folder) for p in hub.data.rglob("*")}
    hub.upload(
        ("bom.zip", made.zip_bomb()),
        ("ra-ngoai.epub", made.zip_outside()),
        ("anh.pdf", made.jpeg()),
        ("nua.pdf", made.pdf()[:300]),
        ("../../../../tmp/ten-xau.pdf", made.pdf(title="Tên xấu")),
        ("tot.epub", made.epub()),
    )
    reasons = {name: hub.item(name).get("problem") for name in ("bom.zip", "ra-ngoai.epub", "nua.pdf")}
    assert reasons == {
        "bom.zip": "library.zip-bomb",
        "ra-ngoai.epub": "library.zip-path",
        "nua.pdf": "library.damaged",
    }
    for name in reasons:
        item = hub.item(name)
        assert item["state"] == "broken"
        assert str(item["problem"]) in hub.page(f"/desk/items/{item['id']}")
        assert hub.ask("GET", f"/read/{item['id']}")[0] == 404
    # A photograph that calls itself a PDF is what it is, and the row says so.
    photo = hub.item("anh.pdf")
    assert (photo["state"], photo["kind"], photo["remark"]) == ("ready", "image", "library.name-differs")
    named = until(lambda: next((i for i in hub.api("GET", "/desk/items") if i.get("title") == "Tên xấu"), None))
    assert named is not None
    assert named["state"] == "ready"
    good = hub.item("tot.epub")
    assert hub.page(f"/read/{good['id']}")
    left = everything_below(road.folder) - {p.relative_to(road.folder) for p in hub.data.rglob("*")}
    assert left == outside
    assert not Path("/tmp/ten-xau.pdf").exists()
    assert not Path("/etc/cron.d/evil").exists()


def test_a_pdf_that_crashes_its_parser(road: Road) -> None:
    """What the parser does to itself is done to it here: a signal 11 while it reads a long PDF."""
    hub = road.hub()
    heavy = made.pdf([f"Trang {n} " + "chu " * 400 for n in range(4000)], title="Nặng")
    hub.upload(("nang.pdf", heavy), ("sau-do.pdf", made.pdf(title="Sau đó")))
    killed: set[int] = set()

    def crashed() -> bool:
        reader = reader_of(hub)
        waiting = next(i for i in hub.api("GET", "/desk/items") if i["file_name"] == "nang.pdf")["state"] == "waiting"
        if waiting and reader is not None and reader.pid not in killed:
            killed.add(reader.pid)
            os.kill(reader.pid, signal.SIGSEGV)
        return not waiting

    until(crashed, every=0.02)
    item = hub.item("nang.pdf")
    assert killed
    assert (item["state"], item["problem"]) == ("broken", "library.reader-crashed")
    assert hub.item("sau-do.pdf")["title"] == "Sau đó"
    assert hub.ask("GET", "/healthz")[0] == 200
    assert hub.stop() == 0
    assert [p for p in killed if psutil.pid_exists(p)] == []
