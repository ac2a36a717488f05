"""What has no business in the tree: addresses of strangers, paths of somebody's machine, caches, large files."""

import re

from tests.checks.tree import short, tracked

ADDRESS = re.compile(r"(?:https?|mqtts?|ftp)://([A-Za-z0-9.-]+)", re.IGNORECASE)
ALLOWED = re.compile(
    r"(?:localhost|[\d.]+|hub|office|box|hubs?\.[a-z.]+|example(?:\.[a-z]+)*|(?:.+\.)?example\.(?:com|org|net|vn|edu\.vn)"
    r"|(?:.+\.)?(?:test|invalid|example|lan|local|internal))\.?",
    re.IGNORECASE,
)
"""Hosts that are nobody's: loopback, addresses in numbers, reserved names."""

NAMESPACES = {
    # They name a vocabulary, nobody calls them.
    "www.w3.org", "purl.org", "www.idpf.org", "opds-spec.org", "www.openarchives.org", "json-schema.org", "www.loc.gov",
    "docs.oasis-open.org", "www.imsglobal.org", "www.imsproject.org", "www.adlnet.org", "schema.org", "readium.org",
    "specs.opds.io", "spdx.org", "creativecommons.org", "a9.com", "www.daisy.org", "xmlns.com", "id.loc.gov", "zing.z3950.org",
    "ns.adobe.com", "schemas.openxmlformats.org", "schemas.microsoft.com",
    "datacite.org", "psi.exchange", "www.apache.org", "registry.example",
    "keepachangelog.com", "semver.org",
}  # fmt: skip

MACHINE = re.compile(  # (root's keys lie in the same place on every machine the plays are for)
    r"(?<![\w./-])/(?:work|root(?!/\.ssh\b)|home/[a-z]+)/[\w.-]+|registry\.npmjs|files\.pythonhosted|pypi\.org|deb\.debian\.org"
)
TEXT_LIMIT = 1_000_000
"""Bytes a tracked file may have."""


def faults() -> list[str]:
    found = []
    for path in tracked():
        name = short(path)
        if path.stat().st_size > TEXT_LIMIT:
            found.append(f"{name}: {path.stat().st_size} bytes, too large for the tree")
        if name in {"LICENSE", "tests/checks/strangers.py"}:
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if path.name == "package-lock.json" and '"resolved"' not in line:
                continue  # npm's lock names who may be thanked, and whom nobody calls
            found += [
                f"{name}:{number}: the address of a stranger, {host}"
                for host in ADDRESS.findall(line)
                if host.lower() not in NAMESPACES and not ALLOWED.fullmatch(host) and "." in host
            ]
            if place := MACHINE.search(line):
                found.append(f"{name}:{number}: a place on somebody's machine, {place[0]}")
    return found
