"""Text typed for the fonts of before Unicode (ABC, that is TCVN3; and VNI), as it comes out of old PDF and Word files.

Such a file says “Céng hoµ x· héi” (ABC) or “Coäng hoøa xaõ hoäi” (VNI): letters of Western Europe, which the font draws as
Vietnamese. It is read as what was meant only when that is beyond doubt: not one letter is there that only Unicode has, at least
eight different words have marks, and nine of ten of them become syllables of the language, many more than before. French, Spanish
or Portuguese never come near that. A passage with fewer words stays as it is.
"""

import re
import unicodedata

from densach_hub.library.formats.letters import tcvn3, vietnamese

FEWEST = 8
SURE, MORE = 0.9, 0.2
_MARKED = re.compile(r"[^\W\d_]*[\xa1-\xff][^\W\d_]*")
_BEYOND = re.compile(r"[\u0100-\u1eff]")
_TONES = {"ù": "\u0301", "ø": "\u0300", "û": "\u0309", "õ": "\u0303", "ï": "\u0323"}
_ROOFS = {"â": "", "á": "\u0301", "à": "\u0300", "å": "\u0309", "ã": "\u0303", "ä": "\u0323"}
_BREVES = {"ê": "", "é": "\u0301", "è": "\u0300", "ú": "\u0309", "ü": "\u0303", "ë": "\u0323"}
_ALONE = {"ñ": "đ", "ô": "ơ", "ö": "ư", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}


def _pairs() -> dict[str, str]:
    pairs = {vowel + mark: vowel + tone for vowel in "aeouy" for mark, tone in _TONES.items()}
    pairs |= {old + mark: vowel + tone for old, vowel in (("ô", "ơ"), ("ö", "ư")) for mark, tone in _TONES.items()}
    pairs |= {vowel + mark: f"{vowel}\u0302{tone}" for vowel in "aeo" for mark, tone in _ROOFS.items()}
    pairs |= {f"a{mark}": f"a\u0306{tone}" for mark, tone in _BREVES.items()}
    pairs |= _ALONE
    found = {old: unicodedata.normalize("NFC", new) for old, new in pairs.items()}
    for old, new in list(found.items()):
        found[old.upper()] = new.upper()
        if len(old) > 1:
            found[old[0].upper() + old[1]] = new.capitalize()
            found[old[0] + old[1].upper()] = new
    return found


_VNI = _pairs()
_LETTERS = re.compile("|".join(sorted(map(re.escape, _VNI), key=len, reverse=True)))


def in_unicode(text: str) -> str:
    """The text as it was meant; any text that is not surely of the old kinds as it is."""
    if text.isascii() or _BEYOND.search(text) or len(set(_MARKED.findall(text))) < FEWEST:
        return text
    before = vietnamese(text)
    best = max((_abc(text), vni(text)), key=vietnamese)
    after = vietnamese(best)
    return best if after >= SURE and after >= before + MORE else text


def _abc(text: str) -> str:
    try:
        return tcvn3(text.encode("latin-1"))
    except UnicodeEncodeError:  # quotation marks and dashes beside it
        return "".join(tcvn3(letter.encode("latin-1")) if letter <= "\xff" else letter for letter in text)


def vni(text: str) -> str:
    return _LETTERS.sub(lambda match: _VNI[match[0]], text)
