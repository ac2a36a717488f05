"""House rules a machine can judge: a module is a noun of at most 500 lines (a test file of 400)."""

from tests.checks.tree import short, tracked

BANNED = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def faults() -> list[str]:
    found = []
    for path in tracked():
        if path.suffix != ".py":
            continue
        lines = path.read_text("utf-8").count("\n")
        limit = 400 if path.name.startswith("test_") else 500
        if lines > limit:
            found.append(f"{short(path)}: {lines} lines, split it before {limit}")
        if path.stem in BANNED or path.parent.name in BANNED:
            found.append(f"{short(path)}: name the noun it is about, not “{path.stem}”")
    return found
