"""The pages about software over a real hub: what is said, what a form does, who may read."""

import csv
import io
import zipfile
from sqlite3 import Connection

import aiohttp
from tests.hub.lab.conftest import Stage
from tests.hub.lab.test_pages import words

from densach_core.accounts.model import Role
from densach_core.accounts.service import COOKIE
from densach_hub.fleet import store_telling
from densach_wire.messages import InventorySection, Item

MACHINES = ("pc-pc-01", "pc-pc-02")
DPKG = "dpkg"


async def furnish(stage: Stage) -> None:
    """Two machines with a few programs of every class, and one whose name tries what it can."""

    def app(name: str, title: str = "", **more: str | int) -> Item:
        return Item(
            "package", f"dpkg:{name}:amd64", {"name": name, "title": title, "version": "1.0", "source": DPKG, "app": True, **more}
        )

    items = (
        app("google-chrome-stable", "Google Chrome", publisher="Google", install_date="2026-10-05", size_bytes=5_000_000),
        app("gcompris-qt", "GCompris", area="games", origin="Debian", install_date="2026-11-20"),
        app("toan-6", "Toán lớp 6 <tương tác>"),
        app("=cmd|' /C calc'!A0"),
        Item("package", "dpkg:libqt:amd64", {"name": "libqt", "version": "6", "source": DPKG}),
    )

    def tell(c: Connection) -> None:
        for n, machine in enumerate(MACHINES):
            section = InventorySection("packages", items[: 5 - n], f"d{n}")
            store_telling.put_section(c, machine, section, "b1", 1_795_485_600_000)

    await stage.hub.rooms.telemetry.write(tell)


async def test_applications_of_the_school_with_their_classes(stage: Stage) -> None:
    await furnish(stage)
    page = await stage.technician.get("/lab/software")
    said = words(page)
    for sentence in ("Phần mềm", "Google Chrome", "độc quyền", "tự do, nguồn mở", "chưa rõ giấy phép", "Toán lớp 6 <tương tác>"):
        assert sentence in said, sentence
    assert "libqt" not in said
    assert "Toán lớp 6 &lt;tương tác&gt;" in page
    assert "libqt" in words(await stage.technician.get("/lab/software?all=1"))
    only = words(await stage.technician.get("/lab/software?q=toan+lop"))
    assert "Toán lớp 6" in only
    assert "GCompris" not in only
    assert "Không có phần mềm nào phù hợp" in words(await stage.technician.get("/lab/software?q=zzz"))
    await stage.technician.get("/lab/software?page=99")
    assert (stage.technician.status, stage.technician.path) == (200, "/lab/software")


async def test_nothing_told_yet_is_said_so(stage: Stage) -> None:
    await stage.hub.rooms.telemetry.write(lambda c: c.execute("DELETE FROM section WHERE section = 'packages'"))
    assert "Chưa máy nào báo phần mềm" in words(await stage.technician.get("/lab/software"))
    assert "Trường chưa ghi gì" in words(await stage.technician.get("/lab/software/licences"))


async def test_a_technician_says_what_a_program_is_and_takes_it_back(stage: Stage) -> None:
    await furnish(stage)
    address = "/lab/software/dpkg/toan-6"
    assert "chưa có căn cứ" in words(await stage.technician.get(address))
    said = words(
        await stage.technician.post(
            "/lab/software/licences", name="toan-*", licence_class="free", note="Trường tự làm", back=address
        )
    )
    assert stage.technician.path == address
    assert "trường ghi như vậy: toan-* – Trường tự làm" in said
    assert "toan-*" in words(await stage.technician.get("/lab/software/licences"))
    await stage.technician.post("/lab/software/licences/remove", name="toan-*", back="https://evil.example/")
    assert stage.technician.path == "/lab/software"
    assert "chưa có căn cứ" in words(await stage.technician.get(address))
    await stage.technician.post("/lab/software/licences", name="x", licence_class="")
    assert stage.technician.status == 422


async def test_a_program_s_page_names_its_machines(stage: Stage) -> None:
    await furnish(stage)
    page = await stage.technician.get("/lab/software/dpkg/google-chrome-stable")
    assert 'href="/lab/machines/pc-pc-01"' in page
    assert "05/10/2026" in page
    assert "Google" in words(page)
    for strange in ("dpkg/=cmd%7C'%20%2FC%20calc'!A0", "dpkg/none", "x/y%2Fz"):
        await stage.technician.get(f"/lab/software/{strange}")
        assert stage.technician.status in (200, 404)


async def test_lists_for_spreadsheets(stage: Stage) -> None:
    await furnish(stage)
    body = await stage.technician.get("/lab/software.csv?all=1")
    rows = list(csv.reader(io.StringIO(body.removeprefix("\ufeff")), delimiter=";"))
    chrome = next(row for row in rows if row[1] == "google-chrome-stable")
    assert (chrome[0], chrome[3], chrome[7]) == ("Google Chrome", "Google", "2")
    assert not [cell for row in rows for cell in row if cell.startswith("=")]
    cookie = {COOKIE: await stage.hub.cookie(Role.TECHNICIAN)}
    async with aiohttp.ClientSession(cookies=cookie) as http, http.get(f"{stage.hub.base}/lab/software.xlsx") as answer:
        assert answer.status == 200
        book = zipfile.ZipFile(io.BytesIO(await answer.read()))
    assert "Google Chrome" in book.read("xl/sharedStrings.xml").decode()


async def test_a_machine_s_own_list(stage: Stage) -> None:
    await furnish(stage)
    base = "/lab/machines/pc-pc-01/software"
    said = words(await stage.technician.get(base))
    assert "Google Chrome" in said
    assert "libqt" not in said
    newest = words(await stage.technician.get(f"{base}?sort=new"))
    assert newest.index("GCompris") < newest.index("Google Chrome")
    assert "libqt" in words(await stage.technician.get(f"{base}?all=1"))
    closed = words(await stage.technician.get(f"{base}?class=proprietary"))
    assert "GCompris" not in closed


async def test_a_principal_reads_and_does_not_change(stage: Stage) -> None:
    await furnish(stage)
    cookie = {COOKIE: await stage.hub.cookie(Role.PRINCIPAL)}
    async with aiohttp.ClientSession(cookies=cookie) as http:
        for path in ("/lab/software", "/lab/software/dpkg/toan-6", "/lab/software/licences", "/lab/software.csv"):
            async with http.get(stage.hub.base + path) as answer:
                assert answer.status == 200, path
                text = await answer.text()
            assert '<form method="post" action="/lab/software' not in text
            assert 'href="/lab/waiting"' not in text
        form = {"name": "toan-6", "licence_class": "free"}
        async with http.post(f"{stage.hub.base}/lab/software/licences", data=form, headers={"Origin": stage.hub.base}) as answer:
            assert answer.status == 403
