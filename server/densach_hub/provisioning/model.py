"""The words of provisioning: plays a technician may choose, runs and what became of each machine. No I/O.

Times are epoch milliseconds (`…_at`), lengths milliseconds (`…_ms`).
"""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

Short = Annotated[str, Meta(max_length=200)]
Line = Annotated[str, Meta(max_length=1_000)]
Value = str | int | bool
ID = r"^[A-Za-z0-9_-]{8,64}$"


class ProvisionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[provision]` of `densach.toml`."""

    playbooks: str = ""
    """The folder with `plays.yml`; empty: where the playbooks install it, or that of a clone."""
    ansible: str = ""
    """The command `ansible-playbook`; empty: beside this program, then on PATH."""
    user: Annotated[str, Meta(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] = "root"
    """Whom the hub logs in as on the machines, unless a run says otherwise."""
    inventory: str = ""
    """A folder whose variables (`hosts.yml`, `group_vars`, `host_vars`) go along with every run from here: what the school has
    set for its rooms. Empty: /etc/densach/inventory."""
    forks: Annotated[int, Meta(ge=1, le=100)] = 10
    """So many machines at a time in one run."""


# ---- plays, as `plays.yml` describes them


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence in both languages of the pages."""

    vi: str
    en: str

    def say(self, locale: str) -> str:
        return self.vi if locale == "vi" else self.en


class Danger(StrEnum):
    NONE = "none"
    """Changes nothing, or nothing that anybody notices."""
    CARE = "care"
    """Changes machines; can be run again or undone."""
    HIGH = "high"
    """People may lose work or files: asked for once more."""


class VariableKind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    YES_NO = "yes-no"


class Variable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value that a person may give a play. Nothing else can be given."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    label: Words
    kind: VariableKind = VariableKind.TEXT
    hint: Words | None = None
    choices: dict[str, Words] = {}
    pattern: str = ""
    """TEXT: a regular expression for all of it; empty allows letters, digits, space and `. , : ; _ / @ + -`."""
    least: int = 0
    most: int = 1_000_000
    default: Value | None = None
    required: bool = False


class Play(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A playbook that may be run from the hub."""

    file: Annotated[str, Meta(pattern=r"^(?:[a-z0-9_]+/)?[a-z0-9_]+\.yml$")]
    title: Words
    about: Words
    needs: Words | None = None
    machines: Annotated[str, Meta(pattern=r"^[a-z_]+$")] = "lab"
    """The group of the inventory it is for."""
    danger: Danger = Danger.CARE
    check: bool = True
    """Whether a trial (`--check --diff`) says something useful."""
    variables: tuple[Variable, ...] = ()
    fixed: dict[str, Value] = {}
    """Values that the hub always gives (`room: all`: of the machines that were chosen, and there are no others)."""

    @property
    def name(self) -> str:
        """What it is called on the command line: `lab`, `day2/exam`."""
        return self.file.removesuffix(".yml")


class Plays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `plays.yml`."""

    plays: tuple[Play, ...]


# ---- runs


class RunState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    """Every machine was reached and nothing failed."""
    FAILED = "failed"
    STOPPED = "stopped"
    """A person stopped it."""
    INTERRUPTED = "interrupted"
    """Whoever ran it went away in the middle (power cut, restart)."""

    @property
    def over(self) -> bool:
        return self is not RunState.RUNNING


class HostState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    CUT = "cut"
    """Was at work when the run was stopped or interrupted: what was done until then stays."""

    @property
    def bad(self) -> bool:
        return self in (HostState.FAILED, HostState.UNREACHABLE, HostState.CUT)


class HostResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one machine in one run. `task` and `message` say what failed (or what it is at)."""

    host: Short
    machine: Short | None = None
    """Its id in the register; None where the report named a machine that nobody knows here."""
    address: Short = ""
    state: HostState = HostState.WAITING
    ok: int = 0
    changed: int = 0
    failed: int = 0
    skipped: int = 0
    task: Short = ""
    message: Line = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the callback plugin sends at the start and at the end of a run; the same id twice is the same run."""

    id: Annotated[str, Meta(pattern=ID)]
    playbook: Short
    version: Short = ""
    """A digest of the playbooks' text: the same words give the same version."""
    check: bool = False
    by: Short = ""
    """Who ran it, and where, by the word of that machine."""
    started_at: Annotated[int, Meta(ge=0, le=253_402_300_799_000)]
    ended_at: Annotated[int, Meta(ge=0, le=253_402_300_799_000)] | None = None
    interrupted: bool = False
    hosts: Annotated[tuple[HostResult, ...], Meta(max_length=5_000)] = ()


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it is kept. `here`: it was started from this hub, not reported by a technician's own computer."""

    id: str
    play: str
    title: str = ""
    version: str = ""
    check: bool = False
    by: str
    here: bool
    started_at: int
    ended_at: int | None = None
    state: RunState = RunState.RUNNING
    reason: str = ""
    """Why it is not DONE: a code of ours such as `provisioning.no-ansible`, or empty."""
    values: dict[str, Value] = {}
    user: str = ""
    task: str = ""
    """The task it is at."""
    hosts: tuple[HostResult, ...] = ()

    @property
    def settled(self) -> int:
        return sum(1 for host in self.hosts if host.state not in (HostState.WAITING, HostState.RUNNING))

    @property
    def bad(self) -> tuple[HostResult, ...]:
        return tuple(host for host in self.hosts if host.state.bad)

    def count(self, state: HostState) -> int:
        return sum(1 for host in self.hosts if host.state is state)


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """A run in a list: the same without its machines."""

    id: str
    play: str
    title: str
    version: str
    check: bool
    by: str
    here: bool
    started_at: int
    ended_at: int | None
    state: RunState
    machines: int
    changed: int
    bad: int


class Last(msgspec.Struct, frozen=True, kw_only=True):
    """The last real run (no trial) that touched a machine."""

    machine: str
    run: str
    play: str
    version: str
    at: int
    state: HostState
    task: str = ""
    message: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants run: from the page, the API or the command. `room` means every machine of it that can be."""

    play: str
    room: str | None = None
    machines: tuple[str, ...] = ()
    check: bool = False
    confirmed: bool = False
    """That a dangerous play is really meant."""
    values: dict[str, Value] = {}
    user: str = ""
    password: str = ""
    """For sudo on the machines. Handed to ansible through a pipe, kept nowhere."""

    def __repr__(self) -> str:
        """Without the password: this may end up in a log."""
        return f"Order({self.play!r}, room={self.room!r}, machines={self.machines!r}, check={self.check})"


class KnownHost(msgspec.Struct, frozen=True, kw_only=True):
    """A machine's ssh host key as it was when the hub first met it."""

    machine: str
    kind: str
    fingerprint: str
    """`SHA256:…`, as ssh-keygen says it."""
