"""What peers tell is answered, and the answers are the documented ones."""

from pathlib import Path

from tests.bench.peer_fields import ANSWERS, answer, is_answered, table, told_by

from densach_agent.collectors import ALL
from densach_wire.messages import InventorySection, Item

DOCUMENT = Path(__file__).parents[2] / "docs" / "inventory.md"
XML = b"""<?xml version="1.0"?><REQUEST><CONTENT>
<CPUS><NAME>AMD</NAME><CORE>2</CORE><SERIAL></SERIAL></CPUS><ENVS><KEY>A</KEY></ENVS><NEWS><FIELD>x</FIELD></NEWS>
<OPERATINGSYSTEM><TIMEZONE><NAME>UTC</NAME></TIMEZONE></OPERATINGSYSTEM></CONTENT></REQUEST>"""


def test_the_document_holds_the_table() -> None:
    """Made anew by: python -m tests.bench.peer_fields (the part below the line)."""
    assert DOCUMENT.read_text("utf-8").endswith(table())


def test_every_answer_names_a_section_there_is_or_gives_a_reason() -> None:
    for field, given in ANSWERS.items():
        sections = [place.partition(":")[0] for place in given.split("|") if not place.startswith("–")]
        assert set(sections) <= set(ALL), field


def test_only_what_is_really_there_counts() -> None:
    told = told_by(XML)
    assert told == {
        "CPUS.NAME": "AMD",
        "CPUS.CORE": "2",
        "ENVS.KEY": "A",
        "NEWS.FIELD": "x",
        "OPERATINGSYSTEM.TIMEZONE.NAME": "UTC",
    }
    here = (InventorySection("cpu", (Item("cpu", "CPU 0", {"model": "AMD"}),)),)
    unanswered = [field for field in told if not is_answered(field, here)]
    assert unanswered == ["CPUS.CORE", "NEWS.FIELD", "OPERATINGSYSTEM.TIMEZONE.NAME"]
    assert answer("NEWS.FIELD") is None
