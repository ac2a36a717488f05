#!/usr/bin/env python3
"""Inventory from the school's hub: machines as they are now, with what the last inventory told of them.

    DENSACH_HUB_URL=https://densach.lan DENSACH_TOKEN_FILE=~/.config/densach/token \\
        ansible-playbook -i inventories/hub lab.yml --limit room_phong_tin_1

DENSACH_CA_FILE names the hub's own authority where this computer does not trust it yet. On the hub itself DENSACH_DATA
(its data folder) is enough. Needs nothing but Python; a computer with the command `densach` may use
`densach inventory --list` as well.
"""

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit


def fetched() -> dict:
    url, token_file = os.environ.get("DENSACH_HUB_URL"), os.environ.get("DENSACH_TOKEN_FILE")
    if not url or not token_file:
        sys.exit("densach.py: set DENSACH_HUB_URL and DENSACH_TOKEN_FILE (or, on the hub, DENSACH_DATA).")
    if not url.startswith(("http://", "https://")):
        sys.exit(f"densach.py: {url} is no http address.")
    try:
        token = Path(token_file).expanduser().read_text("utf-8").strip()
        request = urllib.request.Request(  # noqa: S310
            f"{url.rstrip('/')}/api/v1/provisioning/inventory", headers={"Authorization": f"Bearer {token}"}
        )
        trust = ssl.create_default_context(cafile=os.environ.get("DENSACH_CA_FILE") or None) if url.startswith("https") else None
        with urllib.request.urlopen(request, timeout=30, context=trust) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"densach.py: {url} answers {error.code} {error.reason}: is the token a technician's?")
    except (OSError, ValueError) as error:
        sys.exit(f"densach.py: {url}: {getattr(error, 'reason', error)}")


def common() -> dict:
    """What every play wants to know of the hub. Another inventory after this one (`-i inventories/hub -i ~/truong`) wins."""
    url = os.environ["DENSACH_HUB_URL"].rstrip("/")
    told = {"densach_hub_url": url, "densach_hub_name": urlsplit(url).hostname}
    for name, key in (("DENSACH_TOKEN_FILE", "densach_token_file"), ("DENSACH_CA_FILE", "densach_hub_ca_file")):
        if os.environ.get(name):
            told[key] = str(Path(os.environ[name]).expanduser().resolve())
    return told


def main() -> None:
    data = os.environ.get("DENSACH_DATA")
    if data and not os.environ.get("DENSACH_HUB_URL"):
        os.execvp("densach", ["densach", "inventory", *sys.argv[1:], "--data", data])  # noqa: S606
    found = fetched()
    found["all"].setdefault("vars", {}).update(common())
    if "--host" in sys.argv:
        found = found["_meta"]["hostvars"].get(sys.argv[sys.argv.index("--host") + 1], {})
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
