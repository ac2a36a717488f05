"""Small catalogue files as other programs write them, with the faults they write."""

from pymarc import Field, Indicators, Record, Subfield

HEADER = "STT;Nhan đề (*);Tác giả;Năm XB;NXB;ISBN;Môn học;Lớp;Số lượng;Loại tài liệu\r\n"


def marc(number: str, title: str, author: str = "", *, isbn: str = "", utf8: bool = True) -> bytes:
    """One record; not in UTF-8 it is left for the caller to write MARC-8 into."""
    record = Record(force_utf8=utf8, leader="00000nam a2200000 i 4500")
    record.add_field(Field(tag="001", data=number), Field(tag="003", data="VN-Test"))  # type: ignore[no-untyped-call]
    if isbn:
        record.add_field(field("020", "  ", ("a", isbn)))  # type: ignore[no-untyped-call]
    if author:
        record.add_field(field("100", "1 ", ("a", author)))  # type: ignore[no-untyped-call]
    record.add_field(field("245", "10", ("a", f"{title} /")))  # type: ignore[no-untyped-call]
    return bytes(record.as_marc())


def field(tag: str, indicators: str, *pairs: tuple[str, str]) -> Field:
    return Field(tag=tag, indicators=Indicators(*indicators), subfields=[Subfield(code, value) for code, value in pairs])


def marc8() -> bytes:
    """`Đường` and `Tô Hoài` as ANSEL writes them: marks before their letters, Đ, ư as letters of their own."""
    title = b"\xa3\xbd\xf2ng"  # a hook-u that carries a grave mark
    fields = [b"7", b"1 \x1faT\xe3o Ho\xe1ai", b"10\x1fa" + title]
    body = b"".join(one + b"\x1e" for one in fields)
    directory, at = b"", 0
    for tag, one in zip((b"001", b"100", b"245"), fields, strict=True):
        directory += tag + f"{len(one) + 1:04}{at:05}".encode()
        at += len(one) + 1
    base = 24 + len(directory) + 1
    length = base + len(body) + 1
    return f"{length:05}nam  22{base:05}   4500".encode() + directory + b"\x1e" + body + b"\x1d"


def table(rows: str = "") -> str:
    return (
        HEADER
        + (
            "1;Dế Mèn phiêu lưu ký;Tô Hoài;2019;NXB Kim Đồng;8935244822001;Ngữ văn;6;12;Truyện\r\n"
            "2;;Không tên;2020;;;;;;\r\n"
            "3;Toán 6, tập 1;Nguyễn Văn A; 2021;NXB Giáo dục;978-0-306-40615-7;Toán;lớp 6;mười;SGK\r\n"
            '4;"Một; hai";;;;;;;;\r\n'
        )
        + rows
    )
