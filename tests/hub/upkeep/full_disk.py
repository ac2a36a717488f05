"""A hub on a disk full to the last byte: `python -m tests.hub.upkeep.full_disk FOLDER`, FOLDER a small disk of its own."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

from densach_core.clock import SystemClock
from densach_core.errors import Problem
from densach_hub.opening import open_rooms
from densach_hub.upkeep import storage


async def opened(data: Path) -> None:
    async with open_rooms(data, SystemClock()) as rooms:
        await rooms.school.write(lambda c: c.execute("CREATE TABLE IF NOT EXISTS seen (n)"))


def refused(data: Path) -> str:
    try:
        asyncio.run(opened(data))
    except Problem as problem:
        return problem.code
    return ""


def fill(path: Path, *, left: int = 30 * 1024) -> None:
    with path.open("ab") as file:
        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), shutil.disk_usage(path.parent).free - left)


def main(folder: Path) -> None:
    data = folder / "data"
    data.mkdir()
    asyncio.run(opened(data))
    storage.PUT_BY_FROM = 0
    storage.put_room_by(data)
    assert (data / storage.PUT_BY).stat().st_size == storage.PUT_BY_BYTES
    fill(folder / "films")
    code = refused(data)
    assert code in ("database.disk-full", ""), code  # a journal that the last hub left may be room enough
    storage.make_room_to_start(data)
    assert not (data / storage.PUT_BY).exists()
    asyncio.run(opened(data))
    fill(folder / "films")
    command = [sys.executable, "-c", "from densach_cli.main import main; main()", "hub", "run", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done
    sys.stdout.write(done.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
