"""Every sentence a person can meet has a Vietnamese one, with the same placeholders."""

from tests.checks.tree import ROOT

from densach_core.i18n import missing_in, msgids_of, rooms_below


def faults() -> list[str]:
    found = []
    for package in sorted((ROOT / "server").glob("densach_*")):
        found += [fault for room in rooms_below(package) for fault in missing_in(room)]
        if not (package / "vi.po").exists():
            homeless = msgids_of(package)
            if homeless:
                found.append(f"{package.name}: {len(homeless)} sentences lie in no folder with a vi.po: {list(homeless)[:3]} …")
    return found
