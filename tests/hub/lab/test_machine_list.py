"""The list of machines over several pages: chosen and put in order on the hub, and kept up to date."""

import re

import pytest
from tests.hub.lab.conftest import Stage

from densach_hub.fleet.sights import MachineRow
from densach_hub.lab import machines
from densach_hub.lab.machines import in_order


def listed(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/lab/machines/[^"]+">([^<]+)</a>', page)


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(machines, "A_PAGE", 3)
    return 3


async def test_what_fits_on_one_page_is_sorted_by_the_browser(stage: Stage) -> None:
    page = await stage.technician.get("/lab/machines")
    assert 'data-filter="#machines"' in page
    assert "data-sort" in page
    assert 'rel="next"' not in page


@pytest.mark.usefixtures("short_pages")
async def test_every_machine_is_on_one_page_and_no_page_is_longer(stage: Stage) -> None:
    every = [row.machine.name for row in await stage.fleet.alerts.machines()]
    seen: list[str] = []
    path: str | None = "/lab/machines?sort=name"
    while path:
        page = await stage.technician.get(path)
        assert stage.technician.status == 200
        assert "data-sort" not in page
        assert 0 < len(listed(page)) <= 3
        seen += listed(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = following[1].replace("&amp;", "&") if following else None
    assert sorted(seen) == sorted(every)
    assert len(seen) > 3


@pytest.mark.usefixtures("short_pages")
async def test_marks_do_not_matter_and_the_order_stays(stage: Stage) -> None:
    some = (await stage.fleet.alerts.machines())[:4]
    for n, row in enumerate(some):
        await stage.fleet.register.rename(row.machine.id, f"Đế bàn {n}", by="test")
    page = await stage.technician.get("/lab/machines?q=de+ban&sort=-name")
    assert listed(page) == ["Đế bàn 3", "Đế bàn 2", "Đế bàn 1"]
    assert 'aria-sort="descending"' in page
    assert "q=de+ban&amp;sort=-name&amp;page=2" in page
    part = await stage.technician.get("/lab/machines/list?q=de+ban&sort=-name&page=2")
    assert listed(part) == ["Đế bàn 0"]
    assert 'data-live="fleet"' in part
    assert "<html" not in part


@pytest.mark.parametrize(
    "query", ["page=0", "page=99999", "page=x", "page=" + "9" * 500, "sort=nothing", "sort=-", "room=none&page=3"]
)
async def test_odd_words_are_no_error(stage: Stage, query: str) -> None:
    await stage.technician.get(f"/lab/machines?{query}")
    assert stage.technician.status == 200


async def test_numbers_in_names_count_and_what_is_unknown_is_last(stage: Stage) -> None:
    rows = await stage.fleet.alerts.machines()

    def heard(row: MachineRow) -> int | None:
        return row.live.heard_at if row.live else None

    for sort in ("heard", "-heard"):
        times = [heard(row) for row in in_order(rows, sort)]
        known = [at for at in times if at is not None]
        assert times == known + [None] * (len(times) - len(known))
        assert known == sorted(known, reverse=sort == "-heard")
