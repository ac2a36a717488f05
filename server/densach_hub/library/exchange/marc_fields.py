"""MARC 21 bibliographic fields and our record, both ways.

Numbers after the MARC 21 Format for Bibliographic Data. What has no place there is in field 990 (local): `a` subject, `b` and
`c` grades, `d` level, `e` audience, `f` material, `g` collection (repeated), `h` copies.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from densach_core.folding import fold
from densach_hub.library.exchange.line import OWN, Line, line_of
from densach_hub.library.matching import isbn13, title_key
from densach_hub.library.model import Creator, Item
from densach_hub.library.rules import grade_from_name
from densach_hub.library.school_words import code_of

Subfields = list[tuple[str, str]]
LANGUAGES = {"vie": "vi", "eng": "en", "fre": "fr", "fra": "fr", "chi": "zh", "zho": "zh", "jpn": "ja", "kor": "ko", "rus": "ru",
             "ger": "de", "deu": "de", "ara": "ar", "spa": "es", "khm": "km", "lao": "lo", "tha": "th", "ita": "it"}  # fmt: skip
_BACK = {"vi": "vie", "en": "eng", "fr": "fre", "zh": "chi", "ja": "jpn", "ko": "kor", "ru": "rus", "de": "ger", "ar": "ara",
         "es": "spa", "km": "khm", "lo": "lao", "th": "tha", "it": "ita"}  # fmt: skip
ROLES = {"aut": "author", "trl": "translator", "edt": "editor", "ill": "illustrator", "nrt": "narrator"}
_RELATORS = {role: code for code, role in ROLES.items()}
_ROLE_WORDS = (
    ("dich", "translator"), ("transl", "translator"), ("bien soan", "author"), ("chu bien", "editor"), ("bien tap", "editor"),
    ("edit", "editor"), ("minh hoa", "illustrator"), ("illustr", "illustrator"), ("ve ", "illustrator"), ("doc", "narrator"),
    ("narrat", "narrator"), ("author", "author"), ("tac gia", "author"),
)  # fmt: skip
_ISBD = re.compile(r"[\s/:;,=]+$")
_YEAR = re.compile(r"(?<!\d)(1[4-9]\d\d|20\d\d)(?!\d)")
_TOPICS = ("600", "610", "630", "650", "651", "653")


class Marc(msgspec.Struct, frozen=True):
    """A record of any MARC file: control fields, and (tag, indicators, subfields) of the others, in their order."""

    leader: str
    control: dict[str, str]
    data: list[tuple[str, str, Subfields]]

    def all(self, *tags: str) -> Iterator[Subfields]:
        return (subfields for tag, _, subfields in self.data if tag in tags)

    def first(self, tags: Sequence[str], codes: str) -> str | None:
        """The first value of one of the subfields, in the order of the tags, without the punctuation of ISBD."""
        for tag in tags:
            for subfields in self.all(tag):
                for code, value in subfields:
                    if code in codes and (text := bare(value)):
                        return text
        return None


def bare(value: str) -> str:
    """`Truyện Kiều /` → `Truyện Kiều`."""
    text = _ISBD.sub("", " ".join(value.split()))
    return text[:-1] if text.endswith(".") and text.count(".") == 1 and len(text) > 4 and not text[-3:-1].isupper() else text


def record_line(number: int, marc: Marc, *, code: str | None = None, detail: str = "") -> Line:
    """A line of an import."""
    local: Subfields = next(marc.all("990"), [])
    fields: dict[str, Any] = {
        **_title(marc),
        "creators": _creators(marc),
        "topics": [topic for subfields in marc.all(*_TOPICS) if (topic := _topic(subfields))],
        "description": marc.first(["520", "505", "500"], "a"),
        "place": marc.first(["260", "264"], "a"),
        "publisher": marc.first(["260", "264"], "b"),
        "published": _year(marc),
        "language": _language(marc),
        "identifiers": _identifiers(marc),
        "statement": marc.first(["250"], "a"),
        "extent": marc.first(["300"], "a"),
        "series": marc.first(["490", "830", "440"], "a"),
        "series_number": marc.first(["490", "830", "440"], "v"),
        "ddc": (marc.first(["082", "092"], "a") or "").replace("/", "") or None,
        "cutter": marc.first(["082", "092"], "b") or marc.first(["852"], "i"),
        "curriculum": marc.first(["658"], "a"),
        "rights": marc.first(["540"], "a"),
        "licence": marc.first(["540"], "u"),
        "source": marc.first(["856"], "u"),
        "subject": _local(local, "a"),
        "collections": [value for key, value in local if key == "g"],
        "level": _local(local, "d"),
        "copies": _copies(marc, local),
    }
    audience, material = _local(local, "e") or marc.first(["521"], "a"), _local(local, "f") or marc.first(["655"], "a")
    if audience and (grade := grade_from_name(audience)) is not None:
        fields["grade_from"] = fields["grade_to"] = grade
    elif audience:
        fields["audience"] = code_of("audience", audience)
    if material:
        fields["material"] = code_of("material", material)
    first, last = _local(local, "b"), _local(local, "c")
    if first and first.isdecimal() and len(first) < 3:
        fields["grade_from"] = int(first)
        fields["grade_to"] = int(last) if last and last.isdecimal() and len(last) < 3 else int(first)
    control, whose = marc.control.get("001", "").strip(), marc.control.get("003", "").strip()
    own = control if whose == OWN and control else None
    key = f"marc:{whose}:{control}"[:200] if control and own is None else None
    if key and not whose:  # a number that nobody put a name to is told apart by the title
        key = f"{key}:{title_key(str(fields['title']))[:40]}"
    return line_of(number, fields, key=key, own=own, code=code, detail=detail)


def _title(marc: Marc) -> dict[str, str | None]:
    subfields = next(marc.all("245"), [])
    main = [bare(value) for code, value in subfields if code in "anp"]
    rest = [bare(value) for code, value in subfields if code == "b"]
    return {"title": ". ".join(filter(None, main)), "subtitle": " : ".join(filter(None, rest)) or None}


def _creators(marc: Marc) -> list[Creator]:
    found: dict[str, Creator] = {}
    for subfields in marc.all("100", "110", "111", "700", "710", "711"):
        name = bare(next((value for code, value in subfields if code == "a"), ""))
        relator = next((value.strip(" .").lower() for code, value in subfields if code == "4"), "")[-3:]
        word = next((value for code, value in subfields if code == "e"), "")
        if name:
            role = role_from(word) if not relator else ROLES.get(relator, "other")
            found.setdefault(name, Creator(name[:200], role))
    return list(found.values())


def role_from(word: str) -> str:
    """`người dịch`, `ed.`, `illustrator` → the role; no word is an author, an unknown one a contributor."""
    folded = fold(word)
    if not folded.strip(" .,"):
        return "author"
    return next((role for part, role in _ROLE_WORDS if part in folded + " "), "editor" if folded.startswith("ed") else "other")


def _topic(subfields: Subfields) -> str:
    return " -- ".join(bare(value).rstrip(".") for code, value in subfields if code in "abxyzv" and bare(value))[:200]


def _year(marc: Marc) -> str | None:
    said = marc.first(["260", "264"], "c")
    if said and (match := _YEAR.search(said)):
        return match[1]
    coded = marc.control.get("008", "")[7:11]
    return coded if _YEAR.fullmatch(coded) else said


def _language(marc: Marc) -> str | None:
    code = (marc.control.get("008", "")[35:38] or "").lower()
    if code not in LANGUAGES:
        code = (marc.first(["041"], "a") or "")[:3].lower()
    return LANGUAGES.get(code)


def _identifiers(marc: Marc) -> list[str]:
    found = []
    for subfields in marc.all("020"):
        value = next((value for code, value in subfields if code == "a"), "")
        number = isbn13(value)
        if number or value.strip():
            found.append(f"ISBN {number or value.strip()[:40]}")
    found += [f"ISSN {value.strip()[:20]}" for subfields in marc.all("022") for code, value in subfields if code == "a"]
    return found + [value.strip()[:200] for subfields in marc.all("024") for code, value in subfields if code == "a"]


def _copies(marc: Marc, local: Subfields) -> int | None:
    said = _local(local, "h")
    if said and said.isdecimal() and len(said) < 7:
        return int(said)
    return sum(1 for _ in marc.all("852", "952")) or None


def _local(subfields: Subfields, wanted: str) -> str | None:
    return next((value.strip() for code, value in subfields if code == wanted and value.strip()), None)


def fields_of(it: Item) -> tuple[list[tuple[str, str]], list[tuple[str, str, Subfields]]]:
    """(control fields, data fields) of an item, sorted by tag; empty ones are left out."""
    language = _BACK.get((it.language or "").partition("-")[0], "und")
    year = it.published[:4] if it.published and it.published[:4].isdecimal() else "    "
    fixed = f"{'000000'}s{year:4}    xx {' ' * 17}{language} d"
    authors = [creator for creator in it.creators if creator.role == "author"]
    main = authors[0] if authors else None
    title = [("a", it.title), *([("b", it.subtitle)] if it.subtitle else [])]
    data: list[tuple[str, str, Subfields]] = [
        *[("020", "  ", [("a", number)]) for text in it.identifiers if (number := isbn13(text))],
        *[("022", "  ", [("a", text[5:])]) for text in it.identifiers if text.startswith("ISSN ")],
        *[("024", "8 ", [("a", text)]) for text in it.identifiers if not isbn13(text) and not text.startswith("ISSN ")],
        ("082", "04", _some(("a", it.ddc), ("b", it.cutter))),
        ("100", "0 ", [("a", main.name)] if main else []),
        ("245", "10" if main else "00", title),
        ("250", "  ", _some(("a", it.statement))),
        ("264", " 1", _some(("a", it.place), ("b", it.publisher), ("c", it.published))),
        ("300", "  ", _some(("a", it.extent))),
        ("490", "0 ", _some(("a", it.series), ("v", it.series_number))),
        ("520", "  ", _some(("a", it.description))),
        ("540", "  ", _some(("a", it.rights), ("u", it.licence))),
        *[("650", " 4", [("a", topic)]) for topic in it.topics],
        ("658", "  ", _some(("a", it.curriculum))),
        *[("700", "0 ", [("a", c.name), ("4", _RELATORS.get(c.role, "ctb"))]) for c in it.creators if c != main],
        ("856", "40", _some(("u", it.source))),
        ("990", "  ", [
            *_some(
                ("a", it.subject), ("b", _number(it.grade_from)), ("c", _number(it.grade_to)), ("d", it.level),
                ("e", it.audience), ("f", it.material), ("h", _number(it.copies)),
            ),
            *[("g", name) for name in it.collections],
        ]),
    ]  # fmt: skip
    return [("001", it.id), ("003", OWN), ("008", fixed)], [one for one in data if one[2]]


def _some(*pairs: tuple[str, str | None]) -> Subfields:
    return [(code, value) for code, value in pairs if value]


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)
