"""Roster files as schools have them, made in the test: every trap one school met."""

import io
from collections.abc import Sequence

import xlsxwriter

PUPILS = """\
STT,Mã học sinh,Họ và tên,Ngày sinh,Giới tính,Lớp,GVCN
1,0123456701,Nguyễn Văn An,05/09/2014,Nam,6A1,Trần Thị Bình
2,0123456702,Đỗ Thị Ánh Tuyết,14/02/2014,Nữ,6A1,Trần Thị Bình
3,0123456703,Lê Hùng,1/3/2014,Nam,6A2,
4,,Lê Hưng,01/03/2014,Nam,6A2,
5,0123456705,Phạm Gia Bảo,30/11/2011,Nam,9A,
"""

TEACHERS = """\
Mã giáo viên;Họ và tên;Ngày sinh;Môn dạy;Chủ nhiệm lớp
GV001;Trần Thị Bình;20/11/1985;Tin học;6A1
GV002;Nguyễn Văn Cường;02/09/1979;Toán;6A2
"""


def xlsx(sheets: dict[str, Sequence[Sequence[object]]]) -> bytes:
    """A workbook. `date` cells are kept as Excel keeps them: a number with a format."""
    from datetime import date, datetime

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    as_date = book.add_format({"num_format": "dd/mm/yyyy"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(r, c, datetime(cell.year, cell.month, cell.day), as_date)  # noqa: DTZ001
                elif cell is not None:
                    sheet.write(r, c, cell)
    book.close()
    return buffer.getvalue()
