"""Kolibri: one channel whose resources stand in its content database. Asked for what its own pages fetch of a search (the list of
the library page) and of a resource; the pages themselves are scripts that come once."""

import contextlib
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.peers.served import NotStartedError, Served, environment, run_or_say, running, say, version_of, wait_until
from tests.fixtures.mosquitto import free_port

from densach_hub.library.model import Item

CHANNEL = uuid.UUID(int=0xDE25AC).hex


@contextlib.contextmanager
def kolibri(folder: Path, items: Sequence[Item]) -> Iterator[Served]:
    name = f"kolibri {version_of('kolibri')}"
    program = str(environment("kolibri") / "kolibri")
    home, port = folder / "home", free_port()
    variables = {
        "KOLIBRI_HOME": str(home),
        "KOLIBRI_RUN_MODE": "ci",
        "KOLIBRI_LISTEN_ADDRESS": "127.0.0.1",
        "KOLIBRI_HTTP_PORT": str(port),
        "KOLIBRI_ZIP_CONTENT_PORT": str(free_port()),
        "KOLIBRI_ZEROCONF_ENABLED": "False",
        "KOLIBRI_DISABLE_PING": "True",
    }
    say(f"{name}: making its databases")
    words = "--facility Bench --preset formal --superusername admin --superuserpassword adminpass --language_id en --noinput"
    run_or_say(name, [program, "manage", "provisiondevice", *words.split()], variables)
    try:
        _fill(home / "db.sqlite3", items)
    except sqlite3.Error as error:
        raise NotStartedError(f"{name} could not be filled: {error}") from error
    say(f"{name}: starting")
    with running(name, [program, "start", "--foreground"], log := folder / "log", variables) as pid:
        pages = tuple(f"/api/content/contentnode/{_node(number)}/" for number in range(1, len(items) + 1))
        wait_until(name, f"http://127.0.0.1:{port}{pages[0]}", pid, log)
        search = "/api/content/contentnode/?keywords={}&max_results=25"
        yield Served(name, f"http://127.0.0.1:{port}", search, pages, pid, '"content_id":', python=True, data=True)


def _node(number: int) -> str:
    return uuid.UUID(int=(0xDE25AC << 32) + number).hex


def _fill(path: Path, items: Sequence[Item]) -> None:
    """A topic with the items below it, as an import of a channel leaves them (the tree as nested sets)."""
    last = 2 * len(items) + 2
    common = {"channel_id": CHANNEL, "tree_id": 1, "available": True, "license_owner": "", "coach_content": False}
    common |= {"num_coach_contents": 0, "options": "{}", "ancestors": "[]"}
    nodes = [
        {"id": _node(0), "content_id": CHANNEL, "title": "Bench", "kind": "topic", "lft": 1, "rght": last, "level": 0,
         "author": "", "description": "", "parent_id": None, "on_device_resources": len(items), "sort_order": 0.0, **common}
    ]  # fmt: skip
    for number, it in enumerate(items, 1):
        nodes.append(
            {"id": _node(number), "content_id": uuid.UUID(int=number).hex, "title": it.title, "kind": "document",
             "lft": 2 * number, "rght": 2 * number + 1, "level": 1, "author": it.creators[0].name, "description": it.description,
             "parent_id": _node(0), "on_device_resources": 1, "sort_order": float(number), **common}
        )  # fmt: skip
    channel = {
        "id": CHANNEL,
        "name": "Bench",
        "description": "",
        "author": "",
        "version": 1,
        "thumbnail": "",
        "root_id": _node(0),
    }
    channel |= {"min_schema_version": "5", "last_updated": None, "total_resource_count": len(items), "order": 1, "public": False}
    with contextlib.closing(sqlite3.connect(path)) as c:
        for table, rows in (("content_contentnode", nodes), ("content_channelmetadata", [channel])):
            names = ", ".join(f'"{name}"' for name in rows[0])
            marks = ", ".join(f":{name}" for name in rows[0])
            c.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
        c.commit()
