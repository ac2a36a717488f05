"""The Debian package and the self-unpacking file: what is in them, and what happens where something is not as it should be.

Wheels are made here (a module each); with real ones they are tried under a real systemd in test_package_booted.
"""

import gzip
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import densach_hub.fleet.deb
from densach_agent.install import PREFIX, InstallProblem, install, lacking, place
from densach_agent.install_words import SAID
from densach_agent.placing import HOME, Piece, Unplaced, beside, pieces, to_enable
from densach_hub.fleet.deb import deb, file_name
from densach_hub.fleet.kit import Kit, KitProblem
from densach_hub.fleet.payload import Wheel, tree, version_of, wheels
from densach_hub.fleet.run_file import of_kit, run_file

MACHINE = platform.machine()
NEEDED = ("pure", "fast")
PYTHON = f"cp3{sys.version_info.minor}"


def kit_in(folder: Path, machine: str = MACHINE) -> Kit:
    """A kit of two packages: one that fits every Python, one that is made for this one."""
    folder.mkdir(exist_ok=True)
    for name, module in (
        ("pure-1.0-py3-none-any", "pure.py"),
        (f"fast-2.0-{PYTHON}-{PYTHON}-manylinux2014_{machine}", "fast.py"),
    ):
        with zipfile.ZipFile(folder / f"{name}.whl", "w") as wheel:
            wheel.writestr(module, f"NAME = {name!r}\n")
    return Kit(folder)


@pytest.fixture
def found(tmp_path: Path) -> list[Wheel]:
    return wheels(kit_in(tmp_path / "kit"), (MACHINE,), NEEDED)


@pytest.fixture
def run(tmp_path: Path, found: list[Wheel]) -> Path:
    path = tmp_path / "densach-agent.run"
    path.write_bytes(run_file(found))
    return path


