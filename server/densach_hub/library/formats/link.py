"""Links as files, the way Windows (.url), macOS (.webloc) and Linux (.desktop) save them: an address and a name for it.

Only web addresses are links: nothing that names a file, a program or a script.
"""

import configparser
import re
from urllib.parse import urlsplit

from densach_hub.library.formats.archive import parse_xml
from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.letters import decode
from densach_hub.library.formats.workshop import Workshop
from densach_hub.library.model import Kind

MEDIA_TYPE = "application/internet-shortcut"
LIMIT = 16 * 1024
_SECTION = re.compile(r"^\s*\[(InternetShortcut|Desktop Entry)\]", re.IGNORECASE | re.MULTILINE)


class Link:
    def fits(self, source: Source) -> bool:
        if source.size > LIMIT:
            return False
        text = decode(source.head)
        if _SECTION.search(text):
            return "desktop entry" not in text.lower() or re.search(r"^\s*Type\s*=\s*Link\s*$", text, re.MULTILINE) is not None
        return "<plist" in text and "<key>URL</key>" in text

    def read(self, source: Source, workshop: Workshop) -> Found:  # noqa: ARG002 - a link has no text of its own
        body = source.path.read_bytes()[:LIMIT]
        address, title = _plist(body) if b"<plist" in body else _lines(decode(body))
        safe = web_address(address)
        if safe is None:
            raise Unreadable("library.no-web-address", address[:200])
        return Found(
            kind=Kind.LINK,
            media_type=MEDIA_TYPE,
            suffixes=(".url", ".webloc", ".desktop"),
            title=title[:300] or None,
            source=safe,
        )


def web_address(said: str | None) -> str | None:
    """The address when it leads to a web page and to nothing else; None otherwise."""
    address = (said or "").strip()
    if not address or len(address) > 2_000 or any(ord(letter) < 33 or letter in "\"'<>\\^`{|}" for letter in address):
        return None
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - raises ValueError for what is no port
    except ValueError:
        return None
    fine = parts.scheme in {"http", "https"} and parts.hostname and parts.username is None and parts.password is None
    return address if fine else None


def _lines(text: str) -> tuple[str, str]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text.lstrip("\ufeff"))
    except configparser.Error as error:
        raise Unreadable("library.damaged", str(error)) from error
    for name in parser.sections():
        if name.lower() in {"internetshortcut", "desktop entry"}:
            part = parser[name]
            return part.get("url") or "", part.get("name[vi]") or part.get("name") or ""
    return "", ""


def _plist(body: bytes) -> tuple[str, str]:
    root = parse_xml(body)
    found = [""]
    for key in root.iter("key") if root is not None else ():
        value = key.getnext()
        if (key.text or "").strip() == "URL" and value is not None:
            found.append((value.text or "").strip())
    return found[-1], ""
