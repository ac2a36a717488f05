"""A book's pages made harmless before a browser sees them: no scripts, frames, forms or refreshes.

The reader page's Content-Security-Policy is the wall; this keeps things that could lean on it from getting that far.
"""

import re
from html.entities import html5

from lxml import etree

_XHTML = "{http://www.w3.org/1999/xhtml}"
_DROPPED = {"script", "iframe", "frame", "frameset", "embed", "applet", "base", "portal", "foreignscript", "handler", "listener"}
_UNWRAPPED = {"object", "form", "noscript", "button", "input", "select", "textarea"}
_ADDRESSES = {"href", "src", "action", "formaction", "poster", "background", "from", "to", "values"}
_GONE = {"ping", "data", "srcdoc", "srcset", "formaction", "action", "target", "nonce"}
_BAD_ADDRESS = re.compile(
    r"^[\x00-\x20]*(?:javascript|vbscript|data[\x00-\x20]*:[\x00-\x20]*(?:text|application))", re.IGNORECASE
)
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,30});")
_XML_OWN = {b"amp", b"lt", b"gt", b"quot", b"apos"}


def is_markup(body: bytes) -> bool:
    """Whether a browser could take it for a page, whatever it is called."""
    return body[:1024].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<")


def with_numbers(body: bytes) -> bytes:
    """Named characters (`&nbsp;`) as numbers, since no DTD is read."""

    def number(match: re.Match[bytes]) -> bytes:
        name = match[1]
        if name in _XML_OWN:
            return match[0]
        letters = html5.get(f"{name.decode('ascii')};")
        return "".join(f"&#{ord(letter)};" for letter in letters).encode("ascii") if letters else b""

    return _ENTITY.sub(number, body)


def harmless(body: bytes) -> bytes:
    """The page without anything that acts, as well-formed UTF-8 XML."""
    root = parse(body)
    if root is None:
        return b'<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body/></html>'
    for entity in list(root.iter(etree.Entity)):
        _take_out(entity)
    for element in list(root.iter("*")):
        name = element.tag.rpartition("}")[2].lower()
        if name in _DROPPED or (element.tag.startswith((_XHTML, name)) and _is_loose_link(name, element)):
            _take_out(element)
            continue
        if name in _UNWRAPPED and element.tag.startswith((_XHTML, name)):
            element.tag = f"{_XHTML}div" if name in {"form", "object"} else f"{_XHTML}span"
        _clean_attributes(element)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def parse(body: bytes) -> etree._Element | None:
    """Markup forgivingly parsed as XML: no entities, no DTD, no network."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        recover=True,
        huge_tree=False,
        remove_pis=True,
        remove_comments=True,
    )
    try:
        return etree.fromstring(with_numbers(body), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _is_loose_link(name: str, element: etree._Element) -> bool:
    if name == "meta":
        return element.get("http-equiv") is not None
    if name == "link":
        return "stylesheet" not in (element.get("rel") or "").lower().split()
    return False


def _clean_attributes(element: etree._Element) -> None:
    for key, value in list(element.attrib.items()):
        name = str(key).rpartition("}")[2].lower()
        if name.startswith("on") or name in _GONE or (name in _ADDRESSES and _BAD_ADDRESS.match(str(value))):
            del element.attrib[key]


def _take_out(element: etree._Element) -> None:
    """Removes an element; the text behind it stays."""
    parent = element.getparent()
    if parent is None:
        for child in list(element):
            element.remove(child)
        element.text = None
        element.attrib.clear()
        element.tag = f"{_XHTML}div"
        return
    if element.tail:
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)
