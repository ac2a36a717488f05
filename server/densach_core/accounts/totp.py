"""One-time codes from a phone: RFC 6238 (TOTP) over RFC 4226 (HOTP), SHA-1, 30 s, 6 digits, as every app reads them."""

import base64
import hmac
import struct
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6


def hotp(key: bytes, counter: int, digits: int = DIGITS) -> str:
    """RFC 4226 §5.3: HMAC-SHA-1, dynamic truncation."""
    digest = hmac.digest(key, struct.pack(">Q", counter), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def matching_step(key: bytes, code: str, *, now_ms: int, after: int | None, window: int = 1) -> int | None:
    """The time step `code` belongs to, within ±`window` steps of now and later than the last one used; else None.

    The caller keeps the step, so that a code read over a shoulder works once (RFC 6238 §5.2).
    """
    code = "".join(code.split())
    if len(code) != DIGITS or not code.isascii():
        return None
    now = now_ms // 1000 // STEP_S
    for step in range(now - window, now + window + 1):
        if step >= 0 and (after is None or step > after) and hmac.compare_digest(hotp(key, step), code):
            return step
    return None


def key_text(key: bytes) -> str:
    """The key as a person types it into an app: base32 without padding."""
    return base64.b32encode(key).decode().rstrip("=")


def address(key: bytes, *, login: str, issuer: str) -> str:
    """The otpauth:// address that an app reads from a QR code."""
    label = quote(f"{issuer}:{login}")
    return f"otpauth://totp/{label}?" + urlencode({"secret": key_text(key), "issuer": issuer})
