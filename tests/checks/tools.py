"""The tools that judge code: ruff, mypy, import-linter, and a syntax check of the shell scripts."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.checks.tree import ROOT, tracked

CODE = ("agent", "server", "tests", "requirements")


def said_by(*command: str) -> list[str]:
    """What a tool says when it is not content; nothing when it is."""
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return (done.stdout.strip().splitlines() or [f"exit code {done.returncode}"]) if done.returncode else []


def installed(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def ruff() -> list[str]:
    return said_by(installed("ruff"), "check", "--quiet", "--output-format=concise", *CODE)


def ruff_format() -> list[str]:
    return said_by(installed("ruff"), "format", "--check", *CODE)


def mypy() -> list[str]:
    return said_by(installed("mypy"), "--no-error-summary")


def floors() -> list[str]:
    return said_by(installed("lint-imports"), "--no-cache")


def shell() -> list[str]:
    faults = []
    for path in tracked():
        if not path.is_file() or path.suffix in {".py", ".html"}:
            continue
        with path.open("rb") as file:
            first = file.readline()
        if first.startswith(b"#!") and first.rstrip().endswith((b"/sh", b"/bash", b" bash", b" sh")):
            shell_name = "bash" if b"bash" in first else "sh"
            faults += said_by(shell_name, "-n", str(path))
            if shutil.which("shellcheck"):
                faults += said_by("shellcheck", str(path))
    return faults
