"""Which column of a catalogue's table is what: by the words above it, in Vietnamese or English, never by its position."""

from densach_core.folding import fold
from densach_core.text import Text, t

HEADER_WITHIN = 30
WORDS: dict[str, tuple[str, ...]] = {
    "own": ("ma tai lieu", "ma so tai lieu", "item id", "densach id"),
    "key": ("ma so", "ma", "so dang ky", "so dang ky ca biet", "dkcb", "ma sach", "ma dau sach", "id", "record id", "code",
            "accession number", "control number"),
    "title": ("nhan de", "ten sach", "ten tai lieu", "tieu de", "ten dau sach", "dau sach", "nhan de chinh", "title",
              "book title", "name", "ten hoc lieu"),
    "subtitle": ("nhan de phu", "phu de", "ten phu", "thong tin khac", "subtitle"),
    "creators": ("tac gia", "ten tac gia", "tac gia chinh", "author", "authors", "creator", "nguoi soan", "bien soan"),
    "translators": ("nguoi dich", "dich gia", "translator", "translators"),
    "editors": ("chu bien", "nguoi bien tap", "editor", "editors"),
    "illustrators": ("nguoi minh hoa", "hoa si", "minh hoa", "illustrator", "illustrators"),
    "narrators": ("nguoi doc", "narrator", "narrators"),
    "others": ("nguoi tham gia", "cong tac vien", "contributor", "contributors"),
    "description": ("tom tat", "mo ta", "noi dung", "gioi thieu", "description", "summary", "abstract", "ghi chu", "notes"),
    "subject": ("mon", "mon hoc", "bo mon", "subject"),
    "topics": ("tu khoa", "chu de", "de muc", "keywords", "keyword", "topics", "topic", "tags", "subjects"),
    "grade": ("lop", "khoi", "khoi lop", "grade", "grades"),
    "grade_from": ("tu khoi", "tu lop", "lop tu", "from grade"),
    "grade_to": ("den khoi", "den lop", "lop den", "to grade"),
    "level": ("cap hoc", "cap", "level", "school level"),
    "material": ("loai tai lieu", "loai sach", "loai", "the loai", "loai hinh", "type", "material", "material type", "genre"),
    "curriculum": ("chuong trinh", "bo sach", "curriculum"),
    "audience": ("doi tuong", "doi tuong su dung", "ban doc", "audience"),
    "publisher": ("nha xuat ban", "nxb", "nha xb", "don vi xuat ban", "publisher"),
    "place": ("noi xuat ban", "noi xb", "place", "place of publication"),
    "published": ("nam xuat ban", "nam xb", "nam", "ngay xuat ban", "year", "published", "publication year", "date"),
    "statement": ("lan xuat ban", "lan tai ban", "lan in", "edition", "edition statement"),
    "extent": ("so trang", "mo ta vat ly", "khoi luong", "pages", "extent"),
    "language": ("ngon ngu", "tieng", "language"),
    "identifiers": ("isbn va ma khac", "isbn", "isbn issn", "so isbn", "ma isbn", "issn", "identifiers", "identifier",
        "ma dinh danh"),
    "series": ("tung thu", "bo", "tu sach", "ten bo sach", "series"),
    "series_number": ("tap", "tap so", "so tap", "volume", "series number",
        "number in series",
                      "number in the series", "so trong tung thu"),
    "collections": ("bo suu tap", "suu tap", "kho", "collection", "collections"),
    "ddc": ("ddc", "so ddc", "dewey number", "so dewey", "so phan loai", "phan loai", "ky hieu phan loai",
            "chi so phan loai", "dewey",
            "classification"),
    "cutter": ("cutter", "cutter number", "so cutter", "ky hieu tac gia", "ky hieu xep gia"),
    "rights": ("quyen", "ban quyen", "rights", "copyright"),
    "licence": ("giay phep", "licence", "license"),
    "source": ("nguon", "nguon goc", "lien ket", "duong dan", "source", "url", "link"),
    "copies": ("so ban", "so luong", "so luong ban", "so cuon", "tong so", "copies", "quantity", "so ban in"),
}  # fmt: skip
"""Field → folded headings. `own` is the number of our own export, `key` another catalogue's."""
EXPORTED: dict[str, Text] = {
    "own": t("Item id"),
    "title": t("Title"),
    "subtitle": t("Subtitle"),
    "creators": t("Authors"),
    "translators": t("Translators"),
    "editors": t("Editors"),
    "illustrators": t("Illustrators"),
    "narrators": t("Narrators"),
    "others": t("Contributors"),
    "subject": t("Subject"),
    "grade_from": t("From grade"),
    "grade_to": t("To grade"),
    "level": t("School level"),
    "material": t("Type of material"),
    "curriculum": t("Curriculum"),
    "audience": t("Audience"),
    "ddc": t("Dewey number (DDC)"),
    "cutter": t("Cutter number"),
    "series": t("Series"),
    "series_number": t("Number in the series"),
    "collections": t("Collections"),
    "publisher": t("Publisher"),
    "place": t("Place of publication"),
    "published": t("Year of publication"),
    "statement": t("Edition"),
    "extent": t("Extent"),
    "language": t("Language"),
    "identifiers": t("ISBN and other identifiers"),
    "topics": t("Keywords"),
    "description": t("Summary"),
    "rights": t("Rights"),
    "licence": t("Licence"),
    "source": t("Source"),
    "copies": t("Copies"),
}
"""The columns of an export in their order; their headings in both languages are among `WORDS`, so that it comes back."""
_BY_WORDS = {fold(text.msgid).partition(" (")[0]: field for field, text in EXPORTED.items()}
_BY_WORDS |= {word: field for field, words in WORDS.items() for word in words}
_NUMBERING = {"stt", "tt", "no", "so thu tu", ""}


def field_of(heading: object) -> str | None:
    """The field that a heading means."""
    return _BY_WORDS.get(words_of(heading))


def words_of(heading: object) -> str:
    """`Nhan đề (*)` → `nhan de`."""
    text = fold(str(heading or "")).partition("(")[0]
    return " ".join("".join(letter if letter.isalnum() else " " for letter in text).split())


def find_header(rows: list[list[object]]) -> tuple[int, dict[str, int], list[str]] | None:
    """(index of the row with the headings, field → place, headings nothing is known of); None without a title column."""
    best: tuple[int, dict[str, int], list[str]] | None = None
    for index, row in enumerate(rows[:HEADER_WITHIN]):
        columns: dict[str, int] = {}
        unknown = []
        for place, cell in enumerate(row):
            words = words_of(cell)
            field = _BY_WORDS.get(words)
            if field is not None and field not in columns:
                columns[field] = place
            elif words not in _NUMBERING:
                unknown.append(" ".join(str(cell).split())[:60])
        if "title" in columns and len(columns) > 1 and (best is None or len(columns) > len(best[1])):
            best = (index, columns, unknown)
    return best
