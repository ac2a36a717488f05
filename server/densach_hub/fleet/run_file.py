"""The self-unpacking file: a shell script that checks what could stop it, followed by a zip archive that Python runs as it
lies there (`densach_agent.install` is in it). Nothing is unpacked before the digest of the archive was checked."""

import hashlib
import io
import re
import zipfile
from pathlib import Path

import densach_agent
from densach_hub.fleet.kit import MACHINES, Kit, KitProblem
from densach_hub.fleet.payload import Wheel, identity, wheels

_SCRIPT = Path(__file__).parent / "join" / "run.sh"
_STAMP = (2020, 1, 1, 0, 0, 0)
_STARTS = ("__init__.py", "install.py", "service_files.py", "placing.py", "install_words.py")
_MAIN = "import sys\nfrom densach_agent.install import main\nsys.exit(main(sys.argv[1:]))\n"


def run_file(found: list[Wheel]) -> bytes:
    """The same wheels give the same bytes. Wheels are compressed already and are stored as they are: made in no time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        folder = Path(str(densach_agent.__file__)).parent
        _put(archive, "__main__.py", _MAIN.encode())
        _put(archive, "identity", identity(found).encode())
        for name in _STARTS:
            _put(archive, f"densach_agent/{name}", (folder / name).read_bytes())
        for wheel in found:
            _put(archive, f"wheels/{wheel.name}", wheel.body)
    body = buffer.getvalue()
    script = _SCRIPT.read_text("utf-8")
    for mark, value in (("@SHA256@", hashlib.sha256(body).hexdigest()), ("@BYTES@", str(len(body)))):
        script = script.replace(mark, value)
    assert not re.search(r"@[A-Z0-9]+@", script)  # noqa: S101
    return script.encode() + body


def of_kit(kit: Kit, name: str) -> bytes:
    """`densach-agent-x86_64.run`: what a machine of this kind downloads. Kept until the kit changes. Blocking.

    Raises KitProblem if the kit is not whole or there is no such file.
    """
    machine = name.removeprefix("densach-agent-").removesuffix(".run")
    if machine not in MACHINES or name != file_name((machine,)):
        raise KitProblem(f"no such file: {name}")
    made_of = kit.files()
    if name not in kit.made or kit.made[name][0] != made_of:
        kit.made[name] = (made_of, run_file(wheels(kit, (machine,))))
    return kit.made[name][1]


def file_name(machines: tuple[str, ...]) -> str:
    return f"densach-agent-{machines[0]}.run" if len(machines) == 1 else "densach-agent.run"


def _put(archive: zipfile.ZipFile, name: str, body: bytes) -> None:
    entry = zipfile.ZipInfo(name, _STAMP)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, body)
