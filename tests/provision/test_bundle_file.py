"""What a bundle's reader refuses, each with its code and with nothing changed; and what an interrupted writer leaves."""

import errno
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from densach_core.errors import Problem
from densach_hub.upkeep.bundle import problems
from densach_hub.upkeep.bundle.gathering import Piece, Wanted, extra
from densach_hub.upkeep.bundle.keys import Trust, maker_key
from densach_hub.upkeep.bundle.model import MANIFEST, SIGNATURE, Entry, Manifest, Signature
from densach_hub.upkeep.bundle.reading import open_into, verify
from densach_hub.upkeep.bundle.rules import fingerprint, is_safe
from densach_hub.upkeep.bundle.writing import write

ROLES = Path(__file__).resolve().parents[2] / "playbooks/roles"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PIECES = [
    Piece("setup.sh", b"#!/bin/sh\n", run=True),
    Piece("apt/pool/a/a_1_all.deb", b"\x00\x01" * 60_000),
    Piece("extra/Bài tập số 1.exe", b"MZ"),
    Piece("wheels/densach-0.1.0-py3-none-any.whl", b"PK" * 9),
]
Member = tuple[tarfile.TarInfo, bytes]


def wanted(at: int = 1_800_000_000_000) -> Wanted:
    return Wanted(
        clone=Path("/nowhere"), cache=Path("/nowhere"), suite="bookworm", machine="x86_64", sets=("hub",), made_at=at
    )  # fmt: skip


def quiet(what: str) -> None:
    assert what


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write(tmp_path / "a.bundle", PIECES, wanted(), KEY, quiet)
    return tmp_path / "a.bundle"


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "trusted")


def members(file: Path) -> list[Member]:
    with tarfile.open(file) as tar:
        return [(member, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]


def tarred(file: Path, found: list[Member]) -> Path:
    with tarfile.open(file, "w", format=tarfile.GNU_FORMAT) as tar:
        for member, body in found:
            member.size = len(body) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(body) if member.isreg() else None)
    return file


def refused(code: str, file: Path, folder: Path, trust: Trust) -> None:
    """By verify and by open, and nothing is left of it."""
    before = sorted(folder.parent.iterdir())
    for opens in (False, True):
        with pytest.raises(Problem) as caught:
            if opens:
                open_into(file, folder, trust, quiet)
            else:
                verify(file, trust, quiet)
        assert caught.value.code == code
        assert caught.value.do is not None
    assert sorted(folder.parent.iterdir()) == before


def test_what_is_written_is_read(file: Path, tmp_path: Path, trust: Trust) -> None:
    checked = verify(file, trust, quiet)
    assert not checked.known
    assert [entry.path for entry in checked.manifest.files] == ["SHA256SUMS", *(piece.path for piece in PIECES)]
    assert trust.fingerprints() == []

    first = open_into(file, tmp_path / "open", trust, quiet)
    assert not first.known
    assert trust.fingerprints() == [fingerprint(KEY.public_key().public_bytes_raw())]
    for piece in PIECES:
        place = tmp_path / "open" / piece.path
        assert place.read_bytes() == piece.body
        assert bool(place.stat().st_mode & 0o100) == piece.run
    assert verify(tmp_path / "open", trust, quiet).known
    assert open_into(file, tmp_path / "open", trust, quiet).known
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bundle", "open", "trusted"]


