"""What `densach agent status` says: from the files in the data folder, without disturbing the resident process."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from densach_agent.lock import is_held
from densach_agent.membership import Membership
from densach_agent.resident_status import Status
from densach_agent.settings import BadSettings, load
from densach_agent.words import say


def read(folder: Path) -> dict[str, Any]:
    """`running`, `device`, `pending`, … and `sentences` for people."""
    member = Membership(folder)
    enrolled = member.enrolled()
    status = _status(folder)
    running = is_held(folder)
    found: dict[str, Any] = {
        "running": running,
        "state": None if status is None else status.state,
        "trouble": None if status is None else status.trouble,
        "device": None if enrolled is None else enrolled.device,
        "school": None if enrolled is None else enrolled.school,
        "hub": None if enrolled is None else enrolled.hub,
        "waiting": enrolled is None and member.joining() is not None,
        **_outbox(member.outbox),
    }
    found["sentences"] = _sentences(folder, found)
    return found


def _sentences(folder: Path, found: dict[str, Any]) -> list[str]:
    lines = []
    if found["device"]:
        whose = {name: found[name] for name in ("device", "school", "hub")}
        lines.append(say("This machine is {device} of school {school} (hub {hub}).", **whose))
    elif found["waiting"]:
        lines.append(say("This machine waits to be admitted: a technician opens /lab on the hub and clicks “admit”."))
    else:
        try:
            hub = load(folder).hub
        except BadSettings as error:
            lines.append(str(error))
            hub = ""
        lines.append(say("This machine has joined no school. Next: densach agent enrol --hub {hub}", hub=hub or "URL"))
    if found["running"]:
        state = say("connected") if found["state"] == "connected" else found["state"]
        lines.append(say("The agent runs: {state}.", state=state))
        if found["trouble"]:
            lines.append(say("Records are in memory only ({why}): make room on the disk.", why=found["trouble"]))
    else:
        lines.append(say("The agent does not run. Next: densach agent run --data {folder}", folder=folder))
    if found["pending"] is not None:
        kinds = ", ".join(f"{count} {kind}" for kind, count in found["pending"].items()) or say("nothing")
        told = say("Waiting to be told: {kinds}. Acknowledged by the hub up to {acked}.", kinds=kinds, acked=found["acked"])
        lines.append(told)
    return lines


def _outbox(path: Path) -> dict[str, Any]:
    nothing: dict[str, Any] = {"stream": None, "acked": None, "last": None, "pending": None}
    if not path.exists():
        return nothing
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2)) as db:
            meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
            acked = int(meta.get("acked", 0))
            last = int(db.execute("SELECT coalesce(max(seq), 0) FROM record").fetchone()[0])
            pending = dict(db.execute("SELECT kind, count(*) FROM record WHERE seq > ? GROUP BY kind", (acked,)).fetchall())
    except sqlite3.Error:
        return nothing
    return {"stream": meta.get("stream"), "acked": acked, "last": last, "pending": pending}


def _status(folder: Path) -> Status | None:
    try:
        return msgspec.json.decode((folder / "status.json").read_bytes(), type=Status)
    except (OSError, msgspec.MsgspecError):
        return None
