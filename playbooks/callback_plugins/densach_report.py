"""Tells the school's hub what a run did, so that the map shows which machines are set up and what failed.

Needs nothing but Python's own library and Ansible. It sends at the start and at the end; when the hub is away the report
is kept in a file and goes along with the next run. What a task hides (`no_log`) and what it was given (arguments, values)
never leaves this computer: only names of tasks, counts, and the message of a failure.
"""

from __future__ import annotations

import atexit
import getpass
import hashlib
import json
import os
import platform
import re
import ssl
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: densach_report
type: notification
short_description: tells the school's hub what a run did
description:
  - Without an address and a token it does nothing.
  - The variables C(densach_hub_url) and C(densach_token_file) of the inventory are used where the options are not set.
options:
  hub_url:
    description: Address of the hub, as C(https://densach.lan).
    type: str
    env: [{name: DENSACH_HUB_URL}]
    ini: [{section: callback_densach_report, key: hub_url}]
  token_file:
    description: File with a technician's token (C(densach token create --role technician)).
    type: path
    env: [{name: DENSACH_TOKEN_FILE}]
    ini: [{section: callback_densach_report, key: token_file}]
  ca_file:
    description: Certificate of the hub's own authority, where this computer does not trust it yet.
    type: path
    env: [{name: DENSACH_CA_FILE}]
    ini: [{section: callback_densach_report, key: ca_file}]
  outbox:
    description: Folder for reports that could not be sent.
    type: path
    default: ~/.local/state/densach/reports
    env: [{name: DENSACH_REPORTS}]
    ini: [{section: callback_densach_report, key: outbox}]
  events:
    description: File that gets every step as a line of JSON. The hub sets it for runs of its own; nothing is sent then.
    type: path
    env: [{name: DENSACH_RUN_EVENTS}]
"""
HIDDEN = "hidden (no_log)"
TIMEOUT_S = 8
LINE, WORD = 900, 190


class CallbackModule(CallbackBase):
    """One object for one run of ansible-playbook."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "densach_report"

    def __init__(self) -> None:
        super().__init__()
        self._id = uuid.uuid4().hex
        self._pid = os.getpid()
        self._started_at = _now()
        self._playbook = ""
        self._version = ""
        self._check = False
        self._hosts: dict[str, dict] = {}
        self._url = self._token = None
        self._began = self._ended = False
        self._events = None
        self._left_alone = 0

    # ---- what Ansible calls

    def v2_playbook_on_start(self, playbook) -> None:
        path = Path(playbook._file_name).resolve()
        base = _base(path)
        self._playbook = _cut(str(path.relative_to(base)), WORD)
        self._version = _version(base)
        if place := self.get_option("events"):
            self._events = open(place, "a", encoding="utf-8")  # noqa: SIM115 - open as long as the run
            self._say("start", playbook=self._playbook, version=self._version)
        atexit.register(self._left)

    def v2_playbook_on_play_start(self, play) -> None:
        self._check = bool(getattr(play, "check_mode", False) or _given("check"))
        manager = play.get_variable_manager()
        # This computer, where it is no machine of the inventory, only helps: it is not reported, and knows no hub.
        hosts = [host for host in manager._inventory.get_hosts(play.hosts, order=play.order) if not host.implicit]
        for host in hosts:
            self._host(host)
        self._say("play", name=_cut(play.get_name(), WORD), hosts=[host.get_name() for host in hosts])
        if hosts and not self._began and self._events is None:
            self._began = True
            self._find_hub(play, manager, hosts)
            self._send_left()
            self._send(self._report(None), keep=False)

    def v2_playbook_on_task_start(self, task, is_conditional) -> None:  # noqa: ARG002
        self._say("task", name=_task(task))

    def v2_playbook_on_handler_task_start(self, task) -> None:
        self._say("task", name=_task(task))

    def v2_runner_on_start(self, host, task) -> None:
        self._say("host", state="running", task=_task(task), host=_cut(host.get_name(), WORD))

    def v2_runner_on_ok(self, result) -> None:
        self._left_alone += _stands(result)
        self._note(result, "changed" if result.is_changed() else "ok")

    def v2_runner_on_skipped(self, result) -> None:
        self._note(result, "skipped")

    def v2_runner_on_failed(self, result, ignore_errors=False) -> None:
        self._note(result, "ok" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result) -> None:
        self._note(result, "unreachable")

    def v2_playbook_on_no_hosts_matched(self) -> None:
        self._say("nobody")

    def v2_playbook_on_stats(self, stats) -> None:
        for name in stats.processed:
            if name not in self._hosts:
                continue
            host, sums = self._hosts[name], stats.summarize(name)
            host.update(ok=sums["ok"], changed=sums["changed"], failed=sums["failures"], skipped=sums["skipped"])
            if sums["unreachable"]:
                host["state"] = "unreachable"
            elif sums["failures"]:
                host["state"] = "failed"
            else:
                host.update(state="changed" if sums["changed"] else "ok", task="", message="")
        if number := self._left_alone:
            self._display.display(
                f"{number} máy vẫn như lần chạy trước để lại, không có gì phải làm. Làm lại tất cả: -e standing_all=true\n"
                f"{number} machine(s) as the last run left them: nothing to do. All of it again: -e standing_all=true"
            )
        self._ended = True
        self._say("end", hosts=list(self._hosts.values()))
        self._send(self._report(_now()), keep=True)

    # ---- what becomes of it

    def _host(self, host) -> dict:
        name = host.get_name()
        known = self._hosts.setdefault(name, _nobody(name))
        variables = host.vars
        if isinstance(variables.get("densach_id"), str):
            known["machine"] = _cut(variables["densach_id"], WORD)
        if isinstance(variables.get("ansible_host"), str):
            known["address"] = _cut(variables["ansible_host"], WORD)
        return known

    def _note(self, result, state: str) -> None:
        task = _task(result.task if hasattr(result, "task") else result._task)
        told_by = result.host if hasattr(result, "host") else result._host
        if told_by.implicit:
            return
        host = self._host(told_by)
        if state in ("failed", "unreachable"):
            host.update(state=state, task=task, message=_why(result))
        elif host["state"] == "waiting":
            host["state"] = "running"
        if state in ("ok", "changed", "failed", "skipped"):
            host[state] += 1
        if state == "changed":
            host["ok"] += 1
        self._say("host", state=state, task=task, host=host["host"], message=host["message"] if state == host["state"] else "")

    def _say(self, what: str, **more) -> None:
        if self._events is not None:
            self._events.write(json.dumps({"t": what, "at": _now(), **more}, ensure_ascii=False) + "\n")
            self._events.flush()

    def _report(self, ended_at: int | None, *, interrupted: bool = False) -> dict:
        return {
            "id": self._id, "playbook": self._playbook, "version": self._version, "check": self._check, "by": _who(),
            "started_at": self._started_at, "ended_at": ended_at, "interrupted": interrupted, "hosts": list(self._hosts.values()),
        }  # fmt: skip

    def _left(self) -> None:
        """Ctrl-C, or an error before the end: said, so that nobody waits for it."""
        if self._began and not self._ended and os.getpid() == self._pid:
            self._ended = True
            self._send(self._report(_now(), interrupted=True), keep=True)

    def _find_hub(self, play, manager, hosts) -> None:
        self._url, token_file = self.get_option("hub_url"), self.get_option("token_file")
        if hosts and not (self._url and token_file):
            variables = manager.get_vars(play=play, host=hosts[0], include_hostvars=False)
            self._url = self._url or _plain(manager, variables, "densach_hub_url")
            token_file = token_file or _plain(manager, variables, "densach_token_file")
        if not (self._url and token_file):
            self._url = None
            return
        try:
            self._token = Path(token_file).expanduser().read_text("utf-8").strip()
        except OSError as error:
            self._display.warning(f"densach_report: {token_file}: {error.strerror}; the hub is told nothing of this run.")
            self._url = None

    def _send(self, report: dict, *, keep: bool) -> None:
        if not self._url or not self._began or self._events is not None:
            return
        trouble = self._post(report)
        if trouble is None:
            return
        if not keep:
            self._display.warning(f"densach_report: the hub cannot be told: {trouble}")
            return
        folder = Path(self.get_option("outbox")).expanduser()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            place = folder / f"{report['id']}.json"
            place.write_text(json.dumps(report, ensure_ascii=False), "utf-8")
        except OSError as error:
            self._display.warning(f"densach_report: the hub cannot be told ({trouble}), and {folder}: {error.strerror}")
            return
        self._display.warning(
            f"densach_report: the hub cannot be told: {trouble}. The report is kept in {place} and goes along with the next run."
        )

    def _send_left(self) -> None:
        """Reports of earlier runs, oldest first. The first one that does not get through ends it."""
        if not self._url:
            return
        folder = Path(self.get_option("outbox")).expanduser()
        for place in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)[:50] if folder.is_dir() else ():
            try:
                trouble = self._post(json.loads(place.read_text("utf-8")))
            except (OSError, ValueError):
                trouble = "refused: not readable"
            if trouble is None:
                place.unlink()
            elif trouble.startswith("refused"):
                place.rename(place.with_suffix(".refused"))
                self._display.warning(f"densach_report: {place}: {trouble}")
            else:
                return

    def _post(self, report: dict) -> str | None:
        """None when the hub has it. "refused …" when sending it again would not help."""
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked
            f"{str(self._url).rstrip('/')}/api/v1/provisioning/reports",
            data=json.dumps(report).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        if request.type not in ("http", "https"):
            return f"{self._url} is no http address"
        try:
            trust = ssl.create_default_context(cafile=self.get_option("ca_file") or None) if request.type == "https" else None
            with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=trust):  # noqa: S310
                return None
        except urllib.error.HTTPError as error:
            return f"{'refused: ' if error.code in (400, 413, 422) else ''}{error.code} {error.reason}"
        except (OSError, ValueError) as error:
            return str(getattr(error, "reason", error))


