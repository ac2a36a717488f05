"""Makes what `./densach` needs, with nothing but Python's own library: it runs before anything is installed.

    prepare.py demo KEY     .venv from demo.txt, browser files, Mosquitto
    prepare.py dev KEY      the same from dev.txt: everything in demo.txt, in the same versions, and the tools
    prepare.py provision KEY   Ansible into the .venv that is there, for `densach provision`
    prepare.py tests        what the tests need beyond Python, from the system's packages

KEY stands for the locks and the place; it is written to `.venv/.ready-…` when all is done, so that the launcher sees
at a glance that nothing is to do. An interrupted run is noticed by `.venv/.preparing` and started over. Two starts at
once wait for each other. Exit codes: 0 done, 1 with a line that says what to do.
"""

import fcntl
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PREPARING = VENV / ".preparing"
REQUIRE_ALL = os.environ.get("DENSACH_REQUIRE_ALL") == "1"


class CannotPrepareError(Exception):
    """Something a person has to do first; the message says what, in Vietnamese and in English."""


def say(vietnamese: str, english: str) -> None:
    sys.stderr.write(f"· {vietnamese}  ({english})\n")
    sys.stderr.flush()


# Python packages


def make_environment() -> None:
    """An empty .venv with pip. What an interrupted run left is not trusted: it is made anew."""
    moved = any(not mark.read_text("utf-8").startswith(f"{ROOT} ") for mark in VENV.glob(".ready-*"))
    if moved:
        say("Thư mục đã được chuyển chỗ, làm lại môi trường", "this folder was moved, making its environment anew")
    elif PREPARING.exists():
        say("Lần cài trước bị ngắt giữa chừng, làm lại từ đầu", "the last installation was interrupted, starting over")
    elif (VENV / "bin" / "python").exists() and runs(VENV / "bin" / "python", "-m", "pip", "--version"):
        return
    if importlib.util.find_spec("ensurepip") is None:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        say("Cài gói python3-venv", "installing python3-venv")
        if not install(["python3-venv"]) and not install([version]):
            raise CannotPrepareError(
                f"Thiếu gói python3-venv. Chạy: sudo apt install python3-venv\n"
                f"The package python3-venv is missing. Run: sudo apt install python3-venv (or {version})"
            )
    say("Tạo môi trường Python trong .venv", "making the Python environment .venv")
    run(
        [sys.executable, "-I", "-m", "venv", "--clear", str(VENV)],
        "Không tạo được .venv. / The environment .venv could not be made.",
    )


