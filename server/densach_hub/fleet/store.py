"""The tables of the fleet: school.db holds what people wrote, telemetry.db what machines told. Only migrations here;
the statements are in the `store_…` modules.

Keys decide more than drivers: raw facts are appended in order of time and thinned, roll-ups are WITHOUT ROWID by
device, so that a page reads one machine's series in one piece of disk.
"""

from densach_core.migrations import Migration
from densach_hub.fleet import store_use
from densach_hub.fleet.store_software import ROLL_UP

SCHOOL_MIGRATIONS = [
    Migration(
        "register of machines",
        """
        CREATE TABLE machine (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, simulated INTEGER NOT NULL DEFAULT 0,
            admitted_at INTEGER NOT NULL, admitted_by TEXT NOT NULL,
            hostname TEXT NOT NULL DEFAULT '', maker TEXT NOT NULL DEFAULT '', model TEXT NOT NULL DEFAULT '',
            serial TEXT NOT NULL DEFAULT '', asset TEXT NOT NULL DEFAULT '', os TEXT NOT NULL DEFAULT '',
            condition TEXT NOT NULL DEFAULT 'unknown', note TEXT NOT NULL DEFAULT '',
            tongue TEXT NOT NULL DEFAULT '', firmware TEXT NOT NULL DEFAULT '',
            certificate TEXT, retired_at INTEGER, retired_by TEXT, retired_why TEXT) WITHOUT ROWID;
        CREATE TABLE machine_place (
            id INTEGER PRIMARY KEY, machine TEXT NOT NULL REFERENCES machine (id),
            room TEXT NOT NULL, seat TEXT, since_at INTEGER NOT NULL, until_at INTEGER, by TEXT NOT NULL);
        CREATE UNIQUE INDEX machine_place_now ON machine_place (machine) WHERE until_at IS NULL;
        CREATE UNIQUE INDEX machine_place_seat ON machine_place (room, seat) WHERE until_at IS NULL AND seat IS NOT NULL;
        CREATE INDEX machine_place_of ON machine_place (machine, since_at);
        CREATE TABLE machine_repair (
            id INTEGER PRIMARY KEY, machine TEXT NOT NULL REFERENCES machine (id), at INTEGER NOT NULL,
            by TEXT NOT NULL, what TEXT NOT NULL, parts TEXT NOT NULL, works_again INTEGER NOT NULL);
        CREATE INDEX machine_repair_of ON machine_repair (machine, at);
        CREATE TABLE machine_maintenance (
            id INTEGER PRIMARY KEY, room TEXT, machine TEXT, from_at INTEGER NOT NULL, until_at INTEGER NOT NULL,
            by TEXT NOT NULL, why TEXT NOT NULL);
        CREATE TABLE fault_report (
            id INTEGER PRIMARY KEY, at INTEGER NOT NULL, room TEXT NOT NULL, seat TEXT, machine TEXT,
            text TEXT NOT NULL, by TEXT, closed_at INTEGER, closed_by TEXT);
        CREATE INDEX fault_report_open ON fault_report (at) WHERE closed_at IS NULL;
        CREATE INDEX fault_report_machine ON fault_report (machine, at);
        CREATE TABLE finding_seen (
            key TEXT PRIMARY KEY, at INTEGER NOT NULL, by TEXT NOT NULL, note TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE enrol_token (
            id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, room TEXT, created_at INTEGER NOT NULL,
            created_by TEXT NOT NULL, expires_at INTEGER NOT NULL, uses INTEGER NOT NULL,
            uses_left INTEGER NOT NULL, revoked_at INTEGER) WITHOUT ROWID;
        CREATE TABLE enrol_waiting (
            id TEXT PRIMARY KEY, ticket_hash TEXT NOT NULL UNIQUE, key_hash TEXT NOT NULL, request BLOB NOT NULL,
            address TEXT NOT NULL, twin_of TEXT, same_as TEXT, asked_at INTEGER NOT NULL, seen_at INTEGER NOT NULL,
            state TEXT NOT NULL, decided_at INTEGER, decided_by TEXT, machine TEXT) WITHOUT ROWID;
        CREATE INDEX enrol_waiting_state ON enrol_waiting (state, asked_at);
        """,
    )
]

