"""What an item may be used for, as codes: catalogues, books and web addresses write the same licence in many ways.

A licence of its own wording is `other`; where nothing is said there is none, which is not the same as free.
"""

import re

from densach_core.folding import fold
from densach_core.text import Text, t

LICENCES: dict[str, Text | str] = {
    "public-domain": t("Public domain"),
    "cc0": "CC0",
    "cc-by": "CC BY",
    "cc-by-sa": "CC BY-SA",
    "cc-by-nd": "CC BY-ND",
    "cc-by-nc": "CC BY-NC",
    "cc-by-nc-sa": "CC BY-NC-SA",
    "cc-by-nc-nd": "CC BY-NC-ND",
    "gfdl": "GNU FDL",
    "reserved": t("All rights reserved"),
    "other": t("Other licence"),
}
_CC = re.compile(r"\b(?:cc|creativecommons org licenses|creative commons)[ :]*(by(?: (?:nc|sa|nd)){0,2})\b")
_LONG = {
    "noncommercial": "nc", "non commercial": "nc", "phi thuong mai": "nc", "sharealike": "sa", "share alike": "sa",
    "chia se tuong tu": "sa", "noderivatives": "nd", "noderivs": "nd", "no derivatives": "nd", "khong phai sinh": "nd",
}  # fmt: skip
_SIGNS = (
    ("cc0", re.compile(r"\bcc ?0\b|publicdomain zero")),
    ("public-domain", re.compile(r"\bpublic ?domain\b|publicdomain mark|\b(?:pham vi|mien|so huu) cong cong\b")),
    ("gfdl", re.compile(r"\bgfdl\b|\bgnu (?:free documentation|fdl)\b")),
    ("reserved", re.compile(r"\ball rights reserved\b|\bbao luu moi quyen\b|\bgiu (?:moi |ban |moi ban )quyen\b")),
)  # fmt: skip


def licence_of(licence: str | None, rights: str | None = None) -> str | None:
    """The code of a licence; of what is said of rights only where it names one we know (`CC BY-SA 4.0`).

    `https://creativecommons.org/licenses/by-nc/4.0/` and `CC BY-NC 4.0` and `Creative Commons Attribution-NonCommercial` are one.
    """
    if licence and licence.strip():
        return _named(licence) or "other"
    return _named(rights) if rights else None


def _named(text: str) -> str | None:
    words = " ".join(re.sub(r"[\W_]+", " ", fold(text)).split())
    if (short := _CC.search(words)) is not None:
        return _ordered(short[1].split()[1:])
    if "creative commons" in words and ("attribution" in words or "ghi cong" in words):
        return _ordered([code for long, code in _LONG.items() if long in words])
    return next((code for code, sign in _SIGNS if sign.search(words)), None)


def _ordered(terms: list[str]) -> str:
    code = "-".join(["cc-by", *(term for term in ("nc", "sa", "nd") if term in terms)])
    return code if code in LICENCES else "other"


def licence_name(code: str | None) -> Text | str | None:
    return None if code is None else LICENCES.get(code, code)
