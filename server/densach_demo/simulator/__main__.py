"""`python -m densach_demo.simulator FOLDER`: runs the lab described in FOLDER/plan.json until SIGTERM."""

import logging
import signal
import sys
from pathlib import Path

import msgspec

from densach_demo.simulator.lab import Plan, run_lab


def main(folder: Path) -> int:
    logging.basicConfig(level=logging.WARNING, format="simulator: %(message)s")
    stopping: list[int] = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _frame: stopping.append(number))
    plan = msgspec.json.decode((folder / "plan.json").read_bytes(), type=Plan)

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    run_lab(folder, plan, lambda: bool(stopping), say)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
