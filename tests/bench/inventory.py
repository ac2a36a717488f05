"""The full inventory beside the inventory programs of Debian, on this machine: wall time, processor time (with all children),
and how much of what each peer found is found here too (tests/bench/peer_fields.py). Medians of alternating runs."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from tests.bench import peer_fields
from tests.bench.figures import Figure

from densach_agent.collectors import ALL
from densach_wire.messages import InventorySection

RUNS = 5
PEERS: dict[str, tuple[str, ...]] = {
    "fusioninventory-agent": ("fusioninventory-inventory",),
    "ocsinventory-agent": ("ocsinventory-agent", "--local={folder}", "--stdout"),
}
"""Debian package → its inventory, printed once."""


class Cost(msgspec.Struct, frozen=True):
    """Seconds."""

    wall_s: float
    cpu_s: float


def inventory() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as place:
        peers = {name: _command(argv, Path(place)) for name, argv in PEERS.items() if _found(argv)}
        if missing := sorted(set(PEERS) - set(peers)):
            yield Figure(what=f"inventory programs that are not installed ({', '.join(missing)})", value=len(missing), unit="")
        # The agent's own survey process, as it starts it; and the command a person types.
        ours = [sys.executable, "-m", "densach_agent.survey", "/", "", *ALL]
        typed = [sys.executable, "-m", "densach_cli", "agent", "once", "--json"]
        commands = {"agent": ours, "once": typed, **peers}
        costs: dict[str, list[Cost]] = {name: [] for name in commands}
        outputs: dict[str, bytes] = {}
        for turn in range(RUNS + 1):
            for name, argv in commands.items():
                cost, outputs[name] = _run(argv)
                if turn:  # the first one warms the disk's cache, for everybody
                    costs[name].append(cost)
        yield from _compared(costs, outputs, peers)


def _compared(costs: Mapping[str, list[Cost]], outputs: Mapping[str, bytes], peers: Mapping[str, object]) -> Iterator[Figure]:
    def middle(name: str, what: str) -> float:
        return float(statistics.median(getattr(cost, what) for cost in costs[name]))

    for what, title in (("wall_s", "wall time"), ("cpu_s", "processor time")):
        peer = min(peers, key=lambda name, what=what: middle(name, what), default=None)  # type: ignore[misc]
        mine = middle("agent", what)
        yield Figure(
            what=f"{title} of a full inventory", value=mine, unit="s", against=middle(peer, what) if peer else None,
            against_what=f"{peer}, the faster peer" if peer else "", goal="≤ 0.25 ×" if peer else "",
            met=mine <= 0.25 * middle(peer, what) if peer else None,
        )  # fmt: skip
        yield Figure(
            what=f"{title} of `densach agent once --json`", value=middle("once", what), unit="s",
            against=middle(peer, what) if peer else None, against_what=peer or "",
        )  # fmt: skip
    sections = tuple(msgspec.json.decode(line, type=InventorySection) for line in outputs["agent"].splitlines()
                     if not line.startswith(b'{"begin"'))  # fmt: skip
    for name in peers:
        told = peer_fields.told_by(outputs[name])
        open_ones = sorted(field for field in told if not peer_fields.is_answered(field, sections))
        yield Figure(
            what=f"kinds of facts {name} found here that are neither here nor explained"
            + (f" ({', '.join(open_ones)})" if open_ones else ""),
            value=len(open_ones), unit=f"of {len(told)}", goal="0", met=not open_ones,
        )  # fmt: skip


def _found(argv: Sequence[str]) -> bool:
    return shutil.which(argv[0]) is not None


def _command(argv: Sequence[str], folder: Path) -> list[str]:
    return [word.format(folder=folder) for word in argv]


def _run(argv: Sequence[str]) -> tuple[Cost, bytes]:
    """Raises RuntimeError when the program says nothing."""
    # An installed program has its bytecode on disk: so does ours after the first run.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, began = os.times(), time.monotonic()
    done = subprocess.run(argv, capture_output=True, check=False, stdin=subprocess.DEVNULL, env=environment)
    wall, after = time.monotonic() - began, os.times()
    if not done.stdout:
        raise RuntimeError(f"{argv[0]} printed nothing: {done.stderr.decode('utf-8', 'replace')[-200:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(wall, cpu), done.stdout
