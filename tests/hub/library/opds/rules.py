"""What the specifications ask of every document, checked by ours alone: RFC 4287 and OPDS 1.2, OPDS 2.0 with its manifest."""

import re
from typing import Any
from urllib.parse import urljoin

from lxml import etree
from tests.hub.library.world import World

NS = {
    "a": "http://www.w3.org/2005/Atom", "dc": "http://purl.org/dc/terms/", "o": "http://a9.com/-/spec/opensearch/1.1/",
    "opds": "http://opds-spec.org/2010/catalog", "thr": "http://purl.org/syndication/thread/1.0",
}  # fmt: skip
ATOM = f"{{{NS['a']}}}"
ACQUIRE = "http://opds-spec.org/acquisition/open-access"
FACET = "http://opds-spec.org/facet"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
RASTER = {"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"}
ACQUISITIONS = {"preview", "http://opds-spec.org/acquisition"} | {
    f"http://opds-spec.org/acquisition/{how}" for how in ("buy", "open-access", "borrow", "sample", "subscribe")
}


async def feed(world: World, path: str, headers: dict[str, str] | None = None) -> etree._Element:
    """An Atom document, checked."""
    async with world.http.get(urljoin(world.base, path), headers=headers or {}) as response:
        assert response.status == 200, (path, response.status, await response.text())
        kind = response.headers["Content-Type"]
        root = etree.fromstring(await response.read())
    if root.tag == f"{ATOM}feed":
        assert kind.startswith("application/atom+xml;profile=opds-catalog;kind=")
        check_feed(root, acquisition=kind.endswith("acquisition"))
        assert links(root)["self"] in {path, path.split("#")[0]} or "?" in path
    elif root.tag == f"{ATOM}entry":
        assert kind == "application/atom+xml;type=entry;profile=opds-catalog"
        check_entry(root, acquisition=True, alone=True)
    else:
        assert kind == "application/opensearchdescription+xml"
    return root


def links(element: etree._Element) -> dict[str, str]:
    return {link.get("rel", ""): link.get("href", "") for link in element.iterfind("a:link", NS)}


def check_feed(root: etree._Element, *, acquisition: bool) -> None:
    once(root, "id", "title", "updated")
    assert root.find("a:author/a:name", NS) is not None
    assert {"self", "start", "search"} <= set(links(root))
    for link in root.iterfind("a:link", NS):
        assert link.get("href")
        assert link.get("rel")
        assert link.get("type")
    entries = root.findall("a:entry", NS)
    ids = [entry.findtext("a:id", "", NS) for entry in entries]
    assert len(set(ids)) == len(ids)
    for entry in entries:
        check_entry(entry, acquisition=acquisition)
    facets = [link for link in root.iterfind("a:link", NS) if link.get("rel") == FACET]
    assert acquisition or not facets, "facets are of acquisition feeds only"
    by_group: dict[str, list[etree._Element]] = {}
    for link in facets:
        assert link.get("title")
        by_group.setdefault(link.get(f"{{{NS['opds']}}}facetGroup", ""), []).append(link)
    for group, some in by_group.items():
        assert group
        assert sum(link.get(f"{{{NS['opds']}}}activeFacet") == "true" for link in some) == 1


def check_entry(entry: etree._Element, *, acquisition: bool, alone: bool = False) -> None:
    once(entry, "id", "title", "updated")
    rels = [link.get("rel", "") for link in entry.iterfind("a:link", NS)]
    if not acquisition:
        assert len(rels) == 1
        assert entry.find("a:content", NS) is not None
        return
    assert any(rel.startswith("http://opds-spec.org/acquisition") for rel in rels)
    assert not alone or entry.find("a:author/a:name", NS) is not None, "RFC 4287 4.1.2: an entry by itself has an author"
    for link in entry.iterfind("a:link", NS):
        if link.get("rel", "").startswith("http://opds-spec.org/image"):
            assert link.get("type") in RASTER
    alternates = [
        (link.get("type"), link.get("hreflang")) for link in entry.iterfind("a:link", NS) if link.get("rel") == "alternate"
    ]
    assert len(set(alternates)) == len(alternates), "RFC 4287 4.1.2"


