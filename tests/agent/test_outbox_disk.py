"""The outbox against the disk: killed in the middle, a full disk, a disk that comes back."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.agent.clocks import HandClock
from tests.agent.test_outbox import assert_no_holes, usage

from densach_agent.outbox import Outbox
from densach_wire.messages import Event

_WRITER = """
import sys
from pathlib import Path
from densach_agent.clock import SystemClock
from densach_agent.outbox import Outbox
from densach_wire.messages import Event
outbox = Outbox(Path(sys.argv[1]), SystemClock())
while True:
    last = outbox.add(*(Event("seen", {"n": n, "text": "x" * 200}) for n in range(5)))
    if last % 7 == 0:
        outbox.ack(last - 3)
    print(last, outbox.acked, flush=True)
"""


def test_kill_minus_nine_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    chance = random.Random(7)
    stream, confirmed = None, 0
    for _ in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "agent")},
        )
        assert process.stdout is not None
        confirmed = int(process.stdout.readline().split()[0])
        time.sleep(chance.random() * 0.08)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split(b"\n")
        process.stdout.close()
        process.wait()
        whole = [line for line in rest[:-1] if line]
        confirmed = int(whole[-1].split()[0]) if whole else confirmed
        outbox = Outbox(path, HandClock())
        assert outbox.last >= confirmed
        assert stream in (None, outbox.stream)
        stream = outbox.stream
        assert_no_holes(outbox, outbox.acked)
        outbox.close()
    assert confirmed > 50


def trouble(outbox: Outbox) -> str | None:
    return outbox.trouble


def _fill(outbox: Outbox) -> int:
    """No page more than the file has: what a full disk answers SQLite."""
    pages = int(outbox._db.execute("PRAGMA page_count").fetchone()[0])
    free = int(outbox._db.execute("PRAGMA freelist_count").fetchone()[0])
    outbox._db.execute(f"PRAGMA max_page_count = {pages}")
    return free


def test_a_full_disk_goes_on_in_the_ballast_then_in_memory_and_says_so(tmp_path: Path) -> None:
    clock = HandClock()
    outbox = Outbox(tmp_path / "o.db", clock)
    outbox.add(usage())
    free = _fill(outbox)
    assert free > 40  # pages taken while there was room
    while trouble(outbox) is None:
        outbox.add(Event("seen", {"text": "x" * 480}))
    on_disk = outbox._db.execute("SELECT max(seq) FROM record").fetchone()[0]
    assert on_disk > 100
    outbox.add(usage())
    assert "full" in str(trouble(outbox))
    assert_no_holes(outbox)
    kinds = [row.kind for row in outbox.after(on_disk)]
    assert kinds == ["event", "event", "usage"]  # the word that memory is used, what did not fit, and one more
    assert b"outbox-memory" in outbox.after(on_disk)[0].body
    outbox._db.execute("PRAGMA max_page_count = 100000")
    clock.advance(60_000)
    outbox.add(usage())
    assert trouble(outbox) is None
    assert_no_holes(outbox)
    assert outbox._db.execute("SELECT max(seq) FROM record").fetchone()[0] == outbox.last
    outbox.close()


def test_numbers_used_in_memory_are_never_used_again(tmp_path: Path) -> None:
    """Records 1… were told from memory while the disk was full; then the power went."""
    outbox = Outbox(tmp_path / "o.db", HandClock())
    outbox.add(usage())
    _fill(outbox)
    while trouble(outbox) is None:
        outbox.add(Event("seen", {"text": "x" * 480}))
    for _ in range(300):
        outbox.add(usage())
    told, stream = outbox.last, outbox.stream
    outbox._db.close()
    clock = HandClock()
    clock.reboot("boot-2")
    again = Outbox(tmp_path / "o.db", clock)
    assert again.stream == stream
    assert again.add(usage()) > told
    assert_no_holes(again)
    again.close()
    third = Outbox(tmp_path / "o.db", clock)
    assert third.last == again.last  # the reserve is spent once
    third.close()


@pytest.mark.skipif(os.geteuid() != 0 or not hasattr(os, "geteuid"), reason="mounting a small disk takes root")
def test_a_really_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "small"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mount: {done.stderr.decode().strip()}")
    try:
        clock = HandClock()
        outbox = Outbox(disk / "o.db", clock)
        outbox.add(usage())
        with (disk / "other people's files").open("wb", buffering=0) as filler, pytest.raises(OSError):
            while True:
                filler.write(b"x" * 4096)
        for n in range(4000):
            outbox.add(Event("seen", {"n": n, "text": "x" * 100}))
            clock.advance(1_000)
        assert trouble(outbox) is not None
        assert_no_holes(outbox)
        (disk / "other people's files").unlink()
        clock.advance(60_000)
        outbox.add(usage())
        assert trouble(outbox) is None
        outbox.close()
        with sqlite3.connect(disk / "o.db") as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        db.close()
        again = Outbox(disk / "o.db", HandClock())
        assert again.last == outbox.last
        assert_no_holes(again)
        again.close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)
