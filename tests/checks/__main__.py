"""`densach check [NAME…] [--list]`: runs every check and says in one line what is wrong where.

Exit codes: 0 all is well, 1 something is not, 2 no such check.
"""

import sys
import time
from collections.abc import Callable, Sequence

from tests.checks import documents, names, packages, strangers, tools, translations

CHECKS: dict[str, Callable[[], list[str]]] = {
    "ruff": tools.ruff,
    "format": tools.ruff_format,
    "types": tools.mypy,
    "floors": tools.floors,
    "shell": tools.shell,
    "names": names.faults,
    "translations": translations.faults,
    "documents": documents.faults,
    "strangers": strangers.faults,
    "packages": packages.faults,
}


def main(arguments: Sequence[str]) -> int:
    if "--list" in arguments:
        print("\n".join(CHECKS))
        return 0
    if "--help" in arguments or "-h" in arguments:
        print(f"{__doc__}\nChecks: {', '.join(CHECKS)}\nExample: densach check types floors")
        return 0
    unknown = [name for name in arguments if name not in CHECKS]
    if unknown:
        print(f"No such check: {', '.join(unknown)}. `densach check --list` names them.", file=sys.stderr)
        return 2
    bad = []
    for name in arguments or CHECKS:
        began = time.monotonic()
        faults = CHECKS[name]()
        print(f"{'✗' if faults else '✓'} {name}  ({time.monotonic() - began:.1f} s)", flush=True)
        for fault in faults:
            print(f"    {fault}", flush=True)
        if faults:
            bad.append(name)
    if bad:
        print(f"Not in order: {', '.join(bad)}.")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
