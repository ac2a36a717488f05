"""Who sits at the machine: logind's files, else utmp. Nothing is asked of programs, windows or keys."""

import hashlib
import hmac
import re

import msgspec

from densach_agent.machine import Machine
from densach_wire.messages import SessionKind

_SESSIONS = "run/systemd/sessions"
_GRAPHICAL = frozenset({"x11", "wayland", "mir"})
_LINE = re.compile(r"^([A-Z_]+)=(.*)$", re.MULTILINE)


class Session(msgspec.Struct, frozen=True):
    """One person's presence at the machine. `idle` None: this desktop does not tell."""

    id: str
    user: str
    kind: SessionKind
    idle: bool | None = None


def sessions(machine: Machine, kiosk_users: frozenset[str] = frozenset()) -> list[Session]:
    """The interactive sessions now; greeters and services are none."""
    found = []
    for name in machine.names(_SESSIONS):
        facts = dict(_LINE.findall(machine.whole(f"{_SESSIONS}/{name}", 65536) or ""))
        if facts.get("CLASS", "user") not in ("user", "user-early") or facts.get("STATE") == "closing":
            continue
        user = facts.get("USER", "")
        if not user or name.endswith(".ref"):
            continue
        kind = SessionKind.REMOTE if facts.get("REMOTE") == "1" else SessionKind.LOCAL
        if user in kiosk_users:
            kind = SessionKind.KIOSK
        found.append(Session(name, user, kind, _idle(machine, name, facts)))
    return found if found or machine.exists(_SESSIONS) else _from_utmp(kiosk_users)


def _idle(machine: Machine, name: str, facts: dict[str, str]) -> bool | None:
    if facts.get("ACTIVE") == "0":
        return True  # somebody else's screen is in front
    if facts.get("TYPE") in _GRAPHICAL:
        text = machine.command("loginctl", "show-session", name, "-p", "IdleHint", seconds=2)
        return None if text is None else "IdleHint=yes" in text
    return None


def _from_utmp(kiosk_users: frozenset[str]) -> list[Session]:
    import psutil  # type: ignore[import-untyped,unused-ignore]

    found = []
    for user in psutil.users():
        remote = bool(user.host) and not user.host.startswith(":")
        kind = SessionKind.KIOSK if user.name in kiosk_users else SessionKind.REMOTE if remote else SessionKind.LOCAL
        found.append(Session(f"{user.terminal or 'tty'}-{int(user.started)}", user.name, kind))
    return found


def user_digest(key: bytes, user: str) -> str:
    """32 hex digits; without the school's key nobody can try names."""
    return hmac.new(key, user.strip().casefold().encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]
