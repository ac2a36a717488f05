"""The agent as a Debian package, written by Python's own library: an `ar` archive of two tar archives (deb(5)).

Everything in it is sorted, owned by root and dated alike: the same code and wheels give the same file, byte for byte.
"""

import gzip
import hashlib
import io
import lzma
import tarfile
from pathlib import Path, PurePosixPath

from densach_agent.placing import Piece, to_enable
from densach_hub.fleet.kit import MACHINES, Kit, KitProblem
from densach_hub.fleet.payload import PackageFile, tree, version_of, wheels

_EPOCH = 1_577_836_800
"""2020-01-01T00:00:00Z, the date of every file."""
_SCRIPTS = Path(__file__).parent / "join" / "deb"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_LINKS = {"/usr/bin/densach": "../lib/densach-agent/bin/densach"}


def deb(files: dict[str, PackageFile], version: str, machines: tuple[str, ...], *, small: bool = True) -> bytes:
    """`small`: compressed as far as it goes, which takes half a minute."""
    data = _tar(files, _LINKS)
    packed = lzma.compress(data, preset=6) if small else gzip.compress(data, compresslevel=1, mtime=_EPOCH)
    control = gzip.compress(_tar(_control(files, version, machines), {}), mtime=_EPOCH)
    members = (
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz", control),
        ("data.tar.xz" if small else "data.tar.gz", packed),
    )
    return b"!<arch>\n" + b"".join(_member(name, body) for name, body in members)


def file_name(version: str, machines: tuple[str, ...]) -> str:
    return f"densach-agent_{version}_{_architecture(machines)}.deb"


def of_kit(kit: Kit, name: str) -> bytes:
    """`densach-agent-x86_64.deb`: what the playbooks fetch from this hub. Kept until the kit changes. Blocking.

    Raises KitProblem if the kit is not whole or there is no such file.
    """
    machine = name.removeprefix("densach-agent-").removesuffix(".deb")
    if machine not in MACHINES or name != f"densach-agent-{machine}.deb":
        raise KitProblem(f"no such file: {name}")
    made_of = kit.files()
    if name not in kit.made or kit.made[name][0] != made_of:
        found = wheels(kit, (machine,))
        kit.made[name] = (made_of, deb(tree(found, (machine,)), version_of(found), (machine,), small=False))
    return kit.made[name][1]


def _architecture(machines: tuple[str, ...]) -> str:
    return ARCHITECTURES[machines[0]] if len(machines) == 1 else "all"


def _control(files: dict[str, PackageFile], version: str, machines: tuple[str, ...]) -> dict[str, PackageFile]:
    size = sum(len(file.body) + 4096 for file in files.values()) // 1024
    fields = (_SCRIPTS / "control").read_text("utf-8")
    for mark, value in (("@VERSION@", version), ("@ARCHITECTURE@", _architecture(machines)), ("@SIZE@", str(size))):
        fields = fields.replace(mark, value)
    sums = "".join(f"{hashlib.md5(file.body, usedforsecurity=False).hexdigest()}  {path[1:]}\n" for path, file in files.items())
    settings = "".join(f"{path}\n" for path in files if path.startswith("/etc/"))
    found = {
        "/control": PackageFile(fields.encode(), 0o644),
        "/md5sums": PackageFile(sums.encode(), 0o644),
        "/triggers": PackageFile((_SCRIPTS / "triggers").read_bytes(), 0o644),
    }
    if settings:
        found["/conffiles"] = PackageFile(settings.encode(), 0o644)
    units = " ".join(to_enable(Piece(path, file.body, file.mode) for path, file in files.items()))
    for name in ("preinst", "postinst", "prerm", "postrm"):
        script = (_SCRIPTS / name).read_text("utf-8").replace("@UNITS@", units)
        found[f"/{name}"] = PackageFile(script.encode(), 0o755)
    return found


def _tar(files: dict[str, PackageFile], links: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    folders = {str(parent) for path in (*files, *links) for parent in PurePosixPath(path).parents}
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted({*files, *links, *folders}):
            entry = tarfile.TarInfo(f".{path}" if path != "/" else "./")
            entry.mtime = _EPOCH
            entry.uname = entry.gname = "root"
            if path in links:
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, links[path], 0o777
                tar.addfile(entry)
            elif path in files:
                entry.size, entry.mode = len(files[path].body), files[path].mode
                tar.addfile(entry, io.BytesIO(files[path].body))
            else:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
    return buffer.getvalue()


def _member(name: str, body: bytes) -> bytes:
    head = f"{name:<16}{_EPOCH:<12}{0:<6}{0:<6}{'100644':<8}{len(body):<10}`\n".encode("ascii")
    return head + body + (b"\n" if len(body) % 2 else b"")
