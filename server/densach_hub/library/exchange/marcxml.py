"""MARCXML, read element by element without entities, DTD or network."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from lxml import etree

from densach_hub.library.exchange.line import Line, Source, wrong
from densach_hub.library.exchange.marc_fields import Marc, Subfields, fields_of, record_line
from densach_hub.library.model import Item

MARC21 = "http://www.loc.gov/MARC21/slim"
MOST_FIELDS = 5_000


def read(path: Path) -> Source:
    """Every record of a collection (or a single record); a broken end is one more, wrong line."""
    return Source(format="marcxml", lines=_lines(path))


def _lines(path: Path) -> Iterator[Line]:
    number = 0
    try:
        for _, element in etree.iterparse(
            str(path), events=("end",), tag=("{*}record",), resolve_entities=False, no_network=True, load_dtd=False,
            huge_tree=False, remove_comments=True, remove_pis=True,
        ):  # fmt: skip
            number += 1
            yield _line(number, element)
            element.clear()
            while (before := element.getprevious()) is not None:
                before.getparent().remove(before)
    except etree.XMLSyntaxError as error:
        yield wrong(number + 1, "import.xml-broken", str(error))


def _line(number: int, element: etree._Element) -> Line:
    leader, control = "", dict[str, str]()
    data: list[tuple[str, str, Subfields]] = []
    for child in element.iterchildren("{*}leader", "{*}controlfield", "{*}datafield"):
        name = etree.QName(child).localname
        tag = child.get("tag", "")[:3]
        if name == "leader":
            leader = child.text or ""
        elif name == "controlfield":
            control.setdefault(tag, child.text or "")
        elif len(data) < MOST_FIELDS:
            subfields = [(one.get("code", "")[:1], one.text or "") for one in child.iterchildren("{*}subfield")]
            data.append((tag, child.get("ind1", " ") + child.get("ind2", " "), subfields))
    return record_line(number, Marc(leader, control, data))


def write(items: Iterable[Item], file: IO[bytes]) -> None:
    """Writes a collection, one record at a time."""
    with etree.xmlfile(file, encoding="utf-8") as document:
        document.write_declaration()
        with document.element(f"{{{MARC21}}}collection", nsmap={None: MARC21}):
            for it in items:
                document.write(_element(it))
                document.write("\n")


def _element(it: Item) -> etree._Element:
    record = etree.Element(f"{{{MARC21}}}record", nsmap={None: MARC21})  # type: ignore[dict-item]
    etree.SubElement(record, f"{{{MARC21}}}leader").text = "     nam a22     i 4500"
    control, data = fields_of(it)
    for tag, value in control:
        etree.SubElement(record, f"{{{MARC21}}}controlfield", tag=tag).text = _clean(value)
    for tag, indicators, subfields in data:
        field = etree.SubElement(record, f"{{{MARC21}}}datafield", tag=tag, ind1=indicators[0], ind2=indicators[1])
        for code, value in subfields:
            etree.SubElement(field, f"{{{MARC21}}}subfield", code=code).text = _clean(value)
    return record


def _clean(value: str) -> str:
    """XML has no place for control characters or lone surrogates."""
    return "".join(letter for letter in value if letter >= " " or letter in "\n\t").encode(errors="ignore").decode()
