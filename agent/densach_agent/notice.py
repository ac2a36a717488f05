"""Shows a person at the machine something: a window on each desktop, a line on each terminal, blinking lamps.

Runs as root in the hand (densach_agent.hand), each window as the user whose screen it is; without root it shows what
its own user may.
"""

import contextlib
import os
import pwd
import re
import subprocess
import threading
import time
from pathlib import Path

import msgspec

_LAMPS = ("*::scrolllock", "*::capslock", "*::numlock")
_SCREEN = ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "LANG")
_LINE = re.compile(r"^([A-Z_]+)=(.*)$", re.MULTILINE)
_SHOWN_S = 3.0
"""A window that is still there after this was not refused by the desktop."""
_LONGEST_BLINK_S = 60


class Desktop(msgspec.Struct, frozen=True):
    """A graphical session: whose it is, and what a program needs to appear on it."""

    uid: int
    environment: dict[str, str]


def show(text: str, root: Path = Path("/")) -> int:
    """On how many desktops and terminals somebody can read it now."""
    shown = sum(1 for desktop in desktops(root) if _window(desktop, text))
    return shown + _terminals(text, root)


def desktops(root: Path = Path("/")) -> list[Desktop]:
    """The graphical sessions of people (no greeters), once for each user."""
    users: dict[int, str] = {}
    folder = root / "run/systemd/sessions"
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.suffix == ".ref":
            continue
        facts = dict(_LINE.findall(_text(path)))
        if facts.get("TYPE") in ("x11", "wayland") and facts.get("CLASS") == "user" and facts.get("STATE") != "closing":
            with contextlib.suppress(ValueError):
                users[int(facts.get("UID", ""))] = facts.get("DISPLAY", "")
    return [Desktop(uid, _environment(uid, display, root)) for uid, display in users.items()]


def _environment(uid: int, display: str, root: Path) -> dict[str, str]:
    """As one of the user's own programs has it; only names that a window needs."""
    found = {"XDG_RUNTIME_DIR": f"/run/user/{uid}", "DBUS_SESSION_BUS_ADDRESS": f"unix:path=/run/user/{uid}/bus"}
    if display:
        found["DISPLAY"] = display
    for folder in (root / "proc").glob("[0-9]*"):
        try:
            if folder.stat().st_uid != uid:
                continue
            parts = (folder / "environ").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        has = dict(part.split("=", 1) for part in parts if "=" in part)
        if has.get("DISPLAY") or has.get("WAYLAND_DISPLAY"):
            return {**found, **{name: has[name] for name in _SCREEN if has.get(name)}}
    return found


def _window(desktop: Desktop, text: str) -> bool:
    """A notice that stays until it is closed; the first program that the desktop takes."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for argv in (
        ("notify-send", "--urgency=critical", "--app-name=Đèn Sách", "--", "Đèn Sách", plain),
        ("zenity", "--info", "--no-markup", "--title=Đèn Sách", f"--text={text}"),
        ("kdialog", "--title", "Đèn Sách", "--msgbox", plain),
        ("xmessage", "-center", text),
    ):
        if _appears(desktop, argv):
            return True
    return False


def _appears(desktop: Desktop, argv: tuple[str, ...]) -> bool:
    as_user: dict[str, object] = {}
    if os.geteuid() == 0 and desktop.uid != 0:
        try:
            person = pwd.getpwuid(desktop.uid)
        except KeyError:
            return False
        as_user = {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}
    elif desktop.uid != os.geteuid():
        return False
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), **desktop.environment}
    try:
        process = subprocess.Popen(  # type: ignore[call-overload]
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd="/",
            start_new_session=True, **as_user,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
    try:
        return bool(process.wait(_SHOWN_S) == 0)
    except subprocess.TimeoutExpired:
        return True


def _terminals(text: str, root: Path) -> int:
    """By wall(1); on how many terminals somebody is logged in (desktops aside)."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(["wall", "-n"], input=text.encode(), timeout=10, check=False, capture_output=True)
    folder = root / "run/systemd/sessions"
    if not folder.is_dir():
        import psutil  # type: ignore[import-untyped,unused-ignore]

        return sum(1 for user in psutil.users() if user.terminal and not str(user.terminal).startswith(":"))
    facts = [dict(_LINE.findall(_text(path))) for path in folder.glob("*") if path.suffix != ".ref"]
    return sum(1 for f in facts if f.get("TYPE") == "tty" and f.get("CLASS") == "user" and f.get("STATE") != "closing")


def blink(seconds: int, root: Path = Path("/")) -> None:
    """The keyboard's lamps and the speaker, twice a second; afterwards the lamps are as they were."""
    lamps = [path for name in _LAMPS for path in (root / "sys/class/leds").glob(f"{name}/brightness")]
    before = {lamp: _text(lamp).strip() or "0" for lamp in lamps}
    until = time.monotonic() + min(max(seconds, 1), _LONGEST_BLINK_S)
    lit = True
    while time.monotonic() < until:
        for lamp in lamps:
            _write(lamp, "1" if lit else "0")
        if lit:
            _write(root / "dev/console", "\a")
        lit = not lit
        time.sleep(0.5)
    for lamp, value in before.items():
        _write(lamp, value)


def blink_beside(seconds: int) -> threading.Thread:
    thread = threading.Thread(target=blink, args=(seconds,), name="blink")
    thread.start()
    return thread


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            os.write(handle, text.encode())
        finally:
            os.close(handle)
