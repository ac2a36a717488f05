"""What a bundle is put together from: apt's answers, locks, lists of names, and signatures other programs agree with."""

import base64
import io
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from densach_core.errors import Problem
from densach_hub.upkeep.bundle.cli import SETS
from densach_hub.upkeep.bundle.debian import machine_sources, paragraphs
from densach_hub.upkeep.bundle.gathering import sets_there
from densach_hub.upkeep.bundle.openpgp import RepositoryKey
from densach_hub.upkeep.bundle.repository import indexes, packages_index
from densach_hub.upkeep.bundle.rules import fingerprint, human, package_names, same_fingerprint
from densach_hub.upkeep.bundle.wheels import LOCKS, lock_for, lock_text, our_wheel, own_line

ROOT = Path(__file__).resolve().parents[2]
INDEX = """Package: libc6
Source: glibc
Version: 2.36-9+deb12u14
Architecture: amd64
Depends: libgcc-s1
Description: GNU C Library: Shared libraries
Filename: pool/main/g/glibc/libc6_2.36-9+deb12u14_amd64.deb
Size: 2759320
MD5sum: 8d98f0c882f269aaee8437bcfe89346e
SHA256: ba4f88f73dbc3ae9055f3c20f4523bfdbaf1ad13ff95e258924f77d20b4fbedf

Package: openssh-client
Version: 1:9.2p1-2+deb12u7
Architecture: amd64
Filename: pool/main/o/openssh/openssh-client_9.2p1-2+deb12u7_amd64.deb
Size: 10
SHA256: 0000000000000000000000000000000000000000000000000000000000000000
"""


def test_packages_keep_what_their_origin_said_of_them() -> None:
    libc, ssh = paragraphs(INDEX)
    assert (libc.name, libc.size, libc.place) == ("libc6", 2759320, "pool/libc/libc6_2.36-9+deb12u14_amd64.deb")
    assert ssh.file == "openssh-client_1%3a9.2p1-2+deb12u7_amd64.deb"
    assert ssh.place == "pool/o/openssh-client_9.2p1-2+deb12u7_amd64.deb"
    written = packages_index([ssh, libc])
    assert paragraphs(written) == [libc, ssh]
    assert "Depends: libgcc-s1\n" in written
    assert f"Filename: ./{ssh.place}\n" in written
    assert "MD5sum" not in written


