"""The inventory that Ansible is given: rooms, models, systems, states and kinds as groups, facts as host variables.

`lab`, `studio` and `windows` hold real machines with an agent, as the plays want them; simulated and retired ones are in
groups of their own and in no other. What is not known is absent, never 0. All words of machines are made harmless:
Ansible runs what stands in double braces.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from densach_hub.fleet.model import Kind, Machine, Room, RoomKind
from densach_hub.fleet.sights import Glyph, MachineRow
from densach_hub.fleet.telling import Section
from densach_hub.provisioning.rules import address, group_name, harmless, host_name, named_once
from densach_wire.messages import Item, Presence

SECTIONS = ("system", "cpu", "memory", "disk", "network")
"""Of the last inventory, what becomes facts."""
PLAYED = ("lab", "studio", "windows")
_AWAY = {Presence.ASLEEP: "asleep", Presence.OFF: "off", Presence.OFFLINE: "offline"}


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A machine as Ansible is told of it."""

    name: str
    machine: str
    groups: tuple[str, ...]
    variables: dict[str, Any]

    @property
    def address(self) -> str | None:
        found = self.variables.get("ansible_host")
        return found if isinstance(found, str) else None


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    hosts: tuple[Host, ...]
    group_variables: dict[str, dict[str, str]]
    """Group → its variables: the name as people write it."""

    def script(self) -> dict[str, Any]:
        """What an inventory script answers to `--list`."""
        groups: dict[str, dict[str, Any]] = {name: {"hosts": []} for name in PLAYED}
        for host in self.hosts:
            for group in host.groups:
                groups.setdefault(group, {"hosts": []})["hosts"].append(host.name)
        for group, variables in self.group_variables.items():
            if group in groups:
                groups[group]["vars"] = variables
        hosts = {host.name: host.variables for host in self.hosts}
        return {"_meta": {"hostvars": hosts}, "all": {"children": sorted(groups)}, **dict(sorted(groups.items()))}

    def file(self, chosen: Iterable[str], more: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """An inventory of some machines only (by id), as a file of JSON that Ansible reads as YAML; `more`: variables by id."""
        wanted = set(chosen)
        hosts = {host.name: {**host.variables, **more.get(host.machine, {})} for host in self.hosts if host.machine in wanted}
        groups: dict[str, dict[str, Any]] = {}
        for host in self.hosts:
            if host.machine in wanted:
                for group in host.groups:
                    groups.setdefault(group, {"hosts": {}, "vars": self.group_variables.get(group, {})})["hosts"][host.name] = {}
        return {"all": {"hosts": hosts, "children": groups}}


def inventory(
    rows: Sequence[MachineRow], retired: Sequence[Machine], rooms: Sequence[Room], sections: Iterable[Section]
) -> Inventory:
    """Everything of one school."""
    by_room = {room.id: room for room in rooms}
    told: dict[str, list[Section]] = {}
    for section in sections:
        told.setdefault(section.device, []).append(section)
    machines = {row.machine.id: row.machine for row in rows} | {machine.id: machine for machine in retired}
    names = named_once({machine.id: host_name(machine.name) for machine in machines.values()})
    hosts = []
    variables: dict[str, dict[str, str]] = {}
    for row in rows:
        m = row.machine
        room = by_room.get(m.place.room) if m.place else None
        groups = _groups(row, room, variables)
        facts = _known(row, room) | facts_of(told.get(m.id, []))
        if m.simulated:
            facts.pop("ansible_host", None)  # made up: somebody else may live there
        if "windows" in groups:
            facts |= {"ansible_connection": "ssh", "ansible_shell_type": "powershell"}
        hosts.append(Host(name=names[m.id], machine=m.id, groups=tuple(groups), variables=facts))
    hosts += [
        Host(name=names[m.id], machine=m.id, groups=("simulated",) if m.simulated else ("state_retired",), variables=_named(m))
        for m in retired
    ]
    return Inventory(hosts=tuple(hosts), group_variables=variables)


def _groups(row: MachineRow, room: Room | None, variables: dict[str, dict[str, str]]) -> list[str]:
    m = row.machine
    if m.simulated:
        return ["simulated"]
    windows = "windows" in m.os.lower()
    found = [f"kind_{m.kind.value}", f"state_{state_of(row)}"]
    if m.kind is Kind.AGENT:
        found.append("windows" if windows else "studio" if room is not None and room.kind is RoomKind.STUDIO else "lab")
    if room is not None:
        group = group_name("room", room.id)
        found.append(group)
        variables[group] = {"densach_room_name": harmless(room.name)}
    for prefix, name in (("model", f"{m.maker} {m.model}".strip()), ("os", m.os)):
        if name:
            group = group_name(prefix, name)
            found.append(group)
            variables.setdefault(group, {f"densach_{prefix}_name": harmless(name)})
    return found


def state_of(row: MachineRow) -> str:
    """A word for a group: in the order in which a person would ask."""
    if row.glyph is Glyph.BROKEN:
        return "broken"
    if row.machine.kind is Kind.DECLARED:
        return "declared"
    if row.live is None or row.live.heard_at is None:
        return "never_heard"
    if row.glyph is Glyph.SILENT:
        return "missing"
    if row.glyph in (Glyph.IN_USE, Glyph.IDLE):
        return "online"
    return _AWAY.get(row.live.presence, "offline") if row.live.presence else "offline"


def _named(m: Machine) -> dict[str, Any]:
    words = {
        "densach_name": m.name, "densach_maker": m.maker, "densach_model": m.model, "densach_serial": m.serial,
        "densach_asset": m.asset, "densach_os": m.os, "densach_hostname": m.hostname,
    }  # fmt: skip
    return {
        "densach_id": m.id, "densach_simulated": m.simulated, "densach_kind": m.kind.value,
        **{name: harmless(word) for name, word in words.items() if word},
    }  # fmt: skip


def _known(row: MachineRow, room: Room | None) -> dict[str, Any]:
    m = row.machine
    found = _named(m) | {"densach_state": state_of(row)}
    if room is not None:
        found |= {"densach_room": room.id, "densach_room_name": harmless(room.name)}
        if room.campus:
            found["densach_campus"] = harmless(room.campus)
        found["agent_room"] = room.id
    if m.place and m.place.seat:
        found["densach_seat"] = harmless(m.place.seat)
    if row.live and row.live.heard_at is not None:
        found["densach_heard_at"] = row.live.heard_at // 1000
    if row.live and row.live.agent:
        found["densach_agent"] = harmless(row.live.agent)
    return found


def facts_of(sections: Iterable[Section]) -> dict[str, Any]:
    """Host variables out of the last inventory; bytes, MHz and counts as numbers, unknown ones absent."""
    items: dict[str, list[Item]] = {}
    seen_at = None
    for section in sections:
        seen_at = max(seen_at or 0, section.seen_at)
        for item in section.items:
            items.setdefault(item.cls, []).append(item)
    found: dict[str, Any] = {}
    if seen_at is not None:
        found["densach_inventory_at"] = seen_at // 1000
    found |= _memory(items) | _processor(items) | _disks(items) | _network(items)
    for item in items.get("product", []):
        if serial := item.attrs.get("serial"):
            found["densach_serial"] = harmless(str(serial))
    return found


def _memory(items: Mapping[str, list[Item]]) -> dict[str, Any]:
    modules = [size for item in items.get("memory", []) if (size := _number(item, "size_bytes"))]
    usable = next((size for item in items.get("memory-total", []) if (size := _number(item, "size_bytes"))), None)
    found = {"densach_memory_bytes": sum(modules) or usable, "densach_memory_usable_bytes": usable}
    if modules:
        found["densach_memory_modules"] = len(modules)
    return {name: value for name, value in found.items() if value}


def _processor(items: Mapping[str, list[Item]]) -> dict[str, Any]:
    chips = items.get("cpu", [])
    if not chips:
        return {}
    found: dict[str, Any] = {}
    if model := chips[0].attrs.get("model"):
        found["densach_cpu"] = harmless(str(model))
    for name in ("cores", "threads"):
        told = [number for chip in chips if (number := _number(chip, name))]
        if len(told) == len(chips):
            found[f"densach_cpu_{name}"] = sum(told)
    return found


def _disks(items: Mapping[str, list[Item]]) -> dict[str, Any]:
    disks = []
    for item in items.get("disk", []):
        disk: dict[str, Any] = {"device": harmless(item.key)}
        for name in ("model", "serial", "kind"):
            if word := item.attrs.get(name):
                disk[name] = harmless(str(word))
        if size := _number(item, "size_bytes"):
            disk["size_bytes"] = size
        disks.append(disk)
    sizes = [disk["size_bytes"] for disk in disks if "size_bytes" in disk]
    found: dict[str, Any] = {"densach_disks": disks} if disks else {}
    if sizes and len(sizes) == len(disks):
        found["densach_disk_bytes"] = sum(sizes)
    return found


def _network(items: Mapping[str, list[Item]]) -> dict[str, Any]:
    cards = sorted(items.get("network", []), key=lambda item: (item.attrs.get("kind") != "ethernet", item.key))
    told = [str(item.attrs[name]) for name in ("ipv4", "ipv6") for item in cards if item.attrs.get(name)]
    every = [one for text in told for word in text.split(",") if (one := address([word])) is not None]
    macs = [harmless(str(item.attrs["mac"])) for item in cards if item.attrs.get("mac")]
    found: dict[str, Any] = {}
    if every:
        found |= {"ansible_host": every[0], "densach_addresses": list(dict.fromkeys(every))}
    if macs:
        found |= {"densach_mac": macs[0], "densach_macs": macs}
    return found


def _number(item: Item, name: str) -> int | None:
    told = item.attrs.get(name)
    return int(told) if isinstance(told, int | float) and not isinstance(told, bool) and told > 0 else None
