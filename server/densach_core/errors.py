"""What can go wrong, in the words of the product: a stable code, what happened, what to do.

No HTTP here: the web kit maps the class to a status, the command line to an exit code.
"""

from densach_core.text import Text, t


class Problem(Exception):
    """A failure a person is told about. `code` never changes once published; `facts` travel to the API."""

    def __init__(self, code: str, what: Text, do: Text | None = None, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.what = what
        self.do = do
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.code}: {self.what.msgid.format_map(_Shown(self.what.values))}"


class _Shown(dict[str, object]):
    """Keeps a placeholder visible when its value is missing: an error message must never raise another."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


class BadInput(Problem):
    """What was given does not fit. `facts["field"]` names the field of a form when there is one."""


class NotFound(Problem):
    """What was asked for is not here."""


class NotSignedIn(Problem):
    """The thing needs a signed-in person, and nobody is."""


class NotAllowed(Problem):
    """Somebody is signed in, but this is not theirs to do."""


class Conflict(Problem):
    """The state of things does not admit it (already there, already done, changed meanwhile)."""


class TooLarge(Problem):
    """More bytes than the place for them takes."""


class TooMany(Problem):
    """Too often in too short a time; `facts["retry_after_s"]` says when to try again."""


class Unavailable(Problem):
    """Not now: the disk is full, the broker is away, the work took longer than its limit."""


def disk_full() -> Unavailable:
    """What to say when the disk takes nothing, whoever noticed it."""
    return Unavailable("database.disk-full", t("The hub's disk is full."), t("Free some space; nothing already stored is lost."))


def no_room() -> Unavailable:
    """The same, said by a command: the disk may be another than the hub's (a stick for backups)."""
    return Unavailable(
        "database.disk-full",
        t("There is no room left on the disk."),
        t("Free some space or choose a folder on another disk, then start it again; nothing already stored is lost."),
    )
