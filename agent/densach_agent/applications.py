"""Classes of applications: which program is a browser, which an office program, from a file that a school extends.

The same two files are read by the helper in a pupil's session (session/densach-session), which is a shell script:
hence a form that both can read. Names are compared without regard to case; `*` at the end stands for anything.
"""

from collections.abc import Iterable
from pathlib import Path

from densach_agent.machine import Denied, Machine

CLASSES = ("browser", "office", "coding", "media", "e-learning", "game", "system", "other")
TELLING = frozenset({"browser", "office", "coding", "media", "e-learning", "game"})
"""Classes that say something when a program merely runs: file managers and panels run in every session."""
SCHOOL_FILE = "etc/densach/applications.txt"
_OWN_FILE = Path(__file__).parent / "session" / "applications.txt"
_COMM = 15
"""The kernel cuts the names of programs off here."""


class Applications:
    """Rules in their order: the first that fits wins."""

    def __init__(self, rules: Iterable[tuple[str, str]]) -> None:
        self._rules: dict[str, str] = {}
        for pattern, label in rules:
            self._rules.setdefault(pattern, label)

    def of(self, program: str) -> str | None:
        """The class of a process name (`/proc/PID/comm`), None if no line names it."""
        name = program.casefold()
        cut = len(program) >= _COMM
        for pattern, label in self._rules.items():
            if pattern == name or (pattern[-1] == "*" and name.startswith(pattern[:-1])) or (cut and pattern.startswith(name)):
                return label
        return None


def read(machine: Machine) -> Applications:
    """The school's lines before our own. Lines that cannot be understood are passed over: a slip of the pen must not
    stop the measuring, nor must a file that only root may read."""
    try:
        school = machine.whole(SCHOOL_FILE, 256 * 1024)
    except Denied:
        school = None
    return Applications([*rules(school or ""), *rules(_OWN_FILE.read_text("utf-8"))])


def rules(text: str) -> list[tuple[str, str]]:
    """`office: soffice* evince` → [("soffice*", "office"), ("evince", "office")]"""
    found = []
    for line in text.splitlines():
        label, colon, names = line.partition(":")
        if colon and label.strip() in CLASSES:
            found += [(name, label.strip()) for name in names.split()]
    return found
