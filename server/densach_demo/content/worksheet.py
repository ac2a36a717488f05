"""A worksheet to go with the pendulum: four pages of PDF."""

import math
from pathlib import Path

from densach_demo.content.cover import INK, LAMP
from densach_demo.content.paper import Page, write_pdf

TITLE = "Phiếu học tập: Con lắc đơn"


def write_worksheet(path: Path) -> None:
    pages = [_first(), _second(), _third(), _fourth()]
    write_pdf(path, pages, title=TITLE, author="Tổ Vật lí (bản dùng thử)", subject="Vật lí 11")


def _page(heading: str) -> Page:
    page = Page()
    page.write(heading, size=46, bold=True)
    page.rule()
    return page


def _first() -> Page:
    page = _page(TITLE)
    page.write("Môn Vật lí, lớp 11. Làm theo nhóm hai em, một tiết.")
    page.write("Mục tiêu", size=36, bold=True)
    page.write(
        "Sau bài này em đo được chu kì của con lắc đơn, biết chu kì phụ thuộc vào điều gì, "
        "và biết vì sao nên đo mười chu kì thay vì một."
    )
    page.write("Dụng cụ", size=36, bold=True)
    page.write("Bài mô phỏng “Con lắc đơn” trong thư viện điện tử, hoặc một sợi chỉ dài một mét, một đai ốc và đồng hồ bấm giây.")
    centre, top = 620, int(page.y) + 60
    page.draw.line((centre - 250, top, centre + 250, top), fill=INK, width=10)
    for degrees in (-24, 0, 24):
        x = centre + 420 * math.sin(math.radians(degrees))
        y = top + 420 * math.cos(math.radians(degrees))
        page.draw.line((centre, top, x, y), fill=INK, width=4)
        page.draw.ellipse((x - 34, y - 34, x + 34, y + 34), fill=LAMP, outline=INK, width=4)
    page.y = top + 560.0
    page.write("Hình 1. Con lắc ở hai biên và ở vị trí cân bằng.", size=26)
    return page


def _second() -> Page:
    page = _page("Thí nghiệm 1: chiều dài")
    page.write(
        "Giữ góc lệch nhỏ, khoảng 10 độ. Lần lượt chọn chiều dài 0,25 m; 0,50 m; 1,00 m và 2,00 m. "
        "Với mỗi chiều dài, đo thời gian của mười dao động rồi chia cho mười."
    )
    _table(page, ["Chiều dài (m)", "Mười chu kì (s)", "Một chu kì (s)"], ["0,25", "0,50", "1,00", "2,00"])
    page.write(
        "Câu hỏi. Khi chiều dài tăng gấp bốn, chu kì tăng gấp mấy? Điều đó có hợp với công thức "
        "“chu kì bằng hai pi nhân căn bậc hai của l chia g” không?"
    )
    return page


def _third() -> Page:
    page = _page("Thí nghiệm 2: góc lệch")
    page.write("Giữ chiều dài 1,00 m. Lần lượt chọn góc lệch 5°, 20°, 40° và 80°.")
    _table(page, ["Góc lệch", "Mười chu kì (s)", "Một chu kì (s)"], ["5°", "20°", "40°", "80°"])
    page.write("Câu hỏi. Công thức chỉ đúng với góc nhỏ. Theo số đo của em, từ góc nào thì sai quá một phần trăm?")
    return page


def _fourth() -> Page:
    page = _page("Thí nghiệm 3: nơi khác")
    page.write("Chọn gia tốc rơi tự do của Mặt Trăng rồi của Sao Hoả. Con lắc một mét ở đó có chu kì bao nhiêu?")
    _table(page, ["Nơi", "g (m/s²)", "Chu kì (s)"], ["Trái Đất", "Sao Hoả", "Mặt Trăng"])
    page.write("Kết luận của nhóm", size=36, bold=True)
    for _ in range(6):
        page.draw.line((130, page.y, 1110, page.y), fill="#8a93a6", width=2)
        page.y += 70
    page.write("Chu kì không phụ thuộc khối lượng của vật nặng. Em hãy tự nghĩ một cách kiểm tra.", size=30)
    return page


def _table(page: Page, heads: list[str], first: list[str]) -> None:
    width, height = 326, 84
    top = page.y
    for row, cells in enumerate([heads, *([name, "", ""] for name in first)]):
        for column, cell in enumerate(cells):
            x, y = 130 + column * width, top + row * height
            page.draw.rectangle((x, y, x + width, y + height), outline=INK, width=3)
            if cell:
                page.y = y + 54
                page.write(cell, size=28, bold=row == 0, indent=column * width + 24)
    page.y = top + (len(first) + 1) * height + 80