def install_packages(parts: str) -> None:
    lock = ROOT / "requirements" / f"{parts}.txt"
    total = sum(1 for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line)
    say(f"Cài {total} gói Python theo bản khoá", f"installing {total} Python packages from the lock")
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    build = ROOT / "requirements" / "build.txt"
    command = [*pip, "--require-hashes", "--prefer-binary", "--progress-bar", "off", "-r", str(lock), "-r", str(build)]
    watch_pip(command, total)
    say("Đặt lệnh densach vào .venv", "putting the densach command into .venv")
    run(
        [*pip, "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)],
        "Không cài được chính dự án. / The project itself could not be installed.",
    )


def watch_pip(command: Sequence[str], total: int) -> None:
    """Runs pip and shows which package it is at; its own words only when it fails."""
    seen = 0
    last: deque[str] = deque(maxlen=25)
    terminal = sys.stderr.isatty()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout or ():
            last.append(line.rstrip())
            found = re.match(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)", line)
            if found is None:
                continue
            seen += 1
            if terminal:
                sys.stderr.write(f"\r  {min(seen, total)}/{total} {found[1][:40]:<40}")
            elif seen % 10 == 0:
                sys.stderr.write(f"  {min(seen, total)}/{total}\n")
            sys.stderr.flush()
    if terminal:
        sys.stderr.write("\r" + " " * 60 + "\r")
    if pip.returncode:
        raise CannotPrepareError(
            "\n".join(last) + "\nKhông tải được gói Python: kiểm tra mạng rồi chạy lại."
            "\nThe Python packages could not be fetched: check the network, then start this again."
        )


def fetch_browser_files(*, tests: bool) -> None:
    command = [str(VENV / "bin" / "python"), str(ROOT / "server" / "assets" / "vendor.py")]
    run(
        [*command, "--tests"] if tests else command,
        "Không lấy được tệp cho trình duyệt. / The browser files could not be fetched.",
    )


KIT_PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def make_agent_kit() -> None:
    """What a lab machine without Internet installs besides the agent itself, served by the hub under /join: the wheels of
    agent.txt for the Pythons of a lab. Without it only `/join` is poorer: no reason to stop."""
    kit = ROOT / ".cache" / "agent-kit"
    fresh = kit.with_name("agent-kit.new")
    shutil.rmtree(fresh, ignore_errors=True)
    say("Gói chương trình cho máy trong phòng", "packing the agent for lab machines")
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    made = True
    machine = platform.machine()
    places = [
        word for tag in ("manylinux2014", "manylinux_2_28", "manylinux_2_34") for word in ("--platform", f"{tag}_{machine}")
    ]
    lock = ROOT / "requirements" / "agent.txt"
    for version in KIT_PYTHONS:
        choice = ["--only-binary", ":all:", "--python-version", version, "--implementation", "cp", *places]
        made = made and runs(*pip, "download", "--require-hashes", "-r", lock, "--dest", fresh, *choice)
    if not made:
        shutil.rmtree(fresh, ignore_errors=True)
        say("Chưa gói được, trang /join sẽ thiếu phần này", "it could not be packed; /join will lack it")
        return
    shutil.rmtree(kit, ignore_errors=True)
    fresh.rename(kit)


# System packages

NEEDED_BY_TESTS = {
    "mosquitto": ("mosquitto", "the MQTT tests"),
    "chromium": ("chromium", "tests/e2e"),
    "mmdebstrap": ("mmdebstrap", "a Debian to install the agent's package in"),
    "systemd-nspawn": ("systemd-container", "a Debian that boots with systemd"),
    "ip": ("iproute2", "machines on a wire of their own"),
    "ssh": ("openssh-client", "plays against machines that boot"),
    "gpgv": ("gpgv", "the signature of a bundle, read by another program"),
    "ffmpeg": ("ffmpeg", "the film of the demonstration"),
    "nginx": ("nginx-light", "the hub behind a proxy that sends the files"),
    "pdftotext": ("poppler-utils", "the PDF written for the demonstration, read by another program"),
    "Xvfb": ("xvfb", "the helper in a pupil's session"),
    "xprop": ("x11-utils", "the helper in a pupil's session"),
    "xprintidle": ("xprintidle", "the helper in a pupil's session"),
    "xterm": ("xterm", "the helper in a pupil's session"),
    "dbus-daemon": ("dbus", "what logind is asked"),
}
"""command → package, what needs it."""


def prepare_mosquitto() -> None:
    """The broker, from the system's packages where that may be; the hub has one of its own to fall back on."""
    if shutil.which("mosquitto"):
        return
    say("Cài Mosquitto", "installing the MQTT broker Mosquitto")
    if not install(["mosquitto"]):
        say(
            "Chưa cài được Mosquitto, dùng bộ trung chuyển có sẵn. Nên chạy: sudo apt install mosquitto",
            "Mosquitto could not be installed, the built-in broker is used instead",
        )


def prepare_tests() -> None:
    missing = {command: entry for command, entry in NEEDED_BY_TESTS.items() if not found(command)}
    if missing:
        names = sorted({package for package, _ in missing.values()})
        say(f"Cài gói hệ thống: {', '.join(names)}", "installing system packages for the tests")
        if not install(names):
            for name in names:
                install([name])
    left = {command: entry for command, entry in missing.items() if not found(command)}
    for command, (package, what) in left.items():
        say(f"KHÔNG cài được {package}", f"NOT installed: {package} (no command {command}); needed by {what}")
    if left and REQUIRE_ALL:
        raise CannotPrepareError("Everything is required here (DENSACH_REQUIRE_ALL=1), and something is missing.")


def found(command: str) -> bool:
    if command == "chromium":
        return any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return shutil.which(command) is not None


def install(packages: Sequence[str]) -> bool:
    """Asks the system's package manager, when this user may without a password. A second try after a fresh list."""
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if root and not (shutil.which("sudo") and runs("sudo", "-n", "true")):
        return False
    if shutil.which("apt-get"):
        quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
        order = [*root, *quiet, "install", "-y", "--no-install-recommends", *packages]
        return runs(*order) or (runs(*root, *quiet, "update") and runs(*order))
    if shutil.which("dnf"):
        return runs(*root, "dnf", "install", "-y", "-q", *packages)
    return False


# Processes


def runs(*command: str | Path) -> bool:
    """Whether it ended well. What it printed is of no interest when it did not: the caller has another way."""
    words = [str(word) for word in command]
    try:
        return (
            subprocess.run(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
            ).returncode
            == 0
        )
    except OSError:
        return False


def run(command: Sequence[str], otherwise: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise CannotPrepareError(f"{done.stdout.strip()}\n{otherwise}".strip())


@contextmanager
def alone() -> Iterator[None]:
    """Only one preparation at a time: the second waits, then finds the work done."""
    folder = ROOT / ".cache"
    folder.mkdir(exist_ok=True)
    with (folder / "prepare.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Một lần chạy khác đang chuẩn bị, xin chờ", "another start is preparing, waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare(parts: str, key: str) -> None:
    ready = VENV / f".ready-{parts}"
    marks = {ready, VENV / ".ready-dev"}
    if not PREPARING.exists() and any(mark.is_file() and mark.read_text(encoding="utf-8") == key for mark in marks):
        return  # another start has done it meanwhile
    say("Chuẩn bị lần đầu, mất vài phút", "preparing once, this takes a few minutes")
    make_environment()
    PREPARING.touch()
    for mark in VENV.glob(".ready-*"):
        mark.unlink()
    install_packages(parts)
    fetch_browser_files(tests=parts == "dev")
    make_agent_kit()
    prepare_mosquitto()
    PREPARING.unlink()
    ready.write_text(key, encoding="utf-8")
    say("Xong", "ready")


MORE = {"provision": "Ansible", "zim": "libzim"}
"""What a clone gets beside what it was prepared with for the demonstration: the lock's name, what it is about."""


def prepare_more(part: str, key: str) -> None:
    ready = VENV / f".ready-{part}"
    if ready.is_file() and ready.read_text(encoding="utf-8") == key:
        return  # another start has done it meanwhile
    lock = ROOT / "requirements" / f"{part}.txt"
    total = sum(1 for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line)
    say(f"Cài {MORE[part]} và {total - 1} gói Python đi kèm", f"installing {MORE[part]} and {total - 1} Python packages with it")
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    watch_pip([*pip, "--require-hashes", "--prefer-binary", "--progress-bar", "off", "-r", str(lock)], total)
    ready.write_text(key, encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    try:
        with alone():
            if list(arguments) == ["tests"]:
                prepare_tests()
            elif len(arguments) == 2 and arguments[0] in MORE:
                prepare_more(arguments[0], arguments[1])
            elif len(arguments) == 2 and arguments[0] in ("demo", "dev"):
                prepare(arguments[0], arguments[1])
            else:
                sys.stderr.write(f"{__doc__}\n")
                return 2
    except CannotPrepareError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
