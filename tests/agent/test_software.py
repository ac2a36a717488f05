"""Software of every source, on trees built here: what is said of it, and what must not disturb it."""

import json
import sqlite3
import time
from pathlib import Path

import msgspec
import pytest
from tests.agent.software_trees import NOON, Tree, deploy_file, desktop, rpm_header, stanza

from densach_agent.collectors.packages import collect
from densach_agent.collectors.software import MOST_PLAIN_BYTES, Program, on_the_wire
from densach_agent.collectors.software_dpkg import CutShort
from densach_agent.collectors.software_rpm import header
from densach_agent.machine import Machine, NoData
from densach_agent.record import record_case
from densach_wire.codec import decode_batch, encode_batch, section_digest
from densach_wire.messages import Batch, InventoryRecord, InventorySection, Item, Moment

STATUS = "var/lib/dpkg/status"
DEBIAN = "Nhóm Debian <pkg-x@lists.alioth.debian.org>"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_debian_application_says_all_it_knows(tree: Tree) -> None:
    tree.put(STATUS, stanza("gcompris-qt", Maintainer=DEBIAN, Section="games", Installed_Size="10811"))
    tree.put("usr/share/applications/org.kde.gcompris.desktop", desktop("GCompris"))
    tree.put("var/lib/dpkg/info/gcompris-qt.list", "/.\n/usr/share/applications/org.kde.gcompris.desktop\n")
    assert tree.items()["dpkg:gcompris-qt:amd64"].attrs == {
        "name": "gcompris-qt", "title": "GCompris", "version": "1.0-1", "size_bytes": 10811 * 1024, "install_date": "2026-10-05",
        "publisher": "Nhóm Debian", "area": "games", "app": True, "source": "dpkg", "origin": "Debian", "licence_class": "free",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "cls"),
    [
        ({"Maintainer": DEBIAN}, "free"),
        ({"Maintainer": DEBIAN, "Section": "non-free/utils"}, "proprietary"),
        ({"Maintainer": DEBIAN, "Section": "contrib/utils"}, "unknown"),
        ({"Maintainer": "U <ubuntu-devel-discuss@lists.ubuntu.com>", "Section": "universe/games"}, "free"),
        ({"Maintainer": "U <ubuntu-devel-discuss@lists.ubuntu.com>", "Section": "multiverse/games"}, "proprietary"),
        ({"Maintainer": "Hãng <a@hang.vn>"}, "unknown"),
        ({"Maintainer": "Giả <a@notdebian.org>"}, "unknown"),
        ({"Maintainer": "Hãng <a@hang.vn>", "License": "GPL-3.0-or-later"}, "free"),
        ({"Maintainer": "Hãng <a@hang.vn>", "License": "Proprietary"}, "proprietary"),
        ({"Maintainer": "Hãng <a@hang.vn>", "License": "unknown", "Vendor": "Hãng"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_a_class_needs_evidence(tree: Tree, fields: dict[str, str], cls: str) -> None:
    tree.put(STATUS, stanza("x", **fields))
    assert tree.items()["dpkg:x:amd64"].attrs["licence_class"] == cls


def test_the_list_knows_what_packages_keep_silent_about(tree: Tree) -> None:
    tree.put(STATUS, stanza("google-chrome-stable", Maintainer="Chrome <c@chromium.org>", Section="web") + stanza("ibus-unikey"))
    found = tree.items()
    assert found["dpkg:google-chrome-stable:amd64"].attrs["licence_class"] == "proprietary"
    assert found["dpkg:ibus-unikey:amd64"].attrs["licence_class"] == "free"


def test_papers_by_debians_rules_make_a_package_debians(tree: Tree) -> None:
    tree.put(STATUS, stanza("a", Maintainer="Một người <x@gmail.com>") + stanza("b", Maintainer="Một người <x@gmail.com>"))
    tree.put("usr/share/doc/a/copyright", "Format: debian.org/doc/packaging-manuals/copyright-format/1.0/\n")
    tree.put("usr/share/doc/b/copyright", "(c) Hãng. All rights reserved.\n")
    found = tree.items()
    assert (found["dpkg:a:amd64"].attrs.get("origin"), found["dpkg:b:amd64"].attrs.get("origin")) == ("Debian", None)


def test_another_source_s_package_is_not_the_distribution_s(tree: Tree) -> None:
    """The same name and version in a list of somebody else's: it came from there, whoever packed it first."""
    tree.put(STATUS, stanza("nodejs", Version="20.1-1nodesource1", Maintainer=DEBIAN) + stanza("bash", Maintainer=DEBIAN))
    lists = "var/lib/apt/lists"
    tree.put(f"{lists}/kho.hang.vn_node_dists_nodistro_InRelease", "Hash: SHA512\n\nOrigin: Node Source\nLabel: x\n")
    tree.put(f"{lists}/kho.hang.vn_node_dists_nodistro_main_binary-amd64_Packages",
             "Package: nodejs\nVersion: 20.1-1nodesource1\n\nPackage: bash\nVersion: 99\n")  # fmt: skip
    tree.put(f"{lists}/kho.truong.vn_dists_bookworm_InRelease", "Origin: Debian\n")
    tree.put(f"{lists}/kho.truong.vn_dists_bookworm_main_binary-amd64_Packages", "Package: bash\nVersion: 1.0-1\n")
    found = tree.items()
    assert (found["dpkg:nodejs:amd64"].attrs["origin"], found["dpkg:bash:amd64"].attrs["origin"]) == ("Node Source", "Debian")


def test_several_builds_are_told_apart_and_a_double_stanza_counts_once(tree: Tree) -> None:
    tree.put(STATUS, stanza("libc6") + stanza("libc6", Architecture="i386") + stanza("libc6", Version="2.0"))
    tree.put("var/lib/dpkg/info/libc6:i386.list", "/.\n")
    found = tree.items()
    assert set(found) == {"dpkg:libc6:amd64", "dpkg:libc6:i386"}
    assert found["dpkg:libc6:amd64"].attrs["version"] == "2.0"
    assert (found["dpkg:libc6:i386"].attrs.get("install_date"), found["dpkg:libc6:amd64"].attrs.get("install_date")) == (
        "2026-10-05",
        None,
    )


def test_a_status_file_cut_in_the_middle_is_no_list(tree: Tree) -> None:
    """What it lacks would count as removed: the one before it is taken, and without that nothing."""
    whole = stanza("a") + stanza("b") + stanza("c")
    tree.put(STATUS, whole[: len(whole) // 2])
    with pytest.raises(CutShort):
        collect(tree.machine)
    tree.put(f"{STATUS}-old", whole)
    assert len(tree.items()) == 3


def test_rubbish_in_a_status_file_harms_nobody(tree: Tree) -> None:
    rubbish = (
        b"Package: x\xff\xfe\x00\x1b[31m\xe2\x80\xaey\nStatus: install ok installed\nVersion: \x07\nInstalled-Size: \xd9\xa3\n"
    )
    size = "Installed-Size: 99999999999999999999\n"
    tree.put(STATUS, rubbish + b"\n\n\n" + stanza("tốt").encode() + b"Package: \nStatus: install ok installed\n\n"
             + f"Package: to\nStatus: install ok installed\n{size}\n".encode())  # fmt: skip
    items = collect(tree.machine)
    assert [item.attrs["name"] for item in items] == ["x [31m y", "tốt", "to"]
    assert all("size_bytes" not in item.attrs for item in items)


def test_menus_name_programs_and_hidden_entries_do_not(tree: Tree) -> None:
    tree.put(STATUS, stanza("a") + stanza("b") + stanza("libqt", Section="libs"))
    menu = "usr/share/applications"
    tree.put(f"{menu}/a.desktop", desktop("Vẽ", "Hidden=false"))
    tree.put(f"{menu}/b.desktop", desktop("B", "NoDisplay=true"))
    tree.put(f"{menu}/broken.desktop", b"\x00\xff[Desktop")
    tree.put("var/lib/dpkg/info/a.list", f"/usr\n/{menu}/a.desktop\n/{menu}/none.desktop\n")
    tree.put("var/lib/dpkg/info/b.list", f"/{menu}/b.desktop\n")
    found = tree.items()
    assert (found["dpkg:a:amd64"].attrs["app"], found["dpkg:a:amd64"].attrs["title"]) == (True, "Vẽ")
    assert "app" not in found["dpkg:b:amd64"].attrs


def test_rpm_by_its_command(tree: Tree) -> None:
    (tree.root / "var/lib/rpm").mkdir(parents=True)
    tree.put("usr/share/applications/gimp.desktop", desktop("GIMP"))
    row = f"gimp\t2.10\t3.fc40\tx86_64\t1000\tFedora Project\tLGPL-3.0-or-later\t{int(NOON)}\tUnspecified\tFedora\n"
    tree.answers = {
        "rpm -qa": f"{row}gpg-pubkey\ta\tb\t(none)\t0\t(none)\tpubkey\t1\tx\ty\nshort\tline\n",
        "rpm -qf": "gimp\n",
    }
    assert {key: item.attrs for key, item in tree.items().items()} == {
        "rpm:gimp:x86_64": {
            "name": "gimp", "title": "GIMP", "version": "2.10-3.fc40", "size_bytes": 1000, "install_date": "2026-10-05",
            "publisher": "Fedora Project", "licence": "LGPL-3.0-or-later", "app": True, "source": "rpm", "origin": "Fedora",
            "licence_class": "free",
        }
    }  # fmt: skip


def test_rpm_by_its_database_where_there_is_no_command(tree: Tree) -> None:
    database = tree.put("usr/lib/sysimage/rpm/rpmdb.sqlite")
    database.unlink()
    whole = rpm_header(
        {1000: "bash", 1001: "5.2", 1002: "1", 1022: "x86_64", 1009: 77, 1008: int(NOON), 1014: "GPL-3.0", 1011: "Hãng"}
    )
    with sqlite3.connect(database) as c:
        c.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        c.executemany("INSERT INTO Packages (blob) VALUES (?)", [(whole,), (whole[:40],), (b"\xff" * 64,), (b"",)])
    c.close()
    [(key, found)] = tree.items().items()
    assert (key, found.attrs["version"], found.attrs["size_bytes"], found.attrs["publisher"]) == (
        "rpm:bash:x86_64", "5.2-1", 77, "Hãng",
    )  # fmt: skip


def test_a_damaged_rpm_header_never_fails() -> None:
    whole = rpm_header({1000: "bash", 1009: 77})
    for cut in range(len(whole)):
        header(whole[:cut])
        header(whole[:cut] + b"\xff" * 8 + whole[cut + 8 :])
    assert header(whole) == {"name": "bash", "size": "77"}


def test_pacman(tree: Tree) -> None:
    fields = {"NAME": "gimp", "VERSION": "2.10-1", "LICENSE": "GPL3\ncustom", "SIZE": "5000", "INSTALLDATE": str(int(NOON)),
              "PACKAGER": "An <an@archlinux.org>"}  # fmt: skip
    desc = "\n\n".join(f"%{name}%\n{value}" for name, value in fields.items()) + "\n"
    tree.put("var/lib/pacman/local/gimp-2.10-1/desc", desc)
    tree.put("var/lib/pacman/local/gimp-2.10-1/files", "%FILES%\nusr/\nusr/share/applications/gimp.desktop\n")
    tree.put("var/lib/pacman/local/broken-1/desc", b"%NAME\xff\n\n\n%%\n")
    tree.put("var/lib/pacman/local/ALPM_DB_VERSION", "9\n")
    tree.put("usr/share/applications/gimp.desktop", desktop("GIMP"))
    assert {key: item.attrs for key, item in tree.items().items()} == {
        "pacman:gimp": {
            "name": "gimp", "title": "GIMP", "version": "2.10-1", "size_bytes": 5000, "install_date": "2026-10-05", "app": True,
            "publisher": "An", "licence": "GPL3", "source": "pacman", "origin": "Arch Linux", "licence_class": "free",
        }
    }  # fmt: skip


@pytest.mark.parametrize("words", [{}, {"summary": "x" * 400}])
def test_flatpak_by_its_deployment(tree: Tree, words: dict[str, str]) -> None:
    """Short and long files: their offsets are one byte or two."""
    app = "var/lib/flatpak/app/org.gaphor.Gaphor"
    told = {"name": "Gaphor", "version": "2.1.1", "license": "Apache-2.0", **words}
    tree.put(f"{app}/x86_64/stable/c0ffee/deploy", deploy_file("flathub", 4_600_000, told))
    tree.link(f"{app}/x86_64/stable/active", "c0ffee")
    tree.link(f"{app}/current", "x86_64/stable")
    tree.put(f"{app}/x86_64/stable/c0ffee/files/share/metainfo/org.gaphor.Gaphor.metainfo.xml",
             '<name>No</name><developer id="x"><name>Arjan</name></developer><release version="9" />')  # fmt: skip
    assert tree.items()["flatpak:org.gaphor.Gaphor"].attrs == {
        "name": "org.gaphor.Gaphor", "title": "Gaphor", "version": "2.1.1", "size_bytes": 4_600_000, "app": True, "area": "app",
        "install_date": "2026-10-05", "publisher": "Arjan", "licence": "Apache-2.0", "source": "flatpak", "origin": "flathub",
        "licence_class": "free",
    }  # fmt: skip


def test_a_flatpak_without_readable_papers_is_still_there(tree: Tree) -> None:
    tree.put("var/lib/flatpak/app/com.google.Chrome/x86_64/stable/active/deploy", b"\xff\x00")
    tree.put("var/lib/flatpak/runtime/org.gnome.Platform/x86_64/45/active/metadata", "")
    found = tree.items()
    assert found["flatpak:com.google.Chrome"].attrs["licence_class"] == "proprietary"
    assert found["flatpak:org.gnome.Platform:45"].attrs["version"] == "45"
    assert "app" not in found["flatpak:org.gnome.Platform:45"].attrs


def test_snap_by_its_description(tree: Tree) -> None:
    tree.put("snap/kdenlive/22/meta/snap.yaml", "name: kdenlive\nversion: '19.08.2'\nlicense: unset\napps:\n  version: 1\n")
    tree.put("snap/kdenlive/22/meta/gui/kdenlive.desktop", desktop("Kdenlive"))
    tree.link("snap/kdenlive/current", "22")
    tree.put("var/lib/snapd/snaps/kdenlive_22.snap", b"x" * 10)
    tree.put("var/lib/snapd/snaps/core22_7.snap")
    tree.put("var/lib/snapd/snaps/junk.snap")
    tree.put("snap/README", "text")
    found = tree.items()
    assert set(found) == {"snap:kdenlive", "snap:core22"}
    assert found["snap:kdenlive"].attrs == {
        "name": "kdenlive", "title": "Kdenlive", "version": "19.08.2", "size_bytes": 10, "install_date": "2026-10-05",
        "app": True, "area": "app", "source": "snap", "licence_class": "free",
    }  # fmt: skip
    assert found["snap:core22"].attrs["version"] == "r7"


def test_pip_outside_the_distribution(tree: Tree) -> None:
    site = "usr/local/lib/python3.11/dist-packages"
    tree.put(
        f"{site}/numpy-2.0.dist-info/METADATA",
        "Name: numpy\nVersion: 2.0\nAuthor: Travis <t@x.org>\nLicense-Expression: BSD-3-Clause\n\nLicense: x\n",
    )
    tree.put(f"{site}/old-1.0-py3.11.egg-info", "Name: old\nVersion: 1.0\nLicense: UNKNOWN\n"
             "Classifier: License :: OSI Approved :: MIT License\nAuthor-email: a@b.c\n")  # fmt: skip
    tree.put(f"{site}/broken-3.1.dist-info/METADATA", b"\xff\xfe\x00\x00")
    tree.put(f"{site}/none-4.dist-info/RECORD", "")
    tree.put(f"{site}/module.py", "")
    tree.put("opt/densach/lib/python3.11/site-packages/numpy-1.0.dist-info/METADATA", "Name: numpy\nVersion: 1.0\n")
    tree.put("usr/lib/python3/dist-packages/apt-1.dist-info/METADATA", "Name: apt\nVersion: 1\n")
    found = tree.items()
    assert set(found) == {f"pip:/usr/local:3.11:{n}" for n in ("numpy", "old", "broken", "none")} | {
        "pip:/opt/densach:3.11:numpy"
    }
    numpy, old = found["pip:/usr/local:3.11:numpy"].attrs, found["pip:/usr/local:3.11:old"].attrs
    assert (numpy["publisher"], numpy["licence_class"], numpy["install_date"]) == ("Travis", "free", "2026-10-05")
    assert (old["licence"], old["licence_class"], old.get("publisher")) == ("MIT License", "free", None)
    assert found["pip:/usr/local:3.11:broken"].attrs["version"] == "3.1"


def test_what_somebody_put_there_by_hand(tree: Tree) -> None:
    tree.put(STATUS, stanza("zoom"))
    tree.put("var/lib/dpkg/info/zoom.list", "/.\n/opt\n/opt/zoom\n/opt/zoom/zoom\n")
    tree.put("opt/zoom/zoom.desktop", desktop("Zoom", "Exec=/opt/zoom/zoom"))
    tree.put("opt/geogebra/geogebra.desktop", desktop("GeoGebra Classic 6", "Exec=/opt/geogebra/run"))
    tree.put("usr/local/share/applications/toan.desktop", desktop("Toán lớp 6"))
    tree.put("opt/apps/OpenShot-v3.2.1-x86_64.AppImage", b"x" * 7)
    tree.put("Applications/balenaEtcher.AppImage", b"x")
    tree.put("home/an/Downloads/Bí-mật.AppImage", b"x")
    found = tree.items()
    assert set(found) == {
        "dpkg:zoom:amd64", "by-hand:geogebra", "by-hand:toan", "appimage:/opt/apps/OpenShot-v3.2.1-x86_64.AppImage",
        "appimage:/Applications/balenaEtcher.AppImage",
    }  # fmt: skip
    shot = found["appimage:/opt/apps/OpenShot-v3.2.1-x86_64.AppImage"].attrs
    assert (shot["name"], shot["version"], shot["size_bytes"], shot["app"]) == ("OpenShot", "3.2.1", 7, True)
    assert found["by-hand:geogebra"].attrs["licence_class"] == "proprietary"


def test_nobodys_home_is_looked_into(tree: Tree) -> None:
    """Neither listed nor read, whatever lies there."""
    tree.put("home/an/.local/share/flatpak/app/x/x86_64/stable/active/deploy", b"x")
    tree.put("home/an/Applications/x.AppImage", b"x")
    looked: list[str] = []

    class Watched(Machine):
        def raw(self, path: str, limit: int = 65536) -> bytes | None:
            looked.append(path)
            return super().raw(path, limit)

        def names(self, path: str) -> list[str]:
            looked.append(path)
            return super().names(path)

        def names_ending(self, path: str, *endings: str) -> list[str]:
            looked.append(path)
            return super().names_ending(path, *endings)

        def folders(self, path: str) -> list[str]:
            looked.append(path)
            return super().folders(path)

    with pytest.raises(NoData):
        collect(Watched(tree.root, lambda _argv, _seconds: None))
    assert looked
    assert not [path for path in looked if path.startswith(("home", "root", "/home"))]


def test_a_clock_at_1970_gives_no_date(tree: Tree) -> None:
    tree.put(STATUS, stanza("a"))
    tree.put("var/lib/dpkg/info/a.list", "/.\n", at=0)
    assert "install_date" not in tree.items()["dpkg:a:amd64"].attrs


def test_ten_thousand_packages_with_everything_fit_one_message() -> None:
    """Names, versions and makers as different as a whole distribution's."""
    names = [f"{n * 7919 % 100_003:x}-goi-{n * 31337 % 99_991:x}-dev" for n in range(10_000)]
    programs = [
        Program(
            source="dpkg", key=f"dpkg:{name}:amd64", name=name, version=f"{n % 97}.{n * 17 % 101}.{n * 13 % 997}-{n % 9}",
            publisher=f"Nhóm bảo trì số {n * 389 % 4001} của bản phân phối", size_bytes=n * 7_654_321 % 99_999_989 * 1024,
            install_date=f"2026-{n % 12 + 1:02d}-{n % 28 + 1:02d}", origin="Debian", area=("libs", "utils", "web")[n % 3],
            app=n % 50 == 0, title=f"Phần mềm số {n}",
        )
        for n, name in enumerate(names)
    ]  # fmt: skip
    began = time.process_time()
    items = tuple(on_the_wire(programs))
    took = time.process_time() - began
    section = InventorySection("packages", items, section_digest(items))
    payload = encode_batch(Batch(dev="d", stream="s", boot="b", sent=Moment(1), recs=(InventoryRecord(seq=1, up=1, d=section),)))
    assert decode_batch(payload).bad == ()
    assert len(items) == 10_000
    assert all({"name", "version", "source", "licence_class"} <= item.attrs.keys() for item in items)
    assert sum("publisher" in item.attrs for item in items) >= 200, "applications keep all they say"
    assert len(msgspec.json.encode(items)) <= MOST_PLAIN_BYTES
    assert took < 5


def test_the_same_machine_gives_the_same_digest(tree: Tree) -> None:
    tree.put(STATUS, "".join(stanza(f"p{n}", Maintainer=DEBIAN) for n in range(50)))
    one: tuple[Item, ...] = tuple(collect(tree.machine))
    assert section_digest(one) == section_digest(tuple(collect(tree.machine)))


RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "machines" / "linux" / "packaging"
"""Lists of real machines, where somebody has put them beside the project; they are not part of it."""


def test_lists_of_real_machines(tree: Tree) -> None:
    for file in sorted(RECORDINGS.glob("dpkg*")):
        _reads_every_row(tree, file)


def _reads_every_row(tree: Tree, file: Path) -> None:
    """Rows of `dpkg-query` (name, architecture, version, KiB, section, status) as the status file would hold them."""
    rows = [(*line.split("\t"), "install ok installed")[:6] for line in file.read_text("utf-8").splitlines()]
    tree.put(
        STATUS,
        "".join(stanza(r[0], Architecture=r[1], Version=r[2], Installed_Size=r[3], Section=r[4], Status=r[5]) for r in rows),
    )
    found = {item.attrs["name"]: item.attrs for item in collect(tree.machine)}
    assert set(found) == {row[0] for row in rows if row[5] == "install ok installed"}
    assert all(found[row[0]].get("size_bytes") == (int(row[3]) * 1024 if row[3] else None) for row in rows if row[0] in found)


def test_a_recording_takes_along_what_was_read_and_no_more(tree: Tree, tmp_path: Path) -> None:
    """A school's own scripts beside an AppImage are nobody's business; file times of a copy are no install dates."""
    tree.put(STATUS, stanza("a"))
    tree.put("var/lib/dpkg/info/a.list", "/.\n")
    tree.put("usr/local/bin/sao-luu.sh", "PASSWORD=hunter2")
    tree.put("usr/local/bin/x.AppImage", "x")
    tree.put("opt/truong/mat-khau.txt", "hunter2")
    case = tmp_path / "case"
    record_case(case, tree.root)
    assert not [path for path in case.rglob("*") if path.is_file() and "hunter2" in path.read_text("utf-8")]
    packages = json.loads((case / "expected.json").read_text("utf-8"))["packages"]
    assert {item["key"] for item in packages} == {"dpkg:a:amd64", "appimage:/usr/local/bin/x.AppImage"}
    assert not [item for item in packages if "install_date" in item["attrs"]]