def started(run: Path, prefix: Path, *words: str, **more: str) -> tuple[int, str]:
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "DENSACH_PREFIX": str(prefix), **more}
    environment |= {"DENSACH_DATA": str(prefix.parent / "data")}
    sh = shutil.which("sh") or "/bin/sh"
    done = subprocess.run([sh, run, *words], env=environment, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


# ---- where things go ------------------------------------------------------------------------------------------------


def test_every_file_says_where_it_goes(tmp_path: Path) -> None:
    found = {piece.path: piece for piece in pieces()}
    assert found[f"{HOME}/bin/densach"].mode == 0o755
    assert found["/usr/lib/systemd/system/densach-agent.service"].mode == 0o644
    (tmp_path / "lost.service").write_text("[Unit]\n")
    with pytest.raises(Unplaced, match=r"lost\.service"):
        pieces(tmp_path)


def test_the_agent_is_switched_on_last_and_what_has_no_install_section_not_at_all() -> None:
    units = to_enable(pieces())
    assert units[-1] == "densach-agent.service"
    assert "densach-agent-facts.timer" in units
    assert "densach-agent-facts.service" not in units
    assert "densach-agent-facts-daily.service" not in units


def test_roots_part_is_shut_in_alike_before_the_agent_and_beside_it() -> None:
    """Counting updates takes seconds: not on the way of the start."""
    before, beside = (
        next(piece.body.decode() for piece in pieces() if piece.path.endswith(name))
        for name in ("/densach-agent-facts.service", "/densach-agent-facts-daily.service")
    )
    assert before[before.index("UMask") :] == beside[beside.index("UMask") :]
    assert ("--slow" in before, "--slow" in beside) == (False, True)
    assert ("Before=densach-agent.service" in before, "Before=" in beside) == (True, False)


def test_beside_the_packages_units_are_an_administrators_and_name_the_other_home() -> None:
    found = [beside(piece, "/opt/x") for piece in pieces()]
    assert not any(HOME.encode() in piece.body for piece in found if b"ExecStart" in piece.body)
    assert beside(Piece("/usr/lib/systemd/system/a.service", b"", 0o644), "/opt/x").path == "/etc/systemd/system/a.service"
    assert beside(Piece(f"{HOME}/bin/densach", b"", 0o755), "/opt/x").path == "/opt/x/bin/densach"


def test_a_wheel_lies_where_its_python_and_processor_find_it() -> None:
    assert place("click-8.1-py3-none-any.whl", "x86_64") == "any"
    assert place("psutil-7-cp36-abi3-manylinux2010_x86_64.manylinux_2_28_x86_64.whl", "x86_64") == "abi3-x86_64"
    assert place("msgspec-1-cp312-cp312-manylinux2014_aarch64.whl", "aarch64") == "cp312-aarch64"
    assert place("msgspec-1-cp312-cp312-manylinux2014_aarch64.whl", "x86_64") is None
    both = ["a-1-py3-none-any.whl", "b-1-cp311-cp311-manylinux2014_x86_64.whl"]
    assert lacking(both, "x86_64", "cp311") == []
    assert lacking(both, "x86_64", "cp312") == lacking(both, "aarch64", "cp311") == ["b"]


# ---- the package ----------------------------------------------------------------------------------------------------


def members(package: bytes) -> dict[str, bytes]:
    """Of an `ar` archive."""
    assert package.startswith(b"!<arch>\n")
    found, at = {}, 8
    while at < len(package):
        head = package[at : at + 60]
        size = int(head[48:58])
        found[head[:16].decode().strip()] = package[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    return found


def test_a_package_is_whole_and_the_same_each_time(found: list[Wheel]) -> None:
    made = deb(tree(found, (MACHINE,)), version_of(found), (MACHINE,), small=False)
    assert deb(tree(found, (MACHINE,)), version_of(found), (MACHINE,), small=False) == made
    parts = members(made)
    assert list(parts) == ["debian-binary", "control.tar.gz", "data.tar.gz"]
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(parts["data.tar.gz"]))) as data:
        names = {entry.name: entry for entry in data}
    assert names[f".{HOME}/bin/densach"].mode == 0o755
    assert f".{HOME}/lib/any/densach_agent/resident.py" in names
    assert f".{HOME}/lib/{PYTHON}-{MACHINE}/fast.py" in names
    assert {(entry.uid, entry.mtime) for entry in names.values()} == {(0, 1_577_836_800)}
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(parts["control.tar.gz"]))) as control:
        texts = {entry.name: control.extractfile(entry).read().decode() for entry in control if entry.isfile()}  # type: ignore[union-attr]
    assert f"Version: {version_of(found)}\n" in texts["./control"]
    assert not any("@" in text.replace("@localhost", "") for name, text in texts.items() if name != "./md5sums" and "@U" in text)
    assert "densach-agent.service" in texts["./postinst"]


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg here")
def test_dpkg_takes_it(found: list[Wheel], tmp_path: Path) -> None:
    for small in (False, True):
        path = tmp_path / file_name(version_of(found), (MACHINE,))
        path.write_bytes(deb(tree(found, (MACHINE,)), version_of(found), (MACHINE,), small=small))
        said = subprocess.run(["dpkg-deb", "--info", path], capture_output=True, text=True, check=True).stdout
        assert "Package: densach-agent" in said
        listed = subprocess.run(["dpkg-deb", "--contents", path], capture_output=True, text=True, check=True).stdout
        assert "./usr/bin/densach -> ../lib/densach-agent/bin/densach" in listed


def test_the_scripts_are_sh() -> None:
    join = Path(str(densach_hub.fleet.deb.__file__)).parent / "join"
    scripts = [path for path in join.rglob("*") if path.is_file() and path.read_bytes().startswith(b"#!/bin/sh")]
    assert len(scripts) >= 6
    for script in scripts:
        subprocess.run(["sh", "-n", script], check=True)


def test_a_kit_that_is_not_whole_makes_nothing(tmp_path: Path) -> None:
    kit = kit_in(tmp_path / "kit", machine="aarch64" if MACHINE == "x86_64" else "x86_64")
    with pytest.raises(KitProblem, match=f"fast for {MACHINE}"):
        wheels(kit, (MACHINE,), NEEDED)
    with pytest.raises(KitProblem, match="paho_mqtt"):
        wheels(kit_in(tmp_path / "kit"), (MACHINE,))
    with pytest.raises(KitProblem):
        of_kit(kit, "../keys/ca.key")


# ---- the one file ---------------------------------------------------------------------------------------------------


