"""Every sentence a person can meet has a Vietnamese one, with the same placeholders."""

import re

from tests.checks.tree import ROOT

from densach_core.i18n import missing_in, msgids_of, rooms_below

LATE_TONE = re.compile(r"\w*(?:o[áàảạãéèẻẹẽ]|(?<!q)u[ýỳỷỵỹ])(?!\w)")
I_FOR_Y = re.compile(r"\b(?<!vật )(?<!địa )[lk]í(?!\w)", re.IGNORECASE)
"""Spelled in one way, as in most administrative texts: khóa, sức khỏe, hủy; lý do, ký. Only the subjects Vật lí and Địa lí
are written as the national programme has them."""
PLACES = ("server/**/vi.po", "README*.md", "server/densach_demo/content/guide/vi/*.md", "agent/densach_agent/words.py")


def spelling() -> list[str]:
    found = []
    for path in sorted(path for place in PLACES for path in ROOT.glob(place) if "node_modules" not in path.parts):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            odd = [match[0] for pattern in (LATE_TONE, I_FOR_Y) for match in pattern.finditer(line)]
            found += [
                f"{path.relative_to(ROOT)}:{number}: “{word}” is spelled another way here (khóa, khỏe, lý, ký)" for word in odd
            ]
    return found


def faults() -> list[str]:
    found = spelling()
    for package in sorted((ROOT / "server").glob("densach_*")):
        found += [fault for room in rooms_below(package) for fault in missing_in(room)]
        if not (package / "vi.po").exists():
            homeless = msgids_of(package)
            if homeless:
                found.append(f"{package.name}: {len(homeless)} sentences lie in no folder with a vi.po: {list(homeless)[:3]} …")
    return found
