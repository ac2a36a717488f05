"""The officer's pages: set-up, table, school, record, pairing, tree, files; and who may see them."""

import csv
import io
import re
from pathlib import Path

import aiohttp
import pytest
from tests.office.conftest import SECRET, MakeSchool, Running, School

from densach_core.accounts.model import Role
from densach_core.clock import FixedClock
from densach_core.sender.model import Statement
from densach_office.app import running_office
from densach_office.profile import Unit
from densach_office.settings import OfficeSettings, WebSettings
from densach_office.setup import FirstCode
from densach_wire.upward import (
    AlertCount,
    AlertSummary,
    Counts,
    Evidence,
    FleetSummary,
    IndicatorValue,
    Kind,
    RoomRatio,
    State,
)

PAGES = ("/", "/fragments/schools", "/schools.csv", "/schools/new", "/schools/0123456", "/hubs", "/tree", "/machines")
ADMIN_PAGES = ("/upward", "/admin/users")
API = ("/api/v1/schools", "/api/v1/schools/0123456")


async def reported(office: Running, school: School, *, ratio: float | None = 2.5, within: bool | None = False) -> None:
    """A school that has said everything."""
    await school.sender.pair(office.url, await office.code(school.code))
    await school.say(registered=40)
    state = State.UNKNOWN if ratio is None else State.MEASURED
    reason = "no-roster" if ratio is None else None
    value = IndicatorValue(
        code="pupils-per-computer", criterion_version=1, level="THCS", value=ratio, state=state, reason=reason, norm=2,
        within=within,
    )  # fmt: skip
    room = RoomRatio(room="p1", name="Phòng máy 1", level="THCS", state=state, value=ratio, norm=2, within=within, reason=reason)
    day = "2026-11-24"
    await school.sender.publish(
        [
            Statement(kind=Kind.INDICATOR, subject="pupils-per-computer.THCS", as_of=day, body=value),
            Statement(kind=Kind.ROOM, subject="p1.THCS", as_of=day, body=room),
            Statement(kind=Kind.ALERTS, as_of=day, body=AlertSummary((AlertCount("removed", 2, 1_795_000_000_000),))),
        ]
    )
    await school.send()


async def words(session: aiohttp.ClientSession, path: str, status: int = 200) -> str:
    async with session.get(path) as answer:
        text = await answer.text()
        assert answer.status == status, (path, answer.status, text[:500])
        return text


async def test_officer_sees_the_school_its_figures_and_the_record_behind_each(office: Running, school: School) -> None:
    await reported(office, school)
    async with office.browser() as session:
        first = await words(session, "/")
        assert "THCS Ánh Sáng" in first
        assert "2,5" in first
        assert "từ 1/1 trường" in first
        page = await words(session, "/schools/0123456")
        for expected in ("Phòng máy 1", "linh kiện bị tháo", "Học sinh trên một máy tính hoạt động", "phiên bản 1, nhận"):
            assert expected in page
        link = re.search(r'href="(/schools/0123456/records/indicator/[^"]+)"', page)
        assert link is not None
        record = await words(session, link[1])
        assert "0123456/indicator/pupils-per-computer.THCS" in record
        assert "Digest" not in record  # it is said in Vietnamese
        assert "Mã kiểm tra" in record
        assert "Phòng máy 1" in await words(session, "/machines")
        for path in (*PAGES, *API):
            await words(session, path)
        for path in ADMIN_PAGES:
            await words(session, path, 403)
        await words(session, "/schools/999", 404)
        await words(session, "/schools/0123456/records/nothing", 404)


