"""What `densach agent status` says: from the files in the data folder, without disturbing the resident process.

`read` finds, `sentences` says it: who this machine is, whether it is heard and if not why, what waits and for what.
"""

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec

from densach_agent import resident_status
from densach_agent.ledger import FILE as REQUESTS
from densach_agent.ledger import read as read_requests
from densach_agent.lock import is_held
from densach_agent.membership import Membership
from densach_agent.settings import BadSettings, Settings, load
from densach_agent.words import say
from densach_wire.messages import Gap, Outcome

STALE_MS = 5 * 60_000
"""A resident process that wrote nothing for so long stands still, though its lock is held."""
WRONG_CLOCK_MS = 5 * 60_000
_REQUESTS_SHOWN = 10
_DEEDS = ("refresh", "identify", "message", "shutdown", "restart", "wake", "reenrol")

OK, NOT_RUNNING, NEEDS_SOMEBODY = 0, 1, 3
"""Exit codes: all is well or will be by itself · the agent does not run · somebody has to do something."""


def read(folder: Path, now_ms: int | None = None) -> dict[str, Any]:
    """`running`, `device`, `pending`, …, `sentences` for people and `exit_code` for scripts."""
    now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    member = Membership(folder)
    enrolled = member.enrolled()
    status = resident_status.read(folder)
    running = is_held(folder)
    live = status if running else None
    settings, wrong = _settings(folder)
    found: dict[str, Any] = {
        "running": running,
        "version": None if live is None else live.version,
        "state": None if status is None else status.state,
        "since": None if status is None else status.since_ms,
        "connected": live is not None and live.connected,
        "hub_online": None if live is None else live.hub_online,
        "next_try": None if live is None else live.next_try_ms,
        "standing_still": live is not None and live.at_ms > 0 and now - live.at_ms > STALE_MS,
        "trouble": None if live is None else live.trouble,
        "settings": wrong,
        "device": None if enrolled is None else enrolled.device,
        "school": None if enrolled is None else enrolled.school,
        "hub": settings.hub if enrolled is None else enrolled.hub,
        "waiting": enrolled is None and member.joining() is not None,
        "clock_offset_ms": None if live is None else live.offset_ms,
        "surveying": live is not None and live.surveying,
        "surveyed": None if live is None else live.surveyed_ms,
        **_outbox(member.outbox),
        "requests": [msgspec.to_builtins(entry) for entry in read_requests(folder / REQUESTS)[-_REQUESTS_SHOWN:]],
        "allowed": [name for name in _DEEDS if settings.policy.allows(name)],
        "refused": [name for name in _DEEDS if not settings.policy.allows(name)],
    }
    found["exit_code"] = _exit_code(found)
    found["sentences"] = [line for part in _PARTS for line in part(folder, found, now)]
    return found


def _exit_code(found: dict[str, Any]) -> int:
    if not found["running"]:
        return NOT_RUNNING
    bad = found["trouble"] or found["standing_still"] or found["settings"] or (not found["device"] and not found["waiting"])
    return NEEDS_SOMEBODY if bad else OK


def _settings(folder: Path) -> tuple[Settings, str | None]:
    try:
        return load(folder), None
    except BadSettings as error:
        return Settings(), str(error)


# ---- the parts of what is said, in the order of what a technician asks first ------------------------------------------


def _who(_folder: Path, found: dict[str, Any], _now: int) -> list[str]:
    lines = [str(found["settings"])] if found["settings"] else []
    if found["device"]:
        whose = {name: found[name] for name in ("device", "school", "hub")}
        return [*lines, say("This machine is {device} of school {school} (hub {hub}).", **whose)]
    if found["waiting"]:
        return [*lines, say("This machine waits to be admitted: a technician opens /lab on the hub and clicks “admit”.")]
    return [*lines, say("This machine has joined no school. Next: densach agent enrol --hub {hub}", hub=found["hub"] or "URL")]


def _line(folder: Path, found: dict[str, Any], now: int) -> list[str]:
    if not found["running"]:
        return [say("The agent does not run. Next: densach agent run --data {folder}", folder=folder)]
    lines = []
    version = found["version"] or "?"
    if found["connected"]:
        lines.append(say("The agent {version} is connected since {when}.", version=version, when=_when(found["since"], now)))
        if found["hub_online"] is not True:
            lines.append(say("The broker answers but the hub does not: records wait until it is back."))
    elif found["device"]:
        why, since = found["state"], _when(found["since"], now)
        lines.append(say("The agent {version} is not connected since {when}: {why}.", version=version, when=since, why=why))
        if found["next_try"] is not None:
            seconds = max(0, (found["next_try"] - now + 999) // 1000)
            lines.append(say("Next try in {seconds} s.", seconds=seconds))
    else:
        lines.append(say("The agent {version} runs and measures: {why}.", version=version, why=found["state"]))
    if found["standing_still"]:
        lines.append(say("The agent has said nothing for minutes. Next: systemctl restart densach-agent"))
    offset = found["clock_offset_ms"]
    if offset is not None and abs(offset) > WRONG_CLOCK_MS:
        span = _span(abs(offset))
        sentence = (
            say("This machine's clock is {span} behind the hub's.", span=span)
            if offset > 0
            else say("This machine's clock is {span} ahead of the hub's.", span=span)
        )
        lines.append(sentence + " " + say("Nothing is lost by it: the hub puts it right."))
    return lines


def _waits(_folder: Path, found: dict[str, Any], now: int) -> list[str]:
    lines = []
    if found["trouble"]:
        lines.append(say("Records are in memory only ({why}): make room on the disk.", why=found["trouble"]))
    if found["pending"] is not None:
        waiting = [
            say("{count} {kind} (oldest {when})", count=count, kind=kind, when=_when(found["oldest"].get(kind), now))
            for kind, count in found["pending"].items()
        ]
        kinds = ", ".join(waiting) or say("nothing")
        lines.append(
            say("Waiting to be told: {kinds}. Acknowledged by the hub up to {acked}.", kinds=kinds, acked=found["acked"])
        )
        if waiting:
            lines.append(_why_waiting(found))
    if found["dropped"]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in found["dropped"].items())
        lines.append(say("Dropped for want of room or for age, and said so to the hub: {kinds}.", kinds=kinds))
    return lines


