"""`./densach` in a clone nobody prepared: makes what it needs, survives being killed, does not fight itself."""

import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.checks.tree import ROOT, short, tracked

pytestmark = pytest.mark.timeout(400)
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "PYTHON"))}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of this tree, without what git ignores."""
    place = tmp_path_factory.mktemp("clone") / "densach with spaces"
    for path in tracked():
        target = place / short(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return place


def start(clone: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["./densach", *words],
        cwd=clone,
        env=ENVIRONMENT | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_without_python_it_says_what_to_install(clone: Path, tmp_path: Path) -> None:
    for tool in ("sh", "dirname", "readlink", "cat", "sha256sum"):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(found)
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    said = start(clone, "--version", PATH=str(tmp_path), DENSACH_PYTHON="python3")
    _, errors = said.communicate(timeout=20)
    assert said.returncode == 1
    assert "Cần Python 3.11 trở lên" in errors
    assert "Python 3.11 or newer is needed" in errors


def test_a_fresh_clone_prepares_itself_even_after_a_kill_and_only_once(clone: Path) -> None:
    # Killed in the middle of the installation …
    broken = start(clone, "--version")
    mark = clone / ".venv" / ".preparing"
    until = time.monotonic() + 120
    while not mark.exists() or not list((clone / ".venv").glob("lib/python*/site-packages/paho*")):
        assert time.monotonic() < until, broken.poll()
        if broken.poll() is not None:
            pytest.fail(f"it ended by itself: {broken.communicate()}")
        time.sleep(0.02)
    os.killpg(broken.pid, signal.SIGKILL)
    broken.communicate()
    assert mark.exists()

    # … then started twice at once: one prepares, the other waits, both work.
    pair = [start(clone, "--version") for _ in range(2)]
    said = [process.communicate(timeout=300) for process in pair]
    assert [process.returncode for process in pair] == [0, 0], said
    assert {output.strip() for output, _ in said} == {f"densach {version('densach')}"}
    told = "".join(errors for _, errors in said)
    assert "starting over" in told
    assert "another start is preparing" in told
    assert told.count("making the Python environment") == 1
    assert "http" not in told

    # From now on it starts at once and says nothing of its own.
    began = time.monotonic()
    again = start(clone, "--help")
    output, errors = again.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert again.returncode == 0
    assert "demo" in output
    assert errors == ""
    _check_what_was_installed(clone)


def _check_what_was_installed(clone: Path) -> None:
    listed = subprocess.run(
        [clone / ".venv" / "bin" / "python", "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    ).stdout.lower()
    assert "aiohttp==" in listed
    assert not any(f"{tool}==" in listed for tool in ("mypy", "pytest", "playwright", "ansible-core"))
    assert (clone / "server/densach_core/static/vendor/htmx.org/htmx.min.js").is_file()
    wrong = subprocess.run([clone / "densach", "no-such-command"], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2


@pytest.fixture
def prepared(clone: Path) -> Path:
    """The same after its first start: another worker may have had the test that makes it."""
    first = start(clone, "--version")
    _, errors = first.communicate(timeout=300)
    assert first.returncode == 0, errors
    return clone


def test_the_launcher_works_through_a_link_and_from_elsewhere(prepared: Path, tmp_path: Path) -> None:
    clone = prepared
    link = tmp_path / "densach"
    link.symlink_to(clone / "densach")
    said = subprocess.run([link, "--version"], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert said.stdout.startswith("densach ")


def test_zim_on_wish(prepared: Path) -> None:
    clone = prepared
    said = start(clone, "prepare", "zim")
    _, errors = said.communicate(timeout=200)
    assert said.returncode == 0, errors
    there = [str(clone / ".venv/bin/python"), "-c", "import libzim"]
    assert subprocess.run(there, env=ENVIRONMENT, check=False).returncode == 0
    again = start(clone, "prepare", "zim")
    assert again.communicate(timeout=60) == ("", "")


def test_a_folder_that_was_moved_makes_its_environment_anew(prepared: Path) -> None:
    clone = prepared
    moved = clone.with_name("elsewhere")
    clone.rename(moved)
    try:
        said = start(moved, "--version")
        output, errors = said.communicate(timeout=200)
        assert said.returncode == 0, errors
        assert output.startswith("densach ")
        assert "this folder was moved" in errors
    finally:
        moved.rename(clone)


def test_prepare_needs_nothing_that_is_installed() -> None:
    program = "import runpy; runpy.run_path('requirements/prepare.py', run_name='x')"
    said = subprocess.run([sys.executable, "-I", "-S", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
