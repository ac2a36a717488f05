"""The package repository of a bundle: pool, Packages and a signed InRelease, written by us.

Paragraphs come from the signed indexes of the origin and only get another `Filename`, so that nothing has to be unpacked
to describe it. Flat (no dists/): the source entry is `Suites: ./`, for a folder and for a web server alike.
"""

import gzip
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from densach_hub.upkeep.bundle.debian import Package
from densach_hub.upkeep.bundle.openpgp import RepositoryKey

ORIGIN = "Den Sach"


def packages_index(packages: Iterable[Package]) -> str:
    ordered = sorted(packages, key=lambda one: (one.name, one.version, one.architecture))
    return "".join(f"{one.paragraph}\nFilename: ./{one.place}\n\n" for one in ordered)


def release(suite: str, architecture: str, made_at: int, files: dict[str, bytes]) -> str:
    """The text of a Release file over these index files. Priorities are those of any archive: newest version wins."""
    date = datetime.fromtimestamp(made_at / 1000, UTC).strftime("%a, %d %b %Y %H:%M:%S UTC")
    sums = "".join(f" {hashlib.sha256(body).hexdigest()} {len(body):>10} {name}\n" for name, body in sorted(files.items()))
    return (
        f"Origin: {ORIGIN}\nLabel: {ORIGIN}\nSuite: {suite}\nCodename: {suite}\nDate: {date}\n"
        f"Architectures: {architecture} all\nDescription: What {ORIGIN} installs without Internet\nSHA256:\n{sums}"
    )


def indexes(packages: Iterable[Package], suite: str, architecture: str, made_at: int, key: RepositoryKey) -> dict[str, bytes]:
    """The files beside the pool, by name."""
    plain = packages_index(packages).encode()
    files = {"Packages": plain, "Packages.gz": gzip.compress(plain, mtime=0)}
    signed = key.inline(release(suite, architecture, made_at, files))
    return {**files, "InRelease": signed.encode(), "key.asc": key.public().encode()}
