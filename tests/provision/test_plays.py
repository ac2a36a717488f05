"""What can be said of the playbooks without running them: every variable is explained and described alike in both places, every
play can be read, and templates render from facts as they were recorded."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml  # type: ignore[import-untyped]
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from tests.fixtures.hosts import PLAYBOOKS

ROLES = sorted(path for path in (PLAYBOOKS / "roles").iterdir() if (path / "tasks").is_dir())
OURS = [role for role in ROLES if (role / "defaults/main.yml").exists()]
PLAYS = sorted(
    path.relative_to(PLAYBOOKS).as_posix()
    for path in [*PLAYBOOKS.glob("*.yml"), *PLAYBOOKS.glob("day2/*.yml")]
    if isinstance(yaml.safe_load(path.read_text()), list)
)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_says_what_it_takes(role: Path) -> None:
    file = role / "defaults/main.yml"
    defaults = yaml.safe_load(file.read_text()) or {} if file.exists() else {}
    options = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]["main"].get("options") or {}
    assert {name: option.get("default") for name, option in options.items() if "default" in option} == defaults
    assert all(name.startswith(f"{role.name}_") for name in defaults)
    assert all(option.get("description") for option in options.values())
    assert yaml.safe_load((role / "meta/main.yml").read_text())["galaxy_info"]["role_name"] == role.name


@pytest.mark.parametrize(
    "file", [role / "defaults/main.yml" for role in OURS] + sorted(PLAYBOOKS.glob("inventories/example/group_vars/*.yml")),
    ids=lambda path: path.parent.parent.name if path.name == "main.yml" else path.stem,
)  # fmt: skip
def test_every_variable_has_a_comment(file: Path) -> None:
    """In the line before it, or before the group of variables it stands in."""
    for block in re.split(r"\n\s*\n", file.read_text().removeprefix("---\n")):
        lines = [line for line in block.splitlines() if line.strip()]
        assert not lines or lines[0].startswith("#"), f"{file}: no comment before {lines[0]!r}"


def test_every_play_can_be_read() -> None:
    words = [str(Path(sys.executable).parent / "ansible-playbook"), "--syntax-check", "-i", "localhost,", *PLAYS]
    told = {
        **os.environ,
        "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg"),
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=PLAYBOOKS, env=told, timeout=280)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]


def test_what_the_roles_install_is_in_the_bundle() -> None:
    listed = {
        line.strip()
        for name in ("base", "lab", "studio")
        for line in (PLAYBOOKS / f"packages/{name}.txt").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    }
    wanted: set[str] = set()
    for name in ("agent", "browser", "kiosk", "studio_tools"):
        defaults = yaml.safe_load((PLAYBOOKS / f"roles/{name}/defaults/main.yml").read_text())
        for key, value in defaults.items():
            if key in {"agent_tools", "browser_packages", "kiosk_packages", "studio_tools_programs", "studio_tools_sound"}:
                on_debian = value if isinstance(value, list) else re.findall(r"'([^']+)'", value.partition(" else ")[2])
                wanted.update(on_debian)
    assert wanted <= listed


@pytest.mark.parametrize("file", sorted((PLAYBOOKS / "software").glob("*.yml")), ids=lambda path: path.stem)
def test_sets_of_programs_have_a_subject_each(file: Path) -> None:
    found = yaml.safe_load(file.read_text())["software"]
    assert len({one["subject"] for one in found}) == len(found)
    for one in found:
        assert set(one) == {"subject", "teaches", "packages"}
        assert all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name) for name in one["packages"])


def render(role: str, name: str, **values: object) -> str:
    environment = Environment(loader=FileSystemLoader(PLAYBOOKS / "roles" / role / "templates"), undefined=StrictUndefined)
    defaults = {"ansible_managed": "Ansible managed", **values}
    return environment.get_template(name).render(defaults)


def test_windows_reads_what_the_kiosk_is_told() -> None:
    said = render(
        "windows_kiosk", "assigned-access.xml.j2", windows_kiosk_url="https://densach.lan/?a=1&b=2", windows_kiosk_idle_min=5
    )
    tree = ElementTree.fromstring(said)
    [app] = tree.iter("{http://schemas.microsoft.com/AssignedAccess/2017/config}KioskModeApp")
    assert (
        "--kiosk https://densach.lan/?a=1&b=2 "
        in app.attrib["{http://schemas.microsoft.com/AssignedAccess/2021/config}ClassicAppArguments"]
    )


def test_desktops_read_what_they_are_told() -> None:
    for role, name, values in (
        ("screen_lock", "xfce4-screensaver.xml.j2", {"screen_lock_after_min": 10, "screen_lock_may_change": False}),
        ("power_plan", "xfce4-power-manager.xml.j2", {"power_plan_sleep": False, "power_plan_screen_off_min": 15}),
    ):
        assert ElementTree.fromstring(render(role, name, **values)).tag == "channel"
    profile = render("base_lab", "fcitx5-profile.j2", base_lab_keyboards=["us", "vn"])
    assert "DefaultIM=unikey" in profile
    assert "Default Layout=us" in profile


def test_the_hub_has_the_collections_our_plays_use() -> None:
    kept = yaml.safe_load((PLAYBOOKS / "roles/plays/defaults/main.yml").read_text())["plays_collections"]
    books = [path.read_text() for path in PLAYBOOKS.rglob("*.yml")]
    used = {found for text in books for found in re.findall(r"^[ -]*([a-z]+\.[a-z]+)\.[a-z_]+:", text, re.MULTILINE)}
    assert used - {"ansible.builtin"} <= set(kept)