def test_tar_and_sha256sum_are_enough_on_a_bare_machine(file: Path, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    subprocess.run(["tar", "xf", str(file), "-C", str(tmp_path / "open")], check=True)
    words = ["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"]
    assert subprocess.run(words, cwd=tmp_path / "open", check=False).returncode == 0
    assert verify(tmp_path / "open", Trust(tmp_path / "trusted"), quiet).manifest.build


@given(st.data())
def test_a_flipped_bit_is_never_overlooked(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Wherever it is: in the content, the headers, the padding between members (there it is harmless) or the signature."""
    folder = tmp_path_factory.mktemp("bit")
    write(folder / "a.bundle", [Piece("a", b"x" * 700), Piece("b/c", b"y")], wanted(), KEY, quiet)
    body = bytearray((folder / "a.bundle").read_bytes())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= 1 << data.draw(st.integers(0, 7))
    (folder / "a.bundle").write_bytes(body)
    with suppress(Problem):
        open_into(folder / "a.bundle", folder / "open", Trust(folder / "trusted"), quiet)
    if (folder / "open").exists():
        assert (folder / "open/a").read_bytes() == b"x" * 700
        assert (folder / "open/b/c").read_bytes() == b"y"


def test_a_damaged_file_in_it(file: Path, tmp_path: Path, trust: Trust) -> None:
    body = bytearray(file.read_bytes())
    body[body.index(b"\x00\x01" * 100) + 50_000] ^= 4
    file.write_bytes(body)
    refused("bundle.damaged", file, tmp_path / "open", trust)


@pytest.mark.parametrize("left", [0, 100, 700, 5_000, 60_000])
def test_a_copy_that_ends_too_early(file: Path, tmp_path: Path, trust: Trust, left: int) -> None:
    file.write_bytes(file.read_bytes()[:left])
    refused("bundle.not-a-bundle" if left <= 100 else "bundle.truncated", file, tmp_path / "open", trust)


def test_something_else(tmp_path: Path, trust: Trust) -> None:
    (tmp_path / "a.bundle").write_bytes(b"PK\x03\x04" + b"zip" * 900)
    refused("bundle.not-a-bundle", tmp_path / "a.bundle", tmp_path / "open", trust)


def test_a_changed_manifest(file: Path, tmp_path: Path, trust: Trust) -> None:
    found = members(file)
    found[1] = (found[1][0], found[1][1].replace(b"bookworm", b"bullseye"))
    refused("bundle.bad-signature", tarred(file, found), tmp_path / "open", trust)


def test_another_makers_key(file: Path, tmp_path: Path, trust: Trust) -> None:
    open_into(file, tmp_path / "open", trust, quiet)
    write(file, PIECES, wanted(), OTHER, quiet)
    refused("bundle.unknown-key", file, tmp_path / "open", trust)
    shown = fingerprint(OTHER.public_key().public_bytes_raw())
    named = Trust(tmp_path / "trusted", shown.replace(" ", "").lower())
    assert open_into(file, tmp_path / "open", named, quiet).known
    with pytest.raises(Problem, match="unknown-key"):
        verify(file, Trust(tmp_path / "trusted", "AAAA BBBB"), quiet)


def test_a_maker_that_was_named_is_the_first_one_too(file: Path, tmp_path: Path) -> None:
    """Or the careful one's machine would take the next stranger for the first it meets."""
    shown = fingerprint(KEY.public_key().public_bytes_raw())
    (tmp_path / "trusted").write_text("# nobody yet")
    open_into(file, tmp_path / "open", Trust(tmp_path / "trusted", shown), quiet)
    assert Trust(tmp_path / "trusted").fingerprints() == [shown]
    write(file, PIECES, wanted(), OTHER, quiet)
    with pytest.raises(Problem, match="unknown-key"):
        open_into(file, tmp_path / "open", Trust(tmp_path / "trusted"), quiet)


def test_the_play_trusts_a_maker_as_opening_does(file: Path, tmp_path: Path) -> None:
    open_into(file, tmp_path / "open", Trust(tmp_path / "elsewhere"), quiet)
    (tmp_path / "trusted").write_text("AAAA # another")
    said = [
        subprocess.run(
            [sys.executable, ROLES / "source/files/trust.py", tmp_path / "open", tmp_path / "trusted"],
            capture_output=True, text=True, check=True,
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    assert said == ["changed\n", ""]
    assert Trust(tmp_path / "trusted").fingerprints() == ["AAAA", fingerprint(KEY.public_key().public_bytes_raw())]


def test_an_older_one_is_opened_and_said_to_be(file: Path, tmp_path: Path, trust: Trust) -> None:
    assert open_into(file, tmp_path / "open", trust, quiet).before == 0
    write(file, PIECES, wanted(1_700_000_000_000), KEY, quiet)
    assert open_into(file, tmp_path / "open", trust, quiet).before == 1_800_000_000_000


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EIO, "bundle.disk-fails"),
        (errno.ENODEV, "bundle.disk-fails"),
        (errno.ENOSPC, "bundle.no-room"),
        (errno.EROFS, "bundle.not-permitted"),
        (errno.EACCES, "bundle.not-permitted"),
    ],
)
def test_a_stick_that_fails_is_said_in_one_line(number: int, code: str) -> None:
    told = problems.disk(OSError(number, os.strerror(number), "/media/usb/a.bundle"), "a.bundle")
    assert told is not None
    assert told.code == code
    assert told.do is not None
    assert problems.disk(OSError(errno.ENOEXEC, "", ""), "a.bundle") is None


def test_a_stick_opens_only_what_is_known_and_newer(file: Path, tmp_path: Path) -> None:
    alone = Trust(tmp_path / "trusted", first=False)
    with pytest.raises(Problem, match="unknown-key"):
        open_into(file, tmp_path / "open", alone, quiet, newer_only=True)
    open_into(file, tmp_path / "open", Trust(tmp_path / "trusted"), quiet)
    with pytest.raises(Problem, match="not-newer"):
        open_into(file, tmp_path / "open", alone, quiet, newer_only=True)
    write(file, PIECES[:1], wanted(1_800_000_000_001), KEY, quiet)
    open_into(file, tmp_path / "open", alone, quiet, newer_only=True)
    assert not (tmp_path / "open/apt").exists()


def signed(found: list[Entry], bodies: list[Member], file: Path) -> Path:
    """A bundle whose maker itself means ill: the signature is good."""
    made = Manifest(1, 1, "0.1.0", "", "bookworm", "amd64", "3.11", (), tuple(found))
    body = msgspec.json.encode(made)
    signature = Signature(1, "ed25519", KEY.public_key().public_bytes_raw().hex(), KEY.sign(body).hex())
    heads = [(tarfile.TarInfo(SIGNATURE), msgspec.json.encode(signature)), (tarfile.TarInfo(MANIFEST), body)]
    return tarred(file, [*heads, *bodies])


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "a/../../out", "a\\..\\out", "manifest.json", "a//b", ".", "a\nb"])
def test_paths_that_lead_outside(tmp_path: Path, trust: Trust, path: str) -> None:
    entry = Entry(path, "0" * 64, 1)
    file = signed([entry], [(tarfile.TarInfo(path), b"x")], tmp_path / "a.bundle")
    refused("bundle.unsafe-path", file, tmp_path / "open", trust)