def _now() -> int:
    return time.time_ns() // 1_000_000


def _nobody(name: str) -> dict:
    return {
        "host": _cut(name, WORD), "machine": None, "address": "", "state": "waiting", "ok": 0, "changed": 0, "failed": 0,
        "skipped": 0, "task": "", "message": "",
    }  # fmt: skip


def _cut(text: object, length: int) -> str:
    words = " ".join(re.sub(r"@{4,}", " ", str(text)).split())  # ssh frames its warnings so
    return words if len(words) <= length else words[: length - 1] + "…"


def _task(task) -> str:
    return _cut(task.get_name(), WORD)


def _why(result) -> str:
    """What a failure says, without anything a task hides."""
    task = result.task if hasattr(result, "task") else result._task
    told = result.result if hasattr(result, "result") else result._result
    if getattr(task, "no_log", False) or "censored" in told or told.get("_ansible_no_log"):
        return HIDDEN
    broken = [one for one in told.get("results") or () if isinstance(one, dict) and (one.get("failed") or one.get("unreachable"))]
    if any("censored" in one or one.get("_ansible_no_log") for one in broken):
        return HIDDEN
    told = broken[0] if broken else told
    said = [str(told.get(name) or "") for name in ("msg", "stderr")]
    return _cut(": ".join(word for word in said if word.strip()) or "failed", LINE)


