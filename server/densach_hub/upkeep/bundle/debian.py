"""Debian packages with all they depend on, found and fetched by apt itself in a root of its own.

The status of that root is empty: apt then wants everything a Debian consists of, so that the bundle serves whatever was
installed on a PC before, and brings the security fixes of its base system along. Each set is resolved by itself (a hub's
time server and a laptop's exclude each other), Recommends are left out. Which mirror is asked, by which proxy and with
whose keys is what this machine's apt is set to: no address is named here.
"""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from densach_hub.upkeep.bundle import problems

Progress = Callable[[str], None]
BASE = ("?essential", "?priority(required)", "?priority(important)")
_INSTALLS = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) .*\[(\w+)\]\)", re.MULTILINE)
_FETCHING = re.compile(r"^Get:(\d+) \S+ \S+ \S+ (\S+) \S+ \S+ \[")
_SOURCES = Path("/etc/apt")


class Package(msgspec.Struct, frozen=True):
    """One .deb: its paragraph as the (signed) index of its origin had it, without `Filename`."""

    name: str
    version: str
    architecture: str
    paragraph: str
    sha256: str
    size: int

    @property
    def file(self) -> str:
        """Its name in apt's cache; in the pool of a bundle without the sign that no web server likes."""
        return f"{self.name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"

    @property
    def place(self) -> str:
        letter = self.name[:4] if self.name.startswith("lib") else self.name[0]
        return f"pool/{letter}/{self.name}_{self.version.partition(':')[2] or self.version}_{self.architecture}.deb"


class AptRoot:
    """A folder in which apt believes itself on a machine of `suite` where nothing is installed. Kept between bundles."""

    def __init__(self, folder: Path, suite: str, architecture: str, sources: str, told: Progress) -> None:
        self._folder = folder
        self._told = told
        self._sources = sources
        self.archives = folder / "archives"
        options = {
            "Dir::State": folder / "state", "Dir::State::status": folder / "status", "Dir::Cache": folder,
            "Dir::Cache::pkgcache": folder / "pkgcache.bin", "Dir::Cache::srcpkgcache": folder / "srcpkgcache.bin",
            "Dir::Etc::sourcelist": folder / "bundle.sources", "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null", "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Log": folder / "log", "Debug::NoLocking": "true", "Acquire::Retries": "3", "Acquire::Languages": "none",
            "APT::Architecture": architecture, "APT::Architectures": architecture, "APT::Default-Release": "",
            "APT::Install-Recommends": "false", "APT::Install-Suggests": "false", "APT::Sandbox::User": "root",
            "APT::Get::Assume-Yes": "true", "APT::Get::Show-User-Simulation-Note": "false",
        }  # fmt: skip
        self._options = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        self.suite = suite

    def update(self) -> None:
        """Fetches the indexes. Raises Problem("bundle.no-line")."""
        for name in ("state/lists/partial", "archives/partial", "log"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").write_text("")
        (self._folder / "bundle.sources").write_text(self._sources)
        done = self._run("apt-get", "update", "--error-on=any")
        if done.returncode:
            raise problems.no_line(_last(done.stderr))

    def resolve(self, name: str, wanted: Iterable[str]) -> list[Package]:
        """Everything a bare machine needs for these names. Raises Problem("bundle.no-package")."""
        done = self._run("apt-get", "install", "--simulate", *BASE, *wanted)
        if done.returncode:
            raise problems.no_package(name, _last(done.stdout + done.stderr))
        found = _INSTALLS.findall(done.stdout)
        shown = self._run("apt-cache", "show", *(f"{package}:{arch}={version}" if arch != "all" else f"{package}={version}"
                                                 for package, version, arch in found))  # fmt: skip
        packages = {(one.name, one.version): one for one in paragraphs(shown.stdout)}
        lost = [package for package, version, _ in found if (package, version) not in packages]
        if shown.returncode or lost:
            raise problems.no_package(name, f"apt-cache show: {', '.join(lost)} {_last(shown.stderr)}")
        return [packages[package, version] for package, version, _ in found]

    def lacks(self, packages: Iterable[Package]) -> list[Package]:
        """Those whose file is not in the cache in full length."""
        return [one for one in packages if not self._has(one)]

    def fetch(self, name: str, wanted: Iterable[str], count: int) -> None:
        """Downloads what the cache lacks for these names; `count` files. apt checks each against its signed index."""
        words = ["apt-get", *self._options, "-q", "install", "--download-only", *BASE, *wanted]
        seen, last = 0, ""
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment()) as apt:
            for line in apt.stdout or ():
                last = line.strip() or last
                if found := _FETCHING.match(line):
                    seen += 1
                    self._told(f"{name}: {min(seen, count)}/{count} {found[2]}")
        if apt.returncode:
            raise problems.no_line(last[-400:])

    def forget_others(self, packages: Iterable[Package]) -> None:
        """Frees the room of packages that no set wants any more and that have not been wanted for a month."""
        wanted = {one.file for one in packages}
        for name in wanted:
            os.utime(self.archives / name)
        old = time.time() - 30 * 86_400
        for path in self.archives.glob("*.deb"):
            if path.name not in wanted and path.stat().st_mtime < old:
                path.unlink()

    def path(self, package: Package) -> Path:
        return self.archives / package.file

    def _has(self, package: Package) -> bool:
        path = self.path(package)
        return path.is_file() and path.stat().st_size == package.size

    def _run(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *self._options, *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            env=_environment(),
        )  # fmt: skip


