"""Joining a school: what agent and hub say over HTTP (`POST /api/v1/enrol`), and the token a technician carries.

The token proves the agent to the hub and the hub to the agent: it holds the digest of the hub's CA certificate.
"""

import base64
import hashlib
import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

from densach_wire.errors import BadToken
from densach_wire.messages import Factor, Line, Name, System

_TOKEN = re.compile(r"ds1\.([A-Za-z0-9_-]{16,64})\.([0-9a-f]{40})\Z")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s+(.+?)\s+-----END CERTIFICATE-----", re.DOTALL)


class EnrolRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Sent again, with the `ticket` of the answer, until the state is no longer `waiting`."""

    hostname: Annotated[str, Meta(max_length=255)]
    fingerprint: Annotated[tuple[Factor, ...], Meta(max_length=64)]
    csr_pem: Annotated[str, Meta(max_length=8192)]
    """PKCS#10; the hub takes only the public key from it and writes the name itself."""
    agent: Line = ""
    os: System = System("linux")
    maker: Line = ""
    model: Line = ""
    token: Annotated[str, Meta(max_length=200)] | None = None
    """Without one the machine goes to the list of those waiting to be admitted."""
    ticket: Annotated[str, Meta(max_length=200)] | None = None
    was: Name | None = None
    """The device id found on this disk when the machine noticed that it is another machine (a clone)."""
    simulated: bool = False


class Endpoint(Struct, frozen=True, omit_defaults=True):
    """Where the broker listens. An empty host is the host the agent reached the hub by."""

    port: Annotated[int, Meta(ge=1, le=65535)]
    host: Annotated[str, Meta(max_length=255)] = ""
    tls: bool = True


class EnrolAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    state: Literal["admitted", "waiting", "refused"]
    reason: Line = ""
    ticket: Annotated[str, Meta(max_length=200)] | None = None
    """waiting: what to ask again with; worth nothing without the key of the request."""
    retry_s: Annotated[int, Meta(ge=1, le=86400)] = 30
    school: Name | None = None
    device: Name | None = None
    certificate: Annotated[str, Meta(max_length=16384)] | None = None
    """PEM."""
    ca: Annotated[str, Meta(max_length=16384)] | None = None
    """PEM; its digest must be the one in the token."""
    mqtt: tuple[Endpoint, ...] = ()
    password: Annotated[str, Meta(max_length=200)] | None = None
    """Only for a listener without TLS (the in-process broker on loopback); the user name is the device id."""
    user_key: Annotated[str, Meta(max_length=128)] | None = None
    """Hex; the key of this school's user digests."""


class Token(Struct, frozen=True):
    """`ds1.<secret>.<first 40 hex digits of the SHA-256 of the CA certificate (DER)>`"""

    secret: str
    ca_digest: str

    def __str__(self) -> str:
        return f"ds1.{self.secret}.{self.ca_digest}"


def parse_token(text: str) -> Token:
    """Raises BadToken. White space around it (a file's last line end) does not matter."""
    match = _TOKEN.match(text.strip())
    if match is None:
        raise BadToken("an enrolment token looks like ds1.<letters>.<40 hex digits>")
    return Token(match[1], match[2])


def ca_digest(ca_pem: str) -> str:
    """The digest of the first certificate in a PEM text, as tokens carry it. Raises BadToken without one."""
    match = _PEM.search(ca_pem)
    if match is None:
        raise BadToken("no certificate in the PEM text")
    try:
        der = base64.b64decode("".join(match[1].split()), validate=True)
    except ValueError:
        raise BadToken("the certificate is not base64") from None
    return hashlib.sha256(der).hexdigest()[:40]
