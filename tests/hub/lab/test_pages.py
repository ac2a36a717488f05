"""The technician's pages over a real hub: what is said, where it leads, what a form does."""

import html
import re

import aiohttp
from aiohttp.test_utils import make_mocked_request
from tests.hub.lab.conftest import Stage

from densach_hub.fleet.model import Condition
from densach_hub.lab.doors import address_for_machines, one_line

ROOM = "phong-tin-hoc-2"


def words(page: str) -> str:
    """The page without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def test_the_morning_page_says_what_needs_a_person_and_leads_there(stage: Stage) -> None:
    page = await stage.technician.get("/lab")
    said = words(page)
    assert "PC-07: mất thanh RAM (8 GB Kingston DIMM 1)" in said
    assert "Hỏng chuột: nút trái không ăn" in said
    assert 'href="/lab/machines/pc-pc-07"' in page
    assert "Phòng Tin học 1 (nhà Nguyễn Bỉnh Khiêm)" in said
    assert 'data-live="fleet alerts"' in page


async def test_the_parts_that_live_are_asked_for_alone(stage: Stage) -> None:
    for path in ("/lab/fragments/needs", "/lab/fragments/rooms", "/lab/fragments/alerts", f"/lab/rooms/{ROOM}/map",
                 "/lab/machines/pc-pc-07/state", "/lab/fragments/studio"):  # fmt: skip
        page = await stage.technician.get(path, **{"HX-Request": "true"})
        assert stage.technician.status == 200, path
        assert page.lstrip().startswith("<section"), path
        assert "<html" not in page


async def test_what_was_seen_is_out_of_the_way_until_it_changes(stage: Stage) -> None:
    [gone] = [f for f in await stage.fleet.alerts.morning() if f.machine == "pc-pc-07"]
    assert html.escape(gone.key) in await stage.technician.get("/lab")
    await stage.technician.post("/lab/alerts/seen", key=gone.key, back="/lab")
    after = words(await stage.technician.get("/lab/fragments/needs"))
    assert after.index("việc cần lưu ý") < after.index("PC-07: mất thanh RAM")


async def test_a_machine_s_record_says_who_how_what_and_from_where(stage: Stage) -> None:
    said = words(await stage.technician.get("/lab/machines/pc-pc-07"))
    for sentence in (
        "Intel(R) Core(TM) i5-10505",
        "Kingston · 8 GB",
        "Mất thanh RAM",
        "Bốn tuần qua",
        "đo được",
        "40 phần mềm đã cài",
    ):
        assert sentence in said, sentence
    assert "goi-7" in words(await stage.technician.get("/lab/machines/pc-pc-07/software"))


async def test_a_repair_that_works_again_closes_what_was_reported(stage: Stage) -> None:
    page = await stage.technician.post("/lab/machines/pc-pc-03/repairs", what="Thay chuột <mới>", parts="", works_again="1")
    assert stage.technician.path == "/lab/machines/pc-pc-03"
    assert "Thay chuột &lt;mới&gt;" in page
    assert not await stage.fleet.faults.open_ones(machine="pc-pc-03")


async def test_a_machine_moves_is_renamed_judged_and_retired(stage: Stage) -> None:
    t = stage.technician
    await t.post("/lab/machines/pc-pc-01/move", place=f"{ROOM}/12")
    await t.post("/lab/machines/pc-pc-01/name", name="Máy thầy Ễnh")
    await t.post("/lab/machines/pc-pc-01/condition", condition="broken")
    machine = await stage.fleet.register.machine("pc-pc-01")
    assert machine.place is not None
    assert (machine.place.room, machine.place.seat, machine.name, machine.condition) == (
        ROOM,
        "12",
        "Máy thầy Ễnh",
        Condition.BROKEN,
    )
    await t.post("/lab/machines/pc-pc-01/retire", why="cháy")
    assert not (await stage.fleet.register.machine("pc-pc-01")).alive
    await t.post("/lab/machines/pc-pc-01/bring-back")
    assert (await stage.fleet.register.machine("pc-pc-01")).alive


async def test_a_room_is_made_laid_anew_and_never_loses_a_seat_with_a_machine(stage: Stage) -> None:
    t = stage.technician
    await t.post("/lab/rooms", name="Phòng Ễnh Ương", kind="computer-room", seats="10", columns="5", levels=["TH", "THCS"])
    assert t.path == "/lab/rooms/phong-enh-uong"
    page = await t.post(f"/lab/rooms/{ROOM}/edit", name="Phòng Tin học 2", kind="computer-room", seats="3", columns="3")
    assert t.status == 422
    assert "2 máy ở những chỗ bạn định bỏ" in words(page)
    await t.post(f"/lab/rooms/{ROOM}/edit", name="Phòng Tin học 2", kind="computer-room", seats="20", columns="10")
    assert len((await stage.fleet.rooms.get(ROOM)).seats) == 20
    await t.post("/lab/rooms/phong-enh-uong/remove")
    assert await stage.fleet.rooms.find("phong-enh-uong") is None


async def test_many_machines_are_put_into_a_room_at_once(stage: Stage) -> None:
    ids = [row.machine.id for row in await stage.fleet.alerts.machines(placed=False)]
    assert len(ids) == 2
    await stage.technician.post("/lab/place", machine=ids, room=ROOM, seats_from="06")
    seats = {m.place.seat for m in await stage.fleet.register.machines(room=ROOM) if m.id in ids and m.place}
    assert seats == {"06", "07"}


async def test_the_list_filters_on_the_hub_and_goes_to_a_spreadsheet(stage: Stage) -> None:
    t = stage.technician
    assert "MAY-03" not in words(await t.get("/lab/machines?q=pc"))
    assert "PC-01" not in words(await t.get(f"/lab/machines?room={ROOM}"))
    await t.post("/lab/machines/pc-pc-01/name", name="=cmd|' /C calc'!A0")
    table = await t.get("/lab/machines.csv")
    assert table.startswith("\ufeff")
    assert "'=cmd" in table


async def test_labels_and_log_book_are_printed_from_what_is_known(stage: Stage) -> None:
    t = stage.technician
    labels = await t.get(f"/lab/rooms/{ROOM}/labels?base=http://192.168.1.10")
    assert labels.count('class="label"') == 12
    assert "chỉ mở được trên chính máy này" not in labels
    await t.get(f"/lab/rooms/{ROOM}/labels?base=javascript:alert(1)")
    assert t.status == 422
    book = words(await t.get(f"/lab/rooms/{ROOM}/logbook"))
    assert "Sổ theo dõi sử dụng phòng máy" in book
    await t.get(f"/lab/rooms/{ROOM}/logbook?month=2026-13")
    assert t.status == 422


async def test_the_one_line_is_shown_once_with_its_token(stage: Stage) -> None:
    page = await stage.technician.post("/join", room=ROOM, hours="4", uses="30")
    made = stage.technician.landed
    assert made.startswith("/join?made=")
    assert "ds1." in page
    assert "ds1." in await stage.technician.get(made), "loading it again shows the same line"
    assert "ds1." not in await stage.technician.get("/join")
    assert "ds1." not in await stage.pupil.get(made)
    [token] = await stage.fleet.enrolment.tokens()
    await stage.technician.post(f"/join/tokens/{token.id}/revoke")
    assert not await stage.fleet.enrolment.tokens()


def test_behind_nginx_the_line_asks_by_plain_http() -> None:
    """A new machine does not trust the hub's own authority."""
    headers = {"Host": "densach.lan:443", "X-Forwarded-Proto": "https"}
    assert address_for_machines(make_mocked_request("GET", "/join", headers=headers)) == "http://densach.lan"
    assert address_for_machines(make_mocked_request("GET", "/join", headers={"Host": "hub:8080"})) == "http://hub:8080"
    assert one_line("http://hub:8080", "T").count("http://hub:8080/join/linux.sh") == 2