def test_it_installs_upgrades_and_clears_up_what_was_interrupted(run: Path, found: list[Wheel], tmp_path: Path) -> None:
    prefix = tmp_path / "opt"
    code, said = started(run, prefix)
    assert code == 0, said
    first = (prefix / "current").resolve()
    assert (first / "lib" / f"{PYTHON}-{MACHINE}" / "fast.py").is_file()
    assert list((first / "lib" / "any").rglob("resident.*.pyc"))
    assert os.access(first / "bin" / "densach", os.X_OK)
    inode = first.stat().st_ino
    assert started(run, prefix)[0] == 0
    assert (prefix / "current").resolve().stat().st_ino == inode, "the same version is not unpacked twice"

    # The plug was pulled during an upgrade: the old version is whole and in use; the next run finishes.
    newer = [*found, Wheel("more-1-py3-none-any.whl", found[1].body)]
    run.write_bytes(run_file(newer))
    from densach_hub.fleet.payload import identity

    half = prefix / f".new-{identity(newer)[:12]}" / "lib"
    half.mkdir(parents=True)
    (half / "half.py").write_text("import")
    assert (prefix / "current").resolve() == first
    code, said = started(run, prefix)
    assert code == 0, said
    second = (prefix / "current").resolve()
    assert second != first
    assert not (second / "lib" / "half.py").exists()
    assert sorted(path.name for path in prefix.iterdir()) == [".lock", second.name, "current"]

    assert started(run, prefix, "--uninstall")[0] == 0
    assert not prefix.exists()
    assert (tmp_path / "data").is_dir()
    assert started(run, prefix, "--purge")[0] == 0
    assert not (tmp_path / "data").exists()


def test_what_could_stop_it_is_said_first_by_a_code(run: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "opt"
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("id", "tail", "sha256sum", "uname", "dirname"):
        (tools / name).symlink_to(shutil.which(name) or name)
    code, said = started(run, prefix, PATH=str(tools))
    assert (code, said.split(":")[0]) == (1, "install.no-python")
    (tools / "python3").write_text('#!/bin/sh\ncase "$2" in *">="*) echo False ;; *) echo 3.9 ;; esac\n')
    (tools / "python3").chmod(0o755)
    code, said = started(run, prefix, PATH=str(tools), LANG="vi_VN.UTF-8")
    assert (code, said.split(":")[0]) == (1, "install.python-too-old")
    assert "máy này có 3.9" in said
    run.write_bytes(run.read_bytes()[:-100])
    code, said = started(run, prefix)
    assert (code, said.split(":")[0]) == (1, "install.damaged")
    assert not prefix.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="as root only, to become nobody")
def test_who_is_not_root_is_told_so(run: Path) -> None:
    checks = run.read_bytes()[:4000].partition(b"python=\n")[0]  # nobody may enter the folder of the file itself
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    done = subprocess.run(["sh", "-s"], input=checks, capture_output=True, user=65534, group=65534, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"install.not-root: ")


def test_no_room_and_no_wheels_are_found_before_anything_is_there(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = tmp_path / "opt"
    with monkeypatch.context() as patch:
        patch.setattr("densach_agent.install._SPARE", 1 << 60)  # as if the disk were too small
        with pytest.raises(InstallProblem) as raised:
            install(run, prefix)
        assert raised.value.code == "install.no-space"
    other = tmp_path / "other.run"
    foreign = "aarch64" if MACHINE == "x86_64" else "x86_64"
    other.write_bytes(run_file(wheels(kit_in(tmp_path / "foreign", machine=foreign), (foreign,), NEEDED)))
    with pytest.raises(InstallProblem) as raised:
        install(other, prefix)
    assert raised.value.code == "install.no-wheels"
    assert not (prefix / "current").exists()


def test_the_installer_speaks_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(PREFIX) == "/opt/densach-agent"
    for english, vietnamese in SAID.values():
        assert sorted(part.partition("}")[0] for part in english.split("{")[1:]) == sorted(
            part.partition("}")[0] for part in vietnamese.split("{")[1:]
        )
    monkeypatch.setenv("LC_ALL", "vi_VN.UTF-8")
    assert str(InstallProblem("install.busy")) == "install.busy: một lần cài khác đang chạy; hãy chờ xong"
