"""unpack_kit.py RUN_FILE KIT: the wheels of the agent's self-unpacking file become the kit the hub hands out at /join.

A kit that a person filled (densach hub kit) has no mark of ours and stays. Says `changed` when it did something.
"""

import hashlib
import shutil
import sys
import zipfile
from pathlib import Path


def main(source: Path, kit: Path) -> None:
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    mark, old = kit / ".unpacked", kit.with_name(f".{kit.name}.old")
    if old.is_dir() and not kit.is_dir():
        old.rename(kit)
    if kit.is_dir() and any(kit.iterdir()) and (not mark.exists() or mark.read_text("ascii") == digest):
        return
    fresh = kit.with_name(f".{kit.name}.new")
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    fresh.mkdir()
    with zipfile.ZipFile(source) as archive:
        for name in archive.namelist():
            # The hub makes its own wheel of the code it runs.
            if name.startswith("wheels/") and name.endswith(".whl") and not name.startswith("wheels/densach-"):
                (fresh / Path(name).name).write_bytes(archive.read(name))
    (fresh / ".unpacked").write_text(digest, "ascii")
    fresh.chmod(0o755)
    if kit.is_dir():
        kit.rename(old)
    fresh.rename(kit)
    shutil.rmtree(old, ignore_errors=True)
    sys.stdout.write("changed\n")


main(Path(sys.argv[1]), Path(sys.argv[2]))
