#!/usr/bin/python
"""Whether a machine is as the last run left it, seen in one go."""

from __future__ import annotations

DOCUMENTATION = r"""
module: densach_standing
short_description: Whether a machine is as the last run left it
description:
  - C(look) compares the machine with what the last run wrote down; when something differs, it notes that a run has begun.
  - C(record) writes down how the machine is, at the end of a run that went through everything.
author: Đèn Sách
options:
  step: {type: str, required: true, choices: [look, record], description: What to do.}
  inputs: {type: str, default: "", description: A digest of what the run would apply; the controller's part fills it in.}
  extra: {type: str, default: "", description: What belongs to the inputs and is no variable.}
  whole: {type: bool, default: true, description: Whether this run goes through all roles but the skipped ones.}
  skipped: {type: list, elements: str, default: [], description: What this run skips.}
  all: {type: bool, default: false, description: Look at nothing and go through everything.}
  days: {type: int, default: 7, description: For how long what was written down counts.}
  trees: {type: list, elements: str, default: [], description: Files and folders that are compared.}
  ignored: {type: list, elements: str, default: [], description: Patterns of paths that are not.}
  units: {type: list, elements: str, default: [], description: Units whose state is compared.}
  kit: {type: str, default: "", description: Address of the hub's list of what its agent is made of; what it says is compared.}
"""
EXAMPLES = r"""
- name: As it was left
  densach_standing: {step: look, trees: [/etc]}
"""
RETURN = r"""
same: {type: bool, returned: always, description: Whether nothing differs.}
cut: {type: bool, returned: look, description: Whether the run before was cut off.}
why: {type: list, elements: str, returned: always, description: What differs, the first of it.}
inputs: {type: str, returned: look, description: The digest that was compared.}
"""

import fnmatch  # noqa: E402 - Ansible wants its documentation first
import hashlib  # noqa: E402
import http.client  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import stat  # noqa: E402
import time  # noqa: E402
import urllib.request  # noqa: E402
from pathlib import Path  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402

PLACE = "/var/lib/densach-play"
RECORD = f"{PLACE}/standing.json"
BEGUN = f"{PLACE}/begun"
LARGE = 1_000_000
SHOWN = 20
ANSWER_S = 5


def paths(trees: list[str]):
    """Everything below them, themselves too; links are not followed."""
    for tree in trees:
        if os.path.lexists(tree):
            yield tree
        for folder, folders, files in os.walk(tree):
            for name in (*folders, *files):
                yield f"{folder}/{name}"


def told(path: str) -> str:
    """Kind, rights, owner and content of one."""
    try:
        found = os.lstat(path)
        said = f"{found.st_mode:o} {found.st_uid} {found.st_gid}"
        if stat.S_ISLNK(found.st_mode):
            return f"{said} {Path(path).readlink()}"
        if not stat.S_ISREG(found.st_mode):
            return said
        if found.st_size > LARGE:
            return f"{said} {found.st_size} {found.st_mtime_ns}"
        with Path(path).open("rb") as file:
            return f"{said} {hashlib.sha1(file.read(), usedforsecurity=False).hexdigest()}"
    except OSError as error:
        return f"error {error.errno}"


def packages() -> str:
    """A digest of what is installed, in which version."""
    found = hashlib.sha1(usedforsecurity=False)
    try:
        with Path("/var/lib/dpkg/status").open("rb") as file:
            for line in file:
                if line.startswith((b"Package:", b"Status:", b"Version:", b"Architecture:")):
                    found.update(line)
    except OSError:
        return ""
    return found.hexdigest()


def states(module: AnsibleModule, units: list[str]) -> dict[str, str]:
    if not units:
        return {}
    _, out, _ = module.run_command(["systemctl", "show", "--property=Id,LoadState,ActiveState", *units])
    found = {}
    for block in out.strip().split("\n\n"):
        fields = dict(line.partition("=")[::2] for line in block.splitlines())
        found[fields.get("Id", "")] = f"{fields.get('LoadState', '')} {fields.get('ActiveState', '')}"
    return found


