"""Decisions of sending, without I/O: versions, what an answer means, how long to wait."""

from enum import Enum

from densach_core.sender.model import Current, Waiting
from densach_wire.upward import MAX_RECORDS, Answer, Sukien, Verdict

FIRST_WAIT_MS = 5_000
LONGEST_WAIT_MS = 15 * 60_000
HEARTBEAT_MS = 10 * 60_000
"""An envelope without records goes out after so long a silence: "last heard" at the office tells apart quiet and gone."""
BATCH_BYTES = 512 * 1024


class Fate(Enum):
    """What becomes of a record in the outbox after its answer."""

    DONE = "done"
    BEHIND = "behind"
    """The office holds a newer one than we knew of: rise above it, and say again what is true now."""
    REFUSED = "refused"


def next_version(stored: int | None, told: int | None = None) -> int:
    """A version above all that was ever used here or seen at an office (a restored backup forgets some)."""
    return max(stored or 0, told or 0) + 1


def event_for(before: Current | None, *, cancelled: bool) -> Sukien:
    if cancelled:
        return Sukien.CANCEL
    return Sukien.NEW if before is None or before.event == Sukien.CANCEL else Sukien.UPDATE


def changed(before: Current | None, digest: str) -> bool:
    """Whether a statement must be sent; `before.digest` None always says yes."""
    return before is None or before.event == Sukien.CANCEL or before.digest != digest


def fate(answer: Answer, *, sent_digest: str, kept_version: bool) -> Fate:
    """Reads one answer.

    "ignored" has two very different causes. The office has this very record (our last answer was lost on the way): done.
    It has another one under this version or a higher (we were restored from a backup): we are behind. A record
    forwarded from below keeps the version its school gave it, so there "ignored" is always done.
    """
    if answer.verdict is Verdict.ACCEPTED:
        return Fate.DONE
    if answer.verdict is Verdict.REFUSED:
        return Fate.REFUSED
    if kept_version or answer.digest == sent_digest:
        return Fate.DONE
    return Fate.BEHIND


def wait_ms(failures: int, chance: float) -> int:
    """Exponential back-off with full jitter; `chance` in [0, 1). A district whose line comes back at eight o'clock
    must not get all its schools in the same second."""
    if failures <= 0:
        return 0
    most = min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** min(failures - 1, 20))
    return int(most * chance)


def batch(waiting: list[Waiting]) -> list[Waiting]:
    """As many as fit one envelope, at least one."""
    taken: list[Waiting] = []
    size = 0
    for item in waiting[:MAX_RECORDS]:
        size += len(item.body)
        if taken and size > BATCH_BYTES:
            break
        taken.append(item)
    return taken
