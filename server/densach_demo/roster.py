"""Invented people: pupils, teachers and classes as a school would export them. Any likeness is chance."""

import csv
import io
import random
from datetime import date

_FAMILY = (
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý",
    "Đinh", "Đoàn", "Trịnh", "Mai",
)  # fmt: skip
_MIDDLE_F = ("Thị", "Ngọc", "Thị Thu", "Phương", "Bảo", "Khánh", "Thanh", "Minh", "Thùy", "Hoài")
_MIDDLE_M = ("Văn", "Đức", "Minh", "Quốc", "Gia", "Hữu", "Anh", "Thành", "Công", "Bá")
_GIVEN_F = ("An", "Ánh", "Chi", "Dung", "Giang", "Hà", "Hạnh", "Huyền", "Lan", "Linh", "Mai", "Ngân", "Nhi", "Oanh", "Quỳnh",
            "Thảo", "Trang", "Uyên", "Vân", "Yến")  # fmt: skip
_GIVEN_M = ("Bình", "Cường", "Dũng", "Đạt", "Hải", "Hiếu", "Hùng", "Khang", "Khoa", "Long", "Nam", "Nghĩa", "Phong", "Phúc",
            "Quân", "Sơn", "Tài", "Thắng", "Tùng", "Việt")  # fmt: skip
CLASSES = ("6A", "6B", "7A", "8A", "9A", "10A", "11A", "12A")
SUBJECTS = ("Tin học", "Toán", "Ngữ văn", "Vật lí", "Tiếng Anh", "Lịch sử và Địa lí", "Âm nhạc", "Sinh học")


def teachers_csv() -> str:
    """One teacher a class, each its homeroom teacher."""
    chance = random.Random("teachers")
    rows = [
        [f"GV{n:03}", _name(chance, female=n % 3 != 0), subject, class_name]
        for n, (subject, class_name) in enumerate(zip(SUBJECTS, CLASSES, strict=True), 1)
    ]
    return _csv(["Mã giáo viên", "Họ và tên giáo viên", "Môn dạy", "Chủ nhiệm lớp"], rows)


def pupils_csv(year: int) -> str:
    """About 38 pupils a class, in the school year that begins in `year`."""
    chance = random.Random("pupils")
    rows = []
    number = 0
    for class_name in CLASSES:
        grade = int(class_name[:-1])
        for _ in range(35 + chance.randrange(8)):
            number += 1
            female = chance.random() < 0.5
            born = date(year - grade - 5, 1 + chance.randrange(12), 1 + chance.randrange(28))
            sex = "Nữ" if female else "Nam"
            rows.append([f"26{number:08}", _name(chance, female=female), f"{born:%d/%m/%Y}", sex, class_name])
    return _csv(["Mã học sinh", "Họ và tên", "Ngày sinh", "Giới tính", "Lớp"], rows)


def _name(chance: random.Random, *, female: bool) -> str:
    middle, given = (_MIDDLE_F, _GIVEN_F) if female else (_MIDDLE_M, _GIVEN_M)
    return f"{chance.choice(_FAMILY)} {chance.choice(middle)} {chance.choice(given)}"


def _csv(head: list[str], rows: list[list[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()
