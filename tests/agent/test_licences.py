"""Licence classes: what counts as evidence, and what wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densach_wire.licences import Classes, Entry, Evidence, Ground, LicenceClass, ListFile, component, of_licence, shipped

FREE, CLOSED, UNKNOWN = LicenceClass.FREE, LicenceClass.PROPRIETARY, LicenceClass.UNKNOWN
NOTHING = ListFile(version=1, software=())


@pytest.mark.parametrize(
    ("text", "cls"),
    [
        ("GPLv2+", FREE),
        ("LGPL-2.1-or-later", FREE),
        ("BSD-3-Clause", FREE),
        ("New BSD", FREE),
        ("MIT License", FREE),
        ("Apache 2.0", FREE),
        ("ASL 2.0", FREE),
        ("MPL-2.0", FREE),
        ("Public Domain", FREE),
        ("AGPL3", FREE),
        ("GPL2", FREE),
        ("custom:OFL", FREE),
        ("PSF-2.0", FREE),
        ("Artistic or GPL+", FREE),
        ("ISC License (ISCL)", FREE),
        ("CC-BY-SA-4.0", FREE),
        ("GNU General Public License v3 or later (GPLv3+)", FREE),
        ("Proprietary", CLOSED),
        ("Other/Proprietary License", CLOSED),
        ("LicenseRef-proprietary", CLOSED),
        ("Commercial", CLOSED),
        ("Freeware", CLOSED),
        ("CC-BY-NC-4.0", CLOSED),
        ("CC-BY-ND-3.0", CLOSED),
        ("BUSL-1.1", CLOSED),
        ("SSPL-1.0", CLOSED),
        ("Google Terms of Service", CLOSED),
        ("MICROSOFT SOFTWARE LICENSE TERMS", CLOSED),
        ("Free for non-commercial use", CLOSED),
        ("MIT AND LicenseRef-proprietary", CLOSED),
        ("GPL-2.0 OR LicenseRef-proprietary", FREE),
        ("", UNKNOWN),
        ("custom", UNKNOWN),
        ("see LICENSE", UNKNOWN),
        ("Multiple, see the maker's pages", UNKNOWN),
        ("Distributable", UNKNOWN),
        ("emit", UNKNOWN),
        ("submit", UNKNOWN),
        ("Smithsonian", UNKNOWN),
    ],
)
def test_a_licence_s_name_says_its_class(text: str, cls: LicenceClass) -> None:
    assert of_licence(text) is cls


def test_a_section_without_a_component_is_of_main() -> None:
    assert [component(area) for area in ("web", "non-free/web", "non-free-firmware/kernel", "")] == [
        "main", "non-free", "non-free-firmware", "main",
    ]  # fmt: skip


def test_the_school_s_word_goes_before_everything() -> None:
    rules = Classes(shipped(), [Entry(name="Zalo*", cls=FREE), Entry(name="zalo", cls=UNKNOWN), Entry(name="zalo*", cls=CLOSED)])
    verdict = rules.verdict(Evidence(name="zalo-desktop", licence="Proprietary"))
    assert (verdict.cls, verdict.ground, verdict.because) == (FREE, Ground.SCHOOL, "Zalo*")
    assert rules.verdict(Evidence(name="ZALO")).cls is UNKNOWN, "a whole name goes before a pattern"
    assert rules.verdict(Evidence(name="x", title="Zalo PC")).cls is FREE, "the name in menus counts too"


def test_what_the_package_says_goes_before_the_list() -> None:
    rules = Classes(ListFile(version=1, software=(Entry(name="x", cls=CLOSED),)))
    assert rules.verdict(Evidence(name="x", licence="MIT")).ground is Ground.LICENCE
    assert rules.verdict(Evidence(name="x", licence="see file")).ground is Ground.LIST
    assert rules.verdict(Evidence(name="x", area="web", origin="Debian")).ground is Ground.COMPONENT


def test_main_of_nobody_knows_whom_proves_nothing() -> None:
    rules = Classes(NOTHING)
    assert rules.verdict(Evidence(name="x", area="web")).cls is UNKNOWN
    assert rules.verdict(Evidence(name="x", area="web", origin="Hãng")).cls is UNKNOWN
    assert rules.verdict(Evidence(name="x", area="non-free/web")).cls is CLOSED


@pytest.mark.parametrize(
    ("name", "more", "cls"),
    [
        ("google-chrome-stable", {}, CLOSED),
        ("skypeforlinux", {}, CLOSED),
        ("zoom", {}, CLOSED),
        ("teamviewer", {}, CLOSED),
        ("wps-office", {}, CLOSED),
        ("microsoft-edge-stable", {}, CLOSED),
        ("ibus-unikey", {}, FREE),
        ("ibus-bamboo", {}, FREE),
        ("code", {"publisher": "Microsoft Corporation <vscode@microsoft.com>"}, CLOSED),
        ("code", {"source": "pip"}, UNKNOWN),
        ("codium", {}, FREE),
        ("Microsoft Office Professional Plus 2016 - vi-vn", {}, CLOSED),
        ("WinRAR 6.11 (64-bit)", {}, CLOSED),
        ("7-Zip 23.01 (x64)", {}, FREE),
        ("VLC media player", {}, FREE),
        ("Bạch Kim Violet 1.9", {}, CLOSED),
        ("Scratch 3", {}, FREE),
        ("LibreOffice 7.6.4.1", {}, FREE),
        ("com.google.Chrome", {"source": "flatpak"}, CLOSED),
        ("UltraViewer version 6.6", {}, CLOSED),
        ("org.freedesktop.Platform.GL.nvidia-535", {"source": "flatpak"}, CLOSED),
        ("gnome-42-2204", {"source": "snap"}, FREE),
        ("goi-khong-ai-biet", {}, UNKNOWN),
    ],
)
def test_the_list_knows_what_vietnamese_schools_have(name: str, more: dict[str, str], cls: LicenceClass) -> None:
    assert Classes(shipped()).verdict(Evidence(name=name, **more)).cls is cls


def test_the_list_says_everything_once() -> None:
    keys = [(e.name.casefold(), e.publisher, e.source) for e in shipped().software]
    assert len(keys) == len(set(keys))
    assert all(e.cls is not UNKNOWN and e.name.strip("*? ") for e in shipped().software)


@given(st.text(max_size=200), st.text(max_size=60), st.text(max_size=60), st.lists(st.text(min_size=1, max_size=20), max_size=5))
def test_whatever_is_said_there_is_a_verdict(licence: str, name: str, area: str, patterns: list[str]) -> None:
    """Rubbish in a person's patterns too: `[`, `\\`, nothing but stars."""
    rules = Classes(shipped(), [Entry(name=pattern, cls=FREE) for pattern in patterns])
    assert rules.verdict(Evidence(name=name, licence=licence, area=area)).cls in LicenceClass
