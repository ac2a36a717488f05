"""Whoever is root writes into the agent's folder as the agent's user, else the service could not read it afterwards."""

import os
from pathlib import Path


def become_owner(folder: Path) -> None:
    """Does nothing unless we are root and the folder is another's. There is no way back."""
    if os.geteuid() != 0 or not folder.is_dir():
        return
    found = folder.stat()
    if found.st_uid == 0:
        return
    os.setgroups([])
    os.setgid(found.st_gid)
    os.setuid(found.st_uid)
