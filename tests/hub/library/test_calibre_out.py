"""The library as Calibre keeps one: what goes out comes back with its books; what may not be copied stays."""

import io
import zipfile
from pathlib import Path

from tests.hub.library import made
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_hub.library.exchange.doors import open_source
from densach_hub.library.model import Creator, Record


async def test_a_calibre_library_goes_out_and_comes_back(world: World, tmp_path: Path) -> None:
    book = await put_in(world.library, tmp_path, "a.epub", made.epub())
    said = Record(
        title="Toán 7: / số..", creators=(Creator("Tổ Toán"), Creator("Lê An", "translator")), topics=("Đại số",),
        publisher="NXB Thử", published="2024", language="vi", series="Toán", series_number="7",
        identifiers=("ISBN 9786042000000",), rights="CC BY 4.0",
    )  # fmt: skip
    await world.library.edit(book.id, said)
    kept = await put_in(world.library, tmp_path, "b.pdf", made.pdf())
    await world.library.edit(kept.id, Record(title="Chỉ xem", rights="Không được sao chép"))
    await world.library.add_record(Record(title="Sách in", description="a\x00b"), by="t")
    headers = await world.as_(Role.LIBRARIAN)
    async with world.http.get(f"{world.base}/api/v1/export?format=calibre", headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "application/zip")
        body = await answer.read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        archive.extractall(tmp_path / "out")
    assert [name for name in names if name.endswith((".epub", ".pdf"))] == [f"Tổ Toán/Toán 7 số ({book.id})/book.epub"]
    assert sum(name.endswith("/cover.jpg") for name in names) == 2
    found = {line.record.title: line for line in open_source(tmp_path / "out").lines if line.record is not None}
    assert set(found) == {said.title, "Chỉ xem", "Sách in"}
    back = found[said.title].record
    assert back is not None
    for name in ("creators", "topics", "publisher", "published", "language", "series", "series_number", "identifiers", "rights"):
        assert getattr(back, name) == getattr(said, name), name
    (file,) = found[said.title].files
    assert file.read_bytes() == made.epub()
    async with world.http.get(f"{world.base}/api/v1/export?format=calibre", headers=await world.as_(Role.STUDENT)) as answer:
        assert answer.status == 403
    assert not list(world.library.uploads.folder.glob("form-*")), "nothing is left on the disk"
