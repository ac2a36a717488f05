"""A hostile book's pages before a browser sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from tests.hub.library import made

from densach_hub.library.formats.markup import harmless, is_markup


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        '<script src="x.js"/>',
        '<img src="x" onerror="alert(1)"/>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" java&#115;cript:alert(1)">x</a>',
        '<iframe src="http://evil.example/"/>',
        '<iframe srcdoc="&lt;script>alert(1)&lt;/script>"/>',
        '<object data="evil.swf"><p>giữ lại</p></object>',
        '<embed src="evil.swf"/>',
        '<form action="http://evil.example/"><input name="q"/></form>',
        '<base href="http://evil.example/"/>',
        '<meta http-equiv="refresh" content="0;url=http://evil.example/"/>',
        '<link rel="prefetch" href="http://evil.example/"/>',
        '<a ping="http://evil.example/" href="c.xhtml">x</a>',
        '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><a href="javascript:alert(1)"/></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><set attributeName="href" to="javascript:alert(1)"/></svg>',
        '<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>',
        '<a href="data:text/html,&lt;script>alert(1)&lt;/script>">x</a>',
    ],
)
def test_nothing_that_acts_is_left(evil: str) -> None:
    body = harmless(made.page("Chương", "Chữ trước và sau.", body=evil).encode())
    text = body.decode().lower()
    for word in (
        "<script",
        ":script",
        "alert",
        "javascript",
        "iframe",
        "<embed",
        "<form",
        "<base",
        "refresh",
        "prefetch",
        "ping=",
        'evil.swf"',
        "onerror",
        "onload",
        "http://evil",
    ):
        assert word not in text, word
    assert "chữ trước và sau." in text
    if "giữ lại" in evil:
        assert "giữ lại" in text


def test_what_reads_is_kept() -> None:
    page = made.page(
        "Chương",
        'A <b>đậm</b> <a href="c1.xhtml#x">liên kết</a> <img src="a.png" alt="hình"/> &nbsp;&eacute;',
        head='<link rel="stylesheet" href="s.css"/><style>p { color: red }</style>',
        body='<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>x</mi></math>',
    )
    text = harmless(page.encode()).decode()
    for kept in ("<b>đậm</b>", 'href="c1.xhtml#x"', 'src="a.png"', "s.css", "color: red", "<mi>x</mi>", "\xa0é"):
        assert kept in text


def test_xslt_and_entities_do_nothing() -> None:
    page = (
        '<?xml-stylesheet type="text/xsl" href="evil.xsl"?><!DOCTYPE html [<!ENTITY evil "<script>alert(1)</script>">]>'
        '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>&evil; chữ</p></body></html>'
    )
    text = harmless(page.encode()).decode()
    assert "xml-stylesheet" not in text
    assert "alert" not in text
    assert "chữ" in text


@given(st.binary(max_size=300))
def test_any_bytes_become_well_formed_markup(noise: bytes) -> None:
    etree.fromstring(harmless(b"<html>" + noise))


def test_markup_is_known_by_its_first_letter() -> None:
    assert is_markup(b"\xef\xbb\xbf \n<html>")
    assert is_markup("<html>".encode("utf-16"))
    assert not is_markup(made.png())
    assert not is_markup(b"p { color: red }")
