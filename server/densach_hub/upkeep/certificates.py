"""Looks at the school's keys and certificates as `doctor` does: do they parse, belong together, and still count?"""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from densach_core.text import Text, t

BACK = t("Put the folder “keys” back from the newest backup.")


class Flaw(msgspec.Struct, frozen=True):
    """What is wrong; `broken`: machines or pages are turned away because of it."""

    what: Text
    do: Text | None
    broken: bool = True


def flaws(keys: Path, now_ms: int) -> list[Flaw]:
    """Of the folder of keys, worst first. Reads only."""
    ca = _certificate(keys / "ca.pem")
    if ca is None:
        return [_unreadable("ca.pem")]
    found = [*_pair(keys, "ca", ca, now_ms)]
    for path in sorted(keys.glob("*.pem")):
        if path.name in {"ca.pem", "revoked.pem"}:
            continue
        certificate = _certificate(path)
        if certificate is None:
            found.append(_unreadable(path.name, t("Remove it and start the hub again: it makes a new one.")))
            continue
        found += _pair(keys, path.stem, certificate, now_ms)
        try:
            certificate.verify_directly_issued_by(ca)
        except (ValueError, TypeError, InvalidSignature):
            found.append(Flaw(t("{file} was not issued by this school's authority.", file=path.name), BACK))
    found += _list(keys / "revoked.pem", ca, now_ms)
    loose = [path.name for path in sorted(keys.glob("*.key")) if path.stat().st_mode & 0o077]
    if loose:
        found.append(
            Flaw(
                t("Others on this machine may read {file}.", file=", ".join(loose)),
                t("Take the right away: chmod 600"),
                broken=False,
            )
        )
    return sorted(found, key=lambda flaw: not flaw.broken)


def still_trusted(keys: Path, school: Path) -> int:
    """How many retired machines' certificates are missing from the revocation list; 0 when that cannot be known."""
    try:
        revoked = {entry.serial_number for entry in x509.load_pem_x509_crl((keys / "revoked.pem").read_bytes())}
        connection = sqlite3.connect(f"{school.absolute().as_uri()}?mode=ro", uri=True, timeout=2)
    except (OSError, ValueError, sqlite3.Error):
        return 0
    try:
        rows = connection.execute("SELECT certificate FROM machine WHERE retired_at IS NOT NULL AND certificate IS NOT NULL")
        return sum(int(serial, 16) not in revoked for (serial,) in rows)
    except (sqlite3.Error, ValueError):
        return 0
    finally:
        connection.close()


def _pair(keys: Path, stem: str, certificate: x509.Certificate, now_ms: int) -> list[Flaw]:
    found = []
    try:
        key = load_pem_private_key((keys / f"{stem}.key").read_bytes(), None)
    except (OSError, ValueError, TypeError):
        found.append(_unreadable(f"{stem}.key"))
    else:
        if _public(key.public_key()) != _public(certificate.public_key()):
            found.append(Flaw(t("{key} is not the key of {file}.", key=f"{stem}.key", file=f"{stem}.pem"), BACK))
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        found.append(Flaw(t("{file} is not valid on the hub's present date.", file=f"{stem}.pem"), t("Check the hub's clock.")))
    return found


def _list(path: Path, ca: x509.Certificate, now_ms: int) -> list[Flaw]:
    try:
        revoked = x509.load_pem_x509_crl(path.read_bytes())
    except (OSError, ValueError):
        return [_unreadable(path.name, t("Remove it and start the hub again: it makes a new one."))]
    if not revoked.is_signature_valid(ca.public_key()):  # type: ignore[arg-type]
        return [Flaw(t("{file} was not issued by this school's authority.", file=path.name), BACK)]
    until = revoked.next_update_utc
    if until is not None and until < datetime.fromtimestamp(now_ms / 1000, UTC):
        return [Flaw(t("The revocation list is out of date: brokers turn every machine away."), t("Check the hub's clock."))]
    return []


def _certificate(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None


def _public(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


def _unreadable(name: str, do: Text = BACK) -> Flaw:
    return Flaw(t("{file} is missing or cannot be read.", file=name), do)
