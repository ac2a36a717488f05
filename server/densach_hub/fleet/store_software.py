"""The roll-up of installed software in telemetry.db: which program is on which machine, made from the sections of packages.

A section holds a machine's list as it was told; asked by program it would have to be unpacked for every machine. So
each list is taken apart once, when it changed, and what is written with it (`stamp`) says which list that was:
a cut in between leaves the old state whole, and the next look does it again. A program is a source and a name; several builds
of it on one machine (amd64 and i386) are one line.
"""

from collections.abc import Iterable, Sequence
from sqlite3 import Connection, Row

import msgspec

from densach_core.folding import fold
from densach_core.migrations import Migration
from densach_wire.licences import Classes, Evidence, Ground, LicenceClass
from densach_wire.messages import Item, Value

ROLL_UP = Migration(
    "which software is on which machine",
    """
    CREATE INDEX section_stamp ON section (section, device, at, digest);
    CREATE TABLE software (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL, name TEXT NOT NULL, title TEXT NOT NULL, publisher TEXT NOT NULL,
        area TEXT NOT NULL, licence TEXT NOT NULL, origin TEXT NOT NULL, app INTEGER NOT NULL, folded TEXT NOT NULL,
        cls TEXT NOT NULL, ground TEXT NOT NULL, because TEXT NOT NULL, UNIQUE (source, name));
    CREATE TABLE software_machine (no INTEGER PRIMARY KEY, device TEXT NOT NULL UNIQUE, stamp TEXT NOT NULL);
    CREATE TABLE software_on (
        software INTEGER NOT NULL, machine INTEGER NOT NULL, version TEXT NOT NULL, size_bytes INTEGER, install_date TEXT,
        PRIMARY KEY (software, machine)) WITHOUT ROWID;
    CREATE INDEX software_on_machine ON software_on (machine);
    CREATE TABLE software_rules (one INTEGER PRIMARY KEY CHECK (one = 1), stamp TEXT NOT NULL) WITHOUT ROWID;
    """,
)
LIBRARIES = ("dpkg", "rpm", "pacman", "pip", "snap", "flatpak")
"""Sources that hold libraries too and say which of theirs stand in a menu; of any other everything does."""
_items = msgspec.json.Decoder(tuple[Item, ...])
_TOLD = ("title", "publisher", "area", "licence", "origin")


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A program in the roll-up. `machines`: on how many of those asked for; `versions`: version → on how many."""

    id: int
    source: str
    name: str
    title: str = ""
    publisher: str = ""
    area: str = ""
    licence: str = ""
    origin: str = ""
    app: bool = False
    licence_class: LicenceClass = LicenceClass.UNKNOWN
    ground: Ground = Ground.NONE
    because: str = ""
    machines: int = 0
    versions: dict[str, int] = {}

    @property
    def shown(self) -> str:
        return self.title or self.name


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """A program on a machine. `install_date` is an ISO day in the machine's zone."""

    device: str
    version: str = ""
    size_bytes: int | None = None
    install_date: str | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What of the roll-up is asked for. `devices`: the machines that count; `words` are folded."""

    devices: tuple[str, ...]
    words: tuple[str, ...] = ()
    cls: LicenceClass | None = None
    source: str = ""
    apps: bool = True
    by_count: bool = False


# ---- taking lists apart


def pending(c: Connection, most: int) -> list[tuple[str, str]]:
    """(device, stamp) of lists that changed since they were taken apart."""
    rows = c.execute(
        """
        SELECT s.device, s.at || ':' || s.digest AS stamp FROM section s LEFT JOIN software_machine m ON m.device = s.device
        WHERE s.section = 'packages' AND m.stamp IS NOT s.at || ':' || s.digest LIMIT ?
        """,
        (most,),
    )
    return [(r[0], r[1]) for r in rows]


def take_apart(c: Connection, device: str, stamp: str, classes: Classes) -> None:
    """Writes one machine's list into the roll-up, only what is different."""
    row = c.execute("SELECT items FROM section WHERE device = ? AND section = 'packages'", (device,)).fetchone()
    if row is None:
        return
    c.execute(
        "INSERT INTO software_machine (device, stamp) VALUES (?1, ?2) ON CONFLICT (device) DO UPDATE SET stamp = ?2",
        (device, stamp),
    )
    no = c.execute("SELECT no FROM software_machine WHERE device = ?", (device,)).fetchone()[0]
    told = _merged(_items.decode(row[0]))
    numbers = _numbers(c, told, classes)
    new = {numbers[key]: copy for key, (_, copy) in told.items()}
    old = {
        r[0]: (r[1], r[2], r[3])
        for r in c.execute("SELECT software, version, size_bytes, install_date FROM software_on WHERE machine = ?", (no,))
    }
    c.executemany("DELETE FROM software_on WHERE software = ? AND machine = ?", [(n, no) for n in old.keys() - new.keys()])
    c.executemany(
        "INSERT OR REPLACE INTO software_on (software, machine, version, size_bytes, install_date) VALUES (?, ?, ?, ?, ?)",
        [(n, no, *copy) for n, copy in sorted(new.items()) if old.get(n) != copy],
    )
    if old.keys() - new.keys():
        c.execute("DELETE FROM software WHERE id NOT IN (SELECT software FROM software_on)")