@pytest.mark.parametrize("seed", range(8))
def test_gpgv_believes_the_repositorys_signature(tmp_path: Path, seed: int) -> None:
    """With keys and texts of many kinds: numbers with leading zeros are where hand-written OpenPGP goes wrong."""
    if shutil.which("gpgv") is None:
        pytest.skip("gpgv (of the package gpgv) is not installed")
    key = RepositoryKey(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))
    files = indexes(paragraphs(INDEX), "bookworm", "amd64", 1_700_000_000_000 + seed, key)
    (tmp_path / "key.gpg").write_bytes(_dearmoured(key.public()))
    (tmp_path / "InRelease").write_bytes(files["InRelease"])
    words = ["gpgv", "--homedir", str(tmp_path), "--keyring", str(tmp_path / "key.gpg")]
    done = subprocess.run([*words, str(tmp_path / "InRelease")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Good signature" in done.stderr

    (tmp_path / "InRelease").write_bytes(files["InRelease"].replace(b"Codename: bookworm", b"Codename: bullseye"))
    assert subprocess.run([*words, str(tmp_path / "InRelease")], capture_output=True, check=False).returncode != 0

    (tmp_path / "body").write_bytes(b"any bytes \r\n\0")
    (tmp_path / "body.sig").write_bytes(_dearmoured(key.detached(b"any bytes \r\n\0")))
    signature = [str(tmp_path / "body.sig"), str(tmp_path / "body")]
    assert subprocess.run([*words, *signature], capture_output=True, check=False).returncode == 0


def _dearmoured(text: str) -> bytes:
    lines = text.splitlines()
    return base64.b64decode("".join(line for line in lines[2:] if not line.startswith(("=", "-"))))


def test_the_machines_own_sources_of_a_suite(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://a.example/debian bookworm main\n"
        "deb cdrom:[Debian 12]/ bookworm main\n"
        "deb [arch=amd64 signed-by=/k/a.gpg] http://a.example/debian bookworm main contrib\n"
        "deb http://a.example/debian bookworm-backports main\n"
        "deb http://b.example/apt stable main\n"
        "deb-src http://a.example/debian bookworm main\n"
    )
    (parts / "debian.sources").write_text(
        "Types: deb deb-src\nURIs: http://s.example/security\nSuites: bookworm-security trixie-security\nComponents: main\n"
        "# a comment\nSigned-By: /k.gpg\n\nTypes: deb\nURIs: http://off.example\nSuites: bookworm\nComponents: main\n"
        "Enabled: no\n"
    )
    (parts / "strange.sources").write_text("Types: deb\nURIs: http://node.example\nSuites: nodistro\nComponents: main\n")
    found = machine_sources("bookworm", tmp_path)
    assert found.split("\n\n") == [
        "Types: deb\nURIs: http://a.example/debian\nSuites: bookworm\nComponents: main contrib\nSigned-By: /k/a.gpg",
        "Types: deb\nURIs: http://s.example/security\nSuites: bookworm-security\nComponents: main\nSigned-By: /k.gpg\n",
    ]
    with pytest.raises(Problem, match=r"bundle\.no-sources"):
        machine_sources("noble", tmp_path)


def test_lists_of_names() -> None:
    text = "# a list\nnginx-light  # the web\n\nlinux-image-amd64 [amd64]\nsnapd [noble trixie]\ng++\n"
    assert package_names(text, {"bookworm", "amd64"}) == ["nginx-light", "linux-image-amd64", "g++"]
    assert package_names(text, {"noble", "arm64"}) == ["nginx-light", "snapd", "g++"]
    for odd in ("two names", "Nginx", "-o Dir=/", "a [amd64", "a/b", "?essential"):
        with pytest.raises(ValueError, match=re.escape(odd[:4])):
            package_names(odd)


def test_our_own_lists_are_read() -> None:
    there = sets_there(ROOT)
    assert there == sorted(SETS), "what --help names is what there is"
    for path in (ROOT / "playbooks/packages").glob("*.txt"):
        assert package_names(path.read_text("utf-8"), {"bookworm", "amd64"}), path.name


def test_a_lock_for_another_python_and_processor() -> None:
    lock = (
        "alpha==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n"
        "beta==2.0 ; sys_platform == 'win32' \\\n    --hash=sha256:02\n"
        "gamma==3.0 ; python_full_version < '3.13' and platform_machine == 'x86_64' \\\n    --hash=sha256:03\n"
    )
    alpha = "alpha==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n"
    assert lock_for(lock, "3.11", "x86_64") == alpha + "gamma==3.0 \\\n    --hash=sha256:03\n"
    assert lock_for(lock, "3.13", "x86_64") == lock_for(lock, "3.11", "aarch64") == alpha


@pytest.mark.parametrize("what", LOCKS)
def test_our_locks_lose_nothing(what: str) -> None:
    text = lock_text(what, ROOT / "requirements")
    kept = lock_for(text, "3.11", "x86_64")
    left_out = set(re.findall(r"^(\S+)==", text, re.MULTILINE)) - set(re.findall(r"^(\S+)==", kept, re.MULTILINE))
    assert left_out == set(re.findall(r"^(\S+)==\S+ ; sys_platform == 'win32'", text, re.MULTILINE))
    assert "cryptography==" in kept
    assert "msgspec==" in kept
    assert "babel==" in kept
    assert "win32" not in kept
    assert kept.count("--hash=sha256:") >= 2 * kept.count("==") - 10


def test_our_wheel_is_whole_and_the_same_twice() -> None:
    name, body = our_wheel()
    assert (name, body) == our_wheel()
    with zipfile.ZipFile(io.BytesIO(body)) as wheel:
        names = set(wheel.namelist())
        metadata = wheel.read(f"{name.rsplit('-', 3)[0]}.dist-info/METADATA").decode()
    for part in (
        "densach_hub/app.py",
        "densach_office/cli.py",
        "densach_wire/__init__.py",
        "densach_hub/upkeep/bundle/carried/setup.sh",
    ):
        assert part in names
    assert any(one.startswith("densach_core/static/vendor/pdfjs-dist/") for one in names)
    assert not [one for one in names if "__pycache__" in one]
    assert "Provides-Extra: hub\n" in metadata
    assert own_line("hub", name, body).startswith("densach[agent,hub,office]==")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_fingerprints(one: bytes, other: bytes) -> None:
    shown = fingerprint(one)
    assert len(shown) == 49
    assert same_fingerprint(shown.lower().replace(" ", ":"), shown)
    assert same_fingerprint(shown, fingerprint(other)) == (one == other)


def test_sizes() -> None:
    assert [human(size) for size in (0, 999, 1_234, 12_345_678, 345_678_901, 4_500_000_000_000)] == [
        "0 B", "999 B", "1.2 kB", "12.3 MB", "346 MB", "4500 GB",
    ]  # fmt: skip
