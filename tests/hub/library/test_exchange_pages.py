"""Import, export, versions and new fields at the desk and in the API."""

import asyncio
import re

import aiohttp
from tests.hub.library import catalogues
from tests.hub.library.world import World

from densach_core.accounts.model import Role
from densach_hub.library.model import Record


async def post(world: World, path: str, form: aiohttp.FormData | None = None, role: Role = Role.LIBRARIAN) -> tuple[int, str]:
    headers = await world.as_(role)
    async with world.http.post(world.base + path, headers=headers, data=form, allow_redirects=False) as response:
        return response.status, response.headers.get("Location", "") or await response.text()


async def test_a_file_goes_from_the_form_to_the_preview_to_the_shelf_and_back(world: World) -> None:
    form = aiohttp.FormData()
    form.add_field("file", catalogues.table(), filename="kho-sach.csv", content_type="text/csv")
    status, to = await post(world, "/desk/imports", form)
    assert status == 303
    headers = await world.as_(Role.LIBRARIAN)
    assert "Đang đọc tệp" in await world.text(to, headers)
    await world.library.imports.work()
    page = await world.text(to, headers)
    assert "3 biểu ghi mới" in page
    assert "Thiếu nhan đề" in page
    assert "Dế Mèn phiêu lưu ký" in page
    assert (await post(world, f"{to}/apply"))[0] == 303
    await world.library.imports.work()
    assert "Dế Mèn" in await world.text("/search?q=de+men")
    assert (await post(world, f"{to}/undo"))[0] == 303
    await world.library.imports.work()
    assert "đã được rút lại" in await world.text(to, headers)
    assert "kho-sach.csv" in await world.text("/desk/imports", headers)


async def test_programs_import_and_export(world: World) -> None:
    headers = await world.as_(Role.LIBRARIAN)
    body = catalogues.marc("1", "Sách")
    async with world.http.post(f"{world.base}/api/v1/imports?name=a.mrc", headers=headers, data=body) as r:
        assert r.status == 202
        batch = await r.json()
    await world.library.imports.work()
    address = f"{world.base}/api/v1/imports/{batch['id']}"
    async with world.http.get(f"{address}/rows?action=new", headers=headers) as r:
        assert [row["title"] for row in (await r.json())["rows"]] == ["Sách"]
    async with world.http.post(f"{address}/apply", headers=headers) as r:
        assert r.status == 202
    await world.library.imports.work()
    for format_name in ("marc", "marcxml", "csv", "xlsx"):
        async with world.http.get(f"{world.base}/api/v1/export?format={format_name}", headers=headers) as r:
            assert r.status == 200
            body = await r.read()
            assert int(r.headers["Content-Length"]) == len(body) > 0
    async with world.http.get(f"{world.base}/api/v1/export?format=doc", headers=headers) as r:
        assert (r.status, (await r.json())["code"]) == (422, "export.format")
    async with world.http.get(f"{world.base}/api/v1/export?format=csv&subject=toan", headers=headers) as r:
        assert len((await r.text()).splitlines()) == 1
    for _ in range(600):  # a draft goes right after its last byte has gone out
        if not list(world.library.uploads.folder.glob("form-*")):
            break
        await asyncio.sleep(0.05)
    assert not list(world.library.uploads.folder.glob("form-*"))


async def test_every_field_is_kept_and_an_earlier_version_comes_back(world: World) -> None:
    item = (await world.library.add_record(Record(title="Sách"), by="Lan")).item
    fields = {"title": "Sách mới", "material": "textbook", "level": "thcs", "audience": "pupils", "curriculum": "GDPT 2018",
              "ddc": "510", "cutter": "T406", "series": "Tủ sách", "series_number": "2", "collections": "Kho mở, Quà tặng",
              "place": "Hà Nội", "statement": "Tái bản", "extent": "199 tr", "licence": "CC BY", "copies": "12"}  # fmt: skip
    assert (await post(world, f"/desk/items/{item}", aiohttp.FormData(fields)))[0] == 303
    it = await world.library.item(item)
    assert (it.material, it.level, it.collections, it.copies) == ("textbook", "thcs", ("Kho mở", "Quà tặng"), 12)
    page = await world.text(f"/desk/items/{item}", await world.as_(Role.LIBRARIAN))
    assert 'value="Kho mở, Quà tặng"' in page
    (address,) = re.findall(r'action="(/desk/items/\w+/versions/\d+/restore)"', page)
    assert (await post(world, address))[0] == 303
    assert (await world.library.item(item)).title == "Sách"
    assert [one.why for one in await world.library.versions(item)] == ["restored", "edited", "added"]
    assert (await post(world, f"/desk/items/{item}/versions/999999/restore"))[0] == 404


async def test_nobody_but_librarians_imports(world: World) -> None:
    for role in (Role.TEACHER, Role.STUDENT):
        assert (await post(world, "/desk/imports", role=role))[0] == 403
        async with world.http.get(f"{world.base}/api/v1/export", headers=await world.as_(role)) as r:
            assert r.status == 403
    await asyncio.sleep(0)


async def test_readers_see_how_many_printed_copies_there_are(world: World) -> None:
    record = Record(title="Sách in", copies=3, ddc="510", cutter="T406", material="textbook", series="Tủ sách", series_number="2")
    item = (await world.library.add_record(record, by="t")).item
    page = await world.text(f"/items/{item}")
    assert "Có 3 bản in" in page
    assert "Ký hiệu xếp giá: 510 T406" in page
    assert "Sách giáo khoa" in page
    assert "chưa có bản nào" not in page