def _why_waiting(found: dict[str, Any]) -> str:
    if not found["running"]:
        return say("It is told when the agent runs again.")
    if not found["device"]:
        return say("It is told when this machine has joined.")
    if not found["connected"]:
        return say("It is told when there is a connection again.")
    if found["hub_online"] is not True:
        return say("It is told when the hub is back.")
    return say("It is on its way, or waits up to half a minute for company.")


def _inventory(_folder: Path, found: dict[str, Any], now: int) -> list[str]:
    lines = []
    if found["surveying"]:
        lines.append(say("An inventory is being taken now."))
    elif found["surveyed"] is not None:
        lines.append(say("Last inventory: {when}.", when=_when(found["surveyed"], now)))
    for section, why in sorted((found["sections"] or {}).items()):
        status, _, reason = why.partition(":")
        if status == "denied":
            lines.append(say("{section}: only root may read it ({reason}).", section=section, reason=reason or "?"))
        elif status == "timeout":
            lines.append(say("{section}: it took too long; tried again at the next inventory.", section=section))
        elif status == "failed":
            lines.append(say("{section}: it failed ({reason}).", section=section, reason=reason or "?"))
    return lines


def _requests(folder: Path, found: dict[str, Any], now: int) -> list[str]:
    lines = []
    if found["refused"]:
        names = ", ".join(found["refused"])
        lines.append(say("Refused here whoever asks ({folder}/agent.toml): {names}.", folder=folder, names=names))
    for asked in found["requests"]:
        when = _when(asked["at"], now)
        outcome = asked.get("outcome", Outcome.ACCEPTED.value)
        why = f" ({asked['reason']})" if asked.get("reason") else ""
        told = "" if asked.get("told") or outcome == "accepted" else " · " + say("not told to the hub yet")
        lines.append(f"  {when}  {asked['name']}  {asked.get('by') or '–'}  {_became(outcome)}{why}{told}")
    if found["requests"]:
        lines.insert(len(lines) - len(found["requests"]), say("Asked lately:"))
    return lines


_PARTS = (_who, _line, _waits, _inventory, _requests)


# ---- figures ----------------------------------------------------------------------------------------------------------


def _outbox(path: Path) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(("stream", "acked", "last", "pending", "oldest", "dropped", "sections", "size_bytes"))
    if not path.exists():
        return nothing
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2)) as db:
            meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
            acked = int(meta.get("acked", 0))
            last = int(db.execute("SELECT coalesce(max(seq), 0) FROM record").fetchone()[0])
            rows = db.execute("SELECT kind, count(*), min(wall) FROM record WHERE seq > ? GROUP BY kind", (acked,)).fetchall()
            gaps = [row[0] for row in db.execute("SELECT body FROM record WHERE kind = 'gap' ORDER BY seq DESC LIMIT 1000")]
            sections = dict(db.execute("SELECT name, digest FROM section").fetchall())
    except sqlite3.Error:
        return nothing
    return {
        "stream": meta.get("stream"),
        "acked": acked,
        "last": last,
        "pending": {kind: count for kind, count, _ in rows},
        "oldest": {kind: wall for kind, _, wall in rows},
        "dropped": _dropped(gaps),
        "sections": {name: _why(stamp) for name, stamp in sections.items()},
        "size_bytes": path.stat().st_size,
    }


def _dropped(gaps: list[bytes]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for raw in gaps:
        with contextlib.suppress(msgspec.MsgspecError):
            gap = msgspec.json.decode(raw, type=Gap)
            for kind, count in (gap.kinds or {"?": gap.to_seq - gap.from_seq + 1}).items():
                counts[kind] = counts.get(kind, 0) + count
    return counts


def _why(stamp: str) -> str:
    """A section's stamp is the digest of what was found, or why nothing was."""
    return stamp if stamp.startswith(("denied:", "timeout:", "failed:")) else "ok"


def _when(at_ms: int | None, now: int) -> str:
    if at_ms is None:
        return "?"
    ago = now - at_ms
    if 0 <= ago < 86_400_000:
        return say("{span} ago", span=_span(ago))
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at_ms / 1000))


def _span(ms: int) -> str:
    if ms >= 86_400_000:
        return say("{n} d", n=ms // 86_400_000)
    if ms >= 3_600_000:
        return say("{n} h", n=ms // 3_600_000)
    if ms >= 60_000:
        return say("{n} min", n=ms // 60_000)
    return say("{n} s", n=ms // 1000)


def _became(outcome: str) -> str:
    known = {"accepted": say("accepted"), "done": say("done"), "refused": say("refused")}
    return known.get(outcome, outcome)
