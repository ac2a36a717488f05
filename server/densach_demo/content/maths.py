"""A small book of mathematics for grade 7, written here: rational numbers and the angles of a triangle."""

from pathlib import Path

from densach_demo.content.cover import cover
from densach_demo.content.epub import Book, Chapter, write_epub
from densach_demo.content.markdown import title_of, to_xhtml

TITLE = "Toán 7: Số hữu tỉ và tam giác"
DESCRIPTION = "Ba bài ngắn có ví dụ và bài tập kèm đáp số, viết cho bản dùng thử."
AUTHOR = "Tổ Toán (bản dùng thử)"
_CHAPTERS = (
    """# Bài 1. Số hữu tỉ

Số hữu tỉ là số viết được dưới dạng phân số a/b, trong đó a và b là số nguyên, b khác 0.

Các số 3; −2; 0,5 và 1⅓ đều là số hữu tỉ, vì viết được thành 3/1; −2/1; 1/2 và 4/3.

## So sánh hai số hữu tỉ

- Viết hai số thành hai phân số có cùng mẫu dương.
- Phân số nào có tử lớn hơn thì lớn hơn.

**Ví dụ.** So sánh −2/3 và −3/4. Ta có −2/3 = −8/12 và −3/4 = −9/12. Vì −8 > −9 nên −2/3 > −3/4.
""",
    """# Bài 2. Lũy thừa và tỉ lệ thức

Lũy thừa bậc n của số x là tích của n thừa số x.

| Phép tính | Quy tắc | Ví dụ |
|---|---|---|
| Nhân | cộng số mũ | 2³ · 2² = 2⁵ = 32 |
| Chia | trừ số mũ | 3⁵ : 3² = 3³ = 27 |
| Lũy thừa của lũy thừa | nhân số mũ | (2²)³ = 2⁶ = 64 |

Tỉ lệ thức là đẳng thức của hai tỉ số: a/b = c/d. Khi đó a · d = b · c.

**Ví dụ.** Một phòng máy có 24 máy cho 36 học sinh. Với cùng tỉ số, 60 học sinh cần x máy: 24/36 = x/60, suy ra x = 40.
""",
    """# Bài 3. Tổng các góc của một tam giác

Tổng ba góc của một tam giác bằng 180°.

**Ví dụ.** Tam giác ABC có góc A bằng 70°, góc B bằng 60°. Góc C bằng 180° − 70° − 60° = 50°.

## Bài tập

1. Tam giác vuông có một góc nhọn bằng 35°. Tính góc nhọn còn lại.
2. Tam giác cân có góc ở đỉnh bằng 40°. Tính mỗi góc ở đáy.

*Đáp số.* Bài 1: 55°. Bài 2: 70°.
""",
)


def write_maths(path: Path) -> None:
    chapters = [Chapter(title_of(text), to_xhtml(text)) for text in _CHAPTERS]
    write_epub(Book(TITLE, AUTHOR, "vi", DESCRIPTION, ("Toán",), cover(TITLE, AUTHOR), chapters), path)
