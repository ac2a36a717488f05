"""The process LibreOffice runs in: `python -m densach_hub.library.formats.print_worker FILE FOLDER` makes FOLDER/document.pdf.

It puts itself in its bounds, takes the network away where the machine lets it, and becomes LibreOffice, with a profile of
its own in FOLDER: nothing of one document is there for the next, and no macro runs (a fresh profile's security is high).
"""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

DATA_BYTES = 1024**3
OUTPUT_BYTES = 256 * 1024**2
CPU_SECONDS = 110


def main() -> NoReturn:
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    program = office()
    if program is None:
        raise SystemExit(127)
    os.nice(19)
    for what, most in (
        (resource.RLIMIT_DATA, DATA_BYTES),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    profile = (folder / "profile").as_uri()
    command = [
        program, "--headless", "--norestore", "--nolockcheck", "--nologo", f"-env:UserInstallation={profile}",
        "--convert-to", "pdf", "--outdir", str(folder), str(source),
    ]  # fmt: skip
    command = [*_without_network(), *command]
    environment = {"HOME": str(folder), "PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "TMPDIR": str(folder)}
    os.execve(command[0], command, environment)  # noqa: S606 - no shell is wanted


def office() -> str | None:
    """Where LibreOffice is; None where it is not installed."""
    return shutil.which("soffice") or shutil.which("libreoffice")


def _without_network() -> list[str]:
    unshare = shutil.which("unshare")
    for options in (["-n"], ["-r", "-n"]):
        if unshare and subprocess.run([unshare, *options, "true"], capture_output=True, timeout=10, check=False).returncode == 0:
            return [unshare, *options]
    return []


if __name__ == "__main__":
    main()