def change_link(found: list[Member]) -> list[Member]:
    found[3][0].type, found[3][0].linkname = tarfile.SYMTYPE, "/etc/passwd"
    return found


def add(name: str) -> Callable[[list[Member]], list[Member]]:
    return lambda found: [*found, (tarfile.TarInfo(name), b"x")]


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("bundle.missing-file", lambda found: [*found[:3], *found[4:]]),
        ("bundle.truncated", lambda found: found[:-1]),
        ("bundle.unexpected-file", add("extra/more.exe")),
        ("bundle.unexpected-file", lambda found: [*found[:2], (tarfile.TarInfo("new"), b""), *found[2:]]),
        ("bundle.unsafe-path", add("../more")),
        ("bundle.damaged", change_link),
        ("bundle.not-a-bundle", lambda found: found[1:]),
    ],
)
def test_files_that_are_not_as_listed(
    file: Path, tmp_path: Path, trust: Trust, code: str, change: Callable[[list[Member]], list[Member]]
) -> None:
    refused(code, tarred(file, change(members(file))), tmp_path / "open", trust)


def test_a_newer_format(tmp_path: Path, trust: Trust) -> None:
    body = b'{"format": 2, "all": "else"}'
    signature = Signature(1, "ed25519", KEY.public_key().public_bytes_raw().hex(), KEY.sign(body).hex())
    heads = [(tarfile.TarInfo(SIGNATURE), msgspec.json.encode(signature)), (tarfile.TarInfo(MANIFEST), body)]
    refused("bundle.newer", tarred(tmp_path / "a.bundle", heads), tmp_path / "open", trust)


