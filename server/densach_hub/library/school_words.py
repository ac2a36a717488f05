"""Words a school's catalogue chooses from: type of material, audience, level. Codes are stored and never change.

A code that this version does not know (from another catalogue) is kept and shown as it is.
"""

from densach_core.folding import fold
from densach_core.text import Text, t

MATERIALS: dict[str, Text] = {
    "textbook": t("Textbook"),
    "workbook": t("Workbook"),
    "guide": t("Teacher's guide"),
    "lesson": t("Lesson"),
    "exam": t("Test or question paper"),
    "story": t("Story or poem"),
    "reference": t("Reference work"),
    "periodical": t("Newspaper or magazine"),
    "picture": t("Picture or map"),
    "recording": t("Recording"),
    "film": t("Film or video"),
    "simulation": t("Simulation or game"),
    "other": t("Other material"),
}
AUDIENCES: dict[str, Text] = {
    "pupils": t("For pupils"),
    "teachers": t("For teachers"),
    "parents": t("For parents"),
    "everyone": t("For everyone"),
}
LEVELS: dict[str, Text] = {
    "mn": t("Nursery school"),
    "th": t("Primary school"),
    "thcs": t("Lower secondary school"),
    "thpt": t("Upper secondary school"),
    "gdtx": t("Continuing education"),
}
_WORDS: dict[str, dict[str, str]] = {
    "material": {
        "sach giao khoa": "textbook", "sgk": "textbook", "sach bai tap": "workbook", "vo bai tap": "workbook", "sbt": "workbook",
        "sach giao vien": "guide", "sgv": "guide", "sach huong dan": "guide", "bai giang": "lesson", "giao an": "lesson",
        "ke hoach bai day": "lesson", "de thi": "exam", "de kiem tra": "exam", "cau hoi": "exam", "truyen": "story",
        "truyen tranh": "story", "tho": "story", "van hoc": "story", "tu dien": "reference", "sach tham khao": "reference",
        "tham khao": "reference", "stk": "reference", "bao": "periodical", "tap chi": "periodical", "tranh": "picture",
        "ban do": "picture", "tranh anh": "picture", "bang dia": "recording", "am thanh": "recording", "phim": "film",
        "video": "film", "mo phong": "simulation", "tro choi": "simulation", "khac": "other",
    },
    "audience": {
        "hoc sinh": "pupils", "hs": "pupils", "thieu nhi": "pupils", "giao vien": "teachers", "gv": "teachers",
        "can bo": "teachers", "phu huynh": "parents", "cha me": "parents", "moi nguoi": "everyone", "tat ca": "everyone",
        "ban doc": "everyone",
    },
    "level": {
        "mam non": "mn", "tieu hoc": "th", "cap 1": "th", "trung hoc co so": "thcs", "cap 2": "thcs",
        "trung hoc pho thong": "thpt", "cap 3": "thpt", "giao duc thuong xuyen": "gdtx",
    },
}  # fmt: skip
CHOICES = {"material": MATERIALS, "audience": AUDIENCES, "level": LEVELS}


def code_of(field: str, typed: str) -> str:
    """The code for a word of a file ("Sách giáo khoa" → `textbook`); a word nobody knows stays as it was written."""
    words = " ".join(fold(typed).split())
    known = _WORDS[field].get(words)
    if known is not None:
        return known
    names = {fold(text.msgid): code for code, text in CHOICES[field].items()}
    return words if words in CHOICES[field] else names.get(words, " ".join(typed.split())[:80])


def word_of(field: str, code: str | None) -> Text | str | None:
    """What to show for a code."""
    return None if code is None else CHOICES[field].get(code, code)
