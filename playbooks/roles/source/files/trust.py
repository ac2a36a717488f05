"""trust.py FOLDER FILE: whoever made the opened bundle in FOLDER is trusted by this machine from now on: their key's
fingerprint stands in FILE, which sticks with updates are held against. Says `changed` when it was new.

Whoever runs the play has been shown the fingerprint when they opened the bundle.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

folder, trusted = map(Path, sys.argv[1:3])
digits = hashlib.sha256(bytes.fromhex(json.loads((folder / "signature.json").read_text())["key"])).hexdigest()[:40].upper()
kept = trusted.read_text("utf-8") if trusted.exists() else ""
known = {"".join(line.partition("#")[0].replace(":", " ").split()).upper() for line in kept.splitlines()}
if digits not in known:
    if kept and not kept.endswith("\n"):
        kept += "\n"
    shown = " ".join(digits[at : at + 4] for at in range(0, 40, 4))
    trusted.parent.mkdir(parents=True, exist_ok=True)
    draft = trusted.with_name(f".{trusted.name}.new")
    with draft.open("w", encoding="utf-8") as out:
        out.write(f"{kept}{shown}\n")
        out.flush()
        os.fsync(out.fileno())
    draft.chmod(0o644)
    draft.replace(trusted)
    sys.stdout.write("changed\n")