TELEMETRY_MIGRATIONS = [
    Migration(
        "what machines tell",
        """
        CREATE TABLE live (
            device TEXT PRIMARY KEY, presence TEXT, presence_at INTEGER, heard_at INTEGER, boot TEXT, boot_at INTEGER,
            stream TEXT, agent TEXT NOT NULL DEFAULT '', os TEXT NOT NULL DEFAULT '', hostname TEXT NOT NULL DEFAULT '',
            clock TEXT NOT NULL DEFAULT 'good', clock_offset_ms INTEGER, active_until_at INTEGER,
            session_until_at INTEGER, kept_first INTEGER) WITHOUT ROWID;
        CREATE TABLE stream (
            device TEXT NOT NULL, stream TEXT NOT NULL, upto INTEGER NOT NULL, first_at INTEGER NOT NULL,
            last_at INTEGER NOT NULL, lost INTEGER NOT NULL DEFAULT 0, hole_asks INTEGER NOT NULL DEFAULT 0,
            hole_at INTEGER, PRIMARY KEY (device, stream)) WITHOUT ROWID;
        CREATE TABLE boot (
            device TEXT NOT NULL, boot TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
            trust TEXT NOT NULL, offset_ms INTEGER, twin INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (device, boot)) WITHOUT ROWID;
        CREATE INDEX boot_doubted ON boot (last_at) WHERE trust <> 'good';
        CREATE TABLE factor (
            device TEXT NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL, strong INTEGER NOT NULL,
            at INTEGER NOT NULL, PRIMARY KEY (device, kind, digest)) WITHOUT ROWID;
        CREATE INDEX factor_digest ON factor (digest, device);
        CREATE TABLE twin (
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, why TEXT NOT NULL, boot TEXT NOT NULL, stream TEXT NOT NULL,
            hostname TEXT NOT NULL, fingerprint BLOB NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
            held_back INTEGER NOT NULL DEFAULT 0, settled_at INTEGER);
        CREATE INDEX twin_open ON twin (device) WHERE settled_at IS NULL;
        CREATE TABLE section (
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, section TEXT NOT NULL, items BLOB NOT NULL,
            digest TEXT NOT NULL, boot TEXT NOT NULL, at INTEGER NOT NULL, seen_at INTEGER NOT NULL,
            status TEXT NOT NULL, reason TEXT NOT NULL, UNIQUE (device, section));
        CREATE TABLE change (
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, at INTEGER NOT NULL, boot TEXT NOT NULL,
            section TEXT NOT NULL, cls TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
            before BLOB, after BLOB, settled_at INTEGER);
        CREATE INDEX change_device ON change (device, at);
        CREATE INDEX change_at ON change (at);
        CREATE INDEX change_suspected ON change (device, section) WHERE state = 'suspected';
        CREATE TABLE usage (
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, start_at INTEGER NOT NULL, end_at INTEGER NOT NULL,
            active_ms INTEGER NOT NULL, idle_ms INTEGER NOT NULL, session TEXT NOT NULL, kind TEXT NOT NULL,
            user TEXT, name TEXT, apps BLOB);
        CREATE INDEX usage_start ON usage (start_at);
        CREATE TABLE usage_day (
            device TEXT NOT NULL, day TEXT NOT NULL, active_ms INTEGER NOT NULL, idle_ms INTEGER NOT NULL,
            session_ms INTEGER NOT NULL, PRIMARY KEY (device, day)) WITHOUT ROWID;
        CREATE TABLE usage_session (
            device TEXT NOT NULL, day TEXT NOT NULL, session TEXT NOT NULL, user TEXT,
            PRIMARY KEY (device, day, session)) WITHOUT ROWID;
        CREATE TABLE health (id INTEGER PRIMARY KEY, device TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL);
        CREATE TABLE health_hour (
            device TEXT NOT NULL, metric TEXT NOT NULL, at INTEGER NOT NULL, low REAL NOT NULL, total REAL NOT NULL,
            high REAL NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (device, metric, at)) WITHOUT ROWID;
        CREATE TABLE health_now (
            device TEXT NOT NULL, metric TEXT NOT NULL, at INTEGER NOT NULL, value REAL NOT NULL,
            PRIMARY KEY (device, metric)) WITHOUT ROWID;
        CREATE TABLE event (
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, attrs BLOB NOT NULL);
        CREATE INDEX event_device ON event (device, at);
        CREATE TABLE lost (
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, stream TEXT NOT NULL, first INTEGER NOT NULL,
            last INTEGER NOT NULL, why TEXT NOT NULL, at INTEGER NOT NULL);
        CREATE INDEX lost_device ON lost (device, at);
        CREATE TABLE presence_period (
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, state TEXT NOT NULL, from_at INTEGER NOT NULL,
            until_at INTEGER);
        CREATE INDEX presence_period_device ON presence_period (device, from_at);
        CREATE UNIQUE INDEX presence_period_now ON presence_period (device) WHERE until_at IS NULL;
        CREATE TABLE heard_day (
            day TEXT NOT NULL, device TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
            PRIMARY KEY (day, device)) WITHOUT ROWID;
        CREATE TABLE alive_day (
            day TEXT NOT NULL, device TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
            PRIMARY KEY (day, device)) WITHOUT ROWID;
        CREATE TABLE equipment (
            device TEXT PRIMARY KEY, online INTEGER, online_at INTEGER, is_on INTEGER, on_at INTEGER, power_w REAL,
            energy_wh REAL, readings BLOB NOT NULL DEFAULT '{}', read_at INTEGER, heard_at INTEGER) WITHOUT ROWID;
        CREATE TABLE equipment_day (
            device TEXT NOT NULL, day TEXT NOT NULL, on_ms INTEGER NOT NULL, energy_wh REAL,
            PRIMARY KEY (device, day)) WITHOUT ROWID;
        CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY, at INTEGER NOT NULL, device TEXT, topic TEXT NOT NULL, code TEXT NOT NULL,
            detail TEXT NOT NULL, raw BLOB NOT NULL, size INTEGER NOT NULL);
        CREATE INDEX quarantine_device ON quarantine (device, at);
        CREATE TABLE tally (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
        """,
    ),
    Migration(
        "who was taken for whom, and why",
        """
        CREATE TABLE identity (
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, other TEXT, at INTEGER NOT NULL, what TEXT NOT NULL,
            kept TEXT NOT NULL DEFAULT '', changed TEXT NOT NULL DEFAULT '', before BLOB, by TEXT NOT NULL DEFAULT '',
            settled_at INTEGER);
        CREATE INDEX identity_device ON identity (device, at);
        CREATE INDEX identity_merging ON identity (device) WHERE what = 'merged' AND settled_at IS NULL;
        """,
    ),
    ROLL_UP,
    store_use.MIGRATION,
]