def test_no_room(file: Path, tmp_path: Path, trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=100_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(Problem, match=r"bundle\.no-room"):
        open_into(file, tmp_path / "open", trust, quiet)
    with pytest.raises(Problem, match=r"bundle\.no-room"):
        write(tmp_path / "b.bundle", PIECES, wanted(), KEY, quiet)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bundle"]


def test_the_folder_is_somebody_elses(file: Path, tmp_path: Path, trust: Trust) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open/thesis.odt").write_text("mine")
    with pytest.raises(Problem, match=r"bundle\.not-empty"):
        open_into(file, tmp_path / "open", trust, quiet)
    assert (tmp_path / "open/thesis.odt").read_text() == "mine"


def test_an_opened_folder_is_checked_too(file: Path, tmp_path: Path, trust: Trust) -> None:
    open_into(file, tmp_path / "open", trust, quiet)
    place = tmp_path / "open/setup.sh"
    place.write_bytes(b"#!/bin/zz\n")
    with pytest.raises(Problem, match=r"bundle\.damaged"):
        verify(tmp_path / "open", trust, quiet)
    place.unlink()
    with pytest.raises(Problem, match=r"bundle\.missing-file"):
        verify(tmp_path / "open", trust, quiet)
    place.write_bytes(b"#!/bin/sh\n")
    (tmp_path / "open/more").write_bytes(b"")
    with pytest.raises(Problem, match=r"bundle\.unexpected-file"):
        verify(tmp_path / "open", trust, quiet)


def test_a_cut_between_two_renames_is_mended(file: Path, tmp_path: Path, trust: Trust) -> None:
    open_into(file, tmp_path / "open", trust, quiet)
    (tmp_path / "open").rename(tmp_path / ".open.old")
    file.write_bytes(file.read_bytes()[:9_000])
    with pytest.raises(Problem, match=r"bundle\.truncated"):
        open_into(file, tmp_path / "open", trust, quiet)
    assert verify(tmp_path / "open", trust, quiet).known


def test_an_interrupted_writer_leaves_what_was_there(file: Path, tmp_path: Path, trust: Trust) -> None:
    kept = file.read_bytes()
    source = tmp_path / "growing"
    source.write_bytes(b"x" * 3_000_000)

    def pull(what: str) -> None:
        if "/" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(file, [*PIECES, Piece("extra/big", source=source)], wanted(), KEY, pull)
    assert file.read_bytes() == kept
    source.unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bundle"]


def test_a_cached_package_that_is_not_what_its_index_says_is_thrown_away(tmp_path: Path) -> None:
    source = tmp_path / "a.deb"
    source.write_bytes(b"rotten")
    with pytest.raises(Problem, match=r"bundle\.damaged"):
        write(tmp_path / "a.bundle", [Piece("apt/a", source=source, sha256="0" * 64)], wanted(), KEY, quiet)
    assert list(tmp_path.iterdir()) == []


def test_what_add_takes_along(tmp_path: Path) -> None:
    (tmp_path / "win/sub").mkdir(parents=True)
    (tmp_path / "win/sub/Cài đặt.msi").write_bytes(b"msi")
    assert [piece.path for piece in extra([tmp_path / "win"])] == ["extra/sub/Cài đặt.msi"]
    (tmp_path / "win/link").symlink_to("/etc/passwd")
    with pytest.raises(Problem, match=r"bundle\.bad-add"):
        extra([tmp_path / "win"])


def test_the_makers_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    made = maker_key(tmp_path / "a/key")
    assert (tmp_path / "a/key").stat().st_mode & 0o777 == 0o600
    assert maker_key(tmp_path / "a/key").private_bytes_raw() == made.private_bytes_raw()
    (tmp_path / "a/key").write_text("no key")
    with pytest.raises(Problem, match=r"bundle\.lacking"):
        maker_key(tmp_path / "a/key")


@given(st.text(max_size=40))
def test_a_safe_path_stays_below(path: str) -> None:
    if is_safe(path):
        root = Path("/srv/bundle")
        assert not path.startswith("/")
        assert ".." not in (root / path).parts
