"""Writes down what each module is asked instead of asking it: a play's whole conversation with hosts that are not there.

Loaded by Ansible as a callback plugin before it forks. What decides inside Ansible (assert, set_fact, includes, …) stays as it
is; every other module is answered from a file: {"facts": {host: …}, "answers": {task's name: result}}. Each line that is
written is one call: host, role, task, module, arguments, and for a template its rendered text.
"""

import json
import os
from pathlib import Path
from typing import Any

from ansible.executor.task_executor import TaskExecutor  # type: ignore[import-untyped]
from ansible.plugins.action import ActionBase  # type: ignore[import-untyped]
from ansible.plugins.callback import CallbackBase  # type: ignore[import-untyped]
from ansible.plugins.loader import lookup_loader  # type: ignore[import-untyped]
from ansible.template import Templar  # type: ignore[import-untyped]

DECIDES = {
    "assert",
    "debug",
    "fail",
    "set_fact",
    "include_vars",
    "validate_argument_spec",
    "include_role",
    "include_tasks",
    "meta",
}
_really = TaskExecutor._get_action_handler_with_module_context


class Recorder(ActionBase):  # type: ignore[misc]
    """Answers for every module; all of them have changed something, so that handlers are heard, too."""

    def run(self, tmp: object = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        known = json.loads(Path(os.environ["DENSACH_RECORDER_KNOWS"]).read_text("utf-8"))
        values = task_vars or {}
        module = str(self._task.action).rpartition(".")[2]
        if module in {"setup", "gather_facts"}:
            return {"changed": False, "ansible_facts": known["facts"][values["inventory_hostname"]]}
        arguments = json.loads(json.dumps(self._task.args, default=str))
        said = {
            "host": values["inventory_hostname"],
            "role": self._task._role.get_name() if self._task._role else "",
            "task": str(self._task.name),
            "module": str(self._task.action),
            "arguments": arguments,
        }
        if module in {"template", "win_template"}:
            source = self._find_needle("templates", arguments["src"])
            look = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
            said["rendered"] = str(look.run([source], variables=values)[0])
        with Path(os.environ["DENSACH_RECORDER_WRITES"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(said, ensure_ascii=False) + "\n")
        return {"changed": True, **known["answers"].get(said["task"], {})}


def _recorded(executor: TaskExecutor, templar: object) -> tuple[Any, Any]:
    if str(executor._task.action).rpartition(".")[2] in DECIDES:
        found: tuple[Any, Any] = _really(executor, templar)
        return found
    handler = Recorder(
        task=executor._task, connection=executor._connection, play_context=executor._play_context,
        loader=executor._loader, templar=Templar._from_template_engine(templar), shared_loader_obj=executor._shared_loader_obj,
    )  # fmt: skip
    return handler, None


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Only the way in."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "recorded"

    def __init__(self) -> None:
        super().__init__()
        TaskExecutor._get_action_handler_with_module_context = _recorded
