"""Vietnamese typed without its keyboard driver: the raw keys of Telex and VNI read as the syllables they were meant to be.

On a machine nobody set up, a pupil who types as taught gets `toans hocj` or `toan1 hoc5`. A word is only read so when what
comes out is a syllable the language has, with a tone its ending allows; whether it is *wanted* is for the vocabulary to say.
"""

import re
import unicodedata
from functools import lru_cache

_ONSETS = frozenset(" b c ch d đ g gh gi h k kh l m n ng ngh nh p ph qu r s t th tr v x".split(" "))  # noqa: SIM905 - read as a list of words
_RIMES = frozenset(
    """
    a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây e ec em en eng eo ep et ê êch êm ên ênh
    êp êt êu i ich im in inh ip it iu ia iêc iêm iên iêng iêp iêt iêu o oa oac oach oai oam oan oang oanh oao oat oay oăc oăm oăn
    oăng oăt oe oen oeo oet oc oi om on ong oong op ot ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt u ua uân uâng uât uây uc ui um un
    ung uôc uôi uôm uôn uông uôt up ut uê uêch uênh uêt uơ uy uya uych uyên uyêt uynh uyt uyu ư ưa ưc ưi ưm ưn ưng ươc ươi ươm
    ươn ương ươp ươt ươu ưt ưu y yêm yên yêng yêt yêu
    """.split()  # noqa: SIM905 - read as a list of words
)
_CUT = frozenset({"c", "ch", "p", "t"})
"""Endings that allow the tones sắc and nặng only."""

_TELEX_TONES = {"s": "\u0301", "f": "\u0300", "r": "\u0309", "x": "\u0303", "j": "\u0323"}
_VNI_TONES = {"1": "\u0301", "2": "\u0300", "3": "\u0309", "4": "\u0303", "5": "\u0323"}
_ROOF = {"a": "â", "e": "ê", "o": "ô"}
_HORN = {"u": "ư", "o": "ơ"}
_VOWELS = frozenset("aăâeêioôơuưy")
_TELEX = re.compile(r"[a-z]{2,9}")
_VNI = re.compile(r"(?=[a-z]+[1-9])[a-z][a-z1-9]{1,9}")


@lru_cache(maxsize=1024)
def read(word: str) -> str | None:
    """The syllable these keys were meant to be (`tieengs` and `tie6ng1` → `tiếng`, `d9` → `đ`), or None."""
    word = word.lower()
    if word in {"dd", "d9"}:
        return "đ"
    if _VNI.fullmatch(word):
        return _syllable(*_vni(word))
    if _TELEX.fullmatch(word):
        return _syllable(*_telex(word), changed=word)
    return None


def _telex(word: str) -> tuple[list[str], str]:
    letters: list[str] = []
    tone = ""
    for key in word:
        vowels = any(letter in _VOWELS for letter in letters)
        if vowels and key in _TELEX_TONES:
            tone = _TELEX_TONES[key]
        elif key == "w" and vowels:
            _horn(letters)
        elif key in _ROOF and key in letters and _after(letters, key):
            letters[len(letters) - 1 - letters[::-1].index(key)] = _ROOF[key]
        elif key == "d" and letters[:1] == ["d"]:
            letters[0] = "đ"
        else:
            letters.append(key)
    return letters, tone


def _after(letters: list[str], key: str) -> bool:
    """Whether another `key` means a roof: only where the vowels are still those of one syllable."""
    last = len(letters) - 1 - letters[::-1].index(key)
    return all(letter not in _VOWELS or letter in "iuoy" for letter in letters[last + 1 :])


def _vni(word: str) -> tuple[list[str], str]:
    letters: list[str] = []
    tone = ""
    for key in word:
        if key in _VNI_TONES:
            tone = _VNI_TONES[key]
        elif key == "6":
            _last(letters, _ROOF)
        elif key == "7":
            _horn(letters, breve=False)
        elif key == "8":
            _last(letters, {"a": "ă"})
        elif key == "9":
            if letters[:1] == ["d"]:
                letters[0] = "đ"
            else:
                letters.append(key)
        else:
            letters.append(key)
    return letters, tone


def _horn(letters: list[str], *, breve: bool = True) -> None:
    text = "".join(letters)
    at = text.find("uo")
    if at >= 0 and not text.startswith("quo"):
        letters[at : at + 2] = ["ư", "ơ"]
    elif "ư" in letters and "o" in letters:
        letters[letters.index("o")] = "ơ"
    else:
        _last(letters, _HORN | ({"a": "ă"} if breve and "ua" not in text else {}))


def _last(letters: list[str], marks: dict[str, str]) -> None:
    for at in range(len(letters) - 1, -1, -1):
        if letters[at] in marks:
            letters[at] = marks[letters[at]]
            return
    letters.append("?")


def _syllable(letters: list[str], tone: str, *, changed: str = "") -> str | None:
    """The letters with their tone if they are a Vietnamese syllable that differs from the keys; else None."""
    plain = "".join(letters)
    if not tone and plain == changed:
        return None
    for length in (3, 2, 1, 0):
        onset, rime = plain[:length], plain[length:]
        if onset in _ONSETS and rime in _RIMES and len(onset) == length:
            break
    else:
        return None
    first = next(at for at, letter in enumerate(rime) if letter in _VOWELS)
    vowels = "".join(letter for letter in rime if letter in _VOWELS)
    coda = rime[first + len(vowels) :]
    if coda in _CUT and tone not in {"\u0301", "\u0323"}:
        return None
    if not tone:
        return plain
    marked = [at for at, letter in enumerate(vowels) if letter in "ăâêôơư"]
    if marked:
        at = marked[-1]
    elif len(vowels) == 1 or (len(vowels) == 2 and not coda):
        at = 0
    else:
        at = 1
    at += length + first
    return unicodedata.normalize("NFC", plain[: at + 1] + tone + plain[at + 1 :])
