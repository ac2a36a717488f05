"""A lab without a desktop: small sets of programs that are there before, for rooms that have no line."""

from pathlib import Path
from typing import Any

from tests.fixtures.hosts import BARE

LAB_TREE = (
    *BARE,
    "libpam-systemd",
    "nftables",
    "chrony",
    "tzdata",
    "locales",
    "dconf-cli",
    "ethtool",
    "e2fsprogs",
    "netcat-openbsd",
)
SET = """
software:
  - {subject: lines, teaches: Nối mạng, packages: [netcat-openbsd]}
  - {subject: cards, teaches: Cạc mạng, packages: [ethtool]}
"""


def lab_settings(folder: Path, ca: Path, hub: str = "10.77.0.1") -> dict[str, Any]:
    """Variables of `all`; files they name are made in the folder."""
    (folder / "sets").mkdir()
    (folder / "sets/tried.yml").write_text(SET)
    (folder / "template").mkdir()
    (folder / "template/xin-chao.txt").write_text("chào em\n")
    return {
        "densach_hub_name": hub,
        "densach_hub_address": hub,
        "densach_hub_url": f"https://{hub}",
        "densach_hub_ca_file": str(ca),
        "base_lab_input_method": "none",
        "browser_packages": [],
        "software_folder": str(folder / "sets"),
        "software_grades": ["tried"],
        "pupil_account_template": str(folder / "template"),
    }
