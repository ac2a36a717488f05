"""Every kind of catalogue, broken in every common way: records, or a known reason; never a crash, never for long."""

import io
import random
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.hub.library import catalogues, made, made_formats

from densach_hub.library.exchange.reader import Told, read
from densach_hub.library.formats.bounds import Allowance
from densach_hub.library.import_words import CODES

LONGEST_S = 30.0
XML = (
    '<?xml version="1.0"?><collection xmlns="http://www.loc.gov/MARC21/slim">'
    '<record><leader>00000nam a2200000 i 4500</leader><controlfield tag="001">1</controlfield>'
    '<datafield tag="245" ind1="1" ind2="0"><subfield code="a">Dế Mèn</subfield></datafield></record></collection>'
)
WHOLE: dict[str, Callable[[], bytes]] = {
    "a.mrc": lambda: catalogues.marc("1", "Dế Mèn phiêu lưu ký", "Tô Hoài") + catalogues.marc("2", "Toán 6") + catalogues.marc8(),
    "a.xml": XML.encode,
    "a.csv": lambda: catalogues.table().encode(),
    "b.csv": lambda: catalogues.table().encode("utf-16"),
    "a.xlsx": made_formats.xlsx,
}


class Patient(Allowance):
    """Sets no limits: this process is the test's."""

    def __init__(self) -> None:
        return

    def more(self) -> None:
        return


def outcome(folder: Path, body: bytes) -> list[Told]:
    begun = time.monotonic()
    out = io.BytesIO()
    read(made.put(folder, "catalogue", body), out, Patient())
    assert time.monotonic() - begun < LONGEST_S
    said = [msgspec.json.decode(line, type=Told, dec_hook=lambda _, value: Path(value)) for line in out.getvalue().splitlines()]
    assert said[-1].end or said[-1].code in CODES, said[-1]
    assert all(one.line is None or one.line.code is None or one.line.code in CODES for one in said)
    return said


@pytest.mark.parametrize("name", WHOLE)
def test_broken_anywhere(tmp_path: Path, name: str) -> None:
    body = WHOLE[name]()
    dice = random.Random(name)
    outcome(tmp_path, body)
    for part in (1, 5, 24, 30, len(body) // 3, len(body) // 2, len(body) - 1):
        outcome(tmp_path, body[:part])
    for at in dice.sample(range(len(body)), 12):
        outcome(tmp_path, body[:at] + b"\xff\xff\xff\xff" + body[at + 4 :])
        outcome(tmp_path, body[:at] + bytes(dice.randrange(256) for _ in range(20)) + body[at:])
    outcome(tmp_path, body + body)
    outcome(tmp_path, b"\xef\xbb\xbf" + body)


@pytest.mark.parametrize(
    "body", [b"", b"\0" * 3_000, b"\n" * 3_000, b"<", b"PK\x03\x04", b"\xff\xfe", b"00000" * 100, b"\x1d" * 500]
)
def test_nothing_to_speak_of(tmp_path: Path, body: bytes) -> None:
    assert outcome(tmp_path, body)[-1].code is not None or outcome(tmp_path, body)[-1].end
