"""Texts typed for fonts of before Unicode become what was meant; nothing else is touched."""

import unicodedata

import pytest

from densach_hub.library.formats.letters import _TCVN3
from densach_hub.library.formats.old_letters import _VNI, in_unicode
from densach_hub.library.formats.workshop import passages

TEXT = (
    "Cộng hòa xã hội chủ nghĩa Việt Nam. Điều 1: Trường trung học cơ sở tổ chức kiểm tra định kỳ cho học sinh các khối lớp; "
    "giáo viên bộ môn nhận xét, ghi sổ và báo cáo kết quả với nhà trường trước ngày mười lăm. Em nào vắng được kiểm tra lại."
)
OTHERS = {
    "fr": "Où êtes-vous allé, cher élève? Là-bas, près de la forêt, où l’été naît après la fête; déjà le maître, âgé et sévère, "
    "s’arrête, rêve, puis répète: « voilà où mène la bonté ». Ça y est, dès que possible, même à Noël, le garçon reçoit le prix.",
    "pt": "Não são então as mãos dos irmãos que dão pão às mães; à manhã, lá está o avô, já só, há três mês, no balcão, um bom "
    "cidadão: razão, coração, lições, você, até, também, possível, público, saúde.",
    "es": "¿Qué pasó mañana? El niño leyó más allá del jardín; su corazón, según él, está aún débil: adiós, señor: sólo café.",
    "de": "Für müde Bäcker können größere Öfen nötig sein: früh, täglich, schön, für, über, süß, weiß, Straße, höher, fünf.",
    "it": "Perché più città è così: caffè, metà, verità, però, già, là, giù, lunedì, università, virtù, libertà, cioè, può.",
    "vi": TEXT,
}


def in_abc(text: str) -> str:
    back = {letter: chr(byte) for byte, letter in _TCVN3.items()}
    return "".join(back.get(letter, letter) for letter in text)


def in_vni(text: str) -> str:
    back: dict[str, str] = {}
    for old, new in _VNI.items():
        back.setdefault(new, old)
    return "".join(back.get(letter, letter) for letter in text)


@pytest.mark.parametrize("old", [in_abc, in_vni])
def test_old_fonts_are_read_as_what_they_drew(old) -> None:  # type: ignore[no-untyped-def]
    assert old(TEXT) != TEXT
    assert in_unicode(old(TEXT)) == TEXT
    (passage,) = passages(0, None, old(TEXT))
    assert passage.text == TEXT
    assert "cong hoa xa hoi chu nghia viet nam" in passage.folded


@pytest.mark.parametrize("text", list(OTHERS.values()), ids=list(OTHERS))
def test_other_languages_stay_as_they_are(text: str) -> None:
    assert in_unicode(text) == text
    apart = unicodedata.normalize("NFD", text)
    assert in_unicode(apart) == apart


def test_a_few_words_are_no_proof() -> None:
    assert in_unicode(in_abc("Lớp học của em")) == in_abc("Lớp học của em")


def test_dashes_and_quotation_marks_do_not_hinder() -> None:
    said = f"“{TEXT}” – 1996"
    assert in_unicode(in_abc(said)) == said
