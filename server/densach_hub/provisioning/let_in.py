"""The one line that lets this hub in on a machine, and the script it fetches: `/join/let-in.sh`.

A machine that is new does not trust the hub's own authority yet, and may have wget or curl. The line therefore names the
script's digest: whatever the way it came, nobody on the school's network can put a key of theirs in its place.
"""

import hashlib
from pathlib import Path

PATH = "/join/let-in.sh"
_SCRIPT = Path(__file__).with_name("let_in.sh")


def script(hub: str, user: str, public_key: str) -> str:
    """`public_key`: a line of authorized_keys, of which its type and key are taken."""
    key = " ".join(public_key.split()[:2])
    return _SCRIPT.read_text("utf-8").replace("@HUB@", hub).replace("@USER@", user).replace("@KEY@", key)


def line(hub: str, script: str) -> str:
    """What is to be run on a machine, in a terminal: fetches the script, runs it only if it is this one."""
    digest = hashlib.sha256(script.encode()).hexdigest()
    fetch = f'(wget -qO "$f" --no-check-certificate {hub}{PATH} || curl -fsSko "$f" {hub}{PATH})'
    return f'f=$(mktemp) && {fetch} && echo "{digest}  $f" | sha256sum -c --quiet && sudo sh "$f"'