async def test_no_stranger_sees_anything(office: Running, school: School) -> None:
    await reported(office, school)
    async with aiohttp.ClientSession(office.url) as session:
        for path in (*PAGES, *ADMIN_PAGES):
            async with session.get(path, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"][:6]) == (303, "/login")
        for path in API:
            async with session.get(path) as answer:
                assert answer.status == 401
        async with session.post("/hubs/0123456/revoke", headers={"Origin": office.url}) as answer:
            assert answer.status == 401


async def test_unknown_is_a_word_in_table_and_file(office: Running, school: School) -> None:
    await reported(office, school, ratio=None, within=None)
    async with office.browser() as session:
        page = await words(session, "/schools/0123456")
        assert "Chưa có danh sách lớp" in page
        async with session.get("/schools.csv") as answer:
            body = await answer.read()
    assert body.startswith(b"\xef\xbb\xbf")
    assert b'\n"0123456";' in body  # as it is, in quotation marks: no formula
    [cells] = csv.DictReader(io.StringIO(body.decode("utf-8-sig")), delimiter=";")
    assert cells["HS/máy THCS"] == "chưa rõ"
    assert cells["Máy trong danh mục"] == "40"


async def test_only_figures_of_real_machines_keep_a_norm_and_simulated_ones_are_marked_beside(
    office: Running, make_school: MakeSchool
) -> None:
    values = {
        "111": IndicatorValue(
            code="pupils-per-computer", criterion_version=2, level="THCS", value=40, state=State.MEASURED, norm=2, within=False,
            evidence=Evidence(machines=1, simulated=20), with_simulated=1.5,
        ),
        "222": IndicatorValue(  # an older hub: simulated machines are in the value
            code="pupils-per-computer", criterion_version=1, level="THCS", value=1.5, state=State.MEASURED, norm=2, within=True,
            evidence=Evidence(machines=21, simulated=20),
        ),
    }  # fmt: skip
    simulated = Counts(registered=31, working=20, connected=7)
    for code, value in values.items():
        async with make_school(code) as school:
            await school.sender.pair(office.url, await office.code(code))
            fleet = FleetSummary(measured=Counts(registered=7, working=1, connected=1), declared=Counts(), simulated=simulated)
            alerts = AlertSummary((AlertCount("disk", 0, 1_795_000_000_000, simulated=3),))
            await school.sender.publish(
                [
                    Statement(kind=Kind.INDICATOR, subject="pupils-per-computer.THCS", as_of="2026-11-24", body=value),
                    Statement(kind=Kind.FLEET, as_of="2026-11-24", body=fleet),
                    Statement(kind=Kind.ALERTS, as_of="2026-11-24", body=alerts),
                ]
            )
            await school.send()
    rows = {row.code: row for row in await office.office.schools.rows()}
    assert (rows["222"].levels["THCS"].value, rows["222"].levels["THCS"].with_simulated) == (None, 1.5)
    kept = (await office.office.schools.overview(list(rows.values()))).kept
    assert (kept.value, kept.behind) == (0, 1)
    async with office.browser() as session:
        first = await words(session, "/")
        assert "1,5 khi tính cả máy mô phỏng" in first
        assert "định mức 2" in first
        assert "≤" not in first
        page = await words(session, "/schools/111")
        assert "1 máy" in page
        assert "(và 20 mô phỏng, tính riêng)" in page
        table = csv.DictReader(io.StringIO((await words(session, "/schools.csv")).removeprefix("\ufeff")), delimiter=";")
    line = next(line for line in table if line["Mã trường"] == "111")
    said = [line[f"Mô phỏng {what} (tính riêng)"] for what in ("trong danh mục", "hoạt động", "đang kết nối")]
    assert said == ["31", "20", "7"]
    assert (line["HS/máy THCS"], line["HS/máy THCS khi tính cả mô phỏng"], line["Đạt THCS"]) == ("40,00", "1,50", "không")
    assert (line["Cảnh báo"], line["Cảnh báo của máy mô phỏng (tính riêng)"]) == ("0", "3")


async def test_what_a_new_school_has_not_said_is_unknown_and_no_level_it_has_not(
    office: Running, make_school: MakeSchool
) -> None:
    async with make_school("111") as school:
        await reported(office, school)
    async with make_school("222") as school:
        await school.sender.pair(office.url, await office.code("222"))
    async with office.browser() as session:
        page = await words(session, "/?q=222")
    assert "trường không có cấp học này" not in page
    assert "chưa rõ" in page.partition('data-label="HS/máy THCS"')[2].partition("</td>")[0]


async def test_the_table_sorts_filters_and_keeps_the_unknown_last(office: Running, make_school: MakeSchool) -> None:
    for code, registered in (("111", 30), ("222", 10), ("333", None)):
        async with make_school(code) as school:
            await school.sender.pair(office.url, await office.code(code))
            if registered is not None:
                await school.say(registered=registered, name=f"Trường {code}")
            await school.send()
    async with office.browser() as session:

        async def order(query: str) -> list[str]:
            return re.findall(r'<a href="/schools/(\d+)">', await words(session, f"/?{query}"))

        assert await order("sort=registered&dir=up") == ["222", "111", "333"]
        assert await order("sort=registered&dir=down") == ["111", "222", "333"]
        assert await order("q=truong+222") == ["222"]
        assert await order("only=beyond") == []
        assert await order("sort=nonsense") == ["333", "111", "222"]  # by name: "THCS …" before "Trường …"


async def test_a_tree_of_any_depth_and_a_school_with_two_parents(office: Running, school: School) -> None:
    await reported(office, school)
    async with office.browser(Role.ADMIN) as session:
        for name, parents in (("Sở GDĐT", ()), ("Xã Ánh Sáng", ("so-gddt",)), ("Cụm 3", ("xa-anh-sang",))):
            form = [("name", name), *(("parents", parent) for parent in parents)]
            async with session.post("/tree", data=form) as answer:
                assert answer.status == 200
        async with session.post("/schools/0123456/units", data=[("units", "cum-3"), ("units", "so-gddt")]) as answer:
            assert answer.status == 200
        for unit in ("so-gddt", "xa-anh-sang", "cum-3"):
            assert "/schools/0123456" in await words(session, f"/?unit={unit}")
        assert "/schools/0123456" not in await words(session, "/?unit=khac")
        async with session.post("/tree/so-gddt/remove") as answer:
            assert answer.status == 422
    tree = office.office.tree
    with pytest.raises(Exception, match=r"tree.circle"):
        await tree.put(Unit(id="so-gddt", name="Sở GDĐT", parents=("cum-3",)), by="test")


async def test_a_key_is_withdrawn_by_an_administrator_only(office: Running, school: School) -> None:
    await reported(office, school)
    async with office.browser(Role.OFFICE) as session, session.post("/hubs/0123456/revoke") as answer:
        assert answer.status == 403
    async with office.browser(Role.ADMIN) as session:
        async with session.post("/hubs/0123456/revoke") as answer:
            assert answer.status == 200
        assert "thu hồi ngày" in await words(session, "/hubs")
        async with session.post("/schools/new", data={"code": "0123456", "name": "", "kind": "school"}) as answer:
            code = re.search(r"[2-9A-Z]{4}(-[2-9A-Z]{4}){3}", await answer.text())
        assert code is not None
    await school.sender.pair(office.url, code[0])
    assert [note.what for note in await office.office.audit.latest(limit=20)].count("office.paired") == 2


async def test_first_set_up_by_the_code_in_the_data_folder(tmp_path: Path, clock: FixedClock) -> None:
    folder = tmp_path / "fresh"
    settings = OfficeSettings(web=WebSettings(http="127.0.0.1:0"))
    async with running_office(folder, settings, clock) as (url, office):
        code = FirstCode(folder).issue()
        form = {"first_code": "AAAAAAAA", "office_name": "Sở", "name": "Lan", "login": "lan", "secret": SECRET}
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(url, cookie_jar=jar, headers={"Origin": url}) as session:
            assert "/setup" in str((await session.get("/")).url)
            async with session.post("/api/v1/feed", data=b"{}") as answer:
                assert (await answer.json(content_type=None))["code"] == "setup.needed"
            for change, status in (({}, 422), ({"first_code": code, "secret": "short"}, 422), ({"first_code": code}, 200)):
                async with session.post("/setup", data={**form, **change}) as answer:
                    assert answer.status == status, await answer.text()
            assert "Cấp mã" in await words(session, "/schools/new")
            async with session.post("/setup", data={**form, "first_code": code}) as answer:
                assert answer.status == 409
        assert (await office.profile.get()).name == "Sở"
        assert not FirstCode(folder).fits(code)


async def test_healthz_metrics_and_the_description_of_the_api(office: Running, school: School) -> None:
    await reported(office, school)
    async with aiohttp.ClientSession(office.url) as session:
        assert '"ready":true' in await words(session, "/healthz")
        assert 'densach_feed_records_total{verdict="accepted"} 5.0' in await words(session, "/metrics")
        assert "/api/v1/feed" in await words(session, "/api/openapi.json")


async def test_programs_build_the_tree_too(office: Running, school: School) -> None:
    await reported(office, school)
    async with office.browser(Role.ADMIN) as session:
        headers = {"Origin": office.url}

        async def ask(method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
            more = {"json": body} if body is not None else {}
            async with session.request(method, path, headers=headers, **more) as answer:  # type: ignore[arg-type]
                return answer.status, await answer.json() if answer.status != 204 else {}

        assert (await ask("PUT", "/api/v1/tree/so", {"name": "Sở"}))[0] == 200
        assert (await ask("PUT", "/api/v1/tree/xa-1", {"name": "Xã", "parents": ["so"]}))[0] == 200
        assert (await ask("PUT", "/api/v1/tree/so", {"name": "Sở", "parents": ["xa-1"]}))[1]["code"] == "tree.circle"
        assert (await ask("PUT", "/api/v1/tree/X Y", {"name": "Sở"}))[1]["code"] == "tree.id-odd"
        assert (await ask("PUT", f"/api/v1/schools/{school.code}/units", {"units": ["xa-1", "none"]})) == (
            200,
            {"units": ["xa-1"]},
        )
        assert (await ask("DELETE", "/api/v1/tree/so"))[1]["code"] == "tree.in-use"
        _, tree = await ask("GET", "/api/v1/tree")
        assert tree["memberships"] == {school.code: ["xa-1"]}
        assert (await ask("PUT", f"/api/v1/schools/{school.code}/units", {"units": []}))[0] == 200
        assert (await ask("DELETE", "/api/v1/tree/xa-1"))[0] == 204
        assert await ask("GET", "/api/v1/upward") == (200, {"offices": [], "refusals": []})
    async with (
        office.browser() as session,
        session.put("/api/v1/tree/y", headers={"Origin": office.url}, json={"name": "Y"}) as answer,
    ):
        assert answer.status == 403
