"""The school's own shelves: subjects of the general education programme (Circular 32/2018), grades and levels."""

import msgspec

from densach_core.text import Text, t


class Subject(msgspec.Struct, frozen=True):
    """A subject; `code` is stored and never changes, `tone` (0–7) is the colour of drawn covers."""

    code: str
    name: Text
    tone: int


STAFFS = "nghiep-vu"
"""The shelf of what the school's staff work by: decrees, circulars, guides."""

SUBJECTS: tuple[Subject, ...] = (
    Subject("toan", t("Mathematics"), 0),
    Subject("ngu-van", t("Literature"), 1),
    Subject("tieng-viet", t("Vietnamese"), 1),
    Subject("tieng-anh", t("English"), 2),
    Subject("ngoai-ngu", t("Other foreign languages"), 2),
    Subject("tin-hoc", t("Informatics"), 3),
    Subject("cong-nghe", t("Technology"), 3),
    Subject("vat-ly", t("Physics"), 4),
    Subject("hoa-hoc", t("Chemistry"), 5),
    Subject("sinh-hoc", t("Biology"), 6),
    Subject("khoa-hoc", t("Natural science"), 6),
    Subject("tu-nhien-xa-hoi", t("Nature and society"), 6),
    Subject("lich-su", t("History"), 7),
    Subject("dia-ly", t("Geography"), 5),
    Subject("lich-su-dia-ly", t("History and geography"), 7),
    Subject("dao-duc", t("Ethics and civics"), 4),
    Subject("am-nhac", t("Music"), 2),
    Subject("my-thuat", t("Art"), 1),
    Subject("the-chat", t("Physical education"), 6),
    Subject("quoc-phong", t("National defence education"), 7),
    Subject("trai-nghiem", t("Experiential activities"), 4),
    Subject("truyen", t("Stories"), 1),
    Subject("tham-khao", t("Reference"), 3),
    Subject(STAFFS, t("Guides for staff"), 7),
)

BY_CODE = {subject.code: subject for subject in SUBJECTS}
GRADES = range(1, 13)


def subject_name(code: str | None) -> Text | str | None:
    """The subject's name; a code this version does not know is shown as it is."""
    if code is None:
        return None
    known = BY_CODE.get(code)
    return known.name if known else code


def tone_of(code: str | None, title: str) -> int:
    """The cover colour: the subject's, else one that stays the same for a title."""
    known = BY_CODE.get(code or "")
    return known.tone if known else sum(title.encode()) % 8


def level_of(grade: int) -> Text:
    """The school level of a grade: TH 1–5, THCS 6–9, THPT 10–12."""
    if grade <= 5:
        return t("primary school")
    return t("lower secondary school") if grade <= 9 else t("upper secondary school")
