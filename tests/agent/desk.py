"""A machine with people at it, as files: logind's sessions, control groups and processes under a folder of the test."""

import os
from pathlib import Path

from tests.agent.clocks import HandClock

from densach_agent.machine import Machine
from densach_agent.sessions import Session, SessionWatch

ME = os.getuid()


class Desk:
    """`sit` writes a session's file as logind does, `run` a process into its control group."""

    def __init__(self, root: Path, kiosk_users: tuple[str, ...] = ()) -> None:
        self.root = root
        self.clock = HandClock()
        self.machine = Machine(root, lambda _argv, _seconds: None)
        self.watch = SessionWatch(self.machine, self.clock, frozenset(kiosk_users))
        (root / "run/systemd/sessions").mkdir(parents=True)

    def sit(self, name: str, user: str = "hs.an", **facts: str) -> Path:
        known = {
            "UID": str(ME), "USER": user, "ACTIVE": "1", "STATE": "active", "REMOTE": "0", "TYPE": "x11", "CLASS": "user",
            "SCOPE": f"session-{name}.scope", "SERVICE": "lightdm", "SEAT": "seat0", "VTNR": "7", "DESKTOP": "xfce",
        } | facts  # fmt: skip
        path = self.root / "run/systemd/sessions" / name
        lines = [f"{key}={value}" for key, value in known.items() if value]
        path.write_text("# This is private data. Do not parse.\n" + "\n".join(lines) + "\n")
        return path

    def group(self, name: str, inside: str = "") -> Path:
        """The control group of a session, or one below its user's service manager."""
        user = self.root / f"sys/fs/cgroup/user.slice/user-{ME}.slice"
        folder = user / f"user@{ME}.service" / inside if inside else user / f"session-{name}.scope"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "cgroup.procs"

    def run(self, session: str, *programs: str, inside: str = "", first: int = 1000) -> None:
        """These and no others run in the group."""
        for pid, program in enumerate(programs, first):
            (self.root / f"proc/{pid}").mkdir(parents=True, exist_ok=True)
            (self.root / f"proc/{pid}/comm").write_text(f"{program[:15]}\n")
        self.group(session, inside).write_text("".join(f"{pid}\n" for pid in range(first, first + len(programs))))

    def one(self) -> Session:
        (only,) = self.watch.now()
        return only
