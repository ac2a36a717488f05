"""A file through the reading process's own entrance."""

from pathlib import Path

import msgspec
from tests.hub.library import made

from densach_hub.library.formats.found import Found, Passage, Result
from densach_hub.library.formats.order import Order
from densach_hub.library.formats.reader import read_file


def read(folder: Path, name: str, body: bytes) -> tuple[Result, list[Passage]]:
    """What came of it, and its passages; subtitles and cover lie in `folder/out`."""
    path = made.put(folder, "stored-under-a-hash", body)
    out = folder / "out"
    out.mkdir(exist_ok=True)
    result = read_file(Order(str(path), name, str(out)))
    lines = (out / "text.jsonl").read_bytes().splitlines()
    return result, [msgspec.json.decode(line, type=Passage) for line in lines]


def found_in(folder: Path, name: str, body: bytes) -> tuple[Found, list[Passage]]:
    result, text = read(folder, name, body)
    assert result.found is not None, (result.problem, result.detail)
    return result.found, text
