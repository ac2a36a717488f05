"""What a technician does by hand, and what the pages then say: doubles, seats, repairs, a list of machines."""

import html
import re

from tests.hub.lab.conftest import Stage
from tests.hub.lab.test_pages import ROOM, words

from densach_hub.fleet.declared import parse

FIRST = "phong-tin-hoc-1-nha-nguyen-binh-khiem"


async def test_a_second_machine_of_the_same_name_is_asked_about_first(stage: Stage) -> None:
    t = stage.technician
    before = len(await stage.fleet.register.machines())
    page = await t.post("/lab/declare", name="pc-07", place="", maker="Hãng Gì Đó")
    assert t.status == 409
    assert 'href="/lab/machines/pc-pc-07"' in page
    assert 'value="Hãng Gì Đó"' in page, "what was typed stays"
    assert len(await stage.fleet.register.machines()) == before
    await t.post("/lab/declare", name="pc-07", place="", anyway="true")
    assert t.path.startswith("/lab/machines/khai")
    assert len(await stage.fleet.register.machines()) == before + 1


async def test_a_serial_number_that_is_there_is_asked_about_too(stage: Stage) -> None:
    t = stage.technician
    await t.post("/lab/declare", name="Máy A", serial="SN 1", place="")
    await t.post("/lab/declare", name="Máy B", serial="sn 1", place="")
    assert t.status == 409
    await t.post("/lab/declare", name="Máy C", serial="", place="")
    assert t.status == 200, "no serial number is nobody's serial number"


async def test_a_machine_in_the_room_on_no_seat_gets_one_there(stage: Stage) -> None:
    t = stage.technician
    for row in await stage.fleet.alerts.machines(placed=False):
        await stage.fleet.register.move(row.machine.id, FIRST, None, by="test")
    page = await t.get(f"/lab/rooms/{FIRST}")
    assert "trong phòng này, chưa có chỗ" in words(page)
    await stage.fleet.register.move("pc-may-01", ROOM, None, by="test")
    page = await t.get(f"/lab/rooms/{ROOM}")
    assert 'value="pc-may-01"' in page
    await t.post("/lab/place", machine=["pc-may-01"], room=ROOM, seats_from="01")
    place = (await stage.fleet.register.machine("pc-may-01")).place
    assert place is not None
    assert place.seat == "01"


async def test_a_repair_settles_the_finding_it_was_for(stage: Stage) -> None:
    t = stage.technician
    page = await t.get("/lab/machines/pc-pc-07")
    key = re.search(r'name="solved" value="([^"]+)"', page)
    assert key is not None
    assert "mất thanh RAM" in words(page)
    gone = html.unescape(key[1])
    await t.post("/lab/machines/pc-pc-07/repairs", what="Thay thanh RAM", solved=[gone, "no such"])
    assert not [f for f in await stage.fleet.alerts.morning() if f.key == gone]
    [seen] = [f for f in await stage.fleet.alerts.morning(acknowledged=True) if f.key == gone]
    assert seen.acknowledged_at is not None


async def test_every_column_the_page_names_is_understood(stage: Stage) -> None:
    for lang, before in (("vi", "thứ tự tùy ý:"), ("en", "in any order:")):
        said = words(await stage.technician.get(f"/lab/declare?lang={lang}"))
        named = said.partition(before)[2].partition(".")[0].split(", ")
        assert len(named) == 10
        rows, ignored = parse(",".join(named).encode() + b"\na,b,c,d,e,f,g,h,i,j\n")
        assert ignored == (), lang
        assert len(rows[0][1]) == 10