def kit(address: str) -> str:
    """A digest of what the hub says its agent is made of; nothing where the hub does not answer."""
    if not address.startswith(("http://", "https://")):
        return ""
    try:
        with urllib.request.urlopen(address, timeout=ANSWER_S) as answer:  # noqa: S310 - the scheme is checked
            return hashlib.sha1(answer.read(LARGE), usedforsecurity=False).hexdigest()
    except (OSError, ValueError, http.client.HTTPException):
        return ""


def now(module: AnsibleModule) -> dict:
    ignored = re.compile("|".join(fnmatch.translate(one) for one in module.params["ignored"]) or r"(?!)")
    return {
        "paths": {path: told(path) for path in paths(module.params["trees"]) if not ignored.match(path)},
        "packages": packages(),
        "units": states(module, module.params["units"]),
        "kit": kit(module.params["kit"]),
    }


def recorded() -> dict:
    try:
        found = json.loads(Path(RECORD).read_text("utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def differences(was: dict, found: dict) -> list[str]:
    why = []
    for kind in ("paths", "units"):
        before, after = was.get(kind, {}), found[kind]
        why += sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    why += ["packages"] if was.get("packages") != found["packages"] else []
    return why + (["the hub's agent, or the hub does not say"] if was.get("kit", "") != found["kit"] else [])


def kept(path: str, text: str) -> None:
    """Whole or not at all, also when the plug is pulled."""
    Path(PLACE).mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(f"{path}.new").replace(path)


def begun() -> dict | None:
    """What is known of the run that began and did not end: what it skipped, and whether one was cut off before it."""
    try:
        found = json.loads(Path(BEGUN).read_text("utf-8"))
        return {"skipped": list(found["skipped"]), "cut": bool(found["cut"])}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return {"skipped": [], "cut": True}


def look(module: AnsibleModule) -> dict:
    was, given = recorded(), module.params
    age_s = time.time() - was.get("at_s", 0)
    left = begun()
    cut = left is not None and given["whole"]
    if given["all"]:
        why = ["asked for"]
    elif cut:
        why = ["the run before was cut off"]
    elif not was:
        why = ["no run has ended here yet"]
    elif was.get("inputs") != given["inputs"]:
        why = ["other plays or settings"]
    elif not 0 <= age_s < given["days"] * 86_400:
        why = [f"last gone through {int(age_s // 86_400)} days ago"]
    else:
        why = differences(was, now(module))
    if why and not module.check_mode:
        skipped = set(given["skipped"]) if left is None else {*given["skipped"]} & {*left["skipped"]}
        kept(BEGUN, json.dumps({"skipped": sorted(skipped), "cut": left is not None}))
    return {"same": not why, "cut": cut, "why": why[:SHOWN], "inputs": given["inputs"]}


def record(module: AnsibleModule) -> dict:
    if not module.check_mode:
        kept(RECORD, json.dumps({"at_s": int(time.time()), "inputs": module.params["inputs"], **now(module)}))
        left = begun()
        # A run of some roles does not make good what a run of others left.
        if left and (not left["cut"] or (module.params["whole"] and {*module.params["skipped"]} <= {*left["skipped"]})):
            Path(BEGUN).unlink()
    return {"same": True, "why": []}


def main() -> None:
    strings = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(
        argument_spec={
            "step": {"type": "str", "required": True, "choices": ["look", "record"]},
            "inputs": {"type": "str", "default": ""},
            "extra": {"type": "str", "default": ""},
            "whole": {"type": "bool", "default": True},
            "skipped": strings,
            "all": {"type": "bool", "default": False},
            "days": {"type": "int", "default": 7},
            "trees": strings,
            "ignored": strings,
            "units": strings,
            "kit": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    # What a run writes down here is its own note, nothing of the machine: never "changed".
    module.exit_json(changed=False, **(look if module.params["step"] == "look" else record)(module))


if __name__ == "__main__":
    main()
