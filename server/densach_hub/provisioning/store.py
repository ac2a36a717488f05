"""SQL of provisioning (school.db): runs, what became of each machine in them, the last one of each machine."""

from collections.abc import Iterable
from sqlite3 import Connection, Row

import msgspec

from densach_core.migrations import Migration
from densach_hub.provisioning.model import HostResult, HostState, Last, Run, RunLine, RunState, Value

MIGRATIONS = [
    Migration(
        "runs of playbooks",
        """
        CREATE TABLE provision_run (
            id TEXT PRIMARY KEY, play TEXT NOT NULL, title TEXT NOT NULL, version TEXT NOT NULL, trial INTEGER NOT NULL,
            by TEXT NOT NULL, here INTEGER NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER, state TEXT NOT NULL,
            reason TEXT NOT NULL, "values" BLOB NOT NULL, user TEXT NOT NULL, task TEXT NOT NULL, runner TEXT NOT NULL,
            stop INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
        CREATE INDEX provision_run_at ON provision_run (started_at);
        CREATE INDEX provision_run_open ON provision_run (state) WHERE state = 'running';
        CREATE TABLE provision_host (
            run TEXT NOT NULL REFERENCES provision_run (id) ON DELETE CASCADE, host TEXT NOT NULL, machine TEXT,
            address TEXT NOT NULL, state TEXT NOT NULL, ok INTEGER NOT NULL, changed INTEGER NOT NULL, failed INTEGER NOT NULL,
            skipped INTEGER NOT NULL, task TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY (run, host)) WITHOUT ROWID;
        CREATE INDEX provision_host_machine ON provision_host (machine, run) WHERE machine IS NOT NULL;
        CREATE TABLE provision_last (
            machine TEXT PRIMARY KEY, run TEXT NOT NULL, play TEXT NOT NULL, version TEXT NOT NULL, at INTEGER NOT NULL,
            state TEXT NOT NULL, task TEXT NOT NULL, message TEXT NOT NULL) WITHOUT ROWID;
        """,
    )
]
"""`runner`: who drives a run, `PID BOOT START` (see `runner`), empty for reported ones; `trial`: --check."""

KEPT = 500
"""So many runs are kept; the last one of each machine stays in `provision_last` for ever."""


def put(c: Connection, run: Run, runner: str = "") -> None:
    """A run with all its machines, new or again."""
    c.execute(
        "INSERT INTO provision_run (id, play, title, version, trial, by, here, started_at, ended_at, state, reason,"
        ' "values", user, task, runner) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET'
        " version = excluded.version, ended_at = excluded.ended_at, state = excluded.state, reason = excluded.reason,"
        " task = excluded.task",
        (
            run.id, run.play, run.title, run.version, run.check, run.by, run.here, run.started_at, run.ended_at, run.state,
            run.reason, msgspec.json.encode(run.values), run.user, run.task, runner,
        ),
    )  # fmt: skip
    put_hosts(c, run.id, run.hosts)


def put_hosts(c: Connection, run: str, hosts: Iterable[HostResult]) -> None:
    c.executemany(
        "INSERT OR REPLACE INTO provision_host VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (run, h.host, h.machine, h.address, h.state, h.ok, h.changed, h.failed, h.skipped, h.task, h.message)
            for h in hosts
        ],
    )  # fmt: skip


def finish(c: Connection, run: Run, *, looked: bool) -> None:
    """Notes for each machine that a real run touched it, not one that only `looked`; forgets the oldest runs."""
    if not run.check and not looked:
        at = run.ended_at or run.started_at
        c.executemany(
            "INSERT INTO provision_last VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (machine) DO UPDATE SET run = excluded.run,"
            " play = excluded.play, version = excluded.version, at = excluded.at, state = excluded.state, task = excluded.task,"
            " message = excluded.message WHERE excluded.at >= provision_last.at",
            [
                (h.machine, run.id, run.play, run.version, at, h.state, h.task, h.message)
                for h in run.hosts
                if h.machine is not None and h.state not in (HostState.WAITING, HostState.RUNNING)
            ],
        )
    c.execute(
        "DELETE FROM provision_run WHERE state <> 'running' AND id NOT IN"
        " (SELECT id FROM provision_run ORDER BY started_at DESC, id LIMIT ?)",
        (KEPT,),
    )


