"""Addresses, media types and relations of OPDS 1.2 and 2.0; what is never an XML character. No I/O."""

import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode

import msgspec
from aiohttp import web

from densach_core.web.identity import is_secure

NAVIGATION: Final = "application/atom+xml;profile=opds-catalog;kind=navigation"
ACQUISITION: Final = "application/atom+xml;profile=opds-catalog;kind=acquisition"
ENTRY: Final = "application/atom+xml;type=entry;profile=opds-catalog"
OPENSEARCH: Final = "application/opensearchdescription+xml"
FEED: Final = "application/opds+json"
PUBLICATION: Final = "application/opds-publication+json"
AUTHENTICATION: Final = "application/opds-authentication+json"
PROGRESSION: Final = "application/opds-progression+json"
PNG, SVG, JPEG = "image/png", "image/svg+xml", "image/jpeg"

ACQUIRE: Final = "http://opds-spec.org/acquisition"
OPEN_ACCESS: Final = "http://opds-spec.org/acquisition/open-access"
BORROW: Final = "http://opds-spec.org/acquisition/borrow"
IMAGE: Final = "http://opds-spec.org/image"
THUMBNAIL: Final = "http://opds-spec.org/image/thumbnail"
FACET: Final = "http://opds-spec.org/facet"
CRAWLABLE: Final = "http://opds-spec.org/crawlable"
NEWEST: Final = "http://opds-spec.org/sort/new"
SHELF: Final = "http://opds-spec.org/shelf"
PROGRESS: Final = "http://opds-spec.org/progression"
ASKS: Final = "http://opds-spec.org/auth/document"

DOOR: Final = "/opds/authentication.json"
SEARCH_XML: Final = "/opds/v1.2/search.xml"
LIMITS: Final = ("subject", "grade", "kind", "language", "material", "audience", "licence")
GRADES_SCHEME: Final = "urn:densach:grade"
SUBJECTS_SCHEME: Final = "urn:densach:subject"
_NEVER_XML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")


class Version(msgspec.Struct, frozen=True):
    """One of the two catalogues: where it stands, and the name its searches give the words."""

    base: str
    words: str
    feed: str

    @property
    def root(self) -> str:
        return f"{self.base}/catalog"

    @property
    def shelf(self) -> str:
        return f"{self.base}/shelf"

    def items(self, **asked: object) -> str:
        """A list; limits and words that are None are left out."""
        rest = {name: str(value) for name, value in asked.items() if value is not None}
        return f"{self.base}/items?{urlencode(rest)}" if rest else f"{self.base}/items"

    def item(self, item_id: str) -> str:
        return f"{self.base}/items/{quote(item_id)}"

    def by(self, limit: str) -> str:
        """The list of subjects, grades, kinds or languages."""
        return f"{self.base}/by/{limit}"


V1: Final = Version("/opds/v1.2", "q", ACQUISITION)
V2: Final = Version("/opds/v2", "query", FEED)


def progression_of(item_id: str) -> str:
    """Where a reader's place in an item is asked and told; one for both versions."""
    return f"/opds/items/{quote(item_id)}/progression"


def origin(request: web.Request) -> str:
    return f"{'https' if is_secure(request) else 'http'}://{request.host}"


def plain(text: str) -> str:
    """Without what no XML document may hold (control characters, halves of pairs, U+FFFF): one odd title breaks no feed."""
    return _NEVER_XML.sub("", text)


def stamp(ms: int) -> str:
    """RFC 3339 in UTC; a time no calendar has counts as the first there is."""
    try:
        moment = datetime.fromtimestamp(ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
