"""The little of Markdown the guide is written in, as XHTML: headings, paragraphs, lists, tables, *, **, `code`."""

import re
from html import escape
from itertools import groupby

_MARKS = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\*([^*]+)\*"), r"<em>\1</em>"),
)


def title_of(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ").strip()


def to_xhtml(text: str) -> str:
    return "\n".join(_block(block.strip()) for block in re.split(r"\n\s*\n", text) if block.strip())


def _block(block: str) -> str:
    if heading := re.fullmatch(r"(#{1,4}) (.+)", block):
        level = len(heading[1])
        return f"<h{level}>{_inline(heading[2])}</h{level}>"
    lines = block.splitlines()
    if all(line.startswith("|") for line in lines):
        return _table(lines)
    if all(re.match(r"- |\d+\. |  ", line) for line in lines):
        tag = "ul" if lines[0].startswith("- ") else "ol"
        items = "".join(f"<li>{_inline(re.sub(r'^(?:- |[0-9]+[.] )', '', line))}</li>" for line in lines)
        return f"<{tag}>{items}</{tag}>"
    return f"<p>{_inline(' '.join(lines))}</p>"


def _table(lines: list[str]) -> str:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not re.fullmatch(r"[|\s:-]+", line)]
    out = ["<table>"]
    for is_head, group in groupby(enumerate(rows), key=lambda row: row[0] == 0):
        cell = "th" if is_head else "td"
        out += ["<tr>" + "".join(f"<{cell}>{_inline(text)}</{cell}>" for text in row) + "</tr>" for _, row in group]
    return "".join([*out, "</table>"])


def _inline(text: str) -> str:
    done = escape(text, quote=False)
    for mark, put in _MARKS:
        done = mark.sub(put, done)
    return done
