"""The locks: the smaller are parts of the larger in the same versions, all hashed, and no address in them."""

import re

from tests.checks.tree import ROOT

PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / "requirements" / f"{name}.txt").read_text("utf-8")))


def faults() -> list[str]:
    found = []
    everything = pins("dev")
    for name in ("demo", "agent", "build"):
        for package, version in pins(name).items():
            if everything.get(package) != version:
                found.append(f"requirements/{name}.txt: {package} {version}, in dev.txt {everything.get(package)}")
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text("utf-8")
        if "://" in text or "index-url" in text or "find-links" in text:
            found.append(f"requirements/{path.name}: names an address")
        found += [
            f"requirements/{path.name}: {match[1]} has no hash"
            for match in re.finditer(r"^([a-z0-9._-]+)==[^\\\n]*$", text, re.MULTILINE)
        ]
    return found
