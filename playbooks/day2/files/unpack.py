"""Unpacks what a machine sent into its folder here: unpack.py ARCHIVE FOLDER. Prints how many files are new.

Nothing that came before is lost: a file of the same name with other content (the next class, a later hour) is put beside it
with the hour it was changed at. Only plain files are taken, and only below the folder: the archive was packed on a machine
that pupils use.
"""

import filecmp
import os
import shutil
import sys
import tarfile
import time
from pathlib import Path


def names(wanted, changed_at):
    """Its own name, then others to try."""
    hour = time.strftime("%Hh%M", time.localtime(changed_at))
    yield wanted
    yield wanted.with_name(f"{wanted.stem} ({hour}){wanted.suffix}")
    for n in range(2, 1000):
        yield wanted.with_name(f"{wanted.stem} ({hour}, {n}){wanted.suffix}")


def put(fresh, wanted, changed_at):
    """Moves a file to where it belongs; False where the same is there already, under its name or beside it."""
    for place in names(wanted, changed_at):
        if not place.exists():
            fresh.replace(place)
            return True
        if place.is_file() and filecmp.cmp(fresh, place, shallow=False):
            return False
    raise SystemExit(f"{wanted}: too many of this name")


def unpack(archive, folder):
    new = 0
    fresh = folder / ".unpacking"
    with tarfile.open(archive) as packed:
        for member in packed:
            parts = [part for part in Path(member.name).parts if part not in (".", "/")]
            if not member.isfile() or not parts or ".." in parts:
                continue
            wanted = folder.joinpath(*parts)
            with packed.extractfile(member) as body, fresh.open("wb") as file:
                shutil.copyfileobj(body, file)
            os.utime(fresh, (member.mtime, member.mtime))
            wanted.parent.mkdir(parents=True, exist_ok=True)
            new += put(fresh, wanted, member.mtime)
    fresh.unlink(missing_ok=True)
    return new


if __name__ == "__main__":
    print(unpack(sys.argv[1], Path(sys.argv[2])))  # noqa: T201 - this is its answer
