"""axe finds nothing on any main page, by day and by night, on a phone and on an old panel."""

import pytest
from tests.e2e.conftest import ITEMS, Looking, Served
from tests.e2e.places import EVERY

from densach_core.accounts.model import Role

RUN = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations.flatMap(
  (v) => v.nodes.slice(0, 5).map((n) => `${v.id} (${v.impact}): ${n.html.slice(0, 160)} ${(n.any[0] || {}).message || ''}`))"""


@pytest.mark.parametrize(("size", "scheme"), [("panel", "light"), ("phone", "dark")])
@pytest.mark.parametrize(("name", "path", "role"), EVERY, ids=[name for name, _, _ in EVERY])
def test_no_violations(
    looking: Looking, school: Served, axe: str, name: str, path: str, role: Role | None, size: str, scheme: str
) -> None:
    page = looking.at(school, role, size, scheme, reduced_motion="reduce").new_page()
    page.goto(school.base + path.format(**ITEMS))
    page.evaluate(axe)
    assert page.evaluate(RUN) == []
