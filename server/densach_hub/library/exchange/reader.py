"""The process that reads catalogues nobody vouches for: `python -m densach_hub.library.exchange.reader FILE_OR_FOLDER`.

It writes what it found on standard output, a line of JSON for each record and one before them about the file. A file that kills
it costs one failed import.
"""

import sys
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from densach_core.errors import Problem
from densach_hub.library.exchange.doors import open_source
from densach_hub.library.exchange.line import Line
from densach_hub.library.formats.bounds import Allowance, confine

ALL_SECONDS = 1_200
"""Processor time for a whole catalogue: a hundred thousand records take nine seconds here."""


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """First `format` and what else is known of the file, then a `line` each; `code` when no more can come, `end` at the end."""

    format: str | None = None
    total: int | None = None
    ignored: tuple[str, ...] = ()
    line: Line | None = None
    code: str | None = None
    end: bool = False


def main() -> int:
    confine(output_bytes=0)
    read(Path(sys.argv[1]), sys.stdout.buffer, Allowance(all_s=ALL_SECONDS))
    return 0


def read(path: Path, out: BinaryIO, allowance: Allowance) -> None:
    """Whatever is wrong with the file becomes a code."""
    encoder = msgspec.json.Encoder(enc_hook=_as_words)

    def say(told: Told) -> None:
        out.write(encoder.encode(told) + b"\n")

    try:
        source = open_source(path)
        say(Told(format=source.format, total=source.total, ignored=source.ignored))
        for line in source.lines:
            say(Told(line=line))
            allowance.more()
        say(Told(end=True))
    except BrokenPipeError:
        return
    except Problem as problem:
        say(Told(code=problem.code))
    except MemoryError:
        say(Told(code="import.out-of-memory"))
    except Exception:  # noqa: BLE001 - a stranger's file may break anything; the import says that it cannot be read
        say(Told(code="import.not-readable"))
    out.flush()


def _as_words(value: Any) -> str:
    return str(value) if isinstance(value, Path) else repr(value)


if __name__ == "__main__":
    raise SystemExit(main())