def paragraphs(text: str) -> list[Package]:
    """Packages of a control file (deb822): paragraphs divided by empty lines."""
    found = []
    for paragraph in re.split(r"\n\n+", text.strip()):
        fields = dict(re.findall(r"^([A-Za-z0-9-]+):[ \t]*(.*)$", paragraph, re.MULTILINE))
        if "Package" in fields and "SHA256" in fields:
            kept = re.sub(r"^(?:Filename|MD5sum|SHA1|SHA512):.*\n?", "", paragraph, flags=re.MULTILINE).rstrip("\n")
            found.append(
                Package(fields["Package"], fields["Version"], fields["Architecture"], kept, fields["SHA256"], int(fields["Size"]))
            )
    return found


def machine_sources(suite: str, folder: Path = _SOURCES) -> str:
    """This machine's own source entries for a suite, its updates and its security fixes, as one deb822 text.

    Entries of other suites and of strangers are left out. Raises Problem("bundle.no-sources").
    """
    wanted = re.compile(rf"{re.escape(suite)}(?:-updates|-security|/updates)?\Z")
    found: list[str] = []
    parts = folder / "sources.list.d"
    for path in [folder / "sources.list", *(sorted(parts.iterdir()) if parts.is_dir() else [])]:
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        text = "\n".join(line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("#"))
        entries = _of_list(text) if path.suffix == ".list" else re.split(r"\n[ \t]*\n", text)
        found += [kept for entry in entries if (kept := _for_suite(entry.strip("\n"), wanted)) is not None]
    if not found:
        raise problems.no_sources(suite)
    return "\n\n".join(found) + "\n"


def _of_list(text: str) -> list[str]:
    """Lines `deb [options] URI SUITE COMPONENT…` as deb822 entries."""
    entries = []
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)", line)
        if match is None:
            continue
        options = dict(word.partition("=")[::2] for word in (match[1] or "").split())
        entry = f"Types: deb\nURIs: {match[2]}\nSuites: {match[3]}\nComponents: {match[4].strip()}"
        entries.append(entry + (f"\nSigned-By: {options['signed-by']}" if "signed-by" in options else ""))
    return entries


def _for_suite(entry: str, wanted: re.Pattern[str]) -> str | None:
    suites = re.search(r"^Suites:[ \t]*(.*)$", entry, re.MULTILINE | re.IGNORECASE)
    if suites is None or re.search(r"^Enabled:[ \t]*no", entry, re.MULTILINE | re.IGNORECASE):
        return None
    kept = [suite for suite in suites[1].split() if wanted.match(suite)]
    if not kept or "cdrom:" in entry:
        return None
    entry = entry[: suites.start()] + f"Suites: {' '.join(kept)}" + entry[suites.end() :]
    return re.sub(r"^(?:Types:.*|Architectures:.*\n?)$", lambda found: "Types: deb" if found[0].startswith("Types") else "",
                  entry, flags=re.MULTILINE)  # fmt: skip


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _last(said: str) -> str:
    """What apt complains about, without what it says along the way."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E:") or "Depends:" in line]
    return " ".join(errors or lines[-3:])[-500:]
