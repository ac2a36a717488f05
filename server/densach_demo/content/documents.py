"""The catalogue of the 22 documents of letter 4771, and the same as records a library can import."""

import csv
import datetime
import io
import tomllib
from importlib.resources import files
from typing import Literal

import msgspec

STATES = {
    "unknown": "Hiệu lực: chưa rõ (chưa kiểm tra lại).",
    "cited": "Hiệu lực: vẫn được viện dẫn.",
    "replaced": "Đã được thay thế bởi {by}.",
}


class LegalDocument(msgspec.Struct, frozen=True):
    """One document as the letter names it; `state` is what is known of it today and `confidence` how well."""

    order: int
    number: str
    kind: str
    date: datetime.date
    issuer: str
    title: str
    use: str
    state: Literal["unknown", "cited", "replaced"]
    by: str = ""
    confidence: Literal["", "L", "C"] = ""

    @property
    def full_title(self) -> str:
        return f"{self.kind} số {self.number}: {self.title}"

    @property
    def standing(self) -> str:
        return STATES[self.state].format(by=self.by)

    @property
    def description(self) -> str:
        return (
            f"Ban hành ngày {self.date:%d/%m/%Y}. Dùng trong Đèn Sách: {self.use} {self.standing}"
            f" Văn bản thứ {self.order} trong danh mục của công văn 4771/BGDĐT-CNTT."
        )


class _File(msgspec.Struct, frozen=True):
    source: str
    document: tuple[LegalDocument, ...]


def legal_documents() -> tuple[LegalDocument, ...]:
    raw = tomllib.loads(files("densach_demo.content").joinpath("documents.toml").read_text("utf-8"))
    return msgspec.convert(raw, _File).document


def as_csv() -> str:
    """Records for `densach library import`, columns by header text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["title", "author", "year", "language", "subject", "description", "identifier"])
    for document in legal_documents():
        row = [document.full_title, document.issuer, document.date.year, "vi", "nghiep-vu", document.description]
        writer.writerow([*row, document.number])
    return out.getvalue()