def _stands(result) -> bool:
    """Whether role standing found this machine as the last run left it (its note at the end says nothing of a run cut off)."""
    told = result.result if hasattr(result, "result") else result._result
    task = result.task if hasattr(result, "task") else result._task
    return task.action == "densach_standing" and "cut" in told and told.get("same") is True


def _given(option: str) -> bool:
    from ansible import context

    return bool(context.CLIARGS.get(option))


def _plain(manager, variables: dict, name: str) -> str | None:
    """A variable of the inventory, its own variables filled in."""
    value = variables.get(name)
    if not isinstance(value, str) or not value:
        return None
    if "{{" in value:
        from ansible.template import Templar

        value = Templar(loader=manager._loader, variables=variables).template(value)
    return str(value)


def _who() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return _cut(f"{name}@{platform.node()}", WORD)


def _base(playbook: Path) -> Path:
    """The project a playbook belongs to: the nearest folder above it with roles."""
    return next((folder for folder in playbook.parents if (folder / "roles").is_dir()), playbook.parent)


def _version(base: Path) -> str:
    """A digest of everything that says what to do: the same text, the same version, wherever it lies."""
    found = hashlib.sha256()
    for path in sorted(base.rglob("*")):
        inside = path.relative_to(base)
        if path.suffix in (".yml", ".j2", ".txt", ".py") and inside.parts[0] != "inventories" and path.is_file():
            found.update(str(inside).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:10]
