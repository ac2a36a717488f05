"""Messages on screens: as the user whose screen it is, without markup, counted."""

import os
from pathlib import Path

import pytest

from densach_agent.notice import desktops, show


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with a desktop of ours, a greeter and a terminal."""
    sessions = tmp_path / "root/run/systemd/sessions"
    sessions.mkdir(parents=True)
    mine = os.getuid()
    (sessions / "2").write_text(f"UID={mine}\nUSER=an\nTYPE=x11\nCLASS=user\nDISPLAY=:0\nSTATE=active\n")
    (sessions / "c1").write_text("UID=117\nUSER=lightdm\nTYPE=x11\nCLASS=greeter\nDISPLAY=:1\n")
    (sessions / "3").write_text(f"UID={mine}\nUSER=an\nTYPE=tty\nCLASS=user\nSTATE=active\n")
    (sessions / "2.ref").write_text("")
    process = tmp_path / "root/proc/4711"
    process.mkdir(parents=True)
    (process / "environ").write_bytes(
        b"DISPLAY=:0\0XAUTHORITY=/run/lightdm/an/xauthority\0LANG=vi_VN.UTF-8\0LD_PRELOAD=/tmp/evil.so\0"
    )
    return tmp_path / "root"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    program(folder, "wall", "cat > /dev/null")
    return folder


def program(folder: Path, name: str, does: str) -> Path:
    """A program of the desktop that writes down what it was given."""
    seen = folder / f"{name}.seen"
    (folder / name).write_text(f'#!/bin/sh\nfor a in "$@"; do echo "$a"; done > {seen}\nenv >> {seen}\n{does}\n')
    (folder / name).chmod(0o755)
    return seen


def test_whose_desktop_and_what_a_window_needs(root: Path) -> None:
    [desktop] = desktops(root)
    assert desktop.uid == os.getuid()
    assert desktop.environment["XAUTHORITY"] == "/run/lightdm/an/xauthority"
    assert "LD_PRELOAD" not in desktop.environment


def test_a_message_is_a_notice_and_never_markup_or_an_option(root: Path, tools: Path) -> None:
    seen = program(tools, "notify-send", "exit 0")
    assert show("--help <b>Hết giờ</b> & lưu bài", root) == 2
    lines = seen.read_text().splitlines()
    assert lines[2:5] == ["--", "Đèn Sách", "--help &lt;b&gt;Hết giờ&lt;/b&gt; &amp; lưu bài"]
    assert "LANG=vi_VN.UTF-8" in lines
    assert not [line for line in lines if line.startswith("LD_PRELOAD")]


def test_a_desktop_without_a_notifier_gets_a_window(root: Path, tools: Path) -> None:
    program(tools, "notify-send", "exit 1")
    seen = program(tools, "zenity", "exit 0")
    assert show("Hết giờ", root) == 2
    assert "--text=Hết giờ" in seen.read_text()


def test_nobody_is_nobody(tmp_path: Path, tools: Path) -> None:
    (tmp_path / "empty/run/systemd/sessions").mkdir(parents=True)
    assert show("Hết giờ", tmp_path / "empty") == 0
