"""The one line that lets this hub in on a machine, and the script it fetches: `/join/let-in.sh`.

A machine that is new does not trust the hub's own authority yet. Where the page came by HTTPS the line names the key that the
hub's certificate has (`--pinnedpubkey`), so that nobody on the school's network can put a key of theirs in its place.
"""

import asyncio
import base64
import hashlib
import re
import ssl
from contextlib import suppress
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from densach_core.web.identity import is_secure
from densach_core.web.keys import SITE

PATH = "/join/let-in.sh"
LOOK_S = 3.0
_SCRIPT = Path(__file__).with_name("let_in.sh")


def address_here(request: web.Request) -> str:
    """The hub as it was asked for; nothing but a name or an address gets into a script or a line."""
    host = request.host if re.fullmatch(r"[A-Za-z0-9.\-:\[\]_]+", request.host) else "localhost"
    return f"{'https' if is_secure(request) else 'http'}://{host}"


def script(hub: str, user: str, public_key: str) -> str:
    """`public_key`: a line of authorized_keys, of which its type and key are taken."""
    key = " ".join(public_key.split()[:2])
    return _SCRIPT.read_text("utf-8").replace("@HUB@", hub).replace("@USER@", user).replace("@KEY@", key)


async def line(request: web.Request) -> str:
    """What is to be run on a machine, in a terminal."""
    hub = address_here(request)
    if not hub.startswith("https:"):
        return f"curl -fsS {hub}{PATH} | sudo sh"
    pin = await _pin(request)
    if pin is None:
        # What stands in front of the hub cannot be asked: then as every machine can ask it.
        return f"curl -fsS http://{re.sub(r':[0-9]+$', '', hub.partition('://')[2])}{PATH} | sudo sh"
    return f"curl -fsSk --pinnedpubkey 'sha256//{pin}' {hub}{PATH} | sudo sh"


async def _pin(request: web.Request) -> str | None:
    """SHA-256 (base64) of the public key that browsers are shown here; None where nothing answers."""
    if request.secure and request.transport is not None:
        host, port = request.transport.get_extra_info("sockname")[:2]
    else:
        host, port = "127.0.0.1", request.app[SITE].https or 443
    trust = ssl.create_default_context()
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE  # it is our own, on this machine; only its key is looked at
    with suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(LOOK_S):
            _, writer = await asyncio.open_connection(host, port, ssl=trust, server_hostname=request.host.partition(":")[0])
            try:
                shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
        key = x509.load_der_x509_certificate(shown).public_key()
        body = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
    return None