async def test_a_page_opened_by_an_address_of_this_machine_alone_says_so(stage: Stage) -> None:
    assert "Chỉ máy này mở được máy chủ trường" in words(await stage.technician.get("/join"))


async def test_a_pupil_reports_a_fault_without_a_name_and_not_without_end(stage: Stage) -> None:
    page = await stage.pupil.get(f"/fault/{ROOM}.03")
    assert page.count('type="radio"') == 3
    await stage.pupil.post(f"/fault/{ROOM}.03", kind="", text="")
    assert stage.pupil.status == 422
    for _ in range(5):
        thanks = words(await stage.pupil.post(f"/fault/{ROOM}.03", kind="no-start", text="đèn đỏ"))
    assert "Cảm ơn bạn" in thanks
    await stage.pupil.post(f"/fault/{ROOM}.03", kind="no-start", text="")
    assert stage.pupil.status == 429
    report = (await stage.fleet.faults.open_ones(room=ROOM))[0]
    assert (report.text, report.by, report.machine) == ("Máy không khởi động được: đèn đỏ", None, "pc-may-03")
    await stage.pupil.get("/fault/nowhere.99")
    assert stage.pupil.status == 404


async def test_a_file_of_declared_machines_is_shown_before_it_is_carried_out(stage: Stage) -> None:
    t = stage.technician
    form = aiohttp.FormData()
    form.add_field("file", "tên,phòng,chỗ\nMáy A,Phòng Tin học 2,10\n".encode(), filename="may.csv", content_type="text/csv")
    page = await t.send("/lab/declare/preview", form)
    assert t.status == 200, words(page)
    assert not [m for m in await stage.fleet.register.machines() if m.name == "Máy A"]
    body = re.search(r'name="body" value="([^"]+)"', page)
    digest = re.search(r'name="digest" value="([^"]*)"', page)
    assert body is not None
    assert digest is not None
    await t.post("/lab/declare/carry-out", body=body[1], digest=digest[1])
    assert [m for m in await stage.fleet.register.machines() if m.name == "Máy A"]
    page = await t.post("/lab/declare", name="", place="")
    assert t.status == 422


async def test_the_studio_says_whether_a_recording_could_begin(stage: Stage) -> None:
    said = words(await stage.technician.get("/lab/studio"))
    assert "Đèn chiếu trái" in said
    assert "sẵn sàng" in said
    page = words(await stage.technician.get("/lab/machines/tasmota-48551917e7ae"))
    assert stage.technician.path == "/lab/studio/tasmota-48551917e7ae"
    assert "14.2.0" in page
    assert "kWh" in page


async def test_no_page_of_the_lab_breaks_and_none_has_inline_script_or_style(stage: Stage) -> None:
    paths = ["/lab", "/lab/rooms", f"/lab/rooms/{ROOM}", f"/lab/rooms/{ROOM}/edit", "/lab/rooms/new", "/lab/machines",
             "/lab/alerts", "/lab/waiting", "/lab/quarantine", "/lab/declare", "/join", "/lab/studio", "/lab/machines/pc-pc-09",
             "/lab/machines/pc-pc-41-chua-xep-cho", f"/lab/rooms/{ROOM}/labels"]  # fmt: skip
    for path in paths:
        for lang in ("vi", "en"):
            page = await stage.technician.get(f"{path}?lang={lang}")
            assert stage.technician.status == 200, (path, lang)
            assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=", page), path
