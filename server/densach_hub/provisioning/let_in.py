"""The one line that lets this hub in on a machine, and the script it fetches: `/join/let-in.sh`.

A machine that is new does not trust the hub's own authority yet, and may have wget or curl. The line therefore names the
script's digest: whatever the way it came, nobody on the school's network can put a key of theirs in its place.
"""

import hashlib
import re
from pathlib import Path

from aiohttp import web

from densach_core.web.identity import is_secure

PATH = "/join/let-in.sh"
_SCRIPT = Path(__file__).with_name("let_in.sh")


def address_here(request: web.Request) -> str:
    """The hub as it was asked for; nothing but a name or an address gets into a script or a line."""
    host = request.host if re.fullmatch(r"[A-Za-z0-9.\-:\[\]_]+", request.host) else "localhost"
    return f"{'https' if is_secure(request) else 'http'}://{host}"


def script(hub: str, user: str, public_key: str) -> str:
    """`public_key`: a line of authorized_keys, of which its type and key are taken."""
    key = " ".join(public_key.split()[:2])
    return _SCRIPT.read_text("utf-8").replace("@HUB@", hub).replace("@USER@", user).replace("@KEY@", key)


def line(hub: str, script: str) -> str:
    """What is to be run on a machine, in a terminal: fetches the script, runs it only if it is this one."""
    digest = hashlib.sha256(script.encode()).hexdigest()
    fetch = f'(wget -qO "$f" --no-check-certificate {hub}{PATH} || curl -fsSko "$f" {hub}{PATH})'
    return f'f=$(mktemp) && {fetch} && echo "{digest}  $f" | sha256sum -c --quiet && sudo sh "$f"'
