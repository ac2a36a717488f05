"""`densach test [pytest arguments]`: the checks, then the tests; the last line is pytest's.

With arguments only pytest runs, with those. DENSACH_REQUIRE_ALL=1 makes a skipped test a failed one.
Exit codes: 0 all is well, 1 something is not, otherwise pytest's.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

WORKERS = 3  # most tests wait more than they reckon: three keep two cores busy
HELP = """densach test [pytest arguments]: installs what the tests need, runs the checks and all tests.

Example: densach test
         densach test tests/agent -k outbox
         densach test --provision     the playbooks on booted Debians, all of it (half an hour; root)
"""


def main(arguments: Sequence[str]) -> int:
    if set(arguments) & {"-h", "--help"}:
        print(HELP)
        return 0
    checked = 0
    if not arguments:
        checked = subprocess.run([sys.executable, "-m", "tests.checks"], check=False).returncode
    command = [sys.executable, "-m", "pytest"]
    if os.environ.get("DENSACH_REQUIRE_ALL") == "1":
        command += ["-p", "tests.fixtures.required"]
    if not arguments:
        command += ["-q", "--durations=15", "-n", str(WORKERS)]
    tested = subprocess.run([*command, *arguments], check=False).returncode
    if tested == 0 and checked:
        print("The tests passed; the checks above did not.", file=sys.stderr)
    return tested or checked


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
