"""What a running play has told so far: lines of JSON from the callback plugin, turned into the state of a run. Pure."""

from typing import Any

import msgspec
from msgspec.structs import replace

from densach_hub.provisioning.model import HostResult, HostState, Run
from densach_hub.provisioning.rules import settled

_COUNTED = {"ok": "ok", "changed": "changed", "failed": "failed", "skipped": "skipped"}


class Event(msgspec.Struct, frozen=True):
    """One line: `t` is start, play, task, host, end or nobody."""

    t: str
    at: int = 0
    name: str = ""
    host: str = ""
    state: str = ""
    task: str = ""
    message: str = ""
    version: str = ""
    hosts: list[Any] = []


class Progress:
    """A run under way. `run()` is what is to be kept now; `ended` when the play said its last word."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._hosts = {host.host: host for host in run.hosts}
        self._rest = b""
        self.ended = False
        self.begun = False

    def run(self) -> Run:
        return replace(self._run, hosts=tuple(self._hosts.values()))

    def read(self, piece: bytes) -> bool:
        """More of the file; whether anything changed. A line that is not whole yet waits for its rest."""
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        heard = False
        for line in lines:
            try:
                event = msgspec.json.decode(line, type=Event)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # a torn line of a process that was killed
            self._hear(event)
            heard = True
        return heard

    def _hear(self, event: Event) -> None:
        self.begun = True
        if event.t == "start":
            self._run = replace(self._run, version=event.version[:200])
        elif event.t in ("play", "task"):
            self._run = replace(self._run, task=event.name[:200])
        elif event.t == "host" and event.host in self._hosts:
            self._hosts[event.host] = _after(self._hosts[event.host], event)
        elif event.t == "end":
            self.ended = True
            self._run = replace(self._run, task="")
            for told in event.hosts:
                self._last_word(told)

    def _last_word(self, told: object) -> None:
        try:
            last = msgspec.convert(told, HostResult)
        except msgspec.ValidationError:
            return
        if (known := self._hosts.get(last.host)) is not None:
            self._hosts[last.host] = settled(replace(last, machine=known.machine, address=known.address))


def _after(host: HostResult, event: Event) -> HostResult:
    if event.state in ("failed", "unreachable"):
        state = HostState(event.state)
        failed = host.failed + (event.state == "failed")
        return replace(host, state=state, failed=failed, task=event.task[:200], message=event.message[:1000])
    if event.state == "running":
        return host if host.state.bad else replace(host, state=HostState.RUNNING, task=event.task[:200])
    if event.state not in _COUNTED:
        return host
    more: dict[str, Any] = {_COUNTED[event.state]: getattr(host, _COUNTED[event.state]) + 1}
    if event.state == "changed":
        more["ok"] = host.ok + 1
    if not host.state.bad:
        more |= {"state": HostState.RUNNING, "task": event.task[:200]}
    return replace(host, **more)