_Key = tuple[str, str]
_CopyRow = tuple[str, int | None, str | None]


def _merged(items: Iterable[Item]) -> dict[_Key, tuple[Item, _CopyRow]]:
    """By source and name; of several builds all versions, the sizes in sum, the latest day."""
    found: dict[_Key, tuple[Item, _CopyRow]] = {}
    for item in items:
        if item.cls != "package":
            continue
        get = item.attrs.get
        key = (_text(get("source"))[:40] or "?", (_text(get("name")) or item.key)[:200])
        size, day = get("size_bytes"), _text(get("install_date"))[:10] or None
        copy = (_text(get("version"))[:200], size if isinstance(size, int) and 0 < size < 2**53 else None, day)
        if (known := found.get(key)) is not None:
            first, (version, known_size, known_day) = known
            versions = version if copy[0] in version.split(", ") else ", ".join(filter(None, (version, copy[0])))[:200]
            sizes = [n for n in (known_size, copy[1]) if n is not None]
            copy = (versions, sum(sizes) if sizes else None, max(filter(None, (known_day, day)), default=None))
            item = first if first.attrs.get("app") else item
        found[key] = (item, copy)
    return found


def _numbers(c: Connection, told: dict[_Key, tuple[Item, _CopyRow]], classes: Classes) -> dict[_Key, int]:
    """The programs' numbers; new ones get one, and what was not known of an old one is added."""
    known = {(r["source"], r["name"]): r for r in c.execute("SELECT * FROM software")}
    numbers: dict[_Key, int] = {}
    for key, (item, _) in told.items():
        row = known.get(key)
        said = {name: _text(item.attrs.get(name))[:200] for name in _TOLD}
        app = item.attrs.get("app") is True or key[0] not in LIBRARIES
        if row is not None:
            numbers[key] = row["id"]
            said = {name: value or row[name] for name, value in said.items()}
            app = app or bool(row["app"])
            if all(row[name] == value for name, value in said.items()) and app == bool(row["app"]):
                continue
        verdict = classes.verdict(_evidence(key, said))
        values = (*key, *said.values(), app, _folded(key[1], said), verdict.cls, verdict.ground, verdict.because[:200])
        made = c.execute(
            """
            INSERT INTO software (source, name, title, publisher, area, licence, origin, app, folded, cls, ground, because)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, name) DO UPDATE SET title = excluded.title,
                publisher = excluded.publisher, area = excluded.area, licence = excluded.licence, origin = excluded.origin,
                app = excluded.app, folded = excluded.folded, cls = excluded.cls, ground = excluded.ground,
                because = excluded.because
            RETURNING id
            """,
            values,
        ).fetchone()
        numbers[key] = made[0]
    return numbers


def rules_stamp(c: Connection) -> str:
    row = c.execute("SELECT stamp FROM software_rules").fetchone()
    return "" if row is None else str(row[0])


def judge_all(c: Connection, classes: Classes, stamp: str) -> int:
    """Every program's class anew, by rules that changed; returns how many are different."""
    changed: list[tuple[str, str, str, int]] = []
    for row in c.execute("SELECT * FROM software"):
        verdict = classes.verdict(_evidence((row["source"], row["name"]), {name: row[name] for name in _TOLD}))
        if (verdict.cls, verdict.ground, verdict.because[:200]) != (row["cls"], row["ground"], row["because"]):
            changed.append((verdict.cls, verdict.ground, verdict.because[:200], row["id"]))
    c.executemany("UPDATE software SET cls = ?, ground = ?, because = ? WHERE id = ?", changed)
    c.execute("INSERT OR REPLACE INTO software_rules (one, stamp) VALUES (1, ?)", (stamp,))
    return len(changed)


# ---- asked


def programs(c: Connection, wanted: Wanted, *, first: int, most: int) -> list[Program]:
    """A page of programs, by name or by the number of machines, with their versions."""
    where, values = _where(wanted, with_class=True)
    order = "n DESC, shown, s.source" if wanted.by_count else "shown, s.source, s.name"
    rows = c.execute(
        f"""
        SELECT s.*, h.n, lower(CASE WHEN s.title = '' THEN s.name ELSE s.title END) AS shown
        FROM {_hits(wanted)} h JOIN software s ON s.id = h.software {where} ORDER BY {order} LIMIT ? OFFSET ?
        """,  # noqa: S608 - our own words only
        (*_machines(wanted), *values, most, first),
    ).fetchall()
    versions = _versions(c, wanted, [r["id"] for r in rows])
    return [_program(r, r["n"], versions.get(r["id"], {})) for r in rows]


