"""The bounds of the processes that read what nobody vouches for: niced, little memory, no core files, bounded processor time."""

import os
import resource

DATA_BYTES = 440 * 1024**2
"""Memory of its own; with the program's and the file's mapped pages it stays below 500 MB."""

ADDRESS_BYTES = 1024**3
OUTPUT_BYTES = 256 * 1024**2
CPU_SECONDS = 120
"""Processor time for a whole file: a thousand pages of PDF take a few seconds here, a minute on the smallest machine."""

STUCK_SECONDS = 30
"""Processor time without getting on: then the file hangs."""


def confine(*, output_bytes: int = OUTPUT_BYTES, address_bytes: int = ADDRESS_BYTES) -> None:
    """Puts this process in its bounds, for good; its children are in them too."""
    os.nice(15)
    for what, most in (
        (resource.RLIMIT_DATA, DATA_BYTES),
        (resource.RLIMIT_AS, address_bytes),
        (resource.RLIMIT_FSIZE, output_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        limit = most if hard == resource.RLIM_INFINITY else hard if most == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (limit, limit))


class Allowance:
    """How much processor time there is: until it stands still too long, and never more than all of it. CPU time is
    counted for the whole process, so each file moves the limit on."""

    def __init__(self, *, stuck_s: int = STUCK_SECONDS, all_s: int = CPU_SECONDS) -> None:
        self._stuck_s = stuck_s
        self._end = _used() + all_s
        self._limit = 0
        self.more()

    def more(self) -> None:
        """It got on."""
        limit = min(_used() + self._stuck_s, self._end)
        if limit != self._limit:
            self._limit = limit
            resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _used() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int(used.ru_utime + used.ru_stime)
