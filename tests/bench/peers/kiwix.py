"""kiwix-serve over one ZIM with an article and full-text index for each record. C++; it has neither accounts nor a catalogue.

That of Debian 12 (3.3.0) finds nothing for words with Vietnamese marks (`học`: none, `hoc`: all with `học`): a quick answer.
"""

import contextlib
import importlib
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from tests.bench.peers.served import NotStartedError, Served, running, say, wait_until
from tests.fixtures.mosquitto import free_port

from densach_hub.library.model import Item


@contextlib.contextmanager
def kiwix(folder: Path, items: Sequence[Item]) -> Iterator[Served]:
    program = shutil.which("kiwix-serve")
    if program is None:
        raise NotStartedError("kiwix-serve is not installed (apt-get install kiwix-tools)")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.split()
    name = f"kiwix-serve {said[1] if len(said) > 1 else ''}".strip()
    say(f"{name}: writing its ZIM")
    _fill(folder / "bench.zim", items)
    port, log = free_port(), folder / "log"
    with running(name, [program, "-i", "127.0.0.1", "-p", str(port), str(folder / "bench.zim")], log) as pid:
        pages = tuple(f"/bench/A/item-{number}" for number in range(1, len(items) + 1))
        address = f"http://127.0.0.1:{port}"
        wait_until(name, address + pages[0], pid, log)
        yield Served(name, address, "/search?content=bench&pattern={}", pages, pid, r'href="[^"]*/A?/?item-\d')


def _fill(path: Path, items: Sequence[Item]) -> None:
    try:
        writer: Any = importlib.import_module("libzim.writer")
    except ImportError as error:
        raise NotStartedError("libzim writes the ZIM: pip install -r requirements/zim.txt") from error

    class Article(writer.Item):  # type: ignore[misc]
        def __init__(self, number: int, it: Item) -> None:
            super().__init__()
            self._number = number
            self._it = it

        def get_path(self) -> str:
            return f"item-{self._number}"

        def get_title(self) -> str:
            return self._it.title

        def get_mimetype(self) -> str:
            return "text/html"

        def get_contentprovider(self) -> object:
            it = self._it
            lines = (it.title, it.creators[0].name, it.subject or "", it.description or "")
            body = "".join(f"<p>{escape(line)}</p>" for line in lines)
            return writer.StringProvider(f"<html><head><title>{escape(it.title)}</title></head><body>{body}</body></html>")

        def get_hints(self) -> dict[object, bool]:
            return {writer.Hint.FRONT_ARTICLE: True}

    with writer.Creator(path).config_indexing(True, "vie") as creator:
        creator.set_mainpath("item-1")
        for number, it in enumerate(items, 1):
            creator.add_item(Article(number, it))
        for key, value in {"Title": "Bench", "Language": "vie", "Date": "2026-01-01", "Creator": "bench", "Publisher": "bench",
                           "Name": "bench", "Description": "bench"}.items():  # fmt: skip
            creator.add_metadata(key, value)