def count(c: Connection, wanted: Wanted) -> dict[LicenceClass, int]:
    """How many programs fit, by class (whatever class is asked for)."""
    where, values = _where(wanted, with_class=False)
    rows = c.execute(
        f"SELECT s.cls, count(*) FROM {_hits(wanted)} h JOIN software s ON s.id = h.software {where} GROUP BY s.cls",  # noqa: S608
        (*_machines(wanted), *values),
    )
    found = dict.fromkeys(LicenceClass, 0)
    found.update({LicenceClass(r[0]): r[1] for r in rows})
    return found


def sources(c: Connection) -> list[str]:
    return [r[0] for r in c.execute("SELECT DISTINCT source FROM software ORDER BY source LIMIT 50")]


def program(c: Connection, source: str, name: str, devices: Sequence[str]) -> tuple[Program, list[Copy]] | None:
    """A program and where it is, of the machines asked for; by version and machine."""
    row = c.execute("SELECT * FROM software WHERE source = ? AND name = ?", (source, name)).fetchone()
    if row is None:
        return None
    copies = [
        Copy(device=r["device"], version=r["version"], size_bytes=r["size_bytes"], install_date=r["install_date"])
        for r in c.execute(
            """
            SELECT m.device, o.* FROM software_on o JOIN software_machine m ON m.no = o.machine
            WHERE o.software = ? AND m.device IN (SELECT value FROM json_each(?)) ORDER BY o.version, m.device
            """,
            (row["id"], _json(devices)),
        )
    ]
    versions: dict[str, int] = {}
    for copy in copies:
        versions[copy.version] = versions.get(copy.version, 0) + 1
    return _program(row, len(copies), versions), copies


def machines_told(c: Connection, devices: Sequence[str]) -> int:
    """Of how many machines a list has been taken apart."""
    sql = "SELECT count(*) FROM software_machine WHERE device IN (SELECT value FROM json_each(?))"
    return int(c.execute(sql, (_json(devices),)).fetchone()[0])


def evidence_of(item: Item) -> Evidence:
    """What an item of a machine's own list says."""
    key = (_text(item.attrs.get("source")), _text(item.attrs.get("name")) or item.key)
    return _evidence(key, {name: _text(item.attrs.get(name)) for name in _TOLD})


def _evidence(key: _Key, said: dict[str, str]) -> Evidence:
    return Evidence(
        source=key[0], name=key[1], title=said["title"], publisher=said["publisher"], area=said["area"],
        licence=said["licence"], origin=said["origin"],
    )  # fmt: skip


def _folded(name: str, said: dict[str, str]) -> str:
    return fold(" ".join(dict.fromkeys(filter(None, (said["title"], name, said["publisher"])))))


def _hits(wanted: Wanted) -> str:
    """(software, n): on how many of the machines. Applications are few: they are asked one by one, not all counted."""
    these = "o.machine IN (SELECT no FROM software_machine WHERE device IN (SELECT value FROM json_each(?)))"
    if wanted.apps:
        return f"(SELECT a.id AS software, count(*) AS n FROM software a JOIN software_on o ON o.software = a.id WHERE a.app = 1 AND {these} GROUP BY a.id)"  # noqa: E501, S608
    return f"(SELECT o.software, count(*) AS n FROM software_on o WHERE {these} GROUP BY o.software)"  # noqa: S608


def _machines(wanted: Wanted) -> tuple[str]:
    return (_json(wanted.devices),)


def _where(wanted: Wanted, *, with_class: bool) -> tuple[str, list[str]]:
    parts: list[str] = []
    values: list[str] = []
    if wanted.source:
        parts.append("s.source = ?")
        values.append(wanted.source)
    if with_class and wanted.cls is not None:
        parts.append("s.cls = ?")
        values.append(wanted.cls.value)
    for word in wanted.words[:8]:
        parts.append("instr(s.folded, ?) > 0")
        values.append(word)
    return ("WHERE " + " AND ".join(parts) if parts else ""), values


def _versions(c: Connection, wanted: Wanted, numbers: Sequence[int]) -> dict[int, dict[str, int]]:
    rows = c.execute(
        """
        SELECT o.software, o.version, count(*) AS n FROM software_on o JOIN software_machine m ON m.no = o.machine
        WHERE o.software IN (SELECT value FROM json_each(?)) AND m.device IN (SELECT value FROM json_each(?))
        GROUP BY o.software, o.version ORDER BY n DESC, o.version
        """,
        (msgspec.json.encode(list(numbers)).decode(), _json(wanted.devices)),
    )
    found: dict[int, dict[str, int]] = {}
    for r in rows:
        found.setdefault(r[0], {})[r[1]] = r[2]
    return found


def _program(r: Row, machines: int, versions: dict[str, int]) -> Program:
    return Program(
        id=r["id"], source=r["source"], name=r["name"], title=r["title"], publisher=r["publisher"], area=r["area"],
        licence=r["licence"], origin=r["origin"], app=bool(r["app"]), licence_class=LicenceClass(r["cls"]),
        ground=Ground(r["ground"]), because=r["because"], machines=machines, versions=versions,
    )  # fmt: skip


def _json(devices: Sequence[str]) -> str:
    return msgspec.json.encode(list(devices)).decode()


def _text(value: Value) -> str:
    return value.strip() if isinstance(value, str) else ""
