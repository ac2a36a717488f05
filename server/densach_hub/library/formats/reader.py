"""The process that reads files nobody vouches for: `python -m densach_hub.library.formats.reader`.

It is told files on standard input, one JSON line each, and answers with one JSON line each; text and cover go into the
folder named in the order. It runs niced, with little memory and bounded CPU time, and holds no database and no network:
a file that kills it costs one line in the librarian's list.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from densach_hub.library.formats.bounds import Allowance, confine
from densach_hub.library.formats.door import FORMATS
from densach_hub.library.formats.found import Result, Source, Unreadable
from densach_hub.library.formats.heads import media_type_of
from densach_hub.library.formats.order import Order
from densach_hub.library.formats.subtitles import cues, put_text
from densach_hub.library.formats.workshop import Workshop

HEAD_BYTES = 8192


def main() -> int:
    confine()
    orders = msgspec.json.Decoder(Order)
    for line in sys.stdin.buffer:
        result = read_file(orders.decode(line), went_on=Allowance().more)
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.buffer.flush()
    return 0


def read_file(order: Order, *, went_on: Callable[[], None] = lambda: None) -> Result:
    """Reads one file; whatever is wrong with it becomes a code. `went_on` is called with each passage of text."""
    path = Path(order.path)
    workshop = Workshop(Path(order.folder), went_on=went_on)
    head = b""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        source = Source(path, order.name, head, path.stat().st_size)
        return _read(source, workshop, order.beside)
    except Unreadable as reason:
        return _unread(head, reason.code, reason.detail)
    except MemoryError:
        return _unread(head, "library.reader-out-of-memory")
    except RecursionError:
        return _unread(head, "library.damaged", "nested too deeply")
    except FileNotFoundError:
        return Result(None, "library.file-missing")
    except OSError as error:
        return _unread(head, "library.reader-failed", str(error))
    except Exception as error:  # noqa: BLE001 - a stranger's file may break anything; the row says what
        return _unread(head, "library.damaged", f"{type(error).__name__}: {error}")
    finally:
        workshop.close()


def _unread(head: bytes, code: str, detail: str = "") -> Result:
    return Result(None, code, detail[:300], media_type=media_type_of(head))


def _read(source: Source, workshop: Workshop, beside: tuple[str, ...]) -> Result:
    if source.size == 0:
        raise Unreadable("library.empty")
    for kind in FORMATS:
        if kind.fits(source):
            break
    else:
        raise Unreadable(_why_unknown(source))
    found = kind.read(source, workshop)
    for words in beside:
        put_text(workshop, cues(Path(words).read_bytes()))
    if found.remark is None and source.suffix and source.suffix not in found.suffixes:
        found = msgspec.structs.replace(found, remark="library.name-differs")
    return Result(found, has_cover=workshop.has_cover, passages=workshop.passages, tracks=tuple(workshop.tracks))


def _why_unknown(source: Source) -> str:
    """A ZIP that no format took is opened once more for its own reason: damaged, bomb, path."""
    if source.head.startswith(b"PK"):
        from densach_hub.library.formats.archive import open_archive

        with open_archive(source.path):
            return "library.unknown-zip"
    return "library.unknown-kind"


if __name__ == "__main__":
    raise SystemExit(main())
