"""How a fingerprint factor becomes a digest: one way for agent and hub, so that equal things have equal digests."""

import hashlib


def factor_digest(kind: str, value: str) -> str:
    """32 hex digits of kind and value, trimmed, case-folded and with inner white space made single."""
    return hashlib.sha256(f"{kind}:{' '.join(value.split()).casefold()}".encode()).hexdigest()[:32]
