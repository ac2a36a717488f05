"""How a fingerprint factor becomes a digest: one way for agent and hub, so that equal things have equal digests."""

import hashlib


def factor_digest(kind: str, value: str) -> str:
    """32 hex digits of kind and value, trimmed, case-folded and with inner white space made single. A product UUID counts
    the same in either byte order."""
    folded = " ".join(value.split()).casefold()
    if kind == "product-uuid":
        folded = normal_uuid(folded)
    return hashlib.sha256(f"{kind}:{folded}".encode()).hexdigest()[:32]


def normal_uuid(text: str) -> str:
    """Tools, systems and firmware updates disagree on the byte order of the first three groups: the smaller spelling of the
    two stands for both."""
    plain = text.strip().casefold()
    groups = plain.split("-")
    if [len(group) for group in groups] != [8, 4, 4, 4, 12]:
        return plain
    turned = [_turn(group) for group in groups[:3]] + groups[3:]
    return min(plain, "-".join(turned))


def _turn(group: str) -> str:
    return "".join(reversed([group[at : at + 2] for at in range(0, len(group), 2)]))