def once(element: etree._Element, *tags: str) -> None:
    for tag in tags:
        assert len(element.findall(f"a:{tag}", NS)) == 1, tag
    assert element.findtext("a:id", "", NS)
    assert MOMENT.fullmatch(element.findtext("a:updated", "", NS))


async def opds2(world: World, path: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """An OPDS 2.0 document, checked."""
    async with world.http.get(urljoin(world.base, path), headers=headers or {}) as response:
        assert response.status == 200, (path, response.status, await response.text())
        told: dict[str, Any] = await response.json(content_type=None)
        if response.headers["Content-Type"] == "application/opds-publication+json":
            check_publication(told)
        else:
            assert response.headers["Content-Type"] == "application/opds+json"
            check_feed2(told)
    return told


def check_feed2(told: dict[str, Any]) -> None:
    check_feed_metadata(told["metadata"])
    check_links(told["links"])
    assert sum(link.get("rel") == "self" for link in told["links"]) == 1
    assert any(told.get(name) for name in ("publications", "navigation", "groups"))
    check_collections(told)
    for group in told.get("groups", []):
        check_feed_metadata(group["metadata"])
        check_links(group.get("links", []))
        assert ("navigation" in group) != ("publications" in group), "one collection a group"
        check_collections(group)
    for facet in told.get("facets", []):
        assert facet["metadata"]["title"]
        check_links(facet["links"])
        assert len(facet["links"]) >= 2
        assert all(link["title"] for link in facet["links"])
        assert sum(link.get("rel") == "self" for link in facet["links"]) == 1


def check_collections(told: dict[str, Any]) -> None:
    for name in ("publications", "navigation", "facets", "groups"):
        assert name not in told or told[name], f"{name} is not there, or not empty"
    check_links(told.get("navigation", []))
    assert all(link["title"] for link in told.get("navigation", []))
    for publication in told.get("publications", []):
        check_publication(publication)


def check_feed_metadata(told: dict[str, Any]) -> None:
    assert isinstance(told["title"], str)
    assert told["title"]
    assert "modified" not in told or MOMENT.fullmatch(told["modified"])
    assert all(
        told[name] >= least for name, least in (("numberOfItems", 0), ("itemsPerPage", 1), ("currentPage", 1)) if name in told
    )


def check_links(some: list[dict[str, Any]]) -> None:
    for link in some:
        assert link["href"]
        assert "{" not in link["href"] or link["templated"] is True
        assert link.get("properties", {}).get("numberOfItems", 0) >= 0
        state = link.get("properties", {}).get("availability")
        assert state is None or state["state"] in {"available", "unavailable", "reserved", "ready"}
    assert len({str(link) for link in some}) == len(some), "unique"


def check_publication(told: dict[str, Any]) -> None:
    metadata = told["metadata"]
    assert metadata["title"]
    assert metadata["@type"].startswith("http://schema.org/")
    assert re.match(r"[a-z]+:", metadata["identifier"])
    assert MOMENT.fullmatch(metadata["modified"])
    assert not any(value in (None, "", [], {}) for value in metadata.values()), "no blank values (5.2)"
    assert "language" not in metadata or LANGUAGE.fullmatch(metadata["language"])
    assert "published" not in metadata or re.fullmatch(r"\d{4}-\d\d-\d\d", metadata["published"])
    assert metadata.get("duration", 1) > 0
    assert metadata.get("numberOfPages", 1) > 0
    for role in ("author", "translator", "editor", "illustrator", "narrator", "contributor", "subject"):
        assert all(one["name"] for one in metadata.get(role, []))
    check_links(told["links"])
    assert any(link.get("rel") in ACQUISITIONS for link in told["links"])
    assert any(image["type"] in RASTER for image in told["images"])
