"""`python -m densach_agent.facts DATA`, run as root before the agent: leaves for the unprivileged agent what only root
may read (serial numbers in the firmware, memory modules).

In `/run/densach-facts`, which only root may write and the group of DATA may read, and which is gone with the boot: a
copied disk never brings another machine's serial numbers along. Laid out as a recorded case: `boot`, `root/`, `cmd/`.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from densach_agent.clock import SystemClock
from densach_agent.identity import TPM_CERTIFICATE, TPM_FILES
from densach_agent.machine import Machine, command_file, system_runner

PLACE = Path("/run/densach-facts")
FILES = (
    "sys/class/dmi/id/board_serial",
    "sys/class/dmi/id/chassis_serial",
    "sys/class/dmi/id/product_serial",
    "sys/class/dmi/id/product_uuid",
    *TPM_FILES,
)
COMMANDS = (
    ("dmidecode", "-t", "17"),
    TPM_CERTIFICATE,
)


def write(place: Path, group: int, machine: Machine, boot: str) -> int:
    """Writes the folder anew; returns how many facts there are."""
    made = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}."))
    count = 0
    for path in FILES:
        raw = machine.raw(path, 4096)
        if raw is not None:
            count += _put(made / "root" / path, raw)
    for argv in COMMANDS:
        done = machine.run(argv, 10)
        if done is not None and done.code == 0:
            count += _put(made / "cmd" / command_file(argv), done.out.encode("utf-8", "replace"))
    _put(made / "boot", boot.encode())
    for found in (made, *made.rglob("*")):
        os.chown(found, -1, group)
        found.chmod(0o750 if found.is_dir() else 0o640)
    shutil.rmtree(place, ignore_errors=True)
    made.rename(place)
    return count


def current(boot: str, place: Path = PLACE) -> Path | None:
    """The folder, if it was written in this boot and we may read it."""
    try:
        return place if (place / "boot").read_text("ascii") == boot else None
    except (OSError, UnicodeDecodeError):
        return None


def _put(path: Path, raw: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return 1


if __name__ == "__main__":
    write(PLACE, Path(sys.argv[1]).stat().st_gid, Machine(Path("/"), system_runner), SystemClock().boot)