def run(c: Connection, run_id: str) -> Run | None:
    row = c.execute("SELECT * FROM provision_run WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        return None
    hosts = c.execute("SELECT * FROM provision_host WHERE run = ? ORDER BY host LIMIT 5000", (run_id,))
    return _run(row, tuple(_host(r) for r in hosts))


def runs(c: Connection, limit: int) -> list[RunLine]:
    """Newest first."""
    rows = c.execute(
        """
        SELECT r.*, (SELECT count(*) FROM provision_host h WHERE h.run = r.id) AS machines,
            (SELECT count(*) FROM provision_host h WHERE h.run = r.id AND h.changed > 0) AS changed_n,
            (SELECT count(*) FROM provision_host h WHERE h.run = r.id AND h.state IN ('failed', 'unreachable', 'cut')) AS bad
        FROM provision_run r ORDER BY started_at DESC, id LIMIT ?
        """,
        (limit,),
    )
    return [
        RunLine(
            id=r["id"], play=r["play"], title=r["title"], version=r["version"], check=bool(r["trial"]), by=r["by"],
            here=bool(r["here"]), started_at=r["started_at"], ended_at=r["ended_at"], state=RunState(r["state"]),
            machines=r["machines"], changed=r["changed_n"], bad=r["bad"],
        )
        for r in rows
    ]  # fmt: skip


def open_runs(c: Connection) -> list[tuple[Run, str]]:
    """Runs of this hub that are under way by their own word, each with who drives it."""
    rows = c.execute("SELECT * FROM provision_run WHERE state = 'running' AND here = 1 LIMIT 100").fetchall()
    found = []
    for row in rows:
        hosts = c.execute("SELECT * FROM provision_host WHERE run = ? LIMIT 5000", (row["id"],))
        found.append((_run(row, tuple(_host(r) for r in hosts)), row["runner"]))
    return found


def of_machine(c: Connection, machine: str, limit: int) -> list[tuple[Run, HostResult]]:
    """Newest first: runs (without their machines) with what became of this one."""
    rows = c.execute(
        """
        SELECT r.*, h.host AS h_host FROM provision_host h JOIN provision_run r ON r.id = h.run WHERE h.machine = ?
        ORDER BY r.started_at DESC LIMIT ?
        """,
        (machine, limit),
    ).fetchall()
    found = []
    for row in rows:
        host = c.execute("SELECT * FROM provision_host WHERE run = ? AND host = ?", (row["id"], row["h_host"])).fetchone()
        found.append((_run(row, ()), _host(host)))
    return found


def lasts(c: Connection) -> list[Last]:
    return [
        Last(
            machine=r["machine"], run=r["run"], play=r["play"], version=r["version"], at=r["at"], state=HostState(r["state"]),
            task=r["task"], message=r["message"],
        )
        for r in c.execute("SELECT * FROM provision_last LIMIT 20000")
    ]  # fmt: skip


def ask_to_stop(c: Connection, run_id: str) -> None:
    c.execute("UPDATE provision_run SET stop = 1 WHERE id = ? AND state = 'running'", (run_id,))


def is_to_stop(c: Connection, run_id: str) -> bool:
    row = c.execute("SELECT stop FROM provision_run WHERE id = ?", (run_id,)).fetchone()
    return row is None or bool(row["stop"])


def _run(r: Row, hosts: tuple[HostResult, ...]) -> Run:
    return Run(
        id=r["id"], play=r["play"], title=r["title"], version=r["version"], check=bool(r["trial"]), by=r["by"],
        here=bool(r["here"]), started_at=r["started_at"], ended_at=r["ended_at"], state=RunState(r["state"]), reason=r["reason"],
        values=msgspec.json.decode(r["values"], type=dict[str, Value]), user=r["user"], task=r["task"], hosts=hosts,
    )  # fmt: skip


def _host(r: Row) -> HostResult:
    return HostResult(
        host=r["host"], machine=r["machine"], address=r["address"], state=HostState(r["state"]), ok=r["ok"], changed=r["changed"],
        failed=r["failed"], skipped=r["skipped"], task=r["task"], message=r["message"],
    )  # fmt: skip
