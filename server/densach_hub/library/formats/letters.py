"""Which letters the bytes of a plain text mean: UTF-8, UTF-16, Windows-1258, TCVN3 (ABC) or Windows-1252.

The old Vietnamese tables cannot be told by their bytes alone; they are told by what comes out of them: the table whose
words are Vietnamese syllables is the right one. TCVN3 is believed only when nearly all words speak for it.
"""

import codecs
import re
import unicodedata

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SAMPLE = 64 * 1024
_TCVN3 = {
    0xA1: "Ă", 0xA2: "Â", 0xA3: "Ê", 0xA4: "Ô", 0xA5: "Ơ", 0xA6: "Ư", 0xA7: "Đ", 0xA8: "ă", 0xA9: "â", 0xAA: "ê", 0xAB: "ô",
    0xAC: "ơ", 0xAD: "ư", 0xAE: "đ", 0xB5: "à", 0xB6: "ả", 0xB7: "ã", 0xB8: "á", 0xB9: "ạ", 0xBB: "ằ", 0xBC: "ẳ", 0xBD: "ẵ",
    0xBE: "ắ", 0xC6: "ặ", 0xC7: "ầ", 0xC8: "ẩ", 0xC9: "ẫ", 0xCA: "ấ", 0xCB: "ậ", 0xCC: "è", 0xCE: "ẻ", 0xCF: "ẽ", 0xD0: "é",
    0xD1: "ẹ", 0xD2: "ề", 0xD3: "ể", 0xD4: "ễ", 0xD5: "ế", 0xD6: "ệ", 0xD7: "ì", 0xD8: "ỉ", 0xDC: "ĩ", 0xDD: "í", 0xDE: "ị",
    0xDF: "ò", 0xE1: "ỏ", 0xE2: "õ", 0xE3: "ó", 0xE4: "ọ", 0xE5: "ồ", 0xE6: "ổ", 0xE7: "ỗ", 0xE8: "ố", 0xE9: "ộ", 0xEA: "ờ",
    0xEB: "ở", 0xEC: "ỡ", 0xED: "ớ", 0xEE: "ợ", 0xEF: "ù", 0xF1: "ủ", 0xF2: "ũ", 0xF3: "ú", 0xF4: "ụ", 0xF5: "ừ", 0xF6: "ử",
    0xF7: "ữ", 0xF8: "ứ", 0xF9: "ự", 0xFA: "ỳ", 0xFB: "ỷ", 0xFC: "ỹ", 0xFD: "ý", 0xFE: "ỵ",
}  # fmt: skip
"""TCVN 5712:1993, table 3: one byte a letter; what is not named here is as in ASCII."""
_ONSET = "ngh|ng|nh|ch|gh|gi|kh|ph|qu|th|tr|[bcdđghklmnpqrstvx]"
_SYLLABLE = re.compile(rf"(?:{_ONSET})?[aăâeêioôơuưy]{{1,3}}(?:ng|nh|ch|[cmnptiouy])?")
_TONES = str.maketrans("", "", "\u0300\u0301\u0303\u0309\u0323")
_WORD = re.compile(r"[^\W\d_]+")


def decode(body: bytes) -> str:
    """The text, composed (NFC); what no table explains becomes U+FFFD, never an error."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return unicodedata.normalize("NFC", body.decode(encoding, "replace"))
    if (wide := _utf16(body)) is not None:
        return unicodedata.normalize("NFC", body.decode(wide, "replace"))
    try:
        return unicodedata.normalize("NFC", body.decode("utf-8"))
    except UnicodeDecodeError as error:
        if error.start >= len(body) - 3:  # cut in the middle of a letter
            return unicodedata.normalize("NFC", body[: error.start].decode("utf-8"))
    sample = body[:_SAMPLE]
    if vietnamese(tcvn3(sample)) >= 0.9 > vietnamese(_by("cp1258", sample)) + 0.3:
        return tcvn3(body)
    best = max(("cp1258", "cp1252"), key=lambda encoding: vietnamese(_by(encoding, sample)))
    return _by(best, body)


def is_text(head: bytes) -> bool:
    """Whether a file's first bytes are words in one of these tables and not a program's."""
    if not head:
        return False
    if head.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _utf16(head) is not None:
        return True
    if b"\0" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= len(head) - 4 and len(head) > 16:
            return True
        control = sum(1 for byte in head if byte < 32 and byte not in b"\t\n\r\x0b\x0c\x1b")
        return control == 0 and vietnamese(decode(head)) >= 0.7
    return True


def tcvn3(body: bytes) -> str:
    return "".join(_TCVN3.get(byte, chr(byte)) for byte in body)


def vietnamese(text: str) -> float:
    """Which part of the words with letters beyond ASCII are Vietnamese syllables, 0–1; 0 where there are fewer than three."""
    words = {word.lower() for word in _WORD.findall(text) if not word.isascii()}
    if len(words) < 3:
        return 0.0
    return sum(1 for word in words if _is_syllable(word)) / len(words)


def _is_syllable(word: str) -> bool:
    """One vowel group with at most one tone between known consonants."""
    spread = unicodedata.normalize("NFD", word)
    bare = spread.translate(_TONES)
    if len(spread) - len(bare) > 1:
        return False
    return _SYLLABLE.fullmatch(unicodedata.normalize("NFC", bare)) is not None


def _utf16(body: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of a Latin text is often zero."""
    head = body[:2048]
    if len(head) < 8 or len(body) % 2:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > len(head) // 5 and not even:
        return "utf-16-le"
    return "utf-16-be" if even > len(head) // 5 and not odd else None


def _by(encoding: str, body: bytes) -> str:
    return unicodedata.normalize("NFC", body.decode(encoding, "replace"))
