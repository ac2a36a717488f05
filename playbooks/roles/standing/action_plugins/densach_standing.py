"""What a run would apply, as one digest: the plays' own text, the machine's variables, and the files and folders they name."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from ansible.plugins.action import ActionBase

BASE = Path(__file__).resolve().parents[3]
NOT_TEXTS = {"inventories", "__pycache__"}
OTHERS = {
    "hostvars", "groups", "vars", "omit", "play_hosts", "environment", "playbook_dir", "role_names", "densach_token_file",
    "standing_all", "standing_days",
}  # fmt: skip
"""Of all machines, of the run, a name for the machine, or how it is looked at: not what is applied to it (its groups count)."""
MEASURED = re.compile(
    r"densach_(memory|cpu|disk|serial|model|room|seat|addresses|mac|state|heard_at|inventory_at|agent$|simulated)"
)
"""What the hub's inventory says a machine is at the moment: the roles look for themselves."""
NAMED = ("_file", "_dir", "_folder", "_template", "_deb")
LIMIT = 64_000_000


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        args = dict(self._task.args)
        if not args.get("inputs"):
            args["inputs"] = self._inputs(task_vars or {}, args.get("extra", ""))
        return self._execute_module("densach_standing", module_args=args, task_vars=task_vars)

    def _inputs(self, variables: dict, extra: str) -> str:
        found = hashlib.sha256(extra.encode())
        for path in sorted(BASE.rglob("*")):
            inside = path.relative_to(BASE)
            if not any(part in NOT_TEXTS or part.startswith(".") for part in inside.parts) and path.is_file():
                found.update(f"{inside}\0".encode() + path.read_bytes())
        for name in sorted(variables):
            if name in OTHERS or name.startswith(("ansible_", "role_", "inventory_")) or MEASURED.match(name):
                continue
            value = variables[name]
            if name == "group_names":
                value = [group for group in value if not group.startswith("state_")]
            found.update(f"{name}={json.dumps(value, default=str, sort_keys=True)}\0".encode())
            if name.endswith(NAMED) and isinstance(variables[name], str) and variables[name]:
                found.update(self._lies_there(variables[name]))
        return found.hexdigest()

    def _lies_there(self, value: str) -> bytes:
        """What a variable names on this computer: a file, an opened bundle by its list, or a small folder."""
        try:
            path = Path(str(self._templar.template(value))).expanduser()
            if not path.is_absolute() or not path.exists():
                return b""
            if path.is_dir():
                files = [listed] if (listed := path / "manifest.json").exists() else sorted(path.rglob("*"))
            else:
                files = [path]
            files = [one for one in files if one.is_file()]
            if sum(one.stat().st_size for one in files) > LIMIT:
                return repr([(str(one), one.stat().st_size, one.stat().st_mtime_ns) for one in files]).encode()
            return b"".join(str(one).encode() + hashlib.sha256(one.read_bytes()).digest() for one in files)
        except Exception:  # noqa: BLE001 - what cannot be worked out yet is for the role that uses it to say
            return b"?"
