"""Where the playbooks lie, what `plays.yml` says of them, and where ansible-playbook is. No run is started here."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import msgspec

from densach_core.errors import NotFound, Unavailable
from densach_core.text import t
from densach_hub.provisioning.model import Play, Plays, ProvisionSettings

PLACES = (Path("/opt/densach/current/playbooks"), Path("/usr/share/densach/playbooks"))
CLONE = Path(__file__).resolve().parents[3] / "playbooks"
TOOLS = (Path("/opt/densach/tools/bin"), Path("/opt/densach/provision/bin"))
"""Where the playbooks may have put Ansible, besides this program's own environment."""


def folder(settings: ProvisionSettings) -> Path | None:
    """The playbooks: as the setting says, then DENSACH_PLAYBOOKS, then where they are installed, then this clone's."""
    named = settings.playbooks or os.environ.get("DENSACH_PLAYBOOKS", "")
    for place in (Path(named),) if named else (*PLACES, CLONE):
        if (place / "plays.yml").is_file():
            return place
    return None


def program(settings: ProvisionSettings) -> Path | None:
    """ansible-playbook, or None where it is not installed."""
    if settings.ansible:
        found = shutil.which(settings.ansible)
        return Path(found) if found else None
    for place in (Path(sys.executable).parent, *TOOLS):
        if (place / "ansible-playbook").is_file():
            return place / "ansible-playbook"
    found = shutil.which("ansible-playbook")
    return Path(found) if found else None


def how_to_get() -> str:
    """The line that installs Ansible beside this program: from a clone's lock, or as an extra of the package."""
    lock = CLONE.parent / "requirements" / "provision.txt"
    what = f"--require-hashes -r {lock}" if lock.is_file() else "'densach[provision]'"
    return f"{sys.executable} -m pip install {what}"


def read(place: Path) -> tuple[Play, ...]:
    """The plays that may be run from the hub and are there. Raises Unavailable("provisioning.plays")."""
    if importlib.util.find_spec("yaml") is None:
        raise _unreadable(place, "PyYAML")
    try:
        found = msgspec.yaml.decode((place / "plays.yml").read_bytes(), type=Plays)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(place, str(error)) from error
    return tuple(play for play in found.plays if (place / play.file).is_file())


def one(plays: tuple[Play, ...], name: str) -> Play:
    """The play called `lab`, `lab.yml` or `day2/exam`. Raises NotFound("provisioning.no-play")."""
    wanted = name.removesuffix(".yml")
    for play in plays:
        if play.name == wanted:
            return play
    raise NotFound(
        "provisioning.no-play", t("There is no play “{name}”.", name=name[:100]), t("Choose one from the list of plays.")
    )


def _unreadable(place: Path, reason: str) -> Unavailable:
    return Unavailable(
        "provisioning.plays",
        t("{file} cannot be read: {reason}", file=str(place / "plays.yml"), reason=reason[:300]),
        t("Put the playbooks of this version there again."),
    )
