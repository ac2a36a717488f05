"""Decisions of provisioning: names for Ansible, what a value may be, how runs end. Pure."""

import ipaddress
import re
from collections.abc import Iterable, Mapping

from densach_core.errors import BadInput
from densach_core.folding import fold
from densach_core.text import t
from densach_hub.provisioning.model import HostResult, HostState, Play, RunState, Value, Variable, VariableKind

TEMPLATE = re.compile(r"\{(?=[{%#])")
PLAIN = re.compile(r"[\w .,:;/@+-]{0,200}")
WORST = (HostState.UNREACHABLE, HostState.FAILED, HostState.CHANGED, HostState.OK, HostState.RUNNING, HostState.WAITING)


def harmless(text: str) -> str:
    """Words of a machine or a person as an inventory may hold them: Ansible would run what stands in double braces."""
    return TEMPLATE.sub("{ ", text)


def group_name(prefix: str, name: str) -> str:
    """A name for a group: ASCII letters, digits and `_`, Vietnamese folded ("Phòng Tin 1" → `room_phong_tin_1`)."""
    folded = re.sub(r"[^a-z0-9]+", "_", fold(name)).strip("_")[:60].strip("_")
    return f"{prefix}_{folded or 'unnamed'}"


def host_name(name: str) -> str:
    """A machine's name as Ansible can be told on a command line; empty where nothing is left of it."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", _unmarked(name)).strip("-._")[:60]
    return "" if plain.lower() in RESERVED else plain


RESERVED = frozenset({"all", "ungrouped", "lab", "studio", "windows", "hub", "office", "simulated", "localhost", "implicit"})


def _unmarked(name: str) -> str:
    """Folded letter by letter, capitals kept: PC-07 stays PC-07, Máy is May."""
    return "".join(fold(ch).upper() if ch.isupper() else fold(ch) for ch in name)


def named_once(wanted: Mapping[str, str]) -> dict[str, str]:
    """id → name, where no two are alike but for capitals; those that were, or had none, are called by their id."""
    seen: dict[str, int] = {}
    for name in wanted.values():
        seen[name.lower()] = seen.get(name.lower(), 0) + 1
    return {key: name if name and seen[name.lower()] == 1 and name not in wanted else key for key, name in wanted.items()}


def address(told: Iterable[str]) -> str | None:
    """The first of some addresses (`10.0.0.7/24`, lists with commas) that another machine could reach; IPv4 before IPv6.

    Nothing but an address gets through: what a machine says ends up on ssh's command line.
    """
    found: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = []
    for word in (one.strip() for text in told for one in re.split(r"[,\s]+", text)):
        try:
            one = ipaddress.ip_interface(word.partition("%")[0]).ip
        except ValueError:
            continue
        if not (one.is_loopback or one.is_unspecified or one.is_multicast or one.is_link_local):
            found.append(one)
    found.sort(key=lambda one: one.version)
    return str(found[0]) if found else None


def checked_values(play: Play, given: Mapping[str, object]) -> dict[str, Value]:
    """What a person filled in, as the play declares it; defaults where nothing was given.

    Raises BadInput("provisioning.unknown-value", "provisioning.value") naming the field.
    """
    known = {variable.name: variable for variable in play.variables}
    for name in given:
        if name not in known:
            raise BadInput(
                "provisioning.unknown-value",
                t("This play takes no value “{name}”.", name=name[:64]),
                t("Leave it out, or look at what the play takes."),
                field=name[:64],
            )
    found: dict[str, Value] = {}
    for name, variable in known.items():
        value = _value(variable, given.get(name))
        if value is not None:
            found[name] = value
    return found


def _value(variable: Variable, given: object) -> Value | None:
    if variable.kind is VariableKind.YES_NO:
        return _yes_no(variable, given)
    if given is None or given == "":
        if variable.required and variable.default is None:
            raise _wrong(variable)
        return variable.default
    if variable.kind is VariableKind.NUMBER:
        return _number(variable, given)
    text = str(given).strip()
    if variable.kind is VariableKind.CHOICE:
        if text not in variable.choices:
            raise _wrong(variable)
        return text
    pattern = re.compile(variable.pattern) if variable.pattern else PLAIN
    if len(text) > 1_000 or pattern.fullmatch(text) is None or TEMPLATE.search(text) or not text.isprintable():
        raise _wrong(variable)
    return text


def _yes_no(variable: Variable, given: object) -> bool:
    if given is None or given == "":
        return bool(variable.default)
    if isinstance(given, bool):
        return given
    word = str(given).strip().lower()
    if word in ("true", "yes", "1", "on", "co", "có"):
        return True
    if word in ("false", "no", "0", "off", "khong", "không"):
        return False
    raise _wrong(variable)


def _number(variable: Variable, given: object) -> int:
    text = str(given).strip()
    if isinstance(given, bool) or re.fullmatch(r"-?[0-9]{1,9}", text) is None or not variable.least <= int(text) <= variable.most:
        raise _wrong(variable)
    return int(text)


def _wrong(variable: Variable) -> BadInput:
    return BadInput(
        "provisioning.value", t("“{name}” does not fit.", name=variable.name), t("Look at its hint and correct it."),
        field=variable.name,
    )  # fmt: skip


def outcome(hosts: Iterable[HostResult], code: int | None) -> RunState:
    """How a run ended by itself: DONE only where every machine was settled and well. `code`: of the process, if known."""
    every = tuple(hosts)
    well = all(host.state in (HostState.OK, HostState.CHANGED) for host in every)
    return RunState.DONE if every and well and not code else RunState.FAILED


def settled(host: HostResult) -> HostResult:
    """A machine at the end of a run: by its counts; one that was never reached stays WAITING."""
    if host.state.bad:
        return host
    state = HostState.CHANGED if host.changed else HostState.OK if host.ok or host.skipped else HostState.WAITING
    return HostResult(
        host=host.host, machine=host.machine, address=host.address, state=state, ok=host.ok, changed=host.changed,
        failed=host.failed, skipped=host.skipped,
    )  # fmt: skip
